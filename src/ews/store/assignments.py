"""One student's mentor, from the offer to the end: the family is told, all agree, it starts, it ends (MEN-5, MEN-8).

The mentor sees the student from the first meeting day on and no longer than the assignment lasts: starting one opens
the mentor's caseload, ending it closes it the same day (M05). Every function takes the connection of the caller's
transaction.
"""

import datetime as dt
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select, update

from ews.errors import InputRefused, Overtaken
from ews.store.assigned import (
    END_REASONS,
    STEPS,
    Assignment,
    Step,
    assignment_of,
    first_day,
    open_assignment,
    refuse_step,
    rule_of,
)
from ews.store.mentor_sight import begin, end, seer_of
from ews.store.offers import free_seat, insert_open, new_assignment
from ews.store.plan_moves import after_mentor, to_mentor
from ews.store.reading import run_in_force
from ews.store.schema import ASSIGNMENTS, MENTOR_SCHOOLS, STAYS

_CARRIED = ("family_told_on", "consented_on", "assented_on", "goal", "state")
"""What a handover takes along."""

_WITH_HANDOVER = ("moved_school", "mentor_left", "handover")
MOST_WORDS = 1_000


def take_step(connection: Connection, student_key: str, step: Step, day: dt.date, on: dt.date, goal: str = "") -> None:
    """Note that a step was taken; taken on the same day already, it changes nothing.

    Args:
        connection: of the caller's transaction.
        student_key: whose open assignment it is.
        step: which step.
        day: when; of the start the first meeting day, which may lie ahead.
        on: today.
        goal: of the start, what mentor and student want to reach.

    Raises:
        NotFound: no mentor is offered to the student.
        InputRefused: another step comes first, or the day cannot be.
        Overtaken: somebody took the step on another day, or ended it, meanwhile.
    """
    found = open_assignment(connection, student_key)
    column = STEPS[step]
    if getattr(found, column) == day:
        return
    refuse_step(found, rule_of(connection, found), step, day, on)
    if step is Step.STARTED and day < first_day(connection, found):
        raise InputRefused(
            f"The first meeting can be from {first_day(connection, found)} on: the day after the round was confirmed, "
            "so that what is measured was written down before."
        )
    values: dict[str, Any] = {column: day, "state": _state_after(found, step)}
    if step is Step.STARTED:
        values["goal"] = " ".join(goal.split())[:MOST_WORDS] or None
    mine = and_(
        ASSIGNMENTS.c.assignment_key == found.assignment_key, ASSIGNMENTS.c[column].is_(None),
        ASSIGNMENTS.c.ended_on.is_(None),
    )  # fmt: skip
    if connection.execute(update(ASSIGNMENTS).where(mine).values(values)).rowcount != 1:
        raise Overtaken("Somebody else noted this step, or ended the offer, a moment ago. Look at it again.")
    if step is Step.STARTED:
        begin(connection, seer_of(connection, found.mentor_key), student_key, day)


def end_assignment(
    connection: Connection, student_key: str, reason: str, by: str, on: dt.date, handover: str = "",
    at: dt.datetime | None = None,
) -> Assignment:  # fmt: skip
    """End a student's open assignment today: the seat is free, and the mentor sees the student no more (M05, M03).

    The student's plan moves on with it (`ews.store.plan_moves`).

    Args:
        connection: of the caller's transaction.
        student_key: whose assignment.
        reason: of `END_REASONS`.
        by: login of who ends it.
        on: today.
        handover: what whoever goes on should know.
        at: when, for the plan's history; None: as the day begins.

    Raises:
        NotFound: there is none open.
        InputRefused: the reason is not of the list, or needs a note for whoever comes next.
    """
    ended = _end(connection, student_key, reason, by, on, handover)
    is_told, started = ended.family_told_on is not None, ended.starts_on is not None
    when = at or _beginning(on)
    after_mentor(connection, student_key, reason, by, when, was_told=is_told, started=started)
    return ended


def _end(connection: Connection, student_key: str, reason: str, by: str, on: dt.date, handover: str) -> Assignment:
    found = open_assignment(connection, student_key)
    note = handover.strip()
    if reason not in END_REASONS:
        raise InputRefused(f"A reason is one of: {', '.join(END_REASONS)}.")
    if len(note) > MOST_WORDS:
        raise InputRefused(f"A note holds at most {MOST_WORDS} characters.")
    if reason in _WITH_HANDOVER and not note and found.starts_on is not None:
        raise InputRefused("Write a line for whoever goes on: what has helped, what was agreed.")
    values: dict[str, Any] = {
        "state": "declined" if reason == "declined" else "ended", "ended_on": on, "ended_by": by, "end_reason": reason,
        "handover": note or None,
    }  # fmt: skip
    mine = and_(ASSIGNMENTS.c.assignment_key == found.assignment_key, ASSIGNMENTS.c.ended_on.is_(None))
    if connection.execute(update(ASSIGNMENTS).where(mine).values(values)).rowcount != 1:
        raise Overtaken("Somebody else ended this a moment ago.")
    end(connection, found.staff_key, student_key, on)
    return replace(found, **values)


