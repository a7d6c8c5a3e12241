"""The roster, which follows every publication, and scoring runs, whose rows never change after their commit."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ews.store.schema.columns import HASH, ID, INSTANT, KEY, METADATA

SCHOOLS = Table(
    "schools",
    METADATA,
    Column("school_id", ID, primary_key=True),
    Column("district_id", ID, doc="Null: a single district."),
    Column("name", Text, doc="Null: pages show the id."),
    Column("level", String(16)),
)

STUDENTS = Table(
    "students",
    METADATA,
    Column("student_key", KEY, primary_key=True),
    Column("student_id", ID, nullable=False, unique=True),
    Column("name", Text, doc="Null: pages show the id."),
    Column("do_not_score", Boolean, nullable=False, default=False, doc="P07: absent from every list."),
    Column("withdrawn_on", Date, doc="I32: deleted upstream; scores are withdrawn, the log is kept. Null: here."),
)

STAYS = Table(
    "stays",
    METADATA,
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("school_id", ID, ForeignKey("schools.school_id"), primary_key=True),
    Column("entry_date", Date, primary_key=True),
    Column("exit_date", Date, doc="Last day enrolled, inclusive. Null: still enrolled."),
    Column("grade_level", String(2), nullable=False),
    Index("ix_stays_school_id", "school_id"),
)

SCHOOL_DAYS = Table(
    "school_days",
    METADATA,
    Column("school_id", ID, ForeignKey("schools.school_id"), primary_key=True),
    Column("date", Date, primary_key=True, doc="A day with instruction, of the year predicted or the one before."),
)

HISTORIES = Table(
    "histories",
    METADATA,
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("attendance", Text, nullable=False, doc="JSON: years, months, weekdays and marks; no score."),
    Column("fingerprint", String(32), nullable=False, doc="MD5 of it: what did not change is not written again."),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String(32), primary_key=True),
    Column("target_year", Integer, nullable=False),
    Column("after_day", Integer, nullable=False),
    Column("data_through", Date, doc="The last day any record tells of. Null: not known."),
    Column("model_version", Integer, nullable=False),
    Column("bundle_sha256", HASH, nullable=False),
    Column("list_sha256", HASH, nullable=False, doc="Of the whole risk list: a restored store proves itself by it."),
    Column("students", Integer, nullable=False),
    Column("provenance", Text, nullable=False, doc="JSON, as in provenance.json."),
    Column("published_at", INSTANT, nullable=False),
    Column("published_by", Text, nullable=False),
)

IN_FORCE = Table(
    "in_force",
    METADATA,
    Column("one", Integer, CheckConstraint("one = 1", name="one_row"), primary_key=True),
    Column("run_id", String(32), ForeignKey("runs.run_id"), nullable=False),
    Column("data_id", String(32), nullable=False, doc="The ingest that the roster was taken from."),
    Column("since", INSTANT, nullable=False),
)

RISK_ROWS = Table(
    "risk_rows",
    METADATA,
    Column("run_id", String(32), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("school_id", ID, ForeignKey("schools.school_id"), nullable=False),
    Column("rank", Integer, nullable=False, doc="Within the school, 1 first; ties by a stored random key."),
    Column("grade_level", String(2), nullable=False),
    Column("lane", String(8), nullable=False),
    Column("risk", Float, nullable=False, doc="Calibrated probability of being chronically absent."),
    Column("days_absent_last_year", Integer),
    Column("days_enrolled_last_year", Integer),
    Column("line", Text, nullable=False, doc="JSON: the student's line of the list, as the API answers it."),
    Column("explanation", Text, nullable=False, doc="JSON: base, raw score, contributions, sentences."),
    UniqueConstraint("run_id", "school_id", "rank"),
)
