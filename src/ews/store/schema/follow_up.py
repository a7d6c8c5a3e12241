"""What a school does about it: plans, contacts, judgements and notes; none of it is ever a feature."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text

from ews.store.schema.columns import INSTANT, KEY, METADATA

PLANS = Table(
    "plans",
    METADATA,
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("target_year", Integer, primary_key=True),
    Column("state", String(16), nullable=False, doc="new, contacted, plan, mentor, monitoring or closed."),
    Column("version", Integer, nullable=False, doc="Rises with every change: a change of an older one is refused."),
    Column("next_step", Text, doc="Null: none was written."),
    Column("next_step_on", Date),
    Column("changed_at", INSTANT, nullable=False),
    Column("changed_by", Text, nullable=False),
)

PLAN_CHANGES = Table(
    "plan_changes",
    METADATA,
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("target_year", Integer, primary_key=True),
    Column("version", Integer, primary_key=True, doc="The version it made."),
    Column("state", String(16), nullable=False),
    Column("reason", Text, doc="Null: none was asked for."),
    Column("at", INSTANT, nullable=False),
    Column("by", Text, nullable=False),
)

CONTACTS = Table(
    "contacts",
    METADATA,
    Column("contact_key", KEY, primary_key=True),
    Column("request_key", KEY, nullable=False, unique=True, doc="Of the form: sent twice, it counts once (O12)."),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), nullable=False),
    Column("assignment_key", KEY, ForeignKey("assignments.assignment_key"), doc="Null: not a mentor's contact."),
    Column("on_date", Date, nullable=False),
    Column("kind", String(16), nullable=False, doc="talk, call, message, letter, visit, meeting or no_answer."),
    Column("with_whom", String(16), nullable=False, doc="student, family or both."),
    Column("minutes", Integer, doc="Null: not told."),
    Column("barrier", String(24), doc="A category of a short list (MEN-6). Null: none came up."),
    Column("referral", String(16), doc="made or closed. Null: none."),
    Column("next_step", Text),
    Column("entered_at", INSTANT, nullable=False),
    Column("entered_by", KEY, ForeignKey("staff.staff_key"), nullable=False),
    Index("ix_contacts_student_key", "student_key"),
)

JUDGEMENTS = Table(
    "judgements",
    METADATA,
    Column("judgement_key", KEY, primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), nullable=False, index=True),
    Column("target_year", Integer, nullable=False),
    Column("adds", Boolean, nullable=False, doc="True: should be on the list; false: should not."),
    Column("category", String(24), nullable=False, doc="Of a short list, so that it can be counted (M09)."),
    Column("reason", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("by", KEY, ForeignKey("staff.staff_key"), nullable=False),
    Column("taken_back_at", INSTANT, doc="Null: stands."),
)

NOTES = Table(
    "notes",
    METADATA,
    Column("note_key", KEY, primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("by", KEY, ForeignKey("staff.staff_key"), nullable=False),
)
