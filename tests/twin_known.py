"""What the twin of the features looks at: the student years known at an as-of point, found by walking through lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from ews.policy import Policy
from tests import twin
from tests.districts import District

Value = int | Fraction | None


class NotKnown(Exception):
    """The records do not tell: the feature is null."""


class Row(dict[str, object]):
    """A student's year; a count that is not known cannot be read from it."""

    def __getitem__(self, name: str) -> int:
        value = super().__getitem__(name)
        if value is None:
            raise NotKnown(name)
        return value  # type: ignore[return-value]  # the places, which are texts, are only compared

    @property
    def is_daily(self) -> bool:
        return self.get("spells") is not None


class Member(NamedTuple):
    """Who is predicted, and the school and grade of the target year."""

    student_id: str
    school_id: str
    grade_level: str


@dataclass(frozen=True)
class World:
    """All that is known of everybody: closed years, and the target year through the as-of day."""

    target_year: int
    past: Mapping[int, Mapping[str, Row]]
    so_far: Mapping[str, Row]
    households: Mapping[str, str | None] = field(default_factory=dict)
    policy: Policy = Policy()

    def years_of(self, student_id: str) -> list[Row]:
        """The student's known years, the latest first."""
        return [
            self.past[year][student_id] for year in sorted(self.past, reverse=True) if student_id in self.past[year]
        ]

    def rows(self) -> list[Row]:
        return [row for of_year in self.past.values() for row in of_year.values()]


@dataclass(frozen=True)
class Known:
    """One member of the cohort in that world; a year that is not known cannot be looked at."""

    member: Member
    world: World

    @property
    def years(self) -> list[Row]:
        rows = self.world.years_of(self.member.student_id)
        if not rows:
            raise NotKnown("no year")
        return rows

    @property
    def last(self) -> Row:
        return self.years[0]

    @property
    def before(self) -> Row:
        if len(self.years) < 2:
            raise NotKnown("no year before")
        return self.years[1]

    @property
    def daily_years(self) -> list[Row]:
        rows = [row for row in self.years if row.is_daily]
        if not rows:
            raise NotKnown("yearly sheets only")
        return rows

    @property
    def so_far(self) -> Row:
        if self.member.student_id not in self.world.so_far:
            raise NotKnown("not enrolled yet")
        return self.world.so_far[self.member.student_id]


Twin = Callable[[Known], int | Fraction]


def world_of(
    district: District, target_year: int, after_day: int, households: Mapping[str, str | None] | None = None
) -> World:
    """What is known of a district when `after_day` days of the target year have been seen."""
    past = {year: _rows(twin.student_years(district, year)) for year in known_years(district) if year < target_year}
    so_far = _rows(twin.student_years(district, target_year, through_day=after_day)) if after_day else {}
    return World(target_year, past, so_far, households or {})


def known_years(district: District) -> set[int]:
    """The years of which there is any mark, or a student's year on a sheet."""
    year_of = {(day.school_id, day.date): day.school_year for day in district.days}
    marked = {year_of[mark.school_id, mark.date] for mark in district.marks}
    return marked | {row.school_year for row in district.sheet if row.days_enrolled > 0}


def _rows(by_student: dict[str, dict[str, object]]) -> dict[str, Row]:
    return {student: Row(row) for student, row in by_student.items()}


def value_of(feature: Twin, known: Known) -> Value:
    """The feature's value: a whole number, an exact fraction, or None where the records do not tell."""
    try:
        return feature(known)
    except NotKnown:
        return None


def share(part: int | Fraction, whole: int | Fraction) -> Fraction:
    """Part of the whole; there is no part of nothing."""
    if whole == 0:
        raise NotKnown("nothing to be a part of")
    return Fraction(part) / whole


def rate(row: Row) -> Fraction:
    """Share of the enrolled days that was missed."""
    return share(row["days_absent"], row["days_enrolled"])


def is_chronic(row: Row, policy: Policy) -> bool | None:
    """Whether a tenth or more of the enrolled days was missed; None for too short a year."""
    if row["days_enrolled"] < policy.min_days_enrolled:
        return None
    return row["days_absent"] * 100 >= row["days_enrolled"] * policy.chronic_percent
