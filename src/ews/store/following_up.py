"""Writing down what was done about a student. Every function takes the connection of a transaction that writes.

The caller has asked `ews.access` for the student and the view before, in the same transaction.
"""

import contextlib
import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Insert, insert, select, update
from sqlalchemy.exc import IntegrityError

from ews.errors import InputRefused, Overtaken
from ews.follow_up import Barrier, Kind, Knows, Referral, State, WithWhom, reaches
from ews.school_year import SchoolYear
from ews.store.follow_up import Contact, Plan, contact_by_request, plan_of
from ews.store.schema import ASSIGNMENTS, CONTACTS, JUDGEMENTS, MENTORS, NOTES, PLAN_CHANGES, PLANS

MOST_WORDS = 2_000
"""Characters of a note, a reason or a next step."""

MOST_MINUTES = 600
LONGEST_AGO = dt.timedelta(days=366)
"""A contact is written down within a year."""


@dataclass(frozen=True)
class Author:
    """Who writes, and when.

    Attributes:
        staff_key: the person.
        login: the same as plans name people.
        at: the time.
        on: the school's date then.
    """

    staff_key: str
    login: str
    at: dt.datetime
    on: dt.date


@dataclass(frozen=True)
class NewContact:
    """A contact as it is told; checked when it is made.

    Attributes:
        request_key: of the form: sent twice, it counts once (O12).
        on_date: the day.
        kind: how.
        with_whom: whom.
        minutes: None where not told.
        barrier: None where nothing came up.
        referral: None where none was made or closed.
        next_step: empty or None where there is none.
        assignment_key: of a mentor's contact; None otherwise.
    """

    request_key: str
    on_date: dt.date
    kind: Kind
    with_whom: WithWhom
    minutes: int | None = None
    barrier: Barrier | None = None
    referral: Referral | None = None
    next_step: str | None = None
    assignment_key: str | None = None


def add_contact(
    connection: Connection, student_key: str, told: NewContact, by: Author, target_year: SchoolYear
) -> Contact:
    """Keep a contact; sent again with the same request key, the one that was kept is given back.

    The first contact that reaches somebody moves a plan from *new* to *contacted*.

    Raises:
        InputRefused: a day in the future or more than a year ago, minutes out of range, too many words, or the request
            key of another student's contact, or of one that somebody else wrote.
    """
    _refuse_untellable(told, by.on)
    found = contact_by_request(connection, told.request_key)
    if found is None and _inserted(connection, student_key, told, by) and reaches(told.kind):
        _move_on(connection, student_key, target_year, by)
    owner, contact = found or contact_by_request(connection, told.request_key) or ("", None)
    if contact is None or (owner, contact.by_key) != (student_key, by.staff_key):
        raise InputRefused("This form was kept already, for another student or by somebody else. Open the page anew.")
    return contact


def change_plan(
    connection: Connection,
    student_key: str,
    target_year: SchoolYear,
    plan: Plan,
    by: Author,
    reason: str | None = None,
) -> Plan:
    """Change a plan from the version that was looked at; gives the new one.

    Args:
        connection: of the caller's transaction.
        student_key: whose plan.
        target_year: for which year.
        plan: the new state and next step; its version is the one that was looked at, 0 for none.
        by: who, and when.
        reason: why, in own words; kept with the change.

    Raises:
        Overtaken: somebody changed it meanwhile (O13); nothing was changed.
        InputRefused: too many words.
    """
    values = {
        "state": plan.state.value, "version": plan.version + 1, "next_step": _words(plan.next_step),
        "next_step_on": plan.next_step_on, "changed_at": by.at, "changed_by": by.login,
    }  # fmt: skip
    key = {"student_key": student_key, "target_year": target_year.ending}
    if not _written(connection, key, plan.version, values):
        raise _overtaken(connection, student_key, target_year)
    change = {"version": plan.version + 1, "state": plan.state.value, "reason": _words(reason), "at": by.at}
    connection.execute(insert(PLAN_CHANGES).values({**key, **change, "by": by.login}))
    return plan_of(connection, student_key, target_year)


def judge(
    connection: Connection,
    student_key: str,
    target_year: SchoolYear,
    by: Author,
    *,
    adds: bool,
    category: Knows,
    reason: str,
) -> str:
    """Keep what somebody knows of a student's place on the list; what was said before is taken back. Gives its key.

    Raises:
        InputRefused: no reason, or too many words (M09).
    """
    words = _words(reason)
    if not words:
        raise InputRefused("Say in a few words what you know: the team will read it.")
    take_back(connection, student_key, target_year, by)
    key = str(uuid.uuid4())
    row = {
        "judgement_key": key, "student_key": student_key, "target_year": target_year.ending, "adds": adds,
        "category": category.value, "reason": words, "at": by.at, "by": by.staff_key,
    }  # fmt: skip
    connection.execute(insert(JUDGEMENTS).values(row))
    return key


