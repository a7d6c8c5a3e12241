"""Districts large enough for every feature: students drawn one by one, and a crowd of ordinary ones around them."""

import datetime as dt
import random
from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import strategies as st

from ews.tables import CATEGORIES, GRADES
from tests.districts import Day, District, Mark, Stay
from tests.generative.districts import SCHOOLS, YEARS, calendars, marks_within, sheets_of, stays_of
from tests.twin_known import Member

TARGET = YEARS[-1]
DRAWN = ("ann", "ben", "0042", "dee", "eve", "flo", "sheet only")
CROWD = tuple(f"c{number:02d}" for number in range(26))
NEW = "newcomer"
CROWDS = st.sampled_from([10, 11, 12, 26])
"""Around ten others a group begins to be told of; twenty-six spread over two schools and grades."""


class Lives(NamedTuple):
    """A district, who lives with whom, and whom the lists are about."""

    district: District
    households: Mapping[str, str | None]
    members: tuple[Member, ...]


@st.composite
def lives(draw: st.DrawFn) -> Lives:
    """One district that holds several odd lives at once, so that one run of the engine is enough for all of them."""
    days = draw(calendars((0, 9, 35, 100)))
    stays = [stay for student in DRAWN[:-1] for stay in draw(stays_of(student, days))]
    marks = draw(marks_within(stays, days))
    crowd_stays, crowd_marks = crowd(random.Random(draw(st.integers(0, 2**32))), days, draw(CROWDS))
    district = District(days, stays + crowd_stays, marks + crowd_marks, draw(sheets_of(DRAWN)))
    households = draw(households_of(draw(st.sampled_from([3, 11, 26]))))
    return Lives(district, households, draw(members()))


def crowd(rng: random.Random, days: list[Day], size: int = len(CROWD)) -> tuple[list[Stay], list[Mark]]:
    """Students who come each year the school is open; of a large crowd, some to another school or a grade below."""
    stays, marks = [], []
    for number, student in enumerate(CROWD[:size]):
        school, grade = _place(number, size)
        for year in YEARS:
            of_year = sorted(day for day in days if (day.school_id, day.school_year) == (school, year))
            grade += rng.random() < 0.95
            if of_year and rng.random() < 0.97:
                present = of_year[rng.choice([0, 0, 0, len(of_year) // 3]) :]
                present = present[: rng.choice([len(present)] * 5 + [max(1, len(present) // 2), 5])]
                stays.append(Stay(student, school, present[0].date, present[-1].date, GRADES[grade]))
                marks += runs_of_marks(rng, student, present)
    return stays, marks


def _place(number: int, size: int) -> tuple[str, int]:
    """School and the grade before the first year."""
    is_large = size == len(CROWD)
    return SCHOOLS[is_large and number % 5 == 0], GRADES.index("05") - (is_large and number % 4 == 0)


def runs_of_marks(rng: random.Random, student: str, days: list[Day]) -> list[Mark]:
    """Up to four runs of one to three marks."""
    marks = {}
    for _ in range(rng.randrange(5)):
        begin, category = rng.randrange(len(days)), rng.choice(CATEGORIES)
        for day in days[begin : begin + rng.randint(1, 3)]:
            mark = Mark(student, day.school_id, day.date, category, rng.choice([10_000, 10_000, 3_000]))
            marks[mark[:4]] = mark
    return list(marks.values())


@st.composite
def households_of(draw: st.DrawFn, shelter: int) -> dict[str, str | None]:
    """Homes of a few students; `shelter` of the crowd share one; somebody lives with nobody known."""
    homes = st.sampled_from([None, "h1", "h2", "alone", "shelter"])
    drawn = {student: draw(homes) for student in (*DRAWN, NEW)}
    return drawn | {student: "shelter" if place < shelter else f"h{place % 5}" for place, student in enumerate(CROWD)}


@st.composite
def members(draw: st.DrawFn) -> tuple[Member, ...]:
    """Everybody, at any school and in any grade of the target year: most where the crowd is, one of them new."""
    school = st.sampled_from([*SCHOOLS, SCHOOLS[0], "never seen"])
    grade = st.sampled_from([*GRADES, "07", "07", "07"])
    odd = [Member(student, draw(school), draw(grade)) for student in (*DRAWN, NEW)]
    ordinary = [Member(student, SCHOOLS[place % 5 == 0], "07") for place, student in enumerate(CROWD)]
    return (*odd, *ordinary)


def covers_leap_day(days: list[Day]) -> bool:
    """Whether the calendar has instruction on a 29 February."""
    return any(day.date == dt.date(2024, 2, 29) for day in days)
