"""What a mentor sees follows assignments: these own the rows of caseloads that they open, and nothing else ends them.

A mentor sees a student from the first meeting day until the day before the assignment ends, and no longer than the
mentor is one (M05, M08). Every function takes the connection of the caller's transaction.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, update

from ews.access import Role
from ews.store.schema import ASSIGNMENTS, CASELOADS, MENTORS


@dataclass(frozen=True)
class Seer:
    """Who sees the student of an assignment.

    Attributes:
        staff_key: the mentor's account; None: there is none.
        until: the last day of the mentor, inclusive; None: open.
    """

    staff_key: str | None
    until: dt.date | None


def begin(connection: Connection, seer: Seer, student_key: str, day: dt.date) -> None:
    """Let a mentor's account see a student from a day on; nothing where there is no account, or it ends before."""
    if seer.staff_key is None or (seer.until is not None and seer.until < day):
        return
    row = {"staff_key": seer.staff_key, "student_key": student_key, "role": Role.MENTOR.value, "starts_on": day}
    connection.execute(delete(CASELOADS).where(*(CASELOADS.c[name] == value for name, value in row.items())))
    connection.execute(insert(CASELOADS).values(**row, ends_on=seer.until))


def end(connection: Connection, staff_key: str | None, student_key: str, on: dt.date) -> None:
    """Take the sight away: the last day is the day before, since what ended today is not shown today."""
    mine = and_(
        CASELOADS.c.staff_key == staff_key, CASELOADS.c.student_key == student_key,
        CASELOADS.c.role == Role.MENTOR.value, or_(CASELOADS.c.ends_on.is_(None), CASELOADS.c.ends_on >= on),
    )  # fmt: skip
    connection.execute(delete(CASELOADS).where(mine, CASELOADS.c.starts_on >= on))
    connection.execute(update(CASELOADS).where(mine).values(ends_on=on - dt.timedelta(days=1)))


def seer_of(connection: Connection, mentor_key: str) -> Seer:
    """Who sees the students of a mentor."""
    query = select(MENTORS.c.staff_key, MENTORS.c.ends_on).where(MENTORS.c.mentor_key == mentor_key)
    return Seer(*connection.execute(query).one())


def seers(connection: Connection) -> Mapping[tuple[str, dt.date], Seer]:
    """Who sees whom by an open assignment that has a first meeting, by student and that day."""
    query = (
        select(ASSIGNMENTS.c.student_key, ASSIGNMENTS.c.starts_on, MENTORS.c.staff_key, MENTORS.c.ends_on)
        .join(MENTORS, MENTORS.c.mentor_key == ASSIGNMENTS.c.mentor_key)
        .where(ASSIGNMENTS.c.ended_on.is_(None), ASSIGNMENTS.c.starts_on.is_not(None))
    )
    return {(student, starts_on): Seer(*seer) for student, starts_on, *seer in connection.execute(query)}


def follow(connection: Connection, before: Mapping[tuple[str, dt.date], Seer], on: dt.date) -> None:
    """Put sights right after mentors changed: another account, a last day, or somebody who is back.

    Args:
        connection: of the caller's transaction.
        before: what `seers` gave before the change.
        on: today.
    """
    for (student_key, starts_on), seer in seers(connection).items():
        was = before.get((student_key, starts_on))
        if was != seer:
            end(connection, was.staff_key if was else None, student_key, on)
            begin(connection, seer, student_key, max(starts_on, on))


def is_by_assignment() -> ColumnElement[bool]:
    """Whether a row of caseloads is one that an open assignment opened."""
    return and_(
        CASELOADS.c.role == Role.MENTOR.value,
        exists().where(
            ASSIGNMENTS.c.student_key == CASELOADS.c.student_key, ASSIGNMENTS.c.ended_on.is_(None),
            ASSIGNMENTS.c.starts_on.is_not(None), MENTORS.c.mentor_key == ASSIGNMENTS.c.mentor_key,
            MENTORS.c.staff_key == CASELOADS.c.staff_key,
        ),
    )  # fmt: skip
