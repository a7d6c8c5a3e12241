"""One district in which every feature varies: long years with breaks, moves, gaps, homes, a sheet of an old year."""

import functools
import random

from tests.districts import Day, District, Stay, YearRow, school_days
from tests.generative.lives import runs_of_marks

TARGET = 2026
YEARS = (2024, 2025, TARGET)
OPEN_DAY = 40
"""A day of the target year by which students have come late, moved and left."""

LENGTHS = {"oak": 130, "elm": 124}
STUDENTS = tuple(f"{number:03d}" for number in range(84))
HOUSEHOLDS = {
    student: f"home {int(student) // (2 + int(student) // 42)}" if int(student) % 8 else None for student in STUDENTS
}
OTHER = {"oak": "elm", "elm": "oak"}


@functools.cache
def district() -> District:
    """Two schools, grades 04 to 08; who comes anew, comes late, moves, comes back or leaves is told by the number."""
    rng = random.Random(7)
    days = [day for year in YEARS for school in LENGTHS for day in _days(school, year)]
    stays, marks = [], []
    for number, student in enumerate(STUDENTS):
        for year in _years(number):
            for stay, present in _stays(student, number, year):
                stays.append(stay)
                marks += [mark for _ in range(3) for mark in runs_of_marks(rng, student, present)]
    return District(days, stays, list({mark[:4]: mark for mark in marks}.values()), _sheet(rng))


def _days(school: str, year: int) -> list[Day]:
    """Every sixth week is free."""
    return [day for place, day in enumerate(school_days(school, year, 180)) if place // 5 % 6 != 5][: LENGTHS[school]]


def _years(number: int) -> tuple[int, ...]:
    """All; some come in the second or the last, and some stay away for one or two."""
    by_rest = {1: YEARS[1:], 5: YEARS[2:], 9: (YEARS[0], TARGET), 12: (TARGET,)}
    return by_rest.get(number % 14, YEARS)


def _stays(student: str, number: int, year: int) -> list[tuple[Stay, list[Day]]]:
    """The year's stays, each with its days: some come late, leave early, change the school or come back to it."""
    school, grade, turn = list(LENGTHS)[number % 2], f"{year - 2020 + number // 2 % 3:02d}", number + year
    begin, end = (0, 0, 4, 0, 17)[turn % 5], (None, None, -9, None, 70)[turn // 2 % 5]
    parts = {3: [(school, begin, 24), (OTHER[school], 26, end)], 6: [(school, begin, 20), (school, 29, end)]}
    found = [(place, _days(place, year)[since:to]) for place, since, to in parts.get(turn % 9, [(school, begin, end)])]
    return [(Stay(student, place, days[0].date, days[-1].date, grade), days) for place, days in found]


def _sheet(rng: random.Random) -> list[YearRow]:
    """The year before the first with daily records, of a half of the students; kinds are not known of all."""
    rows = []
    for number, student in enumerate(STUDENTS[::2]):
        absent = rng.randrange(30)
        kinds = (absent - absent // 3, absent // 3, 0) if number % 4 else (None, None, None)
        rows.append(YearRow(student, "oak", YEARS[0] - 1, f"{YEARS[0] - 2021:02d}", 150, absent, *kinds))
    return rows
