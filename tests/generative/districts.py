"""Small random districts: moves, re-entry, weekends, gaps, leap days, years without marks, open stays."""

import datetime as dt

from hypothesis import strategies as st

from ews.tables import CATEGORIES, GRADES
from tests.districts import Day, District, Mark, Stay, YearRow

SCHOOLS = ("oak", "elm", "007")
YEARS = (2023, 2024, 2025)
STUDENTS = ("ann", "ben", "0042")
FIRST_DATE, LAST_DATE = dt.date(2021, 6, 1), dt.date(2025, 8, 30)


@st.composite
def calendars(draw: st.DrawFn, lengths: tuple[int, ...] = (0, 4, 9, 9, 100)) -> list[Day]:
    """For each school and year none, a few, or many days in a row, of which some are left out, and some in a row."""
    days = []
    for year in YEARS:
        for school in SCHOOLS:
            length = draw(st.sampled_from(lengths))
            begin = dt.date(year - 1, 8, 1) + dt.timedelta(days=draw(st.integers(0, 364 - 2 * length)))
            if draw(st.booleans()):
                begin = dt.date(year, 2, 26)
            first = draw(st.integers(0, length))
            in_a_row = range(first, first + draw(st.sampled_from([0, 2, 3, 10])))
            left_out = draw(st.sets(st.integers(0, length), max_size=4)) | set(in_a_row)
            dates = (begin + dt.timedelta(days=step) for step in range(length) if step not in left_out)
            days += [Day(school, date, year) for date in dates if date <= dt.date(year, 7, 31)]
    return days


@st.composite
def stays_of(draw: st.DrawFn, student: str, days: list[Day]) -> list[Stay]:
    """Stays one after the other, bounded by any dates, often those of instructional days."""
    near = sorted({day.date for day in days}) or [FIRST_DATE]
    anywhere = st.dates(FIRST_DATE, LAST_DATE)
    bounds = sorted(draw(st.sets(st.sampled_from(near) | anywhere, min_size=1, max_size=6)))
    stays = []
    for begin, end in zip(bounds, [*bounds[1:], None], strict=True):
        leaves_early = end is not None and draw(st.booleans())
        until = None if end is None else end - dt.timedelta(days=1)
        if leaves_early and until is not None:
            until = begin + dt.timedelta(days=draw(st.integers(0, (until - begin).days)))
        if end is None and draw(st.booleans()):
            until = draw(st.dates(begin, LAST_DATE + dt.timedelta(days=400)))
        if draw(st.integers(0, 4)):
            stays.append(Stay(student, draw(st.sampled_from(SCHOOLS)), begin, until, draw(st.sampled_from(GRADES))))
    return stays


def enrolled_days(stay: Stay, days: list[Day]) -> list[Day]:
    end = stay.exit_date or dt.date.max
    return sorted(day for day in days if day.school_id == stay.school_id and stay.entry_date <= day.date <= end)


@st.composite
def marks_within(draw: st.DrawFn, stays: list[Stay], days: list[Day]) -> list[Mark]:
    """Runs of marks on enrolled days; a date has a category at most once."""
    marks = {}
    for stay in stays:
        enrolled = enrolled_days(stay, days)
        if not enrolled:
            continue
        runs = st.tuples(
            st.integers(0, len(enrolled) - 1),
            st.integers(1, 6),
            st.sampled_from(CATEGORIES),
            st.sampled_from([0, 1, 3333, 4999, 5000, 10_000, 10_000, 10_000]),
        )
        for begin, length, category, share in draw(st.lists(runs, max_size=5)):
            for day in enrolled[begin : begin + length]:
                mark = Mark(stay.student_id, day.school_id, day.date, category, share)
                marks[mark[:4]] = mark
    return list(marks.values())


def sheets() -> st.SearchStrategy[list[YearRow]]:
    return sheets_of((*STUDENTS, "sheet only"))


@st.composite
def sheets_of(draw: st.DrawFn, students: tuple[str, ...]) -> list[YearRow]:
    counts = st.none() | st.integers(0, 9)
    rows = {}
    for _ in range(draw(st.integers(0, 6))):
        key = (
            draw(st.sampled_from(students)),
            draw(st.sampled_from(SCHOOLS)),
            draw(st.sampled_from(YEARS)),
        )
        enrolled = draw(st.sampled_from([0, 1, 60, 90, 180]))
        kinds = (draw(counts), draw(counts), draw(counts))
        rows[key] = YearRow(*key, draw(st.sampled_from(GRADES)), enrolled, draw(st.integers(0, enrolled)), *kinds)
    return list(rows.values())


@st.composite
def districts(draw: st.DrawFn) -> District:
    days = draw(calendars())
    stays = [stay for student in STUDENTS for stay in draw(stays_of(student, days))]
    return District(days, stays, draw(marks_within(stays, days)), draw(sheets()))
