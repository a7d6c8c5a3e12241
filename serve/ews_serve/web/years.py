"""A student's years, months and weekdays, as the store keeps them (`ews.store.histories`), made ready for pages."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ews.school_year import SchoolYear

MONTHS = ("08", "09", "10", "11", "12", "01", "02", "03", "04", "05", "06", "07")
"""In the order of a school year."""

SAME_WITHIN = 0.02
"""A rate within two points of the year before is about the same."""

_COUNTS = ("days_enrolled", "days_absent", "days_excused", "days_unexcused", "days_suspended", "days_tardy")

Pairs = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Year:
    """One school year of a student, at all schools together; None where the records do not tell.

    Attributes:
        year: which.
        grade_level: the last one of it.
        days_enrolled: school days enrolled.
        days_absent: of them missed.
        days_excused: of those excused.
        days_unexcused: not excused.
        days_suspended: kept out by the school.
        days_tardy: days with a late start.
        months: days missed and enrolled by month, 01 to 12; empty from a yearly sheet.
        weekdays: the same by weekday, 1 to 5.
        schools: at how many schools.
    """

    year: SchoolYear
    grade_level: str | None
    days_enrolled: int | None
    days_absent: int | None
    days_excused: int | None
    days_unexcused: int | None
    days_suspended: int | None
    days_tardy: int | None
    months: Pairs
    weekdays: Pairs
    schools: int

    @property
    def rate(self) -> float | None:
        """Days missed over days enrolled; None where unknown."""
        if not self.days_enrolled or self.days_absent is None:
            return None
        return self.days_absent / self.days_enrolled


@dataclass(frozen=True)
class Attendance:
    """What the records tell of one student.

    Attributes:
        years: oldest first.
        marks: day and kind, of the last two known years.
        days_so_far: school days enrolled in the target year; 0 while it is not open.
        data_through: the last day any record tells of; None: not known.
    """

    years: tuple[Year, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    days_so_far: int = 0
    data_through: date | None = None

    def of(self, year: SchoolYear) -> Year | None:
        """One year; None where nothing is known of it."""
        return next((one for one in self.years if one.year == year), None)

    def before(self, year: SchoolYear) -> tuple[Year, ...]:
        """Years before one, oldest first."""
        return tuple(one for one in self.years if one.year < year)

    @property
    def is_yearly(self) -> bool:
        """Whether only totals of years are known."""
        return bool(self.years) and not self.marks and not any(one.months for one in self.years)


def attendance_in(text: str | None) -> Attendance:
    """The attendance in the store's JSON text; nothing known where it is None."""
    if text is None:
        return Attendance()
    told = json.loads(text)
    through = told.get("data_through")
    return Attendance(
        years=tuple(_years(told["years"])),
        marks=tuple((day, kind) for day, kind in told["days"]),
        days_so_far=told.get("days_enrolled_so_far") or 0,
        data_through=date.fromisoformat(through) if through else None,
    )


def _years(rows: Iterable[dict[str, Any]]) -> Iterable[Year]:
    by_year: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_year.setdefault(row["school_year"], []).append(row)
    for year, of_year in sorted(by_year.items()):
        counts = {name: _sum([row.get(name) for row in of_year]) for name in _COUNTS}
        yield Year(
            SchoolYear(year), of_year[-1].get("grade_level"), **counts,
            months=_pairs(of_year, "months"), weekdays=_pairs(of_year, "weekdays"), schools=len(of_year),
        )  # fmt: skip


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _pairs(rows: Sequence[dict[str, Any]], name: str) -> Pairs:
    found: Pairs = {}
    for row in rows:
        for key, (absent, enrolled) in (row.get(name) or {}).items():
            before = found.get(key, (0, 0))
            found[key] = (before[0] + (absent or 0), before[1] + (enrolled or 0))
    return found


@dataclass(frozen=True)
class Trend:
    """How the last year compares with the one before: an arrow, and the same in words."""

    arrow: str
    text: str


def trend_of(years: Sequence[Year]) -> Trend:
    """The trend of the last two known years."""
    rates = [one.rate for one in years[-2:]]
    if len(rates) < 2 or rates[0] is None or rates[1] is None:
        return Trend("", "no earlier year to compare")
    change = rates[1] - rates[0]
    if abs(change) <= SAME_WITHIN:
        return Trend("→", "about the same as the year before")
    return Trend("↑", "more than the year before") if change > 0 else Trend("↓", "less than the year before")
