from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ews.dataset import Dataset, dataset_for, outcome_columns, target_years_with_outcomes
from ews.errors import NotEnoughData
from ews.features import CONTEXT_COLUMNS, KEYS, features_for
from ews.policy import Policy
from ews.school_year import SchoolYear
from tests.districts import Day, District, Mark, Stay, YearRow, absences, school_days, write_ingest

POLICY = Policy()
Y2024, Y2025, Y2026, Y2027 = (SchoolYear(year) for year in (2024, 2025, 2026, 2027))


def days_of(year: int, count: int = 40) -> list[Day]:
    return school_days("oak", year, count)


def marks_of(student: str, year: int, absent: int) -> list[Mark]:
    """Absent on the last days of the year."""
    return absences(student, days_of(year)[40 - absent :])


def of_2026(dataset: Dataset) -> Dataset:
    return dataset.where((dataset.frame["school_year"] == Y2026.ending).to_numpy())


def stay(student: str, first: int, last: int) -> Stay:
    return Stay(student, "oak", days_of(first)[0].date, days_of(last)[-1].date, "03")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann in all three years, Ben new in 2026, Cat gone before it; the calendar of 2027 is known and no mark.

    Ann and Cat live in one household.
    """
    days = [day for year in (2024, 2025, 2026, 2027) for day in days_of(year)]
    short = Stay("dee", "oak", days_of(2026)[0].date, days_of(2026)[4].date, "05")
    stays = [stay("ann", 2024, 2026), stay("ben", 2026, 2026), stay("cat", 2024, 2025), short]
    marks = [
        *marks_of("ann", 2024, 1), *marks_of("ann", 2025, 4), *marks_of("ann", 2026, 3),
        *marks_of("ben", 2026, 4), *marks_of("cat", 2024, 1), *marks_of("cat", 2025, 1),
    ]  # fmt: skip
    written = write_ingest(tmp_path_factory.mktemp("ingest"), District(days, stays, marks))
    homes = {"student_id": ["ann", "ben", "cat", "dee"], "household_id": ["pine", None, "pine", "oak"]}
    pl.DataFrame(homes).write_parquet(written / "students.parquet")
    return written


@pytest.fixture(scope="module")
def built(folder: Path) -> Dataset:
    return dataset_for(folder, [Y2026, Y2025, Y2026], POLICY)


def test_a_year_can_be_learned_from_when_it_is_complete_and_has_a_year_before_it(folder: Path) -> None:
    assert target_years_with_outcomes(folder, POLICY) == [Y2025, Y2026]


def test_an_open_year_cannot_be_learned_from_T02(tmp_path: Path) -> None:
    days = [day for year in (2024, 2025) for day in days_of(year)]
    half = absences("ann", days_of(2025)[:20])
    district = District(days, [stay("ann", 2024, 2025)], [*marks_of("ann", 2024, 1), *half])
    assert target_years_with_outcomes(write_ingest(tmp_path, district), POLICY) == []
    found = dataset_for(tmp_path, [Y2025], POLICY)
    assert np.isnan(found.y).all()
    assert found.frame["outcome_rate"].isna().all()


def test_one_row_per_student_and_target_year_in_order(built: Dataset) -> None:
    found = built
    assert found.frame[["school_year", "student_id"]].to_numpy().tolist() == [
        [2025, "ann"], [2025, "cat"], [2026, "ann"], [2026, "ben"], [2026, "dee"],
    ]  # fmt: skip
    names = [entry.name for entry in features_for(0)]
    assert list(found.frame.columns) == [*KEYS, *CONTEXT_COLUMNS, *names, *outcome_columns(POLICY), "was_mentored"]
    assert found.feature_names == tuple(names)


def test_features_look_back_and_outcomes_look_at_the_target_year(built: Dataset) -> None:
    found = built.frame.set_index(["student_id", "school_year"])
    ann = found.loc[[("ann", 2025), ("ann", 2026)]]
    assert ann["days_absent_last_year"].tolist() == [1, 4]
    assert ann["outcome_days_absent"].tolist() == [4, 3]
    assert ann["outcome_is_chronic"].tolist() == [True, False]
    assert ann["was_chronic"].tolist() == [False, True]
    assert ann["lane"].tolist() == ["prevent", "recover"]
    assert ann["last_school_year"].tolist() == [2024, 2025]


def test_a_new_student_is_in_it_with_what_is_known_and_a_short_stay_has_no_outcome(built: Dataset) -> None:
    found = of_2026(built).frame.set_index("student_id")
    assert found.loc["ben", ["short_history", "lane", "outcome_is_chronic"]].tolist() == [1, "prevent", True]
    assert found.loc["ben", ["last_school_year", "was_chronic", "band_last_year"]].isna().all()
    assert found.loc["dee", "outcome_days_enrolled"] == 5
    assert pd.isna(found.loc["dee", "outcome_is_chronic"])


def test_features_are_float64_and_truth_values_can_be_unknown(built: Dataset) -> None:
    found = of_2026(built)
    assert (found.x.dtypes == "float64").all()
    assert str(found.frame["outcome_is_chronic"].dtype) == "boolean"
    assert str(found.frame["was_chronic"].dtype) == "boolean"
    assert found.y.tolist()[:2] == [0.0, 1.0]
    assert np.isnan(found.y[2])


def test_without_a_mentoring_table_treatment_is_unknown_and_nobody_is_left_out_T18(built: Dataset) -> None:
    assert built.frame["was_mentored"].isna().all()
    assert len(built.to_learn_from(POLICY).frame) == len(built.frame)


def test_labelled_rows_are_those_with_a_known_outcome(built: Dataset) -> None:
    labelled = built.labelled()
    assert labelled.frame["student_id"].tolist() == ["ann", "cat", "ann", "ben"]
    assert of_2026(labelled).frame["student_id"].tolist() == ["ann", "ben"]
    assert len(built.frame) == 5


def test_a_year_ahead_has_features_and_no_outcomes(folder: Path) -> None:
    found = dataset_for(folder, [Y2027], POLICY)
    assert found.frame["student_id"].tolist() == ["ann", "ben"]
    assert found.frame["grade_level"].tolist() == ["06", "04"]
    assert np.isnan(found.y).all()
    assert set(outcome_columns(POLICY)) <= set(found.frame.columns)


def test_of_several_target_years_the_last_alone_is_not_kept(folder: Path, tmp_path: Path) -> None:
    """What its outcomes ask for is two counts of a student; of the years before it features ask for all."""
    (tmp_path / "ingest").symlink_to(folder)
    found = dataset_for(tmp_path / "ingest", [Y2026, Y2025], POLICY)
    assert list(found.frame["school_year"].unique()) == [2025, 2026]
    kept = sorted(file.name[:16] for file in tmp_path.rglob("school_year=*.parquet"))
    assert kept == ["school_year=2024", "school_year=2025"]


def test_without_outcomes_a_past_year_is_built_as_a_new_one(folder: Path, built: Dataset) -> None:
    found = dataset_for(folder, [Y2026], POLICY, with_outcomes=False)
    assert np.isnan(found.y).all()
    pd.testing.assert_frame_equal(found.x, of_2026(built).x)


def test_the_household_is_everyone_in_it_also_who_is_not_on_the_list(built: Dataset) -> None:
    rows = of_2026(built).frame.set_index("student_id")
    assert "cat" not in rows.index
    assert rows["household_students"].to_dict() == pytest.approx({"ann": 1, "ben": np.nan, "dee": np.nan}, nan_ok=True)
    assert rows.loc["ann", "household_rate"] == pytest.approx((1 / 2 + 1) / (40 / 2 + 40))


def test_after_some_days_the_open_year_is_seen_that_far(folder: Path) -> None:
    found = dataset_for(folder, [Y2026], POLICY, after_day=38)
    assert found.after_day == 38
    assert found.feature_names == tuple(entry.name for entry in features_for(38))
    rows = found.frame.set_index("student_id")
    assert rows.loc["ann", ["days_absent_so_far", "days_enrolled_so_far", "outcome_days_absent"]].tolist() == [1, 38, 3]
    assert "dee" not in rows.index


def test_polars_gives_the_same_dataset(folder: Path, built: Dataset) -> None:
    found = dataset_for(folder, [Y2025, Y2026], POLICY, engine="polars")
    pd.testing.assert_frame_equal(found.frame, built.frame, rtol=0, atol=1e-12)


def test_a_yearly_sheet_becomes_a_dataset_even_with_a_gap_year(tmp_path: Path) -> None:
    sheet = [YearRow("007", "oak", year, grade, 160, absent)
             for year, grade, absent in ((1986, "KG", 20), (1987, "01", 8), (1989, "03", 16))]  # fmt: skip
    write_ingest(tmp_path, District(sheet=sheet))
    years = target_years_with_outcomes(tmp_path, POLICY)
    assert years == [SchoolYear(1987), SchoolYear(1989)]
    found = dataset_for(tmp_path, years, POLICY).frame
    assert found["days_absent_last_year"].tolist() == [20, 8]
    assert found["has_gap"].tolist() == [0, 1]
    assert found["outcome_is_chronic"].tolist() == [False, True]
    assert found["student_id"].tolist() == ["007", "007"]


def test_no_target_year_is_too_little_to_build(folder: Path) -> None:
    with pytest.raises(NotEnoughData, match="No target year to build"):
        dataset_for(folder, [], POLICY)


def test_a_first_year_has_nothing_to_look_back_on(folder: Path) -> None:
    with pytest.raises(NotEnoughData):
        dataset_for(folder, [Y2024], POLICY)
