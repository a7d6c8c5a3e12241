"""Offers of a mentor: one seat of the mentor, one student, once.

Two tables' indexes decide races: a seat is open to one student, a student has one open assignment. Whoever comes second
is told who was first and when (O11). Every function takes the connection of the caller's transaction.
"""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Insert, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ews.errors import InputRefused, Overtaken
from ews.slots import EXCLUDED, Rule
from ews.slots.explain import CAUSES
from ews.store.mentors import KnownMentor, exclusions_on, mentors_in
from ews.store.schema import ASSIGNMENTS, ROUND_ROWS, ROUNDS

_BATCH = 500
"""Rows of one statement; a database takes so many values and no more."""


@dataclass(frozen=True)
class Offer:
    """A student to be offered a mentor, and why."""

    student_key: str
    mentor_key: str
    why: str


def make_offers(
    connection: Connection, round_key: str, rule: Rule, offers: Sequence[Offer], by: str, on: dt.date
) -> list[str]:
    """Offer the students of a confirmed round their mentors; gives the keys of who was offered one.

    Who was excluded since the proposal is left out, with the reason in the round.

    Raises:
        InputRefused: a mentor has no slots on the day.
        Overtaken: a seat was taken, or a student was offered a mentor, since the proposal.
    """
    out = {one.student_key: one.kind for one in exclusions_on(connection, on) if one.kind in rule.excluded}
    offered = {one.student_key for one in offers}
    _leave_out(connection, round_key, {key: kind for key, kind in out.items() if key in offered})
    kept = [one for one in offers if one.student_key not in out]
    seats = _free_seats(connection, {one.mentor_key for one in kept}, on)
    rows = [
        new_assignment(one.student_key, one.mentor_key, next(seats[one.mentor_key], 0), one.why, by, on, round_key)
        for one in kept
    ]
    _refuse_without_seat(connection, rows)
    insert_open(connection, rows)
    return [one.student_key for one in kept]


def new_assignment(
    student_key: str, mentor_key: str, seat: int, why: str, by: str, on: dt.date, round_key: str | None,
    request_key: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The row of an offer that was just made."""
    once = request_key or str(uuid.uuid5(uuid.UUID(round_key), student_key))
    return {
        "assignment_key": str(uuid.uuid4()), "student_key": student_key, "mentor_key": mentor_key, "seat": seat,
        "round_key": round_key, "request_key": once, "state": "offered", "offered_on": on, "offered_by": by, "why": why,
    }  # fmt: skip


def free_seat(connection: Connection, mentor_key: str, on: dt.date) -> int:
    """The lowest free seat of a mentor.

    Raises:
        InputRefused: the mentor has no slots on the day.
        Overtaken: every seat is taken; it says who gave the last one, and when.
    """
    seat = next(_free_seats(connection, {mentor_key}, on)[mentor_key], 0)
    _refuse_without_seat(connection, [{"mentor_key": mentor_key, "seat": seat}])
    return seat


def insert_open(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep open assignments, all or none.

    Raises:
        Overtaken: a seat or a student of one of them was faster given by somebody else.
    """
    for batch in _batches(rows):
        connection.execute(_insert_or_leave(connection).values(list(batch)))
    keys = [row["assignment_key"] for row in rows]
    there = sum(
        int(connection.scalar(select(func.count()).where(ASSIGNMENTS.c.assignment_key.in_(batch))) or 0)
        for batch in _batches(keys)
    )
    if there != len(rows):
        _refuse_taken(connection, rows)


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))


def _insert_or_leave(connection: Connection) -> Insert:
    """An insert that leaves out what a unique index forbids; PostgreSQL waits for whoever came first to decide."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(ASSIGNMENTS).on_conflict_do_nothing()


def _free_seats(connection: Connection, mentor_keys: set[str], on: dt.date) -> dict[str, Iterator[int]]:
    taken = _taken_seats(connection, mentor_keys)
    known = {one.mentor_key: one for one in mentors_in(connection)}
    return {key: _seats_left(known[key], taken.get(key, set()), on) for key in mentor_keys}


def _seats_left(mentor: KnownMentor, taken: set[int], on: dt.date) -> Iterator[int]:
    why = mentor.mentor.why_no_slots(on)
    if why:
        raise InputRefused(f"{mentor.mentor.name} {why}, so nobody can be offered this mentor now.")
    open_ones = (seat for seat in range(1, mentor.mentor.cap + 1) if seat not in taken)
    return itertools.islice(open_ones, max(mentor.mentor.cap - len(taken), 0))


def _taken_seats(connection: Connection, mentor_keys: set[str]) -> Mapping[str, set[int]]:
    columns = ASSIGNMENTS.c
    query = select(columns.mentor_key, columns.seat).where(
        columns.mentor_key.in_(mentor_keys), columns.ended_on.is_(None)
    )
    found: dict[str, set[int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.mentor_key, set()).add(row.seat)
    return found


def _leave_out(connection: Connection, round_key: str, out: Mapping[str, str]) -> None:
    for student_key, kind in out.items():
        mine = and_(ROUND_ROWS.c.round_key == round_key, ROUND_ROWS.c.student_key == student_key)
        values = {"decision": EXCLUDED, "mentor_key": None, "why": f"{CAUSES[kind]}; since the proposal."}
        connection.execute(update(ROUND_ROWS).where(mine).values(values))


def _refuse_without_seat(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    without = [row["mentor_key"] for row in rows if not row["seat"]]
    if without:
        held = and_(ASSIGNMENTS.c.mentor_key == without[0], ASSIGNMENTS.c.ended_on.is_(None))
        raise Overtaken(f"The mentor's last slot was given by {_last_given(connection, held)}. Look at it again.")


def _refuse_taken(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    mine = ASSIGNMENTS.c.assignment_key.not_in([row["assignment_key"] for row in rows])
    same = or_(
        ASSIGNMENTS.c.student_key.in_([row["student_key"] for row in rows]),
        *(
            and_(ASSIGNMENTS.c.mentor_key == row["mentor_key"], ASSIGNMENTS.c.seat == row["seat"])
            for row in rows[:_BATCH]
        ),
    )
    held = and_(mine, same, ASSIGNMENTS.c.ended_on.is_(None))
    raise Overtaken(
        f"A slot or a student of these was given meanwhile by {_last_given(connection, held)}. Nothing was changed; "
        "look at it again."
    )


def _last_given(connection: Connection, held: Any) -> str:
    """Who gave the latest of some open assignments, and when."""
    query = (
        select(ASSIGNMENTS.c.offered_by, ASSIGNMENTS.c.offered_on, ROUNDS.c.confirmed_at)
        .select_from(ASSIGNMENTS.outerjoin(ROUNDS))
        .where(held)
        .order_by(ASSIGNMENTS.c.offered_on.desc(), ROUNDS.c.confirmed_at.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return "somebody else"
    when = f"{row.confirmed_at:%Y-%m-%d at %H:%M} UTC" if row.confirmed_at else str(row.offered_on)
    return f"{row.offered_by} on {when}"
