"""One district, and what else its future could hold: the same records before an as-of point, others on or after it."""

import datetime as dt
import functools
import random
from collections.abc import Callable
from dataclasses import replace

from ews.tables import CATEGORIES
from tests.districts import Day, District, Mark, Stay, YearRow, day_indexes, school_days
from tests.generative.lives import runs_of_marks
from tests.twin_known import Member

TARGET = 2026
YEARS = (2024, 2025, TARGET)
LENGTHS = {"oak": 100, "elm": 95}
STUDENTS = tuple(f"{number:03d}" for number in range(40))
HOUSEHOLDS = {student: f"home {int(student) // 3}" for student in STUDENTS}
MEMBERS = tuple(Member(student, "elm" if int(student) % 4 == 0 else "oak", "06") for student in STUDENTS)
Future = Callable[[random.Random, int], District]


@functools.cache
def district() -> District:
    """Two schools, two known years and the target year, which goes on: students move, leave and come late."""
    rng = random.Random(11)
    days = [
        day for year in (2024, 2025, TARGET) for school, n in LENGTHS.items() for day in school_days(school, year, n)
    ]
    stays, marks = [], []
    for number, student in enumerate(STUDENTS):
        for year in YEARS[number % 7 == 0 :]:
            school = "elm" if (number + (year == 2025 and number % 11 == 0)) % 4 == 0 else "oak"
            of_year = [day for day in days if (day.school_id, day.school_year) == (school, year)]
            present = of_year[rng.choice([0, 0, 0, 5, 70]) : rng.choice([None, None, -12])]
            stays.append(Stay(student, school, present[0].date, present[-1].date, f"{year - 2020:02d}"))
            marks += [mark for _ in range(4) for mark in runs_of_marks(rng, student, present)]
    sheet = [
        YearRow(student, "oak", year, "03", 180, 12, 6, 6, 0) for student in STUDENTS[:20] for year in (2023, TARGET)
    ]
    return District(days, stays, list({mark[:4]: mark for mark in marks}.values()), sheet)


def first_unseen(after_day: int) -> dict[str, dt.date]:
    """School to the date of the target year's day n + 1, or the day after all of them."""
    indexes = day_indexes(district().days)
    of_target = [day for day in district().days if day.school_year == TARGET]
    ends = {school: max(d.date for d in of_target if d.school_id == school) for school in LENGTHS}
    return {
        school: min(
            (day.date for day in of_target if day.school_id == school and indexes[day[:2]] > after_day),
            default=end + dt.timedelta(days=1),
        )
        for school, end in ends.items()
    }


def marks_deleted(rng: random.Random, after_day: int) -> District:
    unseen = first_unseen(after_day)
    return replace(district(), marks=[mark for mark in district().marks if mark.date < unseen[mark.school_id]])


def marks_changed(rng: random.Random, after_day: int) -> District:
    """Other categories and other shares on the same days."""
    unseen = first_unseen(after_day)
    changed = {
        mark[:3]: mark._replace(category=rng.choice(CATEGORIES), ten_thousandths=rng.choice([1, 4999, 5000, 10_000]))
        for mark in district().marks
        if mark.date >= unseen[mark.school_id]
    }
    return replace(district(), marks=marks_deleted(rng, after_day).marks + list(changed.values()))


def marks_added(rng: random.Random, after_day: int) -> District:
    """Every student absent on most of the days to come."""
    unseen, marks = first_unseen(after_day), {mark[:4]: mark for mark in district().marks}
    for stay in district().stays:
        for day in _days_of(stay, district().days):
            if day.date >= unseen[day.school_id] and rng.random() < 0.7:
                mark = Mark(stay.student_id, day.school_id, day.date, rng.choice(CATEGORIES), 10_000)
                marks[mark[:4]] = mark
    return replace(district(), marks=list(marks.values()))


def stays_changed(rng: random.Random, after_day: int) -> District:
    """Exits to come are others or none, entries to come are gone, and some enter the other school."""
    unseen, stays = first_unseen(after_day), []
    for stay in district().stays:
        end = stay.exit_date or dt.date.max
        if stay.entry_date < unseen[stay.school_id]:
            later = unseen[stay.school_id] + dt.timedelta(days=rng.randrange(60))
            stays.append(stay if end < unseen[stay.school_id] else stay._replace(exit_date=rng.choice([None, later])))
    after_all = max(stay.exit_date or unseen[stay.school_id] for stay in stays) + dt.timedelta(days=1)
    open_ended = {stay.student_id for stay in stays if stay.exit_date is None}
    stays += [Stay(student, "elm", after_all, None, "07") for student in STUDENTS if student not in open_ended]
    marks = [m for m in district().marks if any(holds(stay, m) for stay in stays)]
    return replace(district(), stays=stays, marks=marks)


def calendar_changed(rng: random.Random, after_day: int) -> District:
    """Half of the days to come fall away, Saturdays come in, and another year follows, with marks."""
    unseen = first_unseen(after_day)
    days = [day for day in district().days if day.date < unseen[day.school_id] or rng.random() < 0.5]
    indexes, all_days = day_indexes(district().days), district().days
    goes_on = {day.school_id for day in all_days if day.school_year == TARGET and indexes[day[:2]] > after_day}
    days += [Day(school, _saturday(unseen[school]), TARGET) for school in sorted(goes_on)]
    days += school_days("oak", TARGET + 1, 30)
    stays = [*district().stays, Stay("new", "oak", dt.date(TARGET, 9, 1), None, "05")]
    dates = {day[:2] for day in days}
    marks = [mark for mark in district().marks if (mark.school_id, mark.date) in dates]
    marks += runs_of_marks(rng, "new", _days_of(stays[-1], days))
    return replace(district(), days=days, stays=stays, marks=marks)


def sheets_changed(rng: random.Random, after_day: int) -> District:
    """The target year's sheet has other counts, students and schools, and the year after it has one."""
    past = [row for row in district().sheet if row.school_year < TARGET]
    later = [
        YearRow(student, rng.choice(("oak", "elm")), year, "08", 170, rng.randrange(170), 1, None, 1)
        for student in STUDENTS[10:]
        for year in (TARGET, TARGET + 1)
    ]
    return replace(district(), sheet=past + later)


FUTURES: dict[str, Future] = {
    function.__name__: function
    for function in (marks_deleted, marks_changed, marks_added, stays_changed, calendar_changed, sheets_changed)
}


def _days_of(stay: Stay, days: list[Day]) -> list[Day]:
    end = stay.exit_date or dt.date.max
    return sorted(day for day in days if day.school_id == stay.school_id and stay.entry_date <= day.date <= end)


def holds(stay: Stay, mark: Mark) -> bool:
    """Whether a mark lies within a stay."""
    return stay[:2] == mark[:2] and stay.entry_date <= mark.date <= (stay.exit_date or dt.date.max)


def _saturday(date: dt.date) -> dt.date:
    """The first one after a date."""
    return date + dt.timedelta(days=(4 - date.weekday()) % 7 + 1)
