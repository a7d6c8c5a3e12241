"""What was done about one student: plan, contacts, judgements and notes, as they are read.

Every function takes the connection of one transaction. Nothing here decides who may see what: the caller asks
`ews.access` first.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from ews.follow_up import State
from ews.school_year import SchoolYear
from ews.store.schema import (
    ASSIGNMENTS,
    CONTACTS,
    JUDGEMENTS,
    MENTORS,
    NOTES,
    PLAN_CHANGES,
    PLANS,
    STAFF,
)


@dataclass(frozen=True)
class Plan:
    """How far a student's support has come in one school year.

    Attributes:
        state: where it stands.
        version: rises with every change; 0 where nothing was written yet.
        next_step: what comes next; None where nobody wrote it.
        next_step_on: by when.
        changed_at: when it was last changed; None at version 0.
        changed_by: the login of who changed it.
    """

    state: State = State.NEW
    version: int = 0
    next_step: str | None = None
    next_step_on: dt.date | None = None
    changed_at: dt.datetime | None = None
    changed_by: str | None = None


@dataclass(frozen=True)
class PlanChange:
    """One change of a plan, as it is kept.

    Attributes:
        version: the one it made.
        state: the state it set.
        reason: why; None where none was asked for.
        at: when.
        by: the login of who made it.
    """

    version: int
    state: State
    reason: str | None
    at: dt.datetime
    by: str


@dataclass(frozen=True)
class Contact:
    """One contact, or a try that reached nobody.

    Attributes:
        contact_key: the random key.
        on_date: the day.
        kind: how; one of `ews.follow_up.Kind`.
        with_whom: student, family or both.
        minutes: None where not told.
        barrier: what keeps the student from school; None where nothing came up.
        referral: made or closed; None: none.
        next_step: None where nobody wrote one.
        entered_at: when it was written down.
        by: name of who wrote it.
        by_key: the same person's key.
    """

    contact_key: str
    on_date: dt.date
    kind: str
    with_whom: str
    minutes: int | None
    barrier: str | None
    referral: str | None
    next_step: str | None
    entered_at: dt.datetime
    by: str
    by_key: str


@dataclass(frozen=True)
class Judgement:
    """What somebody who knows more said of a student's place on the list.

    Attributes:
        judgement_key: the random key.
        adds: True: should be on the list; False: should not.
        category: one of `ews.follow_up.Knows`.
        reason: in the person's own words.
        at: when.
        by: name of who said it.
        taken_back_at: None: it stands.
    """

    judgement_key: str
    adds: bool
    category: str
    reason: str
    at: dt.datetime
    by: str
    taken_back_at: dt.datetime | None


@dataclass(frozen=True)
class Note:
    """A note of the team."""

    note_key: str
    text: str
    at: dt.datetime
    by: str


@dataclass(frozen=True)
class Mentoring:
    """An assignment of a mentor that is open.

    Attributes:
        state: offered, agreed or active.
        mentor: the mentor's name.
        since: first meeting day, else the day of the offer.
    """

    state: str
    mentor: str
    since: dt.date


def plan_of(connection: Connection, student_key: str, target_year: SchoolYear) -> Plan:
    """A student's plan for a school year; version 0 where nothing was written."""
    mine = and_(PLANS.c.student_key == student_key, PLANS.c.target_year == target_year.ending)
    row = connection.execute(select(*PLAN_COLUMNS).where(mine)).one_or_none()
    return Plan() if row is None else plan_in(*row)


def plan_changes(connection: Connection, student_key: str, target_year: SchoolYear) -> list[PlanChange]:
    """Every change of a student's plan for a school year, the latest first."""
    columns = PLAN_CHANGES.c
    query = (
        select(columns.version, columns.state, columns.reason, columns.at, columns.by)
        .where(columns.student_key == student_key, columns.target_year == target_year.ending)
        .order_by(columns.version.desc())
    )
    return [PlanChange(row[0], State(row[1]), *row[2:]) for row in connection.execute(query)]


def contacts_of(connection: Connection, student_key: str, entered_by: str | None = None) -> list[Contact]:
    """A student's contacts, the latest first; with `entered_by` only those that this person wrote down."""
    query = _contacts().where(CONTACTS.c.student_key == student_key)
    if entered_by is not None:
        query = query.where(CONTACTS.c.entered_by == entered_by)
    latest = (CONTACTS.c.on_date.desc(), CONTACTS.c.entered_at.desc(), CONTACTS.c.contact_key)
    return [Contact(*row) for row in connection.execute(query.order_by(*latest))]


def contact_by_request(connection: Connection, request_key: str) -> tuple[str, Contact] | None:
    """The student and the contact that a form was kept as; None where it was not sent before."""
    query = _contacts().add_columns(CONTACTS.c.student_key).where(CONTACTS.c.request_key == request_key)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row[-1], Contact(*row[:-1]))


def judgements_of(connection: Connection, student_key: str, target_year: SchoolYear) -> list[Judgement]:
    """What people who know more said for a school year, the latest first, also what was taken back."""
    columns = JUDGEMENTS.c
    query = (
        select(
            columns.judgement_key, columns.adds, columns.category, columns.reason, columns.at, STAFF.c.name,
            columns.taken_back_at,
        )
        .join(STAFF, STAFF.c.staff_key == columns.by)
        .where(columns.student_key == student_key, columns.target_year == target_year.ending)
        .order_by(columns.at.desc(), columns.judgement_key)
    )  # fmt: skip
    return [Judgement(*row) for row in connection.execute(query)]


def notes_of(connection: Connection, student_key: str) -> list[Note]:
    """A student's notes, the latest first."""
    query = (
        select(NOTES.c.note_key, NOTES.c.text, NOTES.c.at, STAFF.c.name)
        .join(STAFF, STAFF.c.staff_key == NOTES.c.by)
        .where(NOTES.c.student_key == student_key)
        .order_by(NOTES.c.at.desc(), NOTES.c.note_key)
    )
    return [Note(*row) for row in connection.execute(query)]


def mentoring_of(connection: Connection, student_key: str) -> Mentoring | None:
    """The open assignment of a student; None without one."""
    row = connection.execute(open_assignments().where(ASSIGNMENTS.c.student_key == student_key)).one_or_none()
    return None if row is None else Mentoring(*row[1:])


PLAN_COLUMNS = (
    PLANS.c.state, PLANS.c.version, PLANS.c.next_step, PLANS.c.next_step_on, PLANS.c.changed_at, PLANS.c.changed_by,
)  # fmt: skip


def plan_in(state: str, *more: Any) -> Plan:
    """The plan in a row of :data:`PLAN_COLUMNS`."""
    return Plan(State(state), *more)


def _contacts() -> Select[Any]:
    columns = CONTACTS.c
    return select(
        columns.contact_key, columns.on_date, columns.kind, columns.with_whom, columns.minutes, columns.barrier,
        columns.referral, columns.next_step, columns.entered_at, STAFF.c.name, columns.entered_by,
    ).join(STAFF, STAFF.c.staff_key == columns.entered_by)  # fmt: skip


def open_assignments() -> Select[Any]:
    """Student, state, mentor's name and since when: an open assignment a row."""
    columns = ASSIGNMENTS.c
    return (
        select(columns.student_key, columns.state, MENTORS.c.name, func.coalesce(columns.starts_on, columns.offered_on))
        .join(MENTORS, MENTORS.c.mentor_key == columns.mentor_key)
        .where(columns.ended_on.is_(None))
    )
