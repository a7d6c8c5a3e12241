"""The days on which each school has instruction: who is absent two days in a row is told by them (MEN-7)."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table; the next publication fills it, and until then weekdays count."""
    op.create_table(
        "school_days",
        sa.Column("school_id", _bytewise(64), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["schools.school_id"], name="fk_school_days_school_id_schools"),
        sa.PrimaryKeyConstraint("school_id", "date", name="pk_school_days"),
    )


def _bytewise(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
