"""What a school does about its list, as rules: who is still to be reached, in which order, and what is left of a year.

Nothing here is a feature, and nothing is decided by a model: a list is a to-do that people work off (UX-5).
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ews.school_year import SchoolYear

RENEWED_ABSENCES = 2
"""Absent days after a contact that bring a student back to the to-do (MEN-7)."""

ABSENT_KINDS = frozenset({"excused", "unexcused", "suspension"})
"""Marks that are absences; tardies and early departures are not."""


class State(StrEnum):
    """How far a student's support has come."""

    NEW = "new"
    CONTACTED = "contacted"
    PLAN = "plan"
    MENTOR = "mentor"
    MONITORING = "monitoring"
    CLOSED = "closed"


class Kind(StrEnum):
    """How somebody was reached; the last one is a try that reached nobody."""

    TALK = "talk"
    CALL = "call"
    MESSAGE = "message"
    LETTER = "letter"
    VISIT = "visit"
    MEETING = "meeting"
    NO_ANSWER = "no_answer"


class WithWhom(StrEnum):
    """Who was reached."""

    STUDENT = "student"
    FAMILY = "family"
    BOTH = "both"


class Barrier(StrEnum):
    """What keeps a student from school, as far as it came up (MEN-6)."""

    HEALTH = "health"
    TRANSPORT = "transport"
    HOUSING = "housing"
    FAMILY_CARE = "family_care"
    SAFETY = "safety"
    SCHOOL_WORK = "school_work"
    BELONGING = "belonging"
    OTHER = "other"


class Referral(StrEnum):
    """Whether another service was asked for help."""

    MADE = "made"
    CLOSED = "closed"


class Knows(StrEnum):
    """Why somebody who knows more adds a student to the list or takes one off it (M09)."""

    HEALTH = "health"
    FAMILY = "family"
    SEEN_AT_SCHOOL = "seen_at_school"
    HAS_SUPPORT = "has_support"
    WAS_ONCE = "was_once"
    RECORD_WRONG = "record_wrong"
    MOVES_AWAY = "moves_away"
    OTHER = "other"


class Priority(StrEnum):
    """Whom to reach first: bands of the estimate, so that no list shows a bare probability (UX-2)."""

    FIRST = "first"
    SOON = "soon"
    WATCH = "watch"
    USUAL = "usual"


FROM = {Priority.FIRST: 0.50, Priority.SOON: 0.30, Priority.WATCH: 0.15, Priority.USUAL: 0.0}
"""The estimate from which a band begins."""

CLOSE_TO_THE_LINE = 0.03
"""An estimate within this of a band's edge is told as a judgement call (EX-5)."""


def priority_of(risk: float) -> Priority:
    """The band of an estimate in [0, 1].

    >>> priority_of(0.5), priority_of(0.29), priority_of(0.0)
    (<Priority.FIRST: 'first'>, <Priority.WATCH: 'watch'>, <Priority.USUAL: 'usual'>)
    """
    return next(band for band, least in FROM.items() if risk >= least)


def is_close_to_the_line(risk: float) -> bool:
    """Whether a slightly other estimate would be in another band."""
    return any(abs(risk - least) <= CLOSE_TO_THE_LINE for least in FROM.values() if least)


class Why(StrEnum):
    """Why a student is on the to-do, or is not."""

    RENEWED = "renewed absence"
    ADDED = "added"
    NOT_REACHED = "not reached yet"
    REACHED = "reached"
    TAKEN_OFF = "taken off"
    CLOSED = "closed"
    USUAL = "usual support"

    @property
    def is_to_do(self) -> bool:
        """Whether somebody should act."""
        return self in (Why.RENEWED, Why.ADDED, Why.NOT_REACHED)


@dataclass(frozen=True)
class Standing:
    """What decides whether a student is on the to-do.

    Attributes:
        priority: the band of the estimate.
        state: of the plan; new where there is none.
        reached_on: the day of the last real contact of this school year; None: nobody was reached.
        absences_since: absent days after it; 0 without a contact.
        adds: what somebody who knows more said: True, should be on the list; False, should not; None: nothing stands.
    """

    priority: Priority
    state: State = State.NEW
    reached_on: dt.date | None = None
    absences_since: int = 0
    adds: bool | None = None


def why(standing: Standing) -> Why:
    """Whether a student is on the to-do, and why: the word of who knows more first, then contact, then the band."""
    if standing.adds is False:
        return Why.TAKEN_OFF
    if standing.state is State.CLOSED:
        return Why.CLOSED
    if standing.reached_on is not None:
        return Why.RENEWED if standing.absences_since >= RENEWED_ABSENCES else Why.REACHED
    if standing.adds:
        return Why.ADDED
    return Why.USUAL if standing.priority is Priority.USUAL else Why.NOT_REACHED


def reaches(kind: str) -> bool:
    """Whether a contact of this kind takes a student off the to-do: any does that reached somebody."""
    return kind != Kind.NO_ANSWER


def absences_after(marks: Collection[tuple[str, str]], day: dt.date | None) -> int:
    """Absent days after a day, of marks as (ISO date, kind); 0 where the day is None."""
    if day is None:
        return 0
    return len({date for date, kind in marks if kind in ABSENT_KINDS and date > day.isoformat()})


def contacts_count_from(target_year: SchoolYear) -> dt.date:
    """The first day whose contacts count for a school year: lists of the next year are worked off from June on."""
    return dt.date(target_year.ending - 1, 6, 1)


def days_left_to_miss(days_absent: int, days_in_year: int, chronic_percent: int = 10) -> int:
    """How many more days may be missed in a year before it is chronic; 0 where none may, or where it is already.

    A year is chronic when `chronic_percent` of its days or more are missed, compared exactly.

    Args:
        days_absent: missed so far, at least 0.
        days_in_year: days the student will have been enrolled when the year ends, at least 1.
        chronic_percent: of the policy.

    >>> days_left_to_miss(0, 180), days_left_to_miss(17, 180), days_left_to_miss(18, 180), days_left_to_miss(4, 175)
    (17, 0, 0, 13)
    """
    first_chronic = -(-days_in_year * chronic_percent // 100)
    return max(first_chronic - 1 - days_absent, 0)
