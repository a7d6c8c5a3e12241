"""Moments and the report, on a folder written by hand and on a simulated one."""

from pathlib import Path

import pandas as pd
import pytest

from ews.errors import InputRefused
from ews.simulator import Parameters, simulate
from ews.simulator.moments import moments, pairs, with_rates
from ews.simulator.observe import observe
from ews.simulator.report import compare, report, table, targets

DAYS = [f"2025-09-{day:02d}" for day in range(1, 31) if pd.Timestamp(2025, 9, day).day_of_week < 5]


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    """Two students, one school, 22 days in September."""
    (tmp_path / "calendar.csv").write_text(
        "school_id,date,school_year\n" + "".join(f"007,{day},2026\n" for day in DAYS), encoding="utf-8"
    )
    (tmp_path / "enrollments.csv").write_text(
        "student_id,school_id,entry_date,exit_date,grade_level\n"
        "01,007,2025-08-01,,03\n"
        "2,007,2025-09-08,2025-09-19,03\n",
        encoding="utf-8",
    )
    (tmp_path / "attendance.csv").write_text(
        "student_id,school_id,date,category,absent_share\n"
        "01,007,2025-09-02,excused,\n"
        "01,007,2025-09-03,unexcused,0.5\n"
        "01,007,2025-09-04,excused,0.25\n"
        "01,007,2025-09-05,tardy,0.9\n"
        "01,007,2025-09-09,excused,0.3\n"
        "01,007,2025-09-09,unexcused,0.3\n"
        "2,007,2025-09-08,suspension,1\n",
        encoding="utf-8",
    )
    return tmp_path


def test_days_enrolled_and_absent_are_counted_by_the_rules(by_hand: Path) -> None:
    people = observe(by_hand).student_years.set_index("student_id")
    assert people.loc["01", ["days_enrolled", "days_absent"]].tolist() == [22, 3]
    assert people.loc["2", ["days_enrolled", "days_absent", "first_day"]].tolist() == [10, 1, 6]
    found = with_rates(people.reset_index()).set_index("student_id")
    assert found["is_chronic"].tolist() == [True, True], "1 of 10 is chronic"


def test_the_enrollment_of_a_school_day_counts_those_enrolled_on_it(by_hand: Path) -> None:
    days = observe(by_hand).school_days.set_index("day_index")
    assert days.loc[5, "enrolled"] == 1
    assert days.loc[6, "enrolled"] == 2
    assert days.loc[15, "enrolled"] == 2
    assert days.loc[16, "enrolled"] == 1
    assert days["absent"].sum() == 4
    assert days["weekday"].tolist()[:5] == [1, 2, 3, 4, 5]


def test_what_the_records_cannot_tell_is_unknown_and_never_a_failure(by_hand: Path) -> None:
    found = moments(observe(by_hand))
    assert found["chronic.elementary"] == 1.0
    assert pd.isna(found["illness.prevalence"])
    assert pd.isna(found["persistence.lag_1"])
    assert pd.isna(found["siblings.r"])


def test_a_students_years_are_paired_by_the_school_year_and_not_by_order() -> None:
    years = pd.DataFrame(
        {
            "student_id": ["a", "a", "b"], "school_year": [2024, 2026, 2026], "rate": [0.1, 0.2, 0.3],
            "is_chronic": [True, True, True], "days_absent": [1, 2, 3], "days_enrolled": [10, 10, 10],
        }
    )  # fmt: skip
    assert pairs(years, 1).empty
    assert pairs(years, 2)[["student_id", "rate", "rate_before"]].to_numpy().tolist() == [["a", 0.2, 0.1]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, quick: Parameters) -> Path:
    out = tmp_path_factory.mktemp("report") / "demo"
    simulate(out, parameters=quick.changed(truth={"students_per_cell": 3}), students=1500, years=4, seed=8)
    return out


def test_every_target_names_a_moment_that_exists_and_a_range_around_it(demo: Path) -> None:
    known = set(moments(observe(demo)).index) | {f"shock.year_{year}" for year in (1, 2, 3)}
    assert set(targets()["moment"]) <= known
    assert (targets()["low"] < targets()["high"]).all()
    assert set(targets()["profile"]) == {"default", "nyc_like", "both"}
    assert (targets()["source"].str.len() > 5).all()


def test_the_report_has_a_table_with_sources_the_truth_and_all_plots(demo: Path, tmp_path: Path) -> None:
    path = report(demo, tmp_path / "report")
    text = path.read_text(encoding="utf-8")
    plots = ("grades", "distribution", "level_to_chronic", "persistence", "autocorrelation", "weekday", "month")
    for name in plots:
        assert f"]({name}.png)" in text
        assert (tmp_path / "report" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "Massachusetts 9 days" in text
    assert "| truth | 0." in text
    assert "nan" not in text


def test_the_same_records_give_the_same_report_as_csv_and_as_parquet(tmp_path: Path, quick: Parameters) -> None:
    found = []
    for file_format in ("csv", "parquet"):
        out = tmp_path / file_format
        simulate(out, parameters=quick, students=400, years=2, seed=8, file_format=file_format)  # type: ignore[arg-type]  # both are formats
        found.append(moments(observe(out)))
    pd.testing.assert_series_equal(*found)


def test_a_folder_without_records_is_refused_with_what_is_missing(tmp_path: Path, by_hand: Path) -> None:
    with pytest.raises(InputRefused, match=r"calendar\.csv"):
        report(tmp_path / "nothing", tmp_path / "out")
    (by_hand / "attendance.csv").unlink()
    with pytest.raises(InputRefused, match=r"attendance\.csv"):
        observe(by_hand)


def test_the_comparison_says_what_is_inside_outside_and_unknown() -> None:
    found = pd.Series({"days.mean": 9.0, "days.cv": 2.0})
    text = table(compare(found, "default"))
    assert "| days absent a year, K-5 | 9.000 | 9-10 where 13-16% are chronically absent | 9 to 10 | yes |" in text
    assert "| coefficient of variation within schools, K-5 | 2.000 | .9-1.0 | 0.9 to 1 | **no** |" in text
    assert "| SD of a school's share chronically absent | unknown |" in text