def give(
    connection: Connection, student_key: str, mentor_key: str, why: str, by: str, on: dt.date, request_key: str,
    at: dt.datetime | None = None,
) -> str:  # fmt: skip
    """Offer a student a mentor outside a round, with a reason; gives the assignment's key. Sent twice, it counts once.

    The student's plan for the year of the lists in force moves to *mentor* with it.

    Args:
        connection: of the caller's transaction.
        student_key: who is offered a mentor.
        mentor_key: which mentor.
        why: the reason, which is kept.
        by: login of who offers it.
        on: today.
        request_key: of the form.
        at: when, for the plan's history; None: as the day begins.

    Raises:
        InputRefused: no reason, the mentor does not come to a school of the student's, or has no slots on the day.
        Overtaken: the last slot, or the student, was given meanwhile.
    """
    known = connection.scalar(
        select(ASSIGNMENTS.c.assignment_key).where(
            ASSIGNMENTS.c.request_key == request_key, ASSIGNMENTS.c.student_key == student_key
        )
    )
    if known is not None:
        return str(known)
    why = " ".join(why.split())[:MOST_WORDS]
    if not why:
        raise InputRefused("A mentor given outside a round needs a reason; it is kept.")
    if not connection.scalar(select(exists().where(_comes_to(mentor_key, student_key, on)))):
        raise InputRefused("This mentor does not come to a school of the student's.")
    seat = free_seat(connection, mentor_key, on)
    row = new_assignment(student_key, mentor_key, seat, why, by, on, None, request_key)
    insert_open(connection, [row])
    run = run_in_force(connection)
    if run is not None:
        to_mentor(connection, [student_key], run.target_year, by, at or _beginning(on))
    return str(row["assignment_key"])


def hand_over(
    connection: Connection, student_key: str, mentor_key: str, note: str, by: str, on: dt.date, request_key: str,
    at: dt.datetime | None = None,
) -> None:  # fmt: skip
    """Let another mentor go on from today: what family and student agreed to is carried over (MEN-8).

    Arguments are those of `give`, and a note for whoever goes on; the student's plan stays at *mentor*.

    Raises:
        NotFound: there is no open assignment.
        InputRefused: no note, or the other mentor cannot.
        Overtaken: the other mentor's last slot was given meanwhile.
    """
    before = open_assignment(connection, student_key)
    if before.mentor_key == mentor_key:
        raise InputRefused("This is the student's mentor already.")
    _end(connection, student_key, "handover", by, on, note)
    key = give(connection, student_key, mentor_key, f"Goes on after {before.mentor}", by, on, request_key, at)
    carried: dict[str, Any] = {name: getattr(before, name) for name in _CARRIED}
    carried["starts_on"] = on if before.starts_on is not None else None
    connection.execute(update(ASSIGNMENTS).where(ASSIGNMENTS.c.assignment_key == key).values(carried))
    after = assignment_of(connection, key)
    if after.starts_on is not None:
        begin(connection, seer_of(connection, mentor_key), student_key, on)


def free_moved(connection: Connection, by: str, on: dt.date, at: dt.datetime | None = None) -> int:
    """End the assignments of students who are at no school of their mentor's any more; gives how many (M03)."""
    query = select(ASSIGNMENTS.c.student_key).where(ASSIGNMENTS.c.ended_on.is_(None), is_away(on))
    moved = list(connection.scalars(query))
    for student_key in moved:
        note = "Moved to another school; see the contacts."
        end_assignment(connection, student_key, "moved_school", by, on, note, at)
    return len(moved)


def is_away(on: dt.date) -> Any:
    """Whether the student of an assignment is at no school of the mentor's on a day."""
    return ~exists().where(_comes_to(ASSIGNMENTS.c.mentor_key, ASSIGNMENTS.c.student_key, on))


def _beginning(on: dt.date) -> dt.datetime:
    return dt.datetime.combine(on, dt.time(), dt.UTC)


def _comes_to(mentor_key: Any, student_key: Any, on: dt.date) -> Any:
    return and_(
        STAYS.c.student_key == student_key, STAYS.c.entry_date <= on + dt.timedelta(days=_AHEAD),
        or_(STAYS.c.exit_date.is_(None), STAYS.c.exit_date >= on),
        MENTOR_SCHOOLS.c.mentor_key == mentor_key, MENTOR_SCHOOLS.c.school_id == STAYS.c.school_id,
    )  # fmt: skip


_AHEAD = 60
"""Days before a student's first day on which a mentor may be offered: from a summer's list to the year's start."""


def _state_after(found: Assignment, step: Step) -> str:
    return {Step.ASSENTED: "agreed", Step.STARTED: "active"}.get(step, found.state)
