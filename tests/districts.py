"""Small districts as plain lists, and the ingest folder that the same lists would become."""

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import duckdb
import narwhals as nw
import polars as pl

from ews.sis.placed import make_instructional_days, make_placed_stays, with_tallies

WHOLE_DAY = 10_000


class Day(NamedTuple):
    school_id: str
    date: dt.date
    school_year: int


class Stay(NamedTuple):
    student_id: str
    school_id: str
    entry_date: dt.date
    exit_date: dt.date | None
    grade_level: str


class Mark(NamedTuple):
    student_id: str
    school_id: str
    date: dt.date
    category: str
    ten_thousandths: int


class YearRow(NamedTuple):
    student_id: str
    school_id: str
    school_year: int
    grade_level: str
    days_enrolled: int
    days_absent: int
    days_excused: int | None = None
    days_unexcused: int | None = None
    days_suspended: int | None = None


@dataclass
class District:
    days: list[Day] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    sheet: list[YearRow] = field(default_factory=list)


def school_days(school_id: str, school_year: int, count: int = 180, first: dt.date | None = None) -> list[Day]:
    """The first `count` weekdays from `first` (default: the last Monday of August)."""
    date = first or dt.date(school_year - 1, 8, 31) - dt.timedelta(days=dt.date(school_year - 1, 8, 31).weekday())
    weekdays = (date + dt.timedelta(days=step) for step in range(2 * count + 7))
    return [Day(school_id, day, school_year) for day in weekdays if day.weekday() < 5][:count]


def absences(student_id: str, days: Iterable[Day], category: str = "unexcused") -> list[Mark]:
    """A whole day missed on each of the days."""
    return [Mark(student_id, day.school_id, day.date, category, WHOLE_DAY) for day in days]


def day_indexes(days: Iterable[Day]) -> dict[tuple[str, dt.date], int]:
    """The place of each instructional day in its school's year: 1, 2, 3 …"""
    places: dict[tuple[str, int], int] = {}
    indexes = {}
    for day in sorted(days):
        key = (day.school_id, day.school_year)
        places[key] = places.get(key, 0) + 1
        indexes[day.school_id, day.date] = places[key]
    return indexes


class DayMark(NamedTuple):
    student_id: str
    school_id: str
    date: dt.date
    is_absent: bool
    kind: str | None
    is_tardy: bool
    is_early_departure: bool
    missed: int


def by_day(marks: Iterable[Mark]) -> list[DayMark]:
    """One entry per student, school and date: half a day or more missed for any reason is an absence."""
    grouped: dict[tuple[str, str, dt.date], dict[str, int]] = {}
    for mark in marks:
        shares = grouped.setdefault(mark[:3], {})
        shares[mark.category] = shares.get(mark.category, 0) + mark.ten_thousandths
    result = []
    for key, shares in sorted(grouped.items()):
        reasons = {kind: shares[kind] for kind in ("suspension", "unexcused", "excused") if kind in shares}
        absent = sum(reasons.values()) * 2 >= WHOLE_DAY
        kind = max(reasons, key=lambda name: reasons[name]) if absent else None
        missed = min(WHOLE_DAY, sum(shares.values()))
        result.append(DayMark(*key, absent, kind, "tardy" in shares, "early_departure" in shares, missed))
    return result


def write_flat(folder: Path, district: District) -> Path:
    """The district as a registrar would export it."""
    folder.mkdir()
    schools = sorted({day.school_id for day in district.days})
    students = sorted({stay.student_id for stay in district.stays})
    _write_csv(folder / "schools.csv", "school_id", [[school] for school in schools])
    _write_csv(folder / "calendar.csv", "school_id,date,school_year", district.days)
    _write_csv(folder / "students.csv", "student_id", [[student] for student in students])
    _write_csv(folder / "enrollments.csv", "student_id,school_id,entry_date,exit_date,grade_level", district.stays)
    shares = [(*mark[:4], f"{mark.ten_thousandths / 10_000:.4f}") for mark in district.marks]
    _write_csv(folder / "attendance.csv", "student_id,school_id,date,category,absent_share", shares)
    return folder


