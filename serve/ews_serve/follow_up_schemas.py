"""What the API takes and gives of follow-up: contacts and plans."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from ews_serve.schemas import Named, Strict

Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Words = Annotated[str, StringConstraints(max_length=2_000)]


def _as_day(told: object) -> object:
    """JSON has no days: they come as text of one form, and a number is none."""
    if not isinstance(told, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", told, re.ASCII):
        raise ValueError("no day")
    return date.fromisoformat(told)


Day = Annotated[date, BeforeValidator(_as_day)]

Kind = Literal["talk", "call", "message", "letter", "visit", "meeting", "no_answer"]
WithWhom = Literal["student", "family", "both"]
Barrier = Literal[
    "health", "transport", "housing", "family_care", "safety", "school_work", "belonging", "other"
]  # fmt: skip
State = Literal["new", "contacted", "plan", "mentor", "monitoring", "closed"]


class NewContact(Strict):
    """A contact to be kept."""

    request_key: Key = Field(description="A random UUID of yours: sent twice, the contact counts once.")
    on_date: Day = Field(description="Within the last year, and not in the future.")
    kind: Kind = Field(description="no_answer is a try that reached nobody.")
    with_whom: WithWhom
    minutes: Annotated[int, Field(ge=0, le=600)] | None = None
    barrier: Barrier | None = None
    referral: Literal["made", "closed"] | None = None
    next_step: Words | None = None


class Contact(Strict):
    """A contact that was kept."""

    contact_key: str
    on_date: date
    kind: Kind
    with_whom: WithWhom
    minutes: int | None
    barrier: Barrier | None
    referral: Literal["made", "closed"] | None
    next_step: str | None
    entered_at: datetime
    by: str = Field(description="Name of who wrote it down.")


class Contacts(Strict):
    """A student's contacts, the latest first; a mentor is told the own ones."""

    student: Named
    contacts: list[Contact]


class NewPlan(Strict):
    """A plan as it is to be."""

    version: Annotated[int, Field(ge=0, le=1_000_000_000, description="The one that was looked at; 0: none.")]
    state: State
    next_step: Words | None = None
    next_step_on: Day | None = None
    reason: Words | None = None


class Plan(Strict):
    """A student's plan for the school year of the list in force; version 0: nothing was written."""

    student: Named
    target_year: int
    version: int
    state: State
    next_step: str | None
    next_step_on: date | None
    changed_at: datetime | None
    changed_by: str | None = Field(description="Login of who changed it last.")


FIELD_NAMES = frozenset(NewContact.model_fields) | frozenset(NewPlan.model_fields)
"""Names that may appear in an error, since they are ours."""
