"""What people decided otherwise in a round: every edit is kept, so that they can be counted by group (M09)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of edits; of rounds that were edited before, only the last edit of each student is known."""
    op.create_table(
        "round_edits",
        sa.Column("round_key", _bytewise(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("was", sa.String(length=16), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("mentor_key", _bytewise(36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_key"], ["rounds.round_key"], name="fk_round_edits_round_key_rounds", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_round_edits_student_key_students", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["mentor_key"], ["mentors.mentor_key"], name="fk_round_edits_mentor_key_mentors"),
        sa.PrimaryKeyConstraint("round_key", "version", name="pk_round_edits"),
    )
    op.create_index("ix_round_edits_student_key", "round_edits", ["student_key"], unique=False)


def _bytewise(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
