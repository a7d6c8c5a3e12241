"""What goes in and out under ``/v1``: strict kinds, no unknown names, finite numbers only."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ROWS = 1_000

Grade = Literal["PK", "KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """A number in quotes is no number, a name we do not know is refused, and NaN is not a value."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class FeatureRow(Strict):
    """One student's features by name, as an explanation gives them; null is unknown."""

    grade_level: Grade = Field(description="Grade in the target year; it chooses the typical values in the sentences.")
    last_school_year: int | None = Field(None, description="Names the last known school year in the sentences.")
    features: dict[str, float | None] = Field(description="Every feature of the model by name, and no other.")


class ScoreRequest(Strict):
    """One or many rows to score."""

    rows: list[FeatureRow] = Field(min_length=1, max_length=MOST_ROWS)


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
    model_version: int
    bundle_sha256: str


class ListedStudent(Strict):
    """One line of a school's risk list."""

    rank: int = Field(description="Place within the school, 1 first; ties by a stored random key.")
    student_id: str
    grade_level: Grade
    risk: Share
    probabilities: dict[str, Share]
    lane: Literal["prevent", "recover"] = Field(description="recover: chronically absent in the last known year.")
    band_last_year: str | None = Field(description="Attendance Works band; null where it is unknown.")
    last_school_year: int | None = Field(description="The last known school year; null without a history.")
    days_absent_last_year: int | None
    days_enrolled_last_year: int | None
    reasons: list[str]
    lowering_reason: str | None


class RiskList(Strict):
    """A school's students, first the one most likely to miss a tenth of the target year."""

    run: Run
    school_id: str
    students: list[ListedStudent]
    footer: str


class Explanation(Strict):
    """One student's estimate, what each group of patterns adds, and the features it was made of."""

    run: Run
    school_id: str
    student: ListedStudent
    base: float
    raw_score: float
    contributions: dict[str, float]
    row: FeatureRow = Field(description="The features, as POST /v1/score takes them.")
    footer: str


class Alive(Strict):
    """The process answers; says nothing of data or model."""

    status: Literal["alive"] = "alive"


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
