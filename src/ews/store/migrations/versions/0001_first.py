"""The first tables, as they were when the store began: later changes are migrations of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make every table."""
    _published()
    _people()
    _keys()


def _bytewise(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _published() -> None:
    op.create_table(
        "schools",
        sa.Column("school_id", _bytewise(64), nullable=False),
        sa.Column("district_id", _bytewise(64), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("school_id", name="pk_schools"),
    )
    op.create_table(
        "students",
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("student_id", _bytewise(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("do_not_score", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("student_key", name="pk_students"),
        sa.UniqueConstraint("student_id", name="uq_students_student_id"),
    )
    op.create_table(
        "stays",
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("school_id", _bytewise(64), nullable=False),
        sa.Column("entry_date", sa.Date(), nullable=False),
        sa.Column("exit_date", sa.Date(), nullable=True),
        sa.Column("grade_level", sa.String(length=2), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["schools.school_id"], name="fk_stays_school_id_schools"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_stays_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("student_key", "school_id", "entry_date", name="pk_stays"),
    )
    op.create_index("ix_stays_school_id", "stays", ["school_id"], unique=False)
    op.create_table(
        "histories",
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("attendance", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_histories_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("student_key", name="pk_histories"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("target_year", sa.Integer(), nullable=False),
        sa.Column("after_day", sa.Integer(), nullable=False),
        sa.Column("data_through", sa.Date(), nullable=True),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("bundle_sha256", sa.String(length=64), nullable=False),
        sa.Column("list_sha256", sa.String(length=64), nullable=False),
        sa.Column("students", sa.Integer(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("published_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_table(
        "in_force",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("data_id", sa.String(length=32), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_in_force_run_id_runs"),
        sa.PrimaryKeyConstraint("one", name="pk_in_force"),
        sa.CheckConstraint("one = 1", name="ck_in_force_one_row"),
    )
    op.create_table(
        "risk_rows",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("school_id", _bytewise(64), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("grade_level", sa.String(length=2), nullable=False),
        sa.Column("lane", sa.String(length=8), nullable=False),
        sa.Column("risk", sa.Float(), nullable=False),
        sa.Column("days_absent_last_year", sa.Integer(), nullable=True),
        sa.Column("days_enrolled_last_year", sa.Integer(), nullable=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_risk_rows_run_id_runs", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["school_id"], ["schools.school_id"], name="fk_risk_rows_school_id_schools"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_risk_rows_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "student_key", name="pk_risk_rows"),
        sa.UniqueConstraint("run_id", "school_id", "rank", name="uq_risk_rows_run_id"),
    )


def _people() -> None:
    op.create_table(
        "staff",
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("login", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("staff_key", name="pk_staff"),
        sa.UniqueConstraint("login", name="uq_staff_login"),
        sa.UniqueConstraint("oidc_subject", name="uq_staff_oidc_subject"),
    )
    op.create_table(
        "grants",
        sa.Column("grant_key", _bytewise(36), nullable=False),
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("school_id", _bytewise(64), nullable=True),
        sa.Column("district_id", _bytewise(64), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_grants_staff_key_staff"),
        sa.PrimaryKeyConstraint("grant_key", name="pk_grants"),
    )
    op.create_index(("ix_grants_staff_key"), "grants", ["staff_key"], unique=False)
    op.create_table(
        "caseloads",
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("student_key", _bytewise(36), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_caseloads_staff_key_staff"),
        sa.ForeignKeyConstraint(
            ["student_key"], ["students.student_key"], name="fk_caseloads_student_key_students", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("staff_key", "student_key", "role", "starts_on", name="pk_caseloads"),
    )
    op.create_index("ix_caseloads_student_key", "caseloads", ["student_key"], unique=False)


def _keys() -> None:
    op.create_table(
        "failed_sign_ins",
        sa.Column("about_sha256", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("about_sha256", name="pk_failed_sign_ins"),
    )
    op.create_table(
        "oidc_flows",
        sa.Column("state_sha256", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("code_verifier", sa.String(length=128), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("state_sha256", name="pk_oidc_flows"),
    )
    op.create_table(
        "known_browsers",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_known_browsers_staff_key_staff"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_known_browsers"),
    )
    op.create_index(("ix_known_browsers_staff_key"), "known_browsers", ["staff_key"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("csrf_secret", sa.String(length=64), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT, nullable=False),
        sa.Column("second_factor_at", _INSTANT, nullable=True),
        sa.Column("viewing_as", _bytewise(36), nullable=True),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_sessions_staff_key_staff"),
        sa.ForeignKeyConstraint(["viewing_as"], ["staff.staff_key"], name="fk_sessions_viewing_as_staff"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_sessions"),
    )
    op.create_index(("ix_sessions_staff_key"), "sessions", ["staff_key"], unique=False)
    op.create_table(
        "setup_links",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_setup_links_staff_key_staff"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_setup_links"),
    )
    op.create_table(
        "tokens",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("token_key", _bytewise(36), nullable=False),
        sa.Column("staff_key", _bytewise(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name="fk_tokens_staff_key_staff"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_tokens"),
        sa.UniqueConstraint("token_key", name="uq_tokens_token_key"),
    )
    op.create_index(("ix_tokens_staff_key"), "tokens", ["staff_key"], unique=False)
