"""What a back-test may see, and what it must not."""

import numpy as np
import pandas as pd
import pytest

from ews.backtest import METHODS, backtest, chosen_split, school_folds, splits
from ews.dataset import Dataset
from ews.errors import NotEnoughData
from ews.policy import Policy
from tests.pretend import FAST, dataset


def test_each_target_year_is_predicted_from_earlier_target_years_only():
    rows = dataset((2024, 2025, 2026))
    years = rows.frame["school_year"].to_numpy()
    made = list(splits(rows, "school-years"))
    assert [year for year, _, _ in made] == [2025, 2026]
    for year, learn, test in made:
        assert set(years[test]) == {year}
        assert years[learn].max() < year


def test_a_school_that_is_predicted_is_never_learned_from():
    rows = dataset((2025, 2026))
    columns = (rows.frame[name].to_numpy() for name in ("school_id", "student_id", "school_year"))
    schools, students, years = columns
    made = list(splits(rows, "schools", folds=3))
    assert [year for year, _, _ in made] == [2025] * 3 + [2026] * 3
    for year, learn, test in made:
        assert not set(schools[learn]) & set(schools[test])
        assert not set(students[learn]) & set(students[test])
        assert set(years[learn]) == {year}
    assert sum(test.astype(int) for _, _, test in made).tolist() == [1] * len(rows.frame)


def test_a_student_without_an_outcome_is_neither_learned_from_nor_predicted():
    rows = dataset()
    rows.frame.loc[rows.frame["student_id"] == "0007", "outcome_is_chronic"] = pd.NA
    predicted = backtest(rows, FAST, Policy())
    assert "0007" not in set(predicted["student_id"])
    assert len(predicted) == 239


def test_every_method_gives_every_student_a_probability():
    predicted = backtest(dataset(), FAST, Policy())
    probabilities = predicted[list(METHODS)].to_numpy()
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0).all()
    assert (probabilities <= 1).all()
    assert set(predicted["outcome"]) == {0, 1}


def test_the_same_rows_give_the_same_predictions_and_tie_keys():
    pd.testing.assert_frame_equal(backtest(dataset(), FAST, Policy()), backtest(dataset(), FAST, Policy()))


def test_the_outcomes_of_the_predicted_year_change_no_prediction_T01():
    rows, other = dataset(), dataset()
    late = other.frame["school_year"] == 2026
    flipped = [name for name in other.frame.columns if name.startswith("outcome_") and name != "outcome_rate"]
    other.frame.loc[late, flipped] = ~other.frame.loc[late, flipped]
    other.frame.loc[late, "outcome_rate"] = 1 - other.frame.loc[late, "outcome_rate"]
    first, second = backtest(rows, FAST, Policy()), backtest(other, FAST, Policy())
    pd.testing.assert_frame_equal(first[list(METHODS)], second[list(METHODS)])
    assert (first["outcome"] != second["outcome"]).all()


@pytest.mark.parametrize(
    ("years", "gap_of_last", "way"),
    [((2026,), 1, "schools"), ((2025, 2026), 1, "school-years"), ((1987, 1989), 2, "schools")],
    ids=["one target year", "two that look one year ahead", "the second looks two years ahead, as in STAR"],
)
def test_auto_learns_from_earlier_years_only_where_they_ask_the_same_question(years, gap_of_last, way):
    rows = dataset(years)
    last = rows.frame["school_year"] == years[-1]
    rows.frame.loc[last, "last_school_year"] = years[-1] - gap_of_last
    assert chosen_split(rows, "auto") == way


def test_folds_do_not_depend_on_the_order_of_rows_and_hold_whole_schools():
    rows = dataset((2026,))
    order = np.random.default_rng(0).permutation(len(rows.frame))
    shuffled = Dataset(rows.frame.iloc[order].reset_index(drop=True), rows.feature_names, 0)
    folds = school_folds(rows, 3, seed=1)
    assert (school_folds(shuffled, 3, seed=1) == folds[order]).all()
    assert pd.Series(folds).groupby(rows.frame["school_id"]).nunique().eq(1).all()
    assert sorted(np.unique(folds)) == [0, 1, 2]
    assert not (school_folds(rows, 3, seed=2) == folds).all()


def test_students_are_dealt_where_there_is_one_school():
    rows = dataset((2026,), schools=1)
    assert len(np.unique(school_folds(rows, 5, seed=1))) == 5


def test_school_years_need_two_target_years_and_the_message_names_the_other_way():
    with pytest.raises(NotEnoughData, match="--split schools"):
        backtest(dataset((2026,)), FAST, Policy(), split="school-years")


def test_only_the_last_target_year_is_predicted_on_request():
    predicted = backtest(dataset((2024, 2025, 2026)), FAST, Policy(), only_last=True)
    assert set(predicted["school_year"]) == {2026}
