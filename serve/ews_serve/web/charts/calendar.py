"""Days, month by month, each kind with a letter and a shape of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

KINDS = {
    "unexcused": ("U", "missed, not excused"),
    "unknown": ("A", "missed, kind not known"),
    "excused": ("E", "missed, excused"),
    "suspended": ("S", "missed, kept out by the school"),
    "tardy": ("L", "came late"),
    "early_departure": ("D", "left early"),
    "part_of_day": ("P", "missed a part"),
    "here": ("", "no mark"),
    "out": ("", "no school day known"),
}
"""Kinds of days: a letter and words; `here` is a weekday of the time that is known, `out` is any other."""


@dataclass(frozen=True)
class Day:
    """One cell of a calendar: its day of the month (empty: not of this month), kind, letter and words."""

    number: str
    kind: str
    letter: str
    words: str


@dataclass(frozen=True)
class CalendarMonth:
    """One month as weeks of five days."""

    label: str
    weeks: tuple[tuple[Day, ...], ...]


@dataclass(frozen=True)
class Calendar:
    """Days of some months, each kind with a letter and a shape of its own.

    Attributes:
        title: what it shows.
        summary: one sentence.
        months: in order.
        legend: the kinds that occur.
    """

    title: str
    summary: str
    months: tuple[CalendarMonth, ...]
    legend: tuple[Day, ...]


def calendar_chart(title: str, summary: str, first: date, last: date, marks: Iterable[tuple[date, str]]) -> Calendar:
    """A calendar of marked days.

    Args:
        title: what it shows.
        summary: one sentence.
        first: of the days that are known; its whole month is shown.
        last: of the days that are known.
        marks: days and kinds, as `KINDS` names them; a kind it does not name is `unknown`.
    """
    kinds = {day: kind if kind in KINDS else "unknown" for day, kind in marks}
    months = tuple(_calendar_month(begin, first, last, kinds) for begin in _months_between(first, last))
    seen = {day.kind for month in months for week in month.weeks for day in week}
    legend = tuple(Day("", kind, KINDS[kind][0], KINDS[kind][1]) for kind in KINDS if kind in seen and kind != "out")
    return Calendar(title, summary, months, legend)


def _months_between(first: date, last: date) -> list[date]:
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _calendar_month(begin: date, first: date, last: date, kinds: dict[date, str]) -> CalendarMonth:
    monday = begin - timedelta(days=begin.weekday())
    weeks = (tuple(monday + timedelta(days=7 * week + day) for day in range(5)) for week in range(6))
    cells = (tuple(_day(day, begin, first, last, kinds) for day in week) for week in weeks)
    return CalendarMonth(f"{begin:%B %Y}", tuple(week for week in cells if any(day.number for day in week)))


def _day(day: date, month: date, first: date, last: date, kinds: dict[date, str]) -> Day:
    if day.month != month.month:
        return Day("", "out", "", "")
    kind = kinds.get(day, "here" if first <= day <= last else "out")
    return Day(str(day.day), kind, *KINDS[kind])