def _write_csv(path: Path, header: str, rows: list) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(header + "\n")
        csv.writer(handle, lineterminator="\n").writerows(rows)


def write_ingest(folder: Path, district: District) -> Path:
    """The folder an ingest would leave, holding exactly the district's lists."""
    folder.mkdir(parents=True, exist_ok=True)
    if district.days:
        _write_days(folder, district)
    if district.sheet:
        counts = dict.fromkeys(YearRow._fields[4:], pl.Int64)
        schema = {"student_id": pl.String, "school_id": pl.String, "school_year": pl.Int32, "grade_level": pl.String}
        frame = pl.DataFrame(district.sheet, schema={**schema, **counts}, orient="row")
        frame.write_parquet(folder / "attendance_years.parquet")
    about = {"id": folder.name, "fingerprints": _fingerprints(district)}
    (folder / "manifest.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def _fingerprints(district: District) -> dict[str, str]:
    """One for all years: the whole district decides."""
    years = {day.school_year for day in district.days} | {row.school_year for row in district.sheet}
    return dict.fromkeys(map(str, years), hashlib.sha256(repr(district).encode()).hexdigest()[:16])


def _write_days(folder: Path, district: District) -> None:
    """Calendar, stays and marks, put on the calendar as an ingest puts them."""
    with duckdb.connect() as connection:
        days = pl.DataFrame(
            district.days, schema={"school_id": pl.String, "date": pl.Date, "school_year": pl.Int32}, orient="row"
        )
        ids = {"student_id": pl.String, "school_id": pl.String, "entry_date": pl.Date, "exit_date": pl.Date}
        stays = pl.DataFrame(district.stays, schema={**ids, "grade_level": pl.String}, orient="row")
        for name, frame in {"accepted_calendar": days, "stays": stays}.items():
            connection.register("given", frame.to_arrow())
            connection.execute(f"create table {name} as from given")
        make_instructional_days(connection)
        calendar = connection.sql("from instructional_days").pl()
        make_placed_stays(connection)
        placed = connection.table("placed_stays").pl()
    calendar.write_parquet(folder / "calendar.parquet")
    stays.write_parquet(folder / "enrollments.parquet")
    students = pl.DataFrame({"student_id": sorted({stay.student_id for stay in district.stays})})
    students.cast(pl.String).write_parquet(folder / "students.parquet")
    _write_by_year(folder / "stays", placed)
    _write_by_year(folder / "marks", _marks(calendar, district))


def _write_by_year(folder: Path, frame: pl.DataFrame) -> None:
    for (year,), of_year in frame.partition_by("school_year", as_dict=True).items():
        (folder / f"school_year={year}").mkdir(parents=True)
        of_year.write_parquet(folder / f"school_year={year}" / "part-0.parquet")


def spell_days(marks: list[DayMark], days: list[Day]) -> list[int | None]:
    """The place of each absent day in its spell: one more than that of the day before, if absent then, too."""
    indexes, years = day_indexes(days), {day[:2]: day.school_year for day in days}
    places: dict[tuple[str, str, int, int], int] = {}
    for mark in sorted(mark for mark in marks if mark.is_absent):
        student, school, date = mark[:3]
        day = (student, school, years[school, date], indexes[school, date])
        places[day] = places.get((*day[:3], day[3] - 1), 0) + 1
    return [
        places[mark[0], mark[1], years[mark[1:3]], indexes[mark[1:3]]] if mark.is_absent else None for mark in marks
    ]


def _marks(calendar: pl.DataFrame, district: District) -> pl.DataFrame:
    schema = {
        "student_id": pl.String, "school_id": pl.String, "date": pl.Date, "is_absent": pl.Boolean, "kind": pl.String,
        "is_tardy": pl.Boolean, "is_early_departure": pl.Boolean, "missed_ten_thousandths": pl.Int32,
    }  # fmt: skip
    marks = by_day(district.marks)
    places = pl.Series("spell_day", spell_days(marks, district.days), dtype=pl.Int16)
    frame = (
        pl.DataFrame(marks, schema=schema, orient="row").with_columns(places).join(calendar, on=["school_id", "date"])
    )
    return with_tallies(nw.from_native(frame.lazy())).to_native().collect().sort("student_id", "date")
