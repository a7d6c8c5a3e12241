"""Staff, what each was granted, and which students are theirs."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text

from ews.store.schema.columns import ID, INSTANT, KEY, METADATA

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
