"""The records of one ingest, opened: frames that any engine can read, and which school years they tell of."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import narwhals as nw

from ews.engine import Engine, scan
from ews.errors import InputRefused
from ews.home import read_json
from ews.school_year import SchoolYear
from ews.tables import ATTENDANCE_YEARS, Table


@dataclass(frozen=True)
class Records:
    """One ingest, opened lazily; None where the source has no such table.

    Attributes:
        calendar: a school's instructional day, with its place in week, month and year (`ews.sis.placed`).
        stays: a stay in a school year, with its first and last instructional day and its grade of that year;
            stays of one student do not overlap.
        attendance_years: a student's year in a school with at least one day enrolled, from a yearly sheet.
        students: a student.
        fingerprints: for each school year a hash of its records; the same hash, the same student years.
        marked_years: the school years that have marks (`marks_of`).
        folder: where the ingest is.
        engine: what reads it.
    """

    calendar: nw.LazyFrame | None
    stays: nw.LazyFrame | None
    attendance_years: nw.LazyFrame | None
    students: nw.LazyFrame | None
    fingerprints: Mapping[str, str]
    marked_years: frozenset[int]
    folder: Path
    engine: Engine

    @cached_property
    def dates_of_years(self) -> Mapping[int, frozenset[dt.date]]:
        """For each school year of the calendar, the dates on which any school has instruction; read once."""
        dates: defaultdict[int, set[dt.date]] = defaultdict(set)
        if self.calendar is not None:
            found = self.calendar.select("school_year", "date").unique().collect("pyarrow").to_native()
            for year, date in zip(*(column.to_pylist() for column in found.columns), strict=True):
                dates[year].add(date)
        return {year: frozenset(of_year) for year, of_year in dates.items()}

    @cached_property
    def years_on_sheets(self) -> frozenset[int]:
        """The school years of which there is a yearly sheet; read once."""
        sheet = self.attendance_years
        return frozenset() if sheet is None else frozenset(values(sheet.select("school_year").unique()))


def open_records(folder: Path, engine: Engine = "duckdb") -> Records:
    """Open the folder of one ingest; nothing is read yet.

    Raises:
        InputRefused: an older version wrote it, in another layout.
    """

    def table(name: str) -> nw.LazyFrame | None:
        path = folder / f"{name}.parquet"
        return scan(path, engine) if path.exists() else None

    sheet = _complete(table("attendance_years"), ATTENDANCE_YEARS)
    return Records(
        calendar=table("calendar"),
        stays=scan(folder / "stays" / "*" / "*.parquet", engine) if any(folder.glob("stays/*/*.parquet")) else None,
        attendance_years=None if sheet is None else sheet.filter(nw.col("days_enrolled") > 0),
        students=table("students"),
        fingerprints=_fingerprints(folder / "manifest.json"),
        marked_years=frozenset(int(of.parent.name.partition("=")[2]) for of in (folder / "marks").glob("*/*.parquet")),
        folder=folder,
        engine=engine,
    )


def marks_of(records: Records, school_year: SchoolYear) -> nw.LazyFrame | None:
    """A student's days of the year that differ from present all day, each within a stay, with what it adds.

    Read from the year's own folder, an engine knows the last date without looking at any row. None where there is no
    mark; what a mark adds: `ews.tallies`.
    """
    if school_year.ending not in records.marked_years:
        return None
    return scan(records.folder / "marks" / f"school_year={school_year}" / "*.parquet", records.engine)


def _fingerprints(manifest: Path) -> Mapping[str, str]:
    if not manifest.exists():
        return {}
    kept = read_json(manifest).get("fingerprints")
    if kept is None:
        raise InputRefused("The records in force were ingested by an older ews. Ingest the same files again.")
    return cast(Mapping[str, str], kept)


def known_school_years(records: Records) -> list[SchoolYear]:
    """The years of which attendance is known, in order.

    A year in the calendar without a single mark is not known: it lies ahead, or was never recorded.
    """
    return [SchoolYear(year) for year in sorted(records.marked_years | records.years_on_sheets)]


def has_rows(frame: nw.LazyFrame) -> bool:
    """Whether there is any row; runs the query up to the first one."""
    return len(frame.head(1).collect("pyarrow")) > 0


def values(one_column: nw.LazyFrame) -> list:
    """The values of a frame's only column; runs the query."""
    return one_column.collect("pyarrow").to_native().column(0).to_pylist()


_TYPES = {"date": nw.Date(), "integer": nw.Int64(), "text": nw.String()}


def _complete(frame: nw.LazyFrame | None, table: Table) -> nw.LazyFrame | None:
    """All columns of the table: those the source left out are null."""
    if frame is None:
        return None
    present = set(frame.collect_schema().names())
    return frame.select(
        nw.col(one.name) if one.name in present else nw.lit(None).cast(_TYPES[one.kind]).alias(one.name)
        for one in table.columns
    )
