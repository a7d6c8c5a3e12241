"""When mentors and students can meet: a time both can is asked for where both told theirs (MEN-4)."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the lists; empty means any time, as before."""
    for table in ("mentors", "match_facts"):
        op.add_column(table, sa.Column("times", sa.Text(), nullable=False, server_default="[]"))
