"""Assignments as they are read: one student's mentor, the steps that were taken, and those that may come next.

Every function takes the connection of one transaction.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, select

from ews.errors import InputRefused, NotFound, Overtaken
from ews.slots import Rule
from ews.store.schema import ASSIGNMENTS, MENTORS, ROUNDS


class Step(StrEnum):
    """What happens between an offer and the first meeting, in this order."""

    TOLD = "told"
    CONSENTED = "consented"
    ASSENTED = "assented"
    STARTED = "started"


STEPS: Mapping[Step, str] = MappingProxyType(
    {
        Step.TOLD: "family_told_on", Step.CONSENTED: "consented_on", Step.ASSENTED: "assented_on",
        Step.STARTED: "starts_on",
    }
)  # fmt: skip
"""The column that holds each step's day."""

END_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "declined": "The family or the student said no",
        "opted_out": "The family or the student asked to stop",
        "goal_reached": "The goal is reached",
        "year_end": "The school year ends",
        "moved_school": "The student moved to another school",
        "mentor_left": "The mentor left",
        "handover": "Another mentor goes on",
        "other_support": "Other support goes on (Tier 3)",
        "other": "Another reason",
    }
)
"""Why an assignment ended: a short list, so that a refusal carries no story."""


@dataclass(frozen=True)
class Assignment:
    """One student's mentor.

    Attributes:
        assignment_key: random.
        student_key: whose.
        mentor_key: which mentor.
        mentor: the mentor's name.
        staff_key: of the mentor's account; None without one.
        round_key: None: given outside a round.
        state: offered, agreed, active, declined or ended.
        offered_on: the day of the offer.
        offered_by: login.
        why: why this student.
        family_told_on: None: not yet.
        consented_on: None: not yet, or not asked for.
        assented_on: None: the student did not agree yet.
        starts_on: first meeting day; None: not set.
        goal: None: none was set.
        ended_on: None: open.
        ended_by: login.
        end_reason: of `END_REASONS`.
        handover: what the next one should know.
    """

    assignment_key: str
    student_key: str
    mentor_key: str
    mentor: str
    staff_key: str | None
    round_key: str | None
    state: str
    offered_on: dt.date
    offered_by: str
    why: str
    family_told_on: dt.date | None
    consented_on: dt.date | None
    assented_on: dt.date | None
    starts_on: dt.date | None
    goal: str | None
    ended_on: dt.date | None
    ended_by: str | None
    end_reason: str | None
    handover: str | None

    @property
    def is_open(self) -> bool:
        """Whether it holds a seat."""
        return self.ended_on is None


def assignments_of(connection: Connection, student_key: str) -> list[Assignment]:
    """Every assignment of a student, the latest first; ended ones are kept (M03)."""
    query = _ASSIGNMENT.where(ASSIGNMENTS.c.student_key == student_key)
    latest = (ASSIGNMENTS.c.ended_on.is_not(None), ASSIGNMENTS.c.offered_on.desc(), ASSIGNMENTS.c.assignment_key)
    return [_read(row) for row in connection.execute(query.order_by(*latest))]


def assignment_of(connection: Connection, assignment_key: str) -> Assignment:
    """One assignment.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_ASSIGNMENT.where(ASSIGNMENTS.c.assignment_key == assignment_key)).one_or_none()
    if row is None:
        raise NotFound("There is no such assignment.")
    return _read(row)


def open_assignment(connection: Connection, student_key: str) -> Assignment:
    """The open assignment of a student.

    Raises:
        NotFound: there is none.
    """
    query = _ASSIGNMENT.where(ASSIGNMENTS.c.student_key == student_key, ASSIGNMENTS.c.ended_on.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("No mentor is offered to this student now.")
    return _read(row)


def rule_of(connection: Connection, assignment: Assignment) -> Rule:
    """The rule of the round it came of; the default outside a round."""
    text = connection.scalar(select(ROUNDS.c.rule).where(ROUNDS.c.round_key == assignment.round_key))
    return Rule() if text is None else Rule.from_json(text)


def next_steps(assignment: Assignment, rule: Rule, on: dt.date) -> tuple[Step, ...]:
    """The steps that may be taken on a day; empty where it ended or started."""
    if not assignment.is_open or assignment.starts_on is not None:
        return ()
    if assignment.family_told_on is None:
        return (Step.TOLD,)
    found = [Step.CONSENTED] if assignment.consented_on is None and rule.agreement == "consent" else []
    may_go_on = assignment.consented_on is not None or (
        rule.agreement == "opt_out" and on >= assignment.family_told_on + dt.timedelta(days=rule.opt_out_days)
    )
    if may_go_on:
        found.append(Step.STARTED if assignment.assented_on is not None else Step.ASSENTED)
    return tuple(found)


def first_day(connection: Connection, found: Assignment) -> dt.date:
    """From when a student of the round may meet the mentor; the day of the offer where nothing was registered."""
    text = connection.scalar(select(ROUNDS.c.registration).where(ROUNDS.c.round_key == found.round_key))
    return found.offered_on if text is None else dt.date.fromisoformat(json.loads(text)["starts"])


def refuse_step(found: Assignment, rule: Rule, step: Step, day: dt.date, on: dt.date) -> None:
    """Refuse a step that cannot be noted.

    Raises:
        Overtaken: it was noted already.
        InputRefused: another one comes first, or the day cannot be.
    """
    if getattr(found, STEPS[step]) is not None:
        raise Overtaken(f"This step was noted for {getattr(found, STEPS[step])} already.")
    if step not in next_steps(found, rule, on):
        raise InputRefused(_FIRST[step])
    days = [getattr(found, column) for column in STEPS.values() if getattr(found, column)]
    if day < max([found.offered_on, *days]):
        raise InputRefused("A step is not before the one that comes first.")
    if day > on and step is not Step.STARTED:
        raise InputRefused("This day is still to come. Note a step when it was taken.")


_FIRST = {
    Step.TOLD: "The family was told already.",
    Step.CONSENTED: "The family is told first; and only where the district asks for consent is it noted.",
    Step.ASSENTED: "First the family agrees, or the days to opt out pass; then the student is asked.",
    Step.STARTED: "First the family is told and agrees, and the student agrees; then it starts.",
}


_ASSIGNMENT = select(
    ASSIGNMENTS.c.assignment_key, ASSIGNMENTS.c.student_key, ASSIGNMENTS.c.mentor_key, MENTORS.c.name,
    MENTORS.c.staff_key, ASSIGNMENTS.c.round_key, ASSIGNMENTS.c.state, ASSIGNMENTS.c.offered_on,
    ASSIGNMENTS.c.offered_by, ASSIGNMENTS.c.why, ASSIGNMENTS.c.family_told_on, ASSIGNMENTS.c.consented_on,
    ASSIGNMENTS.c.assented_on, ASSIGNMENTS.c.starts_on, ASSIGNMENTS.c.goal, ASSIGNMENTS.c.ended_on,
    ASSIGNMENTS.c.ended_by, ASSIGNMENTS.c.end_reason, ASSIGNMENTS.c.handover,
).join(MENTORS, MENTORS.c.mentor_key == ASSIGNMENTS.c.mentor_key)  # fmt: skip


def _read(row: Any) -> Assignment:
    return Assignment(*row)
