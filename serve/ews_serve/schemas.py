"""What goes in and out under ``/v1``: strict kinds, no unknown names, finite numbers only.

Lists and explanations are put together from JSON text that was made when a run was published, so that nothing is
serialised while a school waits; tests hold that text to these schemas.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ROWS = 1_000

Grade = Literal["PK", "KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"]
Lane = Literal["prevent", "recover"]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """A number in quotes is no number, a name we do not know is refused, and NaN is not a value."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


# --- asked ---


class FeatureRow(Strict):
    """One student's features by name; null is unknown."""

    grade_level: Grade = Field(description="Grade in the target year; it chooses the typical values in the sentences.")
    last_school_year: int | None = Field(
        None, ge=1900, le=2200, description="Names the last known school year in the sentences."
    )
    features: dict[str, float | None] = Field(
        description="Every feature of the model by name, and no other; `GET /v1/model` names them.",
        examples=[{"days_absent_last_year": 17, "days_enrolled_last_year": 177, "absence_rate_last_year": 0.096}],
    )


class ScoreRequest(Strict):
    """One or many rows to score."""

    rows: list[FeatureRow] = Field(min_length=1, max_length=MOST_ROWS)


# --- answered ---


class Estimate(Strict):
    """What the model says of one row, and which patterns it used."""

    risk: Share = Field(description="Calibrated probability of missing a tenth or more of the target year.")
    probabilities: dict[str, Share] = Field(description="The same at several percents of days missed, by percent.")
    base: float = Field(description="Raw score before any pattern of the student; base + contributions = raw_score.")
    raw_score: float = Field(description="The score the probabilities are calibrated from.")
    contributions: dict[str, float] = Field(description="What each group of features adds to the raw score.")
    reasons: list[str] = Field(description="At most three sentences: patterns that raise the estimate.")
    lowering_reason: str | None = Field(description="The pattern that lowers it most; null when none does.")


class ScoreResponse(Strict):
    """Estimates in the order of the rows sent, all by one model."""

    model_version: int
    bundle_sha256: str
    estimates: list[Estimate]
    footer: str


class Run(Strict):
    """Where an answer comes from: one scoring run and its model."""

    run_id: str
    target_year: int = Field(description="The school year predicted, named by the year in which it ends.")
    after_day: int = Field(description="Instructional days of the target year already known; 0 at term start.")
    data_through: date | None = Field(description="The last day any record tells of; null where it is not known.")
    model_version: int
    bundle_sha256: str
    published_at: datetime


class Named(Strict):
    """A student, as far as the one who asks may know who it is."""

    student_key: str = Field(
        description="Random; addresses carry it, and nothing outside this store knows it.",
        examples=["3f0c9a52-6d0b-4d8e-9a57-2c1f6b7e8d90"],
    )
    student_id: str | None = Field(None, description="The district's id; left out or null where it may not be told.")
    name: str | None = Field(None, description="Left out or null where it is not known or may not be told.")


class ListedStudent(Named):
    """One line of a school's risk list."""

    rank: int = Field(description="Place within the school, 1 first; ties by a stored random key.")
    grade_level: Grade
    risk: Share
    probabilities: dict[str, Share]
    lane: Lane = Field(description="recover: chronically absent in the last known year.")
    band_last_year: str | None = Field(description="Attendance Works band; null where it is unknown.")
    last_school_year: int | None = Field(description="The last known school year; null without a history.")
    days_absent_last_year: int | None
    days_enrolled_last_year: int | None
    reasons: list[str] = Field(
        examples=[["Missed 9 of the last 60 days (typical in grade 2 here: 3). Raises the estimate."]]
    )
    lowering_reason: str | None


class RiskList(Strict):
    """One page of a school's students, first the one most likely to miss a tenth of the target year."""

    run: Run
    school_id: str
    students: list[ListedStudent]
    next: str | None = Field(description="Send it as `after` for the next page; null on the last.")
    notices: list[str] = Field(description="What the reader should know of this answer, as that it is old.")
    footer: str