def take_back(connection: Connection, student_key: str, target_year: SchoolYear, by: Author) -> int:
    """Take back what stands of a student's place on the list; how many judgements that were, 0 or 1."""
    standing = (
        JUDGEMENTS.c.student_key == student_key,
        JUDGEMENTS.c.target_year == target_year.ending,
        JUDGEMENTS.c.taken_back_at.is_(None),
    )
    return connection.execute(update(JUDGEMENTS).where(*standing).values(taken_back_at=by.at)).rowcount


def add_note(connection: Connection, student_key: str, text: str, by: Author) -> str:
    """Keep a note; gives its key.

    Raises:
        InputRefused: it is empty, or too long.
    """
    words = _words(text)
    if not words:
        raise InputRefused("The note is empty.")
    key = str(uuid.uuid4())
    row = {"note_key": key, "student_key": student_key, "text": words, "at": by.at, "by": by.staff_key}
    connection.execute(insert(NOTES).values(row))
    return key


def _refuse_untellable(told: NewContact, on: dt.date) -> None:
    if told.on_date > on:
        raise InputRefused("The day of a contact cannot be in the future.")
    if told.on_date < on - LONGEST_AGO:
        raise InputRefused("The day of a contact cannot be more than a year ago.")
    if told.minutes is not None and not 0 <= told.minutes <= MOST_MINUTES:
        raise InputRefused(f"Minutes must be 0 to {MOST_MINUTES}, or empty.")
    _words(told.next_step)


def _words(text: str | None) -> str | None:
    """What was written, without blanks around it; None where it is empty.

    Raises:
        InputRefused: it is too long, or holds a character that no database keeps.
    """
    words = (text or "").replace("\r\n", "\n").strip()
    if len(words) > MOST_WORDS:
        raise InputRefused(f"That is too long: at most {MOST_WORDS} characters.")
    if "\x00" in words or not words.isascii() and any("\ud800" <= letter <= "\udfff" for letter in words):
        raise InputRefused("The text holds a character that is no letter.")
    return words or None


def _inserted(connection: Connection, student_key: str, told: NewContact, by: Author) -> bool:
    """Whether a contact was kept now; not where another request with the same key was faster."""
    row = {
        "contact_key": str(uuid.uuid4()), "request_key": told.request_key, "student_key": student_key,
        "assignment_key": told.assignment_key or _assignment_of(connection, student_key, by),
        "on_date": told.on_date, "kind": told.kind.value, "with_whom": told.with_whom.value,
        "minutes": told.minutes, "next_step": _words(told.next_step),
        "barrier": told.barrier.value if told.barrier else None,
        "referral": told.referral.value if told.referral else None,
        "entered_at": by.at, "entered_by": by.staff_key,
    }  # fmt: skip
    return _fits(connection, insert(CONTACTS).values(row))


def _assignment_of(connection: Connection, student_key: str, by: Author) -> str | None:
    """The open assignment by which the author mentors the student; None: is not the mentor."""
    query = (
        select(ASSIGNMENTS.c.assignment_key)
        .join(MENTORS, MENTORS.c.mentor_key == ASSIGNMENTS.c.mentor_key)
        .where(ASSIGNMENTS.c.student_key == student_key, ASSIGNMENTS.c.ended_on.is_(None))
        .where(MENTORS.c.staff_key == by.staff_key)
    )
    return connection.scalar(query)


def _fits(connection: Connection, statement: Insert) -> bool:
    """Whether a row could be inserted; not where its key is taken."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError:
        return False
    return True


def _move_on(connection: Connection, student_key: str, target_year: SchoolYear, by: Author) -> None:
    """From *new* to *contacted*; a plan that somebody changes at the same moment stays as that person made it."""
    seen = plan_of(connection, student_key, target_year)
    if seen.state is not State.NEW:
        return
    moved = Plan(State.CONTACTED, seen.version, seen.next_step, seen.next_step_on)
    with contextlib.suppress(Overtaken):
        change_plan(connection, student_key, target_year, moved, by)


def _written(connection: Connection, key: Mapping[str, Any], version: int, values: Mapping[str, Any]) -> bool:
    """Whether the plan was at the version, and is now as `values` say."""
    if version > 0:
        mine = (PLANS.c[name] == value for name, value in key.items())
        return connection.execute(update(PLANS).where(*mine, PLANS.c.version == version).values(values)).rowcount == 1
    return _fits(connection, insert(PLANS).values({**key, **values}))


def _overtaken(connection: Connection, student_key: str, target_year: SchoolYear) -> Overtaken:
    plan = plan_of(connection, student_key, target_year)
    if plan.changed_at is None:
        return Overtaken("This plan is no longer there. Open the page anew.")
    return Overtaken(
        f"{plan.changed_by} changed this plan at {plan.changed_at:%Y-%m-%d %H:%M} UTC, after you opened it. "
        "Your change was not made: look at the plan as it is now, and change it again."
    )
