"""Feeds as they change from year to year: grades repeated, schools closed, calendars mended; and very large files."""

import tracemalloc
from pathlib import Path

import duckdb
import pytest

from ews.cohort import cohort
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis.files import inspect
from ews.student_years import open_records
from tests.unit.sis.feeds import STUDENTS, good_lines, listed, school_days, school_of, take, write_feed

HEADER = "student_id,school_id,entry_date,exit_date,grade_level"


def _stay(student: str, year: int, grade: str) -> str:
    days = school_days(year)
    return f"{student},{school_of(student)},{days[0]},{days[-1]},{grade}"


@pytest.fixture
def listed_in_2027(tmp_path: Path) -> dict[str, str]:
    """Grade of each student in the cohort of 2026-27, by what is known of 2023-24 and 2025-26."""
    lines = good_lines()
    grades = {"001": ("03", "03"), "002": ("02", "05"), "003": ("12", "12"), "004": ("02", "PK")}
    stays = [
        _stay(s, year, grades.get(s, ("02", "04"))[place]) for s in STUDENTS for place, year in enumerate((2024, 2026))
    ]
    lines["enrollments"] = [HEADER, *(stay for stay in stays if "CEDAR,2025" not in stay)]
    lines["calendar"] = [line for line in lines["calendar"] if "CEDAR,2025" not in line]
    lines["attendance"] = [line for line in lines["attendance"] if "CEDAR,2025" not in line]
    report = take(write_feed(tmp_path / "feed", lines), tmp_path / "home")
    assert listed(report.rejects_path) == []
    members = cohort(open_records(report.folder), SchoolYear(2027), Policy())
    return dict(members.select("student_id", "grade_level").collect("polars").to_native().rows())


def test_a_grade_repeated_or_skipped_is_taken_as_it_is_and_goes_one_up_I29(listed_in_2027: dict[str, str]) -> None:
    assert (listed_in_2027["001"], listed_in_2027["002"]) == ("04", "06")


def test_who_was_in_the_last_grade_is_not_listed_and_who_was_in_PK_is_in_kindergarten_I29(
    listed_in_2027: dict[str, str],
) -> None:
    assert "003" not in listed_in_2027
    assert listed_in_2027["004"] == "KG"


def test_students_of_a_school_that_closed_are_not_listed_there_I29(listed_in_2027: dict[str, str]) -> None:
    assert {school_of(student) for student in listed_in_2027} == {"ALDER", "BIRCH"}


def test_a_mark_on_a_day_without_instruction_counts_once_the_calendar_has_the_day_I30(tmp_path: Path) -> None:
    day = school_days(2026)[5]
    lines = good_lines()
    lines["attendance"].append(f"001,ALDER,{day},excused,")
    without = {**lines, "calendar": [line for line in lines["calendar"] if f"ALDER,{day}" not in line]}
    first = take(write_feed(tmp_path / "first", without), tmp_path / "home")
    assert [row["rule"] for row in listed(first.rejects_path)] == ["non_instructional_day"]
    second = take(write_feed(tmp_path / "second", lines), tmp_path / "home")
    assert listed(second.rejects_path) == []
    assert second.counts["attendance"].accepted == first.counts["attendance"].accepted + 1
    marked = f"select day_index from '{second.folder}/marks/*/*.parquet' where student_id = '001' and date = '{day}'"
    assert duckdb.sql(marked).fetchall() == [(6,)]


def test_a_stay_without_any_day_of_instruction_gives_no_student_year_and_no_rate_I18(tmp_path: Path) -> None:
    lines = good_lines()
    lines["students"].append("061,Between,2014-01-01")
    lines["enrollments"].append("061,ALDER,2025-09-06,2025-09-07,04")
    report = take(write_feed(tmp_path / "feed", lines), tmp_path / "home")
    assert report.counts["enrollments"].rejected == 0
    placed = duckdb.sql(f"select distinct student_id from '{report.folder}/stays/*/*.parquet'").fetchall()
    assert len(placed) == len(STUDENTS), "a weekend is no school day: nothing to divide by, so no year at all"


def test_a_large_file_is_looked_at_in_a_memory_that_does_not_grow_with_it_I34(tmp_path: Path) -> None:
    line = b"001,ALDER,2025-09-04,excused,\n"
    with (tmp_path / "attendance.csv").open("wb") as file:
        file.write(b"student_id,school_id,date,category,absent_share\n")
        for _ in range(64):
            file.write(line * (1 << 15))
    tracemalloc.start()
    try:
        found = inspect(tmp_path / "attendance.csv")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.lines, found.size > 60 << 20) == (64 * (1 << 15) + 1, True)
    assert most < 8 << 20
