"""Forms of the student's page: their fields, what was typed, and what was wrong with it, next to the field."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from ews.follow_up import Barrier, Kind, Knows, Referral, State, WithWhom
from ews.store.follow_up import Plan
from ews.store.following_up import LONGEST_AGO, MOST_MINUTES, MOST_WORDS, NewContact
from ews_serve.web.wording import BARRIERS, KINDS, KNOWS, REFERRALS, STATES, WITH

Choice = TypeVar("Choice", bound=StrEnum)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CHOOSE = "Choose one of the list."


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes:
        typed: field to what it holds.
        errors: field to what is wrong; under "" what is wrong with the whole.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """What a field holds; empty where nothing was typed."""
        return self.typed.get(name, "")


@dataclass(frozen=True)
class Choices:
    """What the fields of all forms may be chosen from: value and words."""

    kinds: Mapping[str, str]
    with_whom: Mapping[str, str]
    barriers: Mapping[str, str]
    referrals: Mapping[str, str]
    states: Mapping[str, str]
    knows: Mapping[str, str]


CHOICES = Choices(
    kinds={kind.value: text for kind, text in KINDS.items()},
    with_whom={one.value: text for one, text in WITH.items()},
    barriers={"": "Nothing came up", **{one.value: text for one, text in BARRIERS.items()}},
    referrals={"": "None", **{one.value: text for one, text in REFERRALS.items()}},
    states={state.value: text for state, text in STATES.items()},
    knows={one.value: text for one, text in KNOWS.items()},
)


def new_contact_form(on: date) -> Form:
    """A form that is nearly filled in: a phone call with the family, today."""
    return Form(
        {
            "request_key": str(uuid.uuid4()),
            "on_date": on.isoformat(),
            "kind": Kind.CALL.value,
            "with_whom": WithWhom.FAMILY.value,
        }
    )


def plan_form(plan: Plan) -> Form:
    """The plan as it is, to be changed."""
    return Form(
        {
            "version": str(plan.version),
            "state": plan.state.value,
            "next_step": plan.next_step or "",
            "next_step_on": plan.next_step_on.isoformat() if plan.next_step_on else "",
        }
    )


def contact_in(typed: Mapping[str, str], on: date) -> tuple[NewContact | None, Form]:
    """The contact that was typed; None and the form with its errors where something is wrong."""
    errors: dict[str, str] = {}
    day = _day(typed, "on_date", errors)
    if day and not on - LONGEST_AGO <= day <= on:
        errors["on_date"] = "The day must be within the last year, and not in the future."
    kind, with_whom = _one_of(Kind, typed, "kind", errors), _one_of(WithWhom, typed, "with_whom", errors)
    barrier, referral = _maybe(Barrier, typed, "barrier", errors), _maybe(Referral, typed, "referral", errors)
    minutes, request_key = _minutes(typed, errors), typed.get("request_key", "")
    next_step = _words(typed, "next_step", errors)
    if not _UUID.fullmatch(request_key):
        errors[""] = "This form is not one of ours. Fill it in anew."
        request_key = str(uuid.uuid4())
    if errors or day is None or kind is None or with_whom is None:
        return None, Form({**typed, "request_key": request_key}, errors)
    return NewContact(request_key, day, kind, with_whom, minutes, barrier, referral, next_step), Form(typed)


def plan_in(typed: Mapping[str, str]) -> tuple[Plan | None, Form]:
    """The plan that was typed, with the version it was typed on."""
    errors: dict[str, str] = {}
    state = _one_of(State, typed, "state", errors)
    step = _words(typed, "next_step", errors)
    day = _day(typed, "next_step_on", errors) if typed.get("next_step_on") else None
    version = typed.get("version", "")
    if not (version.isascii() and version.isdecimal()) or len(version) > 9:
        errors[""] = "This form is not one of ours. Open the page anew."
    if errors or state is None:
        return None, Form(typed, errors)
    return Plan(state, int(version), step, day), Form(typed)


def judgement_in(typed: Mapping[str, str]) -> tuple[tuple[bool, Knows, str] | None, Form]:
    """Whether somebody adds or takes off, the kind of knowledge, and the reason."""
    errors: dict[str, str] = {}
    category = _one_of(Knows, typed, "category", errors)
    reason = _words(typed, "reason", errors)
    if typed.get("adds") not in ("yes", "no"):
        errors["adds"] = CHOOSE
    if not reason:
        errors.setdefault("reason", "Say in a few words what you know. Your team will read it.")
    if errors or category is None or reason is None:
        return None, Form(typed, errors)
    return (typed["adds"] == "yes", category, reason), Form(typed)


def note_in(typed: Mapping[str, str]) -> tuple[str | None, Form]:
    """The note that was typed."""
    errors: dict[str, str] = {}
    text = _words(typed, "text", errors)
    if not text:
        errors.setdefault("text", "The note is empty.")
    return (None if errors else text), Form(typed, errors)


def _day(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(typed.get(name, ""))
    except ValueError:
        errors[name] = "Write the day as year-month-day, for example 2026-10-05."
        return None
    if not date(2000, 1, 1) <= day <= date(2200, 1, 1) - timedelta(days=1):
        errors[name] = "That day is too far away."
        return None
    return day


def _one_of(kind: type[Choice], typed: Mapping[str, str], name: str, errors: dict[str, str]) -> Choice | None:
    try:
        return kind(typed.get(name, ""))
    except ValueError:
        errors[name] = CHOOSE
        return None


def _maybe(kind: type[Choice], typed: Mapping[str, str], name: str, errors: dict[str, str]) -> Choice | None:
    return _one_of(kind, typed, name, errors) if typed.get(name) else None


def _minutes(typed: Mapping[str, str], errors: dict[str, str]) -> int | None:
    words = typed.get("minutes", "").strip()
    if not words:
        return None
    if not (words.isascii() and words.isdecimal()) or len(words) > 4 or int(words) > MOST_MINUTES:
        errors["minutes"] = f"Minutes are a whole number up to {MOST_MINUTES}, or left empty."
        return None
    return int(words)


def _words(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> str | None:
    words = typed.get(name, "").strip()
    if len(words) > MOST_WORDS:
        errors[name] = f"That is too long: at most {MOST_WORDS} characters."
        return None
    return words or None
