"""The tables of the business rules are what the system does."""

import csv
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from ews.absence import band, is_chronically_absent
from ews.engine import to_pandas
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import ingest
from ews.student_years import open_records, student_years
from tests.docs.pages import read, table

RULES = read("docs/business-rules.md")
FIRST_DAY, ANOTHER_DAY = "2025-09-02", "2025-09-03"


def marks_of(text: str) -> list[tuple[str, str]]:
    """`excused 0.3, tardy` as categories with their shares."""
    words = [mark.split() for mark in text.split(",") if text not in {"", "none"}]
    return [(mark[0], mark[1] if len(mark) > 1 else "") for mark in words]


def write(folder: Path, name: str, head: str, rows: list[tuple]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head.split(","), *rows])


def ingested(folder: Path, dates: list[str], stays: list[tuple], marks: list[tuple]) -> Path:
    """A one-school district through the real ingest; gives the folder of its tables."""
    records = folder / "records"
    records.mkdir()
    write(records, "schools", "school_id", [("A",)])
    write(records, "calendar", "school_id,date,school_year", [("A", date, "2026") for date in dates])
    write(records, "students", "student_id", sorted({(stay[0],) for stay in stays}))
    write(records, "enrollments", "student_id,school_id,entry_date,exit_date,grade_level", stays)
    write(records, "attendance", "student_id,school_id,date,category,absent_share", marks)
    return ingest(records, Home(folder / "home"), policy=Policy()).folder


def test_the_policy_defaults_are_the_ones_shown():
    shown = {row["key"].strip("`"): row["default"] for row in table(RULES, "The policy")}
    defaults = {name: str(value).strip("()") for name, value in vars(Policy()).items()}
    assert shown == defaults


def test_a_day_is_absent_when_the_table_says_so_I23(tmp_path: Path):
    rows = table(RULES, "When is a day absent?")
    students = {f"S{number:02d}": row for number, row in enumerate(rows)}
    assert len(students) >= 15
    stays = [(student, "A", FIRST_DAY, ANOTHER_DAY, "03") for student in students]
    of_each = {student: marks_of(row["marks of the day"]) for student, row in students.items()}
    marks = [(student, "A", FIRST_DAY, *mark) for student, of_day in of_each.items() for mark in of_day]
    folder = ingested(tmp_path, [FIRST_DAY, ANOTHER_DAY], stays, marks)
    known = pl.read_parquet(folder / "marks" / "**" / "*.parquet").rows_by_key("student_id", named=True, unique=True)
    for student, row in students.items():
        mark = known.get(student, {"is_absent": False, "kind": None})
        assert mark["is_absent"] == (row["absent"] == "yes"), row
        assert (mark["kind"] or "") == row["kind"], row


def test_days_count_as_the_table_says(tmp_path: Path):
    rows = table(RULES, "Which days count?")
    dates = [row["date"] for row in rows if row["instruction"] == "yes"]
    entry, exit_date = (next(row["date"] for row in rows if row["stay"] == word) for word in ("entry", "exit"))
    marks = [("S", "A", row["date"], *mark) for row in rows for mark in marks_of(row["marks"])]
    folder = ingested(tmp_path, dates, [("S", "A", entry, exit_date, "03")], marks)
    for number, row in enumerate((row for row in rows if row["instruction"] == "yes"), start=1):
        so_far = to_pandas(student_years(open_records(folder), SchoolYear(2026), Policy(), through_day=number))
        found = tuple(int(so_far[name].sum()) for name in ("days_enrolled", "days_absent"))
        through = [earlier for earlier in rows if earlier["date"] <= row["date"]]
        assert found == tuple(sum(day[what] == "yes" for day in through) for what in ("enrolled", "absent")), row


@pytest.mark.parametrize("row", table(RULES, "When is a year chronic?"), ids=lambda row: " ".join(row.values()))
def test_a_year_is_chronic_when_the_table_says_so_I21_I22(row: dict[str, str]):
    days = nw.from_native(pl.DataFrame({"absent": [int(row["days absent"])], "enrolled": [int(row["days enrolled"])]}))
    absent, enrolled = nw.col("absent"), nw.col("enrolled")
    found = days.select(
        chronic=is_chronically_absent(absent, enrolled, Policy()), band=band(absent, enrolled, Policy())
    ).row(0)
    words = {True: "yes", False: "no", None: "unknown"}
    assert (words[found[0]], found[1] or "unknown") == (row["chronic"], row["band"])
