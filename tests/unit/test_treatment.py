"""Students who had a mentor: who they are, and what training does with them."""

import datetime

import numpy as np
import pandas as pd
import pytest

from ews.backtest import backtest
from ews.errors import InvalidPolicy
from ews.evaluation import BY_TREATMENT, evaluate
from ews.model import Parameters, fit
from ews.policy import Policy
from ews.treatment import KNOWN, TREATED, UNKNOWN, account, learning_weights, mentored_students, was_mentored
from tests.rows import pretend_dataset

EXCLUDE, WEIGHT, KEEP = (Policy(treated_students=rule) for rule in ("exclude", "weight", "keep"))
FEW = Parameters(rounds=10, min_rows_in_leaf=10)


def rows(*students: tuple[int, str | None, bool | None]) -> pd.DataFrame:
    """Target year, last year's band and whether mentored."""
    frame = pd.DataFrame(students, columns=["school_year", "band_last_year", TREATED])
    return frame.astype({TREATED: "boolean"})


def mentored_dataset(share: float = 0.3):
    """Students of two years, of whom some of the highest had a mentor and were then not chronically absent."""
    dataset = pretend_dataset()
    frame = dataset.frame.assign(band_last_year="at risk")
    high = frame["absence_rate_last_year"].fillna(0) > frame["absence_rate_last_year"].quantile(1 - share)
    frame[TREATED] = (high & (frame.index % 2 == 0)).astype("boolean")
    frame.loc[frame[TREATED] & (frame.index % 3 > 0), ["outcome_rate", "outcome_is_chronic"]] = (0.03, False)
    return type(dataset)(frame, dataset.feature_names, 0)


def test_a_student_with_an_accepted_assignment_in_the_year_was_mentored_FAIR_20(tmp_path):
    day = datetime.date
    calendar = pd.DataFrame(
        {"date": [day(2025, 9, 1), day(2026, 6, 1)], "school_year": [2026, 2026], "school_id": "oak"}
    )
    mentoring = pd.DataFrame({
        "student_id": ["ann", "ben"], "start_date": day(2025, 10, 1), "end_date": None, "accepted": [True, False],
    })  # fmt: skip
    calendar.to_parquet(tmp_path / "calendar.parquet")
    wanted = pd.DataFrame({"student_id": ["ben", "ann", "ann"], "school_year": [2026, 2025, 2026]})
    assert mentored_students(tmp_path) is None
    assert was_mentored(wanted, None).isna().all()
    mentoring.to_parquet(tmp_path / "mentoring.parquet")
    assert was_mentored(wanted, mentored_students(tmp_path)).tolist() == [False, False, True]


def test_excluded_students_count_nothing_and_the_others_one_FAIR_21():
    some = rows((2026, "at risk", True), (2026, "at risk", False), (2026, None, None))
    assert learning_weights(some, EXCLUDE).tolist() == [0, 1, 1]
    assert learning_weights(some, KEEP).tolist() == [1, 1, 1]
    assert learning_weights(some.drop(columns=TREATED), EXCLUDE).tolist() == [1, 1, 1]


def test_weighted_students_stand_for_the_mentored_of_their_year_and_band_FAIR_21():
    some = rows(
        (2026, "at risk", True), (2026, "at risk", False), (2026, "severe chronic", False), (2025, "at risk", False),
        (2026, None, True), (2026, None, False), (2026, None, False),
    )  # fmt: skip
    assert learning_weights(some, WEIGHT) == pytest.approx([0, 2, 1, 1, 0, 1.5, 1.5])
    crowded = rows(*[(2026, "at risk", True)] * 99, (2026, "at risk", False))
    assert learning_weights(crowded, WEIGHT)[-1] == pytest.approx(10), "one student does not decide for a hundred"


def test_training_learns_from_no_treated_outcome_unless_told_to_FAIR_21():
    dataset = mentored_dataset()
    treated = dataset.frame[TREATED].to_numpy(dtype=bool)
    ours, alone = (fit(some, FEW, EXCLUDE) for some in (dataset.to_learn_from(EXCLUDE), dataset.where(~treated)))
    assert ours == alone
    naive = fit(dataset.to_learn_from(KEEP), FEW, KEEP)
    weighted = fit(dataset.to_learn_from(WEIGHT), FEW, WEIGHT)
    assert weighted.booster_text != ours.booster_text
    risks = [model.risk(dataset.x[treated]).mean() for model in (naive, ours, weighted)]
    assert risks[0] < 0.8 * min(risks[1:]), "naive retraining takes those a mentor helped for students in no need"


def test_a_back_test_learns_without_the_mentored_and_predicts_and_reports_them_apart_FAIR_23():
    dataset = mentored_dataset()
    predictions = backtest(dataset, FEW, EXCLUDE)
    assert len(predictions) == (dataset.frame["school_year"] == 2026).sum()
    measured = evaluate(predictions, EXCLUDE, replicates=5).set_index(["group", "method", "metric"])
    without, with_ = (measured.loc[(name, "LightGBM", "calibration_in_the_large")] for name in BY_TREATMENT)
    assert without["students"] + with_["students"] == len(predictions)
    assert with_["value"] > without["value"]
    is_asked = (dataset.frame["school_year"] == 2026).to_numpy()
    untreated = dataset.where(is_asked | ~dataset.frame[TREATED].to_numpy(dtype=bool))
    assert backtest(untreated, FEW, KEEP)["LightGBM"].tolist() == predictions["LightGBM"].tolist()
    assert backtest(dataset, FEW, KEEP)["LightGBM"].tolist() != predictions["LightGBM"].tolist()


def test_few_mentored_students_are_not_told_apart_PRV10():
    predictions = backtest(mentored_dataset(), FEW, EXCLUDE)
    few = np.arange(len(predictions)) < 5
    told = evaluate(predictions.assign(was_mentored=few), EXCLUDE, replicates=2)
    assert not set(BY_TREATMENT) & set(told["group"])


def test_the_account_says_what_was_done_and_where_treatment_is_unknown_FAIR_20_T18():
    some = rows(*[(2026, "at risk", True)] * 12, (2026, None, False), *[(2025, None, None)] * 2)
    assert account(some, KEEP, "no other data") == {
        "rule": "keep",
        "why_kept": "no other data",
        "by_year": {
            "2025": {"students": 2, "mentored": None, "treatment": UNKNOWN},
            "2026": {"students": 13, "mentored": 12, "treatment": KNOWN},
        },
    }
    assert account(some[:3], EXCLUDE)["by_year"]["2026"]["mentored"] is None, "fewer than min_n are not counted out"


def test_a_policy_names_one_of_three_rules():
    with pytest.raises(InvalidPolicy, match="exclude, weight, keep"):
        Policy(treated_students="drop")
