"""What a person or a program signs in with; of every secret only a hash is kept."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from ews.store.schema.columns import HASH, INSTANT, KEY, METADATA

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
