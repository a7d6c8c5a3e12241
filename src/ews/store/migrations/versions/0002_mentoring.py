"""Mentor slots and follow-up: what a school does about its lists."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of mentors, rounds and assignments, and those of plans and contacts."""
    _mentors()
    _rounds()
    _follow_up()


def _bytewise(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _mentors() -> None:
    op.create_table(
        "mentors",
        sa.Column("mentor_key", _bytewise(36), nullable=False),
        sa.Column("mentor_id", _bytewise(64), nullable=False),
        sa.Column("staff_key", _bytewise(36), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("weekly_hours", sa.Float(), nullable=True),
        sa.Column("caseload_cap", sa.Integer(), nullable=False),
        sa.Column("grade_levels", sa.Text(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("interests", sa.Text(), nullable=False),
        sa.Column("screened_on", sa.Date(), nullable=True),
        sa.Column("trained_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("away_from", sa.Date(), nullable=True),
        sa.Column("away_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_mentors_staff_key_staff"),
        sa.PrimaryKeyConstraint("mentor_key", name="pk_mentors"),
        sa.CheckConstraint("caseload_cap between 0 and 20", name="ck_mentors_cap"),
        sa.UniqueConstraint("mentor_id", name="uq_mentors_mentor_id"),
        sa.UniqueConstraint("staff_key", name="uq_mentors_staff_key"),
    )
    op.create_table(
        "exclusions",
        sa.Column("exclusion_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mentor_key", _bytewise(36), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["mentor_key"], ["mentors.mentor_key"], name="fk_exclusions_mentor_key_mentors"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_exclusions_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("exclusion_key", name="pk_exclusions"),
    )
    op.create_index("ix_exclusions_student_key", "exclusions", ["student_key"], unique=False)
    op.create_table(
        "match_facts",
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("household_key", _bytewise(36), nullable=True),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("interests", sa.Text(), nullable=False),
        sa.Column("wishes", sa.Text(), nullable=False),
        sa.Column("known_mentor_key", _bytewise(36), nullable=True),
        sa.ForeignKeyConstraint(
            ["known_mentor_key"], ["mentors.mentor_key"], name="fk_match_facts_known_mentor_key_mentors"
        ),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_match_facts_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("student_key", name="pk_match_facts"),
    )
    op.create_table(
        "mentor_schools",
        sa.Column("mentor_key", _bytewise(36), nullable=False),
        sa.Column("school_id", _bytewise(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["mentor_key"], ["mentors.mentor_key"], name="fk_mentor_schools_mentor_key_mentors", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["schools.school_id"], name="fk_mentor_schools_school_id_schools"),
        sa.PrimaryKeyConstraint("mentor_key", "school_id", name="pk_mentor_schools"),
    )


def _rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("round_key", _bytewise(36), nullable=False),
        sa.Column("target_year", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", _bytewise(64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("objective", sa.String(length=24), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rule_sha256", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("registration", sa.Text(), nullable=True),
        sa.Column("proposed_at", _INSTANT, nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", _INSTANT, nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_rounds_run_id_runs"),
        sa.ForeignKeyConstraint(["school_id"], ["schools.school_id"], name="fk_rounds_school_id_schools"),
        sa.PrimaryKeyConstraint("round_key", name="pk_rounds"),
    )
    op.create_table(
        "assignments",
        sa.Column("assignment_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("mentor_key", _bytewise(36), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("round_key", _bytewise(36), nullable=True),
        sa.Column("request_key", _bytewise(36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("offered_on", sa.Date(), nullable=False),
        sa.Column("offered_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("family_told_on", sa.Date(), nullable=True),
        sa.Column("consented_on", sa.Date(), nullable=True),
        sa.Column("assented_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("goal", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.String(length=32), nullable=True),
        sa.Column("handover", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["mentor_key"], ["mentors.mentor_key"], name="fk_assignments_mentor_key_mentors"),
        sa.ForeignKeyConstraint(["round_key"], ["rounds.round_key"], name="fk_assignments_round_key_rounds"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_assignments_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("assignment_key", name="pk_assignments"),
        sa.UniqueConstraint("request_key", name="uq_assignments_request_key"),
        sa.UniqueConstraint("round_key", "student_key", name="uq_assignments_round_key"),
    )
    op.create_index(
        "uq_assignments_open_seat",
        "assignments",
        ["mentor_key", "seat"],
        unique=True,
        sqlite_where=sa.text("ended_on is null"),
        postgresql_where=sa.text("ended_on is null"),
    )
    op.create_index(
        "uq_assignments_open_student",
        "assignments",
        ["student_key"],
        unique=True,
        sqlite_where=sa.text("ended_on is null"),
        postgresql_where=sa.text("ended_on is null"),
    )
    op.create_table(
        "round_rows",
        sa.Column("round_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("school_id", _bytewise(64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("mentor_key", _bytewise(36), nullable=True),
        sa.Column("lane", sa.String(length=8), nullable=False),
        sa.Column("risk", sa.Float(), nullable=False),
        sa.Column("crossings_averted", sa.Float(), nullable=False),
        sa.Column("days_gained", sa.Float(), nullable=False),
        sa.Column("in_band", sa.Boolean(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.Text(), nullable=True),
        sa.Column("edited_at", _INSTANT, nullable=True),
        sa.Column("edit_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["mentor_key"], ["mentors.mentor_key"], name="fk_round_rows_mentor_key_mentors"),
        sa.ForeignKeyConstraint(
            ["round_key"], ["rounds.round_key"], name="fk_round_rows_round_key_rounds", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["schools.school_id"], name="fk_round_rows_school_id_schools"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_round_rows_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("round_key", "student_key", name="pk_round_rows"),
    )
    op.create_index("ix_round_rows_student_key", "round_rows", ["student_key"], unique=False)


def _follow_up() -> None:
    op.create_table(
        "judgements",
        sa.Column("judgement_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("target_year", sa.Integer(), nullable=False),
        sa.Column("adds", sa.Boolean(), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", _bytewise(36), nullable=False),
        sa.Column("taken_back_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["by"], ["staff.staff_key"], name="fk_judgements_by_staff"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_judgements_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("judgement_key", name="pk_judgements"),
    )
    op.create_index("ix_judgements_student_key", "judgements", ["student_key"], unique=False)
    op.create_table(
        "notes",
        sa.Column("note_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", _bytewise(36), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["staff.staff_key"], name="fk_notes_by_staff"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_notes_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("note_key", name="pk_notes"),
    )
    op.create_index("ix_notes_student_key", "notes", ["student_key"], unique=False)
    op.create_table(
        "plan_changes",
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("target_year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_plan_changes_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("student_key", "target_year", "version", name="pk_plan_changes"),
    )
    op.create_table(
        "plans",
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("target_year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=True),
        sa.Column("next_step_on", sa.Date(), nullable=True),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_plans_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("student_key", "target_year", name="pk_plans"),
    )
    op.create_table(
        "contacts",
        sa.Column("contact_key", _bytewise(36), nullable=False),
        sa.Column("request_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("assignment_key", _bytewise(36), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("with_whom", sa.String(length=16), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("barrier", sa.String(length=24), nullable=True),
        sa.Column("referral", sa.String(length=16), nullable=True),
        sa.Column("next_step", sa.Text(), nullable=True),
        sa.Column("entered_at", _INSTANT, nullable=False),
        sa.Column("entered_by", _bytewise(36), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_key"], ["assignments.assignment_key"], name="fk_contacts_assignment_key_assignments"
        ),
        sa.ForeignKeyConstraint(["entered_by"], ["staff.staff_key"], name="fk_contacts_entered_by_staff"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_contacts_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_key", name="pk_contacts"),
        sa.UniqueConstraint("request_key", name="uq_contacts_request_key"),
    )
    op.create_index("ix_contacts_student_key", "contacts", ["student_key"], unique=False)
