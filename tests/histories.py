"""Attendance of the cast, day by day, made up from a habit: the same on every machine, and never of a real child.

A habit is a word and a rate of absence for each year up to the last one: `mondays 0.05 0.08`.
"""

import json
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

from tests.cast import CastStudent

LAST_YEAR = 2026
THROUGH = date(2026, 10, 2)
"""The last day with a mark: the sixth week of the open year."""

BREAKS = (("11-23", "11-27"), ("12-21", "12-31"), ("01-01", "01-01"), ("02-16", "02-20"), ("04-06", "04-10"))
KINDS = ("unexcused", "excused", "excused", "unexcused", "suspension")


def attendance_of(student: CastStudent) -> str:
    """The student's attendance as the store keeps it; no years at all for a student without a habit."""
    if student.habit == "unknown":
        years = [_year(2025, "06", [], None), _year(LAST_YEAR, "07", [], None)]
        return _text(years, [], 0, None)
    habit, *rates = student.habit.split() or ("none",)
    first = LAST_YEAR + 1 - len(rates)
    marks = {first + n: _marks(habit, float(rate), first + n, student.number) for n, rate in enumerate(rates)}
    years = [_year(year, _grade(student, year), days(year), kinds) for year, kinds in marks.items()]
    begin = max(stay.entry_date for stay in student.stays)
    now = [day for day in days(LAST_YEAR + 1) if begin <= day <= THROUGH]
    so_far = _now(marks.get(LAST_YEAR, {}), now)
    if rates and now:
        years.append(_year(LAST_YEAR + 1, student.grade_level, now, so_far))
    shown = {**marks.get(LAST_YEAR, {}), **so_far}
    return _text(years, sorted((day.isoformat(), kind) for day, kind in shown.items()), len(now), THROUGH)


@cache
def days(year: int) -> tuple[date, ...]:
    """Instructional days of a school year."""
    first, last = date(year - 1, 8, 24), date(year, 6, 12)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(day for day in every if day.weekday() < 5 and not _is_break(day))


def _is_break(day: date) -> bool:
    return any(begin <= f"{day:%m-%d}" <= end for begin, end in BREAKS)


def _marks(habit: str, rate: float, year: int, seed: int) -> dict[date, str]:
    random, of_year = Random(f"{seed} {year}"), days(year)
    wanted = round(rate * len(of_year))
    likely = {"mondays": lambda day: day.weekday() in (0, 4), "winter": lambda day: day.month in (12, 1, 2)}
    pool = [day for day in of_year if likely.get(habit, lambda _: True)(day)]
    if habit == "spells":
        starts = range(5, len(of_year) - 8, max(1, len(of_year) * 4 // max(wanted, 1)))
        missed = [day for start in starts for day in of_year[start : start + 4]][:wanted]
    else:
        missed = random.sample(pool, min(wanted, len(pool)))
    tardy = random.sample([day for day in of_year if day not in missed], wanted // 4)
    return {day: random.choice(KINDS) for day in sorted(missed)} | dict.fromkeys(tardy, "tardy")


def _now(last_year: dict[date, str], now: list[date]) -> dict[date, str]:
    """Marks of the open year: as often as in the year before, the latest in the last week."""
    absent = sum(kind != "tardy" for kind in last_year.values())
    wanted = round(absent * len(now) / len(days(LAST_YEAR)))
    return {now[-1 - 3 * number]: "unexcused" for number in range(min(wanted, len(now) // 3))}


def _grade(student: CastStudent, year: int) -> str:
    number = (0 if student.grade_level == "KG" else int(student.grade_level)) - (LAST_YEAR + 1 - year)
    return f"{number:02d}" if number > 0 else "KG"


def _year(year: int, grade: str, of_year: Any, kinds: dict[date, str] | None) -> dict[str, Any]:
    if kinds is None:
        known = {"days_enrolled": 176, "days_absent": 12 if year < LAST_YEAR else None}
        blank = dict.fromkeys(("days_excused", "days_unexcused", "days_suspended", "days_tardy", "months", "weekdays"))
        return {"school_year": year, "school_id": "033", "grade_level": grade, **known, **blank}
    absent = [day for day, kind in kinds.items() if kind != "tardy"]
    count = {name: sum(kind == name for kind in kinds.values()) for name in (*KINDS, "tardy")}
    months = {f"{month:02d}": [_in(absent, month=month), _in(of_year, month=month)] for month in range(1, 13)}
    weekdays = {str(day): [_in(absent, weekday=day - 1), _in(of_year, weekday=day - 1)] for day in range(1, 6)}
    return {
        "school_year": year, "school_id": "033", "grade_level": grade, "days_enrolled": len(of_year),
        "days_absent": len(absent), "days_excused": count["excused"], "days_unexcused": count["unexcused"],
        "days_suspended": count["suspension"], "days_tardy": count["tardy"],
        "months": {name: pair for name, pair in months.items() if pair[1]}, "weekdays": weekdays,
    }  # fmt: skip


def _in(some: Any, month: int | None = None, weekday: int | None = None) -> int:
    return sum(day.month == month if month else day.weekday() == weekday for day in some)


def _text(years: list[dict[str, Any]], marks: list[Any], so_far: int, through: date | None) -> str:
    through_text = through.isoformat() if through else None
    told = {"years": years, "days": [list(mark) for mark in marks], "days_enrolled_so_far": so_far}
    return json.dumps({**told, "data_through": through_text})
