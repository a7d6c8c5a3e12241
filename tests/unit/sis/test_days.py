"""Overlapping stays against a slow twin that asks, day by day, which stay owns it."""

from datetime import date, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.sis.days import make_known_days, make_stays

FIRST = date(2025, 9, 1)
HORIZON = 30
WITHOUT_DAYS = 99

Stay = tuple[str, str, int, int | None]
"""School, grade, day of entry and day of exit, counted from FIRST; no exit is an open stay."""


@st.composite
def stays_of_a_student(draw: st.DrawFn) -> list[Stay]:
    stays = {}
    for _ in range(draw(st.integers(1, 5))):
        entry, school = draw(st.integers(0, 12)), draw(st.sampled_from("ABC"))
        length = draw(st.none() | st.integers(0, 8))
        stays[school, entry] = (
            school,
            draw(st.sampled_from(["03", "04"])),
            entry,
            None if length is None else entry + length,
        )
    return list(stays.values())


def owners_day_by_day(stays: list[Stay]) -> list[int | None]:
    ordered = sorted(range(len(stays)), key=lambda i: (stays[i][2], _end(stays[i][3]), stays[i][0]))
    ends = {}
    for place, i in enumerate(ordered):
        following = stays[ordered[place + 1]][2] - 1 if place + 1 < len(ordered) else None
        ends[i] = stays[i][3] if stays[i][3] is not None else _end(following)
    covering = ([i for i in ordered if stays[i][2] <= day <= ends[i]] for day in range(HORIZON))
    return [owners[-1] if owners else None for owners in covering]


def _end(day: int | None) -> int:
    return 10_000 if day is None else day


def dates(entry: int, leave: int | None) -> tuple[date, date | None]:
    return FIRST + timedelta(entry), None if leave is None else FIRST + timedelta(leave)


def made(stays: list[Stay]) -> tuple[list[tuple[int, date, date | None]], set[int], set[int]]:
    """The pieces (row, entry, exit), the rows trimmed and the rows of which nothing is left."""
    connection = duckdb.connect()
    connection.execute(
        "create table judged_enrollments (row bigint, student_id text, school_id text, grade_level text, "
        "entry_date date, exit_date date, broken smallint); "
        "create view accepted_enrollments as select * exclude (broken) from judged_enrollments where broken is null"
    )
    rows = [
        (row, "ada", school, grade, *dates(entry, leave), None)
        for row, (school, grade, entry, leave) in enumerate(stays)
    ]
    connection.executemany("insert into judged_enrollments values (?, ?, ?, ?, ?, ?, ?)", rows)
    make_stays(connection, WITHOUT_DAYS)
    pieces = connection.execute("select row, entry_date, exit_date from stays order by entry_date").fetchall()
    trimmed = {row for (row,) in connection.execute("from trimmed").fetchall()}
    gone = connection.execute("select row from judged_enrollments where broken = ?", [WITHOUT_DAYS]).fetchall()
    return pieces, trimmed, {row for (row,) in gone}


@given(stays_of_a_student())
@settings(max_examples=30, deadline=None)
def test_each_day_belongs_to_the_stay_that_the_slow_twin_names_I26_I28(stays: list[Stay]) -> None:
    pieces, trimmed, gone = made(stays)
    days = [FIRST + timedelta(day) for day in range(HORIZON)]
    owned = [[row for row, entry, leave in pieces if entry <= day <= (leave or date.max)] for day in days]
    assert all(len(owners) <= 1 for owners in owned)
    assert [owners[0] if owners else None for owners in owned] == owners_day_by_day(stays)
    kept = {row for row, *_ in pieces}
    assert gone == set(range(len(stays))) - kept
    as_given = {(row, *dates(entry, leave)) for row, (_, _, entry, leave) in enumerate(stays)}
    assert trimmed == {row for row, *_ in set(pieces) - as_given}


def test_a_short_stay_within_a_long_one_leaves_days_on_both_sides_I26() -> None:
    pieces, trimmed, gone = made([("A", "03", 0, 20), ("B", "03", 5, 8)])
    day = [FIRST + timedelta(offset) for offset in range(21)]
    assert pieces == [(0, day[0], day[4]), (1, day[5], day[8]), (0, day[9], day[20])]
    assert (trimmed, gone) == ({0}, set())


def test_an_open_stay_ends_where_the_next_one_starts_I27() -> None:
    pieces, trimmed, gone = made([("A", "03", 0, None), ("B", "03", 5, None)])
    assert pieces == [(0, FIRST, FIRST + timedelta(4)), (1, FIRST + timedelta(5), None)]
    assert (trimmed, gone) == ({0}, set())


def test_days_are_numbered_within_a_school_and_year_and_the_days_between_are_known() -> None:
    connection = duckdb.connect()
    connection.execute(
        "create view accepted_calendar as from (values ('A', date '2025-09-05', 2026), ('A', date '2025-09-08', 2026), "
        "('A', date '2024-09-06', 2025), ('B', date '2025-09-08', 2026)) as days(school_id, date, school_year)"
    )
    make_known_days(connection)
    numbered = connection.execute(
        "select school_id, date::varchar, day_index from known_days where date > date '2025-01-01' order by 1, 2"
    ).fetchall()
    assert numbered == [
        ("A", "2025-09-05", 1), ("A", "2025-09-06", None), ("A", "2025-09-07", None), ("A", "2025-09-08", 2),
        ("B", "2025-09-08", 1),
    ]  # fmt: skip