class ListFile(Strict):
    """A school's list as a file of JSON."""

    about: dict[str, str] = Field(description="What the file is: run, as-of day, filters, who took it.")
    rows: list[dict[str, str | int | float | None]] = Field(description="One object a student, by column.")


class Student(Strict):
    """One student's line, and the school whose list it is on."""

    run: Run
    school_id: str
    student: ListedStudent
    notices: list[str]
    footer: str


class Numbers(Strict):
    """What each group of features adds to the raw score, in log-odds: base + contributions = raw_score."""

    base: float
    raw_score: float
    contributions: dict[str, float]


class Explanation(Student):
    """One student's estimate, and which patterns it rests on."""

    numbers: Numbers | None = Field(description="Null for roles that read sentences, not log-odds.")


class SchoolYearOfStudent(Strict):
    """One year at one school, in days; null where the records do not tell."""

    school_year: int
    school_id: str | None
    grade_level: str | None
    days_enrolled: int | None
    days_absent: int | None
    days_excused: int | None
    days_unexcused: int | None
    days_suspended: int | None
    days_tardy: int | None
    months: dict[str, list[int | None]] | None = Field(description="Month 01 to 12: days absent, days enrolled.")
    weekdays: dict[str, list[int | None]] | None = Field(description="Monday 1 to Friday 5: the same.")


class Attendance(Strict):
    """What the records tell of a student's attendance; no estimate in it."""

    years: list[SchoolYearOfStudent]
    days: list[list[str]] = Field(description="Date and kind of every mark of the last and the current year.")
    days_enrolled_so_far: int | None
    data_through: date | None


class History(Strict):
    """One student's attendance."""

    student: Named
    attendance: Attendance
    notices: list[str]


class School(Strict):
    """A school that may be seen."""

    school_id: str
    name: str | None
    level: str | None


class Schools(Strict):
    """The schools whose lists may be seen."""

    schools: list[School]


class Runs(Strict):
    """The published scoring runs, newest first."""

    in_force: str | None = Field(description="The run that lists come from.")
    runs: list[Run]


class ModelFeature(Strict):
    """One feature of the model."""

    name: str
    group: str
    meaning: str
    typical: dict[str, float | None] = Field(description="By grade: the median of the students it learned from.")


class ModelInForce(Strict):
    """The model that made the lists in force, and that live estimates come from."""

    model_version: int
    bundle_sha256: str
    target_year: int
    after_day: int
    chronic_percent: int
    features: list[ModelFeature]


class RoleHeld(Strict):
    """One role of the person who asks."""

    role: str
    school_id: str | None = Field(description="Null: every school of the district.")
    ends_on: date | None


class Me(Strict):
    """Who asks, and what they may ask."""

    login: str
    roles: list[RoleHeld]
    views: list[str] = Field(description="What may be looked at today, with what was given at sign-in.")
    scopes: list[str] | None = Field(description="What a token is limited to; null for a person.")
    second_factor: bool


class MaySee(Strict):
    """Someone who may see a student, and why."""

    login: str
    name: str
    role: str
    views: dict[str, str] = Field(description="View to the reason it is allowed.")


class WhoCanSee(Strict):
    """Everybody who may see a student."""

    student: Named
    people: list[MaySee]


class Alive(Strict):
    """The process answers; says nothing of data or model."""

    status: Literal["alive"] = "alive"


class Ready(Strict):
    """Whether lists can be shown now."""

    status: Literal["ready", "not ready"]
    checks: dict[str, bool] = Field(description="Store, audit log, lists and model; only the model may be missing.")


class Problem(BaseModel):
    """RFC 9457 problem details; never repeats what was sent."""

    type: str
    title: str
    status: int
    detail: str
    correlation_id: str
    errors: list[dict[str, Any]] | None = None


FIELD_NAMES = frozenset(ScoreRequest.model_fields) | frozenset(FeatureRow.model_fields)
"""Names that may appear in an error, since they are ours."""
