"""Plans follow mentors: an offer moves a student's plan to *mentor*, the end of it moves the plan on.

Every function takes the connection of the caller's transaction, so that plan and assignment are kept together or not at
all. A plan that people moved elsewhere meanwhile stays where they moved it when a mentor ends.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ews.follow_up import State
from ews.store.schema import PLAN_CHANGES, PLANS

OFFERED = "A mentor was offered."
ENDED = "No mentor now."
"""One reason for every end: a refusal leaves no mark in a plan (MEN-5)."""

GOES_WELL = ("goal_reached", "year_end")
"""Ends after which somebody keeps an eye on the student and nothing else is needed now."""

_BATCH = 500


def to_mentor(connection: Connection, student_keys: Sequence[str], target_year: int, by: str, at: dt.datetime) -> None:
    """Move plans to *mentor*, and open one where there is none; who is there already stays, and no version is lost."""
    for batch in _batches(student_keys):
        moved = connection.execute(_to_mentor(connection, batch, target_year, by, at)).all()
        changes = [_change(key, target_year, version, State.MENTOR, OFFERED, by, at) for key, version in moved]
        if changes:
            connection.execute(insert(PLAN_CHANGES), changes)


def after_mentor(
    connection: Connection, student_key: str, reason: str, by: str, at: dt.datetime, *, was_told: bool, started: bool
) -> None:
    """Move a student's plans on from *mentor*, of whatever school year.

    Where mentoring had begun: to *monitoring* when its goal is reached or the year ends, else to *plan*, since other
    help is to be found. Where it had not: back to where the plan was, or to *contacted* where the family was told.

    Args:
        connection: of the caller's transaction.
        student_key: whose plans.
        reason: why the assignment ended, of `ews.store.assigned.END_REASONS`.
        by: login of who ended it.
        at: when.
        was_told: whether the family was told of the offer.
        started: whether there was a first meeting.
    """
    mine = and_(PLANS.c.student_key == student_key, PLANS.c.state == State.MENTOR.value)
    for year, version in connection.execute(select(PLANS.c.target_year, PLANS.c.version).where(mine)).all():
        if started:
            state = State.MONITORING if reason in GOES_WELL else State.PLAN
        else:
            state = _before(connection, student_key, year, was_told=was_told)
        of_year = and_(mine, PLANS.c.target_year == year, PLANS.c.version == version)
        values = {"state": state.value, "version": version + 1, "changed_at": at, "changed_by": by}
        if connection.execute(update(PLANS).where(of_year).values(values)).rowcount == 1:
            change = _change(student_key, year, version + 1, state, ENDED, by, at)
            connection.execute(insert(PLAN_CHANGES).values(change))


def _to_mentor(connection: Connection, student_keys: Sequence[str], target_year: int, by: str, at: dt.datetime) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    moved = {"state": State.MENTOR.value, "changed_at": at, "changed_by": by}
    new = [{"student_key": key, "target_year": target_year, "version": 1, **moved} for key in student_keys]
    statement = dialect.insert(PLANS).values(new)
    return statement.on_conflict_do_update(
        index_elements=[PLANS.c.student_key, PLANS.c.target_year],
        set_={**moved, "version": PLANS.c.version + 1},
        where=PLANS.c.state != State.MENTOR.value,
    ).returning(PLANS.c.student_key, PLANS.c.version)


def _before(connection: Connection, student_key: str, target_year: int, *, was_told: bool) -> State:
    """Where a plan was before it came to *mentor*; a family that was told was contacted by it."""
    columns = PLAN_CHANGES.c
    query = (
        select(columns.state)
        .where(columns.student_key == student_key, columns.target_year == target_year)
        .where(columns.state != State.MENTOR.value)
        .order_by(columns.version.desc())
        .limit(1)
    )
    found = State(connection.scalar(query) or State.NEW)
    return State.CONTACTED if found is State.NEW and was_told else found


def _change(
    student_key: str, target_year: int, version: int, state: State, reason: str, by: str, at: dt.datetime
) -> dict[str, Any]:
    return {
        "student_key": student_key, "target_year": target_year, "version": version, "state": state.value,
        "reason": reason, "at": at, "by": by,
    }  # fmt: skip


def _batches(rows: Sequence[str]) -> Iterator[Sequence[str]]:
    return (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))
