"""The tables of the store: what was published, who works here, and who may ask.

Three kinds of tables. *Published* ones hold scoring runs and the roster they were made for; a run's rows never change
after its commit, so a reader who holds a run's id reads one run whole. *People* are staff, what each was granted, and
which students are theirs. *Keys* are what a person or a program signs in with; of every secret only a hash is kept.

Students are named by a random key (PRV-8): it is what addresses and answers carry, the district's own id is a column.
Times are UTC, dates are the school's.
"""

import datetime as dt
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _bytewise(length: int) -> Any:
    """Text that compares and sorts by its bytes on every database, whatever its language."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Instant(TypeDecorator[dt.datetime]):
    """A point in time, always with its zone; SQLite keeps none, so there UTC is kept and given back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """UTC; without a zone where the database knows none.

        Raises:
            ValueError: the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone is no point in time")
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: dt.datetime | None, _: Dialect) -> dt.datetime | None:
        """UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


KEY = _bytewise(36)
"""A random UUID, as text."""

ID = _bytewise(64)
"""An id of the district, as given (`007` stays `007`)."""

HASH = String(64)
"""SHA-256, as 64 hexadecimal digits."""

INSTANT = Instant()

# --- published: the roster, which follows every publication ---

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

HISTORIES = Table(
    "histories",
    METADATA,
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("attendance", Text, nullable=False, doc="JSON: years, months, weekdays and marks; no score."),
    Column("fingerprint", String(32), nullable=False, doc="MD5 of it: what did not change is not written again."),
)

# --- published: scoring runs ---

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

# --- people ---

STAFF = Table(
    "staff",
    METADATA,
    Column("staff_key", KEY, primary_key=True),
    Column("login", String(128), nullable=False, unique=True, doc="Lower case; an e-mail address or a short name."),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, default=True),
    Column("oidc_subject", String(255), unique=True, doc="Issuer and subject. Null: signs in with a local password."),
    Column("password_hash", Text, doc="Argon2id. Null: none was set, and no password opens it."),
    Column("totp_secret", Text, doc="Base32. Null: no second factor yet."),
    Column("totp_last_step", Integer, doc="The last time step taken, so that a code counts once."),
    Column("created_at", INSTANT, nullable=False),
)

GRANTS = Table(
    "grants",
    METADATA,
    Column("grant_key", KEY, primary_key=True),
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), nullable=False, index=True),
    Column("role", String(32), nullable=False),
    Column("school_id", ID, doc="Null: every school of the district."),
    Column("district_id", ID, doc="Null, and no school: every district of this store, which mostly is the only one."),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, doc="Last day, inclusive. Null: until revoked."),
    Column("granted_by", Text, nullable=False),
    Column("why", Text, nullable=False),
)

CASELOADS = Table(
    "caseloads",
    METADATA,
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), primary_key=True),
    Column("student_key", KEY, ForeignKey("students.student_key", ondelete="CASCADE"), primary_key=True),
    Column("role", String(32), primary_key=True, doc="counselor or mentor."),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date, doc="Last day, inclusive. Null: open."),
    Index("ix_caseloads_student_key", "student_key"),
)

# --- keys ---

SETUP_LINKS = Table(
    "setup_links",
    METADATA,
    Column("secret_sha256", HASH, primary_key=True),
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("used_at", INSTANT, doc="Null: not used. A link opens once."),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("secret_sha256", HASH, primary_key=True),
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), nullable=False, index=True),
    Column("csrf_secret", String(64), nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("last_seen_at", INSTANT, nullable=False),
    Column("second_factor_at", INSTANT, doc="When the second factor was given. Null: not in this session."),
    Column("viewing_as", KEY, ForeignKey("staff.staff_key"), doc="A12: only what both may see. Null: as oneself."),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("secret_sha256", HASH, primary_key=True),
    Column("token_key", KEY, nullable=False, unique=True, doc="Names the token where it is listed or revoked."),
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False, doc="JSON list; never wider than the owner (A07)."),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("revoked_at", INSTANT, doc="Null: in force."),
)

FAILED_SIGN_INS = Table(
    "failed_sign_ins",
    METADATA,
    Column("about_sha256", HASH, primary_key=True, doc="Of a login or an address; the throttle survives a restart."),
    Column("failures", Integer, nullable=False),
    Column("last_at", INSTANT, nullable=False),
)

KNOWN_BROWSERS = Table(
    "known_browsers",
    METADATA,
    Column("secret_sha256", HASH, primary_key=True, doc="Of a cookie given after a sign-in; it opens nothing."),
    Column("staff_key", KEY, ForeignKey("staff.staff_key"), nullable=False, index=True),
    Column("created_at", INSTANT, nullable=False, doc="Others' failures do not slow down who comes from here (A04)."),
)

OIDC_FLOWS = Table(
    "oidc_flows",
    METADATA,
    Column("state_sha256", HASH, primary_key=True, doc="A way to the identity provider and back; it counts once."),
    Column("nonce", String(64), nullable=False),
    Column("code_verifier", String(128), nullable=False),
    Column("next_path", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
)
