"""Mentor slots: who can mentor, the rounds that propose, and the assignments that come of them.

The district's records may hold mentoring of years before the store (`ews ingest`, table `mentoring`); these tables hold
what the pages do. Nothing here is ever a feature.
"""

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
    text,
)

from ews.store.schema.columns import HASH, ID, INSTANT, KEY, METADATA

MENTORS = Table(
    "mentors",
    METADATA,
    Column("mentor_key", KEY, primary_key=True),
    Column("mentor_id", ID, nullable=False, unique=True, doc="The district's name of the mentor, as in its file."),
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), unique=True, doc="Null: has no account here."),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False, doc="staff, external or peer."),
    Column("weekly_hours", Float, doc="Null: not told."),
    Column("caseload_cap", Integer, CheckConstraint("caseload_cap between 0 and 20", name="cap"), nullable=False),
    Column("grade_levels", Text, nullable=False, doc="JSON list; empty: every grade."),
    Column("languages", Text, nullable=False, doc="JSON list of BCP 47 codes."),
    Column("interests", Text, nullable=False, doc="JSON list of short words."),
    Column("times", Text, nullable=False, server_default="[]", doc="JSON list: can meet then; empty: any time."),
    Column("screened_on", Date, doc="Null: not screened, and has no slots (MEN-1)."),
    Column("trained_on", Date, doc="Null: not trained."),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, doc="Last day, inclusive. Null: open. In the past: deactivated (M08)."),
    Column("away_from", Date, doc="First day of a leave. Null: none."),
    Column("away_until", Date, doc="Last day of it, inclusive. Null where away_from is set: not known."),
)

MENTOR_SCHOOLS = Table(
    "mentor_schools",
    METADATA,
    Column("mentor_key", KEY, ForeignKey("mentors.mentor_key", ondelete="CASCADE"), primary_key=True),
    Column("school_id", ID, ForeignKey("schools.school_id"), primary_key=True),
)

EXCLUSIONS = Table(
    "exclusions",
    METADATA,
    Column("exclusion_key", KEY, primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(16), nullable=False, doc="tier_3, opted_out, leaving, or conflict (with one mentor)."),
    Column("mentor_key", KEY, ForeignKey("mentors.mentor_key"), doc="Null: from mentoring at all."),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, doc="Last day, inclusive. Null: open."),
    Column("entered_by", Text, nullable=False),
    Column("why", Text, nullable=False),
)

MATCH_FACTS = Table(
    "match_facts",
    METADATA,
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("household_key", KEY, doc="Students with the same one are siblings. Null: not known."),
    Column("languages", Text, nullable=False, doc="JSON list; empty: none is needed."),
    Column("interests", Text, nullable=False, doc="JSON list of short words."),
    Column("times", Text, nullable=False, server_default="[]", doc="JSON list: can meet then; empty: any time."),
    Column("wishes", Text, nullable=False, doc="JSON, what the student said about a mentor; empty: nothing."),
    Column("known_mentor_key", KEY, ForeignKey("mentors.mentor_key"), doc="A relationship there is. Null: none known."),
)

