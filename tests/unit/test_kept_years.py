"""Kept student years are trusted by `DEFINITION`: whoever changes what is kept has to raise it."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from ews.engine import Engine
from ews.policy import Policy
from ews.student_years import known_school_years, open_records
from ews.student_years.columns import DEFINITION, KEPT
from ews.student_years.compute import kept_student_years
from tests.districts import Day, District, Mark, Stay, YearRow, school_days, write_ingest

RECORDED = {3: "a64fd386b45efc96"}
"""The hash of the kept rows of `DISTRICT`, by the definition that gives them."""

WHAT_TO_DO = """
The same records make other kept student years now. If that is meant, raise DEFINITION in
src/ews/student_years/columns.py by one, so that no year kept by the rule before is taken for one of today, and record
{found!r} with it in RECORDED. If it is not meant, the change is a mistake."""

MARKED = (
    [("excused", 10_000)], [("unexcused", 10_000)], [("suspension", 10_000)], [("tardy", 700)], [("excused", 4_999)],
    [("early_departure", 2_500)], [("excused", 2_500), ("unexcused", 2_500)], [("unexcused", 8_000), ("tardy", 500)],
    [("unexcused", 5_000)],
)  # fmt: skip
"""What is recorded of a day: absences of each kind, halves, parts of days, several marks."""


def calendar() -> list[Day]:
    """Two schools with breaks and years of different length, two whole years and one that has begun."""
    oak, elm = (
        [day for year in (2024, 2025, 2026) for day in school_days(school, year, count, dt.date(year - 1, 8, first))]
        for school, count, first in (("oak", 180, 28), ("elm", 171, 14))
    )
    return [day for days in (oak, elm) for number, day in enumerate(days) if number % 60 not in (17, 40, 41, 42, 43)]


def stays() -> list[Stay]:
    """Who stays for years, comes late, leaves early, moves, returns, and has the same school twice."""
    whole = [Stay(f"{number:03d}", ["oak", "elm"][number % 2], dt.date(2022, 8, 1), None, "02") for number in range(8)]
    return [
        *whole,
        Stay("late", "elm", dt.date(2023, 9, 20), dt.date(2025, 3, 3), "KG"),
        Stay("moved", "oak", dt.date(2023, 7, 1), dt.date(2023, 12, 3), "08"),
        Stay("moved", "elm", dt.date(2023, 12, 4), None, "09"),
        Stay("back", "oak", dt.date(2023, 8, 1), dt.date(2023, 10, 6), "12"),
        Stay("back", "elm", dt.date(2023, 10, 10), dt.date(2024, 2, 2), "11"),
        Stay("back", "oak", dt.date(2024, 3, 4), dt.date(2025, 1, 31), "12"),
        Stay("back", "oak", dt.date(2025, 2, 10), None, "12"),
    ]


def marks(days: list[Day]) -> list[Mark]:
    """Days away in runs and alone, by a rule and not by chance, so that every machine makes the same."""
    open_year_ends = dt.date(2025, 10, 20)
    return [
        Mark(stay.student_id, stay.school_id, day.date, *mark)
        for place, stay in enumerate(stays())
        for day in days
        if day.school_id == stay.school_id and day.date <= open_year_ends
        and stay.entry_date <= day.date <= (stay.exit_date or dt.date.max)
        and day.date.toordinal() // (1 + place % 4) * 7 % 29 < 5
        for mark in MARKED[day.date.toordinal() // 2 * (place + 1) % len(MARKED)]
    ]  # fmt: skip


SHEET = [
    YearRow("sheet", "oak", 2023, "05", 120, 12, 5, 6, 1),
    YearRow("sheet", "elm", 2023, "06", 60, 7, 3, None, 0),
    YearRow("tied", "oak", 2023, "01", 90, 0),
    YearRow("tied", "elm", 2023, "01", 90, 9, 9, 0, 0),
    YearRow("sheet", "oak", 2024, "06", 178, 20, 10, 10, 0),
    YearRow("moved", "oak", 2024, "08", 180, 3),
]
"""A year of which only sums are known, and a student of whom no more is known in a year with marks."""

DISTRICT = District(calendar(), stays(), marks(calendar()), SHEET)
TURNED = District(*(lines[::-1] for lines in (DISTRICT.days, DISTRICT.stays, DISTRICT.marks, DISTRICT.sheet)))


def hash_of_kept_years(folder: Path, engine: Engine) -> str:
    """Over all known years, whatever the order of rows and columns."""
    records = open_records(folder, engine)
    years = known_school_years(records)
    assert [year.ending for year in years] == [2023, 2024, 2025, 2026]
    kept = [kept_student_years(records, year, Policy()).collect("pyarrow").to_native().to_pylist() for year in years]
    rows = sorted(json.dumps(row, sort_keys=True) for rows in kept for row in rows)
    assert len(rows) > 30
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
@pytest.mark.parametrize("district", [DISTRICT, TURNED], ids=["as recorded", "the other way round"])
def test_kept_years_are_those_of_their_definition(tmp_path: Path, district: District, engine: Engine) -> None:
    found = hash_of_kept_years(write_ingest(tmp_path, district), engine)
    assert {DEFINITION: found} == RECORDED, WHAT_TO_DO.format(found=found)


def test_the_district_has_something_to_tell_in_every_kept_column(tmp_path: Path) -> None:
    """A column that is the same for everybody would guard no rule."""
    records = open_records(write_ingest(tmp_path, DISTRICT))
    rows = [
        row
        for year in known_school_years(records)
        for row in kept_student_years(records, year, Policy()).collect("pyarrow").to_native().to_pylist()
    ]
    assert [name for name in KEPT if len({row[name] for row in rows}) < 2] == []
