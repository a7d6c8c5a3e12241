"""What the API takes and gives about mentor slots."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ews_serve.schemas import Grade, Lane, Strict

Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Decision = Literal["proposed", "reserve", "not_offered", "excluded"]
Version = Annotated[int, Field(ge=1, le=1_000_000, description="Of the round that was looked at.")]


class SlotRule(Strict):
    """What a round goes by; docs/mentoring.md explains each key. A key left out has its usual value."""

    objective: Literal["crossings_averted", "days_gained", "risk"] = "crossings_averted"
    lanes: list[Lane] = ["prevent", "recover"]
    first_lane_percent: Annotated[int, Field(ge=0, le=100)] = 100
    grades: list[Grade] = []
    grades_first: list[Grade] = []
    min_risk: Annotated[float, Field(ge=0, le=1)] = 0.0
    min_days_absent: Annotated[int, Field(ge=0, le=366)] = 0
    siblings: Literal["one", "each"] = "one"
    most_slots: Annotated[int, Field(ge=0, le=100_000)] = 0
    lottery_percent: Annotated[int, Field(ge=0, le=50)] = 10
    agreement: Literal["consent", "opt_out"] = "consent"
    opt_out_days: Annotated[int, Field(ge=0, le=100)] = 10


class NewRound(Strict):
    """A round to be proposed from the lists in force."""

    school_id: Annotated[
        str | None, Field(min_length=1, max_length=64, description="Null: every school of the district.")
    ] = None
    rule: SlotRule = SlotRule()
    seed: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{16,64})?$")] = ""


class Round(Strict):
    """One round."""

    round_key: str
    target_year: int
    run_id: str
    school_id: str | None
    state: Literal["proposed", "confirmed", "withdrawn"]
    version: int
    rule_in_words: list[str]
    rule_sha256: str
    seed: str
    proposed_at: datetime
    proposed_by: str
    confirmed_at: datetime | None
    confirmed_by: str | None


class Rounds(Strict):
    """Rounds, the latest first."""

    rounds: list[Round]


class RoundStudent(Strict):
    """One student of a round; the sentence `why` tells of nobody else."""

    student_key: str
    student_id: str | None
    name: str | None
    school_id: str
    grade_level: str
    place: Annotated[int | None, Field(description="1 first in the school; null: not in the pool.")]
    decision: Decision
    mentor_key: str | None
    mentor: str | None
    lane: str
    crossings_averted: Annotated[float, Field(description="Expected under the rule's prior; never a promise.")]
    days_gained: Annotated[float, Field(description="Expected under the rule's prior; never a promise.")]
    in_band: Annotated[bool, Field(description="Whether a lot decided around the last slot.")]
    why: str
    edited_by: str | None
    edit_reason: str | None
    state: Annotated[str | None, Field(description="Of the assignment that came of it; null: none.")]


class WholeRound(Round):
    """A round with its students, as far as you may see them."""

    students: list[RoundStudent]


class Edit(Strict):
    """Another decision on one student."""

    student_key: Key
    decision: Decision
    reason: Words
    version: Version
    mentor_key: Key | None = None


class AtVersion(Strict):
    """The version of a round that was looked at."""

    version: Version


class Changed(Strict):
    """The round after a change, and how many students were offered a mentor by it."""

    version: int
    offered: int


class Mentoring(Strict):
    """One offer of a mentor to a student, and what became of it."""

    mentor: str
    state: Literal["offered", "agreed", "active", "declined", "ended"]
    offered_on: date
    family_told_on: date | None
    consented_on: date | None
    assented_on: date | None
    starts_on: date | None
    goal: str | None
    ended_on: date | None
    end_reason: str | None


class StudentMentoring(Strict):
    """A student's mentors, the open one first."""

    student_key: str
    mentors: list[Mentoring]


class Mentee(Strict):
    """One student of the team's weekly list."""

    student_key: str
    student_id: str | None
    name: str | None
    mentor: str
    state: str
    starts_on: date | None
    contacts_in_seven_days: int
    last_contact_on: date | None
    days_absent_since_start: int | None
    absent_in_a_row: Annotated[list[date], Field(description="Two or more, and of the last week; else empty.")]
    to_look_at: list[str]


class Team(Strict):
    """Students with a mentor, those to look at first."""

    mentees: list[Mentee]