ROUNDS = Table(
    "rounds",
    METADATA,
    Column("round_key", KEY, primary_key=True),
    Column("target_year", Integer, nullable=False),
    Column("run_id", String(32), ForeignKey("runs.run_id"), nullable=False, doc="The lists it was proposed from."),
    Column("school_id", ID, ForeignKey("schools.school_id"), doc="Null: of the whole district."),
    Column("state", String(16), nullable=False, doc="proposed, confirmed or withdrawn."),
    Column("version", Integer, nullable=False, doc="Rises with every edit: an edit of an older one is refused (O13)."),
    Column("objective", String(24), nullable=False, doc="crossings_averted, days_gained or risk."),
    Column("rule", Text, nullable=False, doc="JSON: eligibility, lanes, quotas, band, effect prior; the rule as data."),
    Column("rule_sha256", HASH, nullable=False),
    Column("seed", String(64), nullable=False, doc="Of the lottery, so that it can be drawn again."),
    Column("registration", Text, doc="JSON: what will be measured, written down before it starts (MEN-9). Null: not."),
    Column("proposed_at", INSTANT, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("confirmed_at", INSTANT, doc="Null: not confirmed."),
    Column("confirmed_by", Text),
)

ROUND_ROWS = Table(
    "round_rows",
    METADATA,
    Column("round_key", KEY, ForeignKey("rounds.round_key", ondelete="CASCADE"), primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("school_id", ID, ForeignKey("schools.school_id"), nullable=False),
    Column("place", Integer, doc="Order in the school, 1 first. Null: excluded by the rule."),
    Column("decision", String(16), nullable=False, doc="proposed, reserve, not_offered or excluded."),
    Column("mentor_key", KEY, ForeignKey("mentors.mentor_key"), doc="Null: no mentor is proposed."),
    Column("lane", String(8), nullable=False),
    Column("risk", Float, nullable=False),
    Column("crossings_averted", Float, nullable=False, doc="Expected, under the round's prior; never a promise."),
    Column("days_gained", Float, nullable=False, doc="Expected in the target year, under the same prior."),
    Column("in_band", Boolean, nullable=False, doc="In the lottery band, where chance decided."),
    Column("drawn", Integer, doc="Place drawn in the band, 1 first. Null: not in the band."),
    Column("why", Text, nullable=False, doc="One sentence that tells of nobody else."),
    Column("edited_by", Text, doc="Null: as the rule proposed."),
    Column("edited_at", INSTANT),
    Column("edit_reason", Text),
    Index("ix_round_rows_student_key", "student_key"),
)

ROUND_EDITS = Table(
    "round_edits",
    METADATA,
    Column("round_key", KEY, ForeignKey("rounds.round_key", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, doc="The version of the round that it made."),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), nullable=False, index=True),
    Column("was", String(16), nullable=False, doc="The decision before; of a student's first edit, the rule's."),
    Column("decision", String(16), nullable=False),
    Column("mentor_key", KEY, ForeignKey("mentors.mentor_key"), doc="Null: nobody is proposed."),
    Column("reason", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("by", Text, nullable=False),
)

ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("assignment_key", KEY, primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), nullable=False),
    Column("mentor_key", KEY, ForeignKey("mentors.mentor_key"), nullable=False),
    Column("seat", Integer, nullable=False, doc="1 up to the mentor's cap: a seat is held by one student at a time."),
    Column("round_key", KEY, ForeignKey("rounds.round_key"), doc="Null: given outside a round, with a reason."),
    Column("request_key", KEY, nullable=False, unique=True, doc="Of the form: sent twice, it counts once (O12)."),
    Column("state", String(16), nullable=False, doc="offered, agreed, active, declined or ended."),
    Column("offered_on", Date, nullable=False),
    Column("offered_by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("family_told_on", Date, doc="Null: not yet (MEN-5)."),
    Column("consented_on", Date),
    Column("assented_on", Date, doc="When the student agreed."),
    Column("starts_on", Date, doc="First meeting day. Null: has not started."),
    Column("goal", Text),
    Column("ended_on", Date, doc="Declined, withdrawn or closed; the seat is free from then on. Null: open."),
    Column("ended_by", Text),
    Column("end_reason", String(32), doc="One of a short list, so that refusals carry no story."),
    Column("handover", Text, doc="What the next one should know. Null: nothing."),
    Index(
        "uq_assignments_open_seat",
        "mentor_key",
        "seat",
        unique=True,
        sqlite_where=text("ended_on is null"),
        postgresql_where=text("ended_on is null"),
    ),
    Index(
        "uq_assignments_open_student",
        "student_key",
        unique=True,
        sqlite_where=text("ended_on is null"),
        postgresql_where=text("ended_on is null"),
    ),
    UniqueConstraint("round_key", "student_key"),
)
