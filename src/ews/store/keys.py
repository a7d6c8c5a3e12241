"""What people and programs come in with: sessions and tokens. Of every secret only a hash is kept.

Who asks is looked up anew on every request, in one statement with account and grants, so that whatever was taken away
counts from the next request on (A06).
"""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, insert, select, update

from ews.access import NAMES, View, Viewer, both
from ews.errors import InputRefused
from ews.store.people import GRANT_COLUMNS, grants_in, members
from ews.store.schema import GRANTS, SESSIONS, STAFF, TOKENS

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
"""A session ends after half an hour without a request, and after a working day in any case (A05)."""

SEEN_EVERY = timedelta(minutes=1)
"""A request within it does not write that the session was used again."""

TOKEN_LASTS_AT_MOST = timedelta(days=366)

TOKEN_PREFIX = "ews_"
"""Lets a program that looks for secrets in files recognise one."""

SCOPES = frozenset({*View, NAMES})
"""What a token can be limited to."""


@dataclass(frozen=True)
class Session:
    """A session as its browser knows it: the cookie's secret, and the word its forms carry."""

    secret: str
    csrf: str


@dataclass(frozen=True)
class SignedIn:
    """Who sent a request, and by what.

    Attributes:
        viewer: who asks.
        name: of the person.
        csrf: the word that forms of this session carry; None for a token, which no browser sends by itself.
        key_sha256: of the session or token.
        seen_at: when the session was last known to be used; None for a token.
        has_second_factor: whether the account could give one.
        until: from when on the key opens nothing, unless it is used or made anew before.
    """

    viewer: Viewer
    name: str
    csrf: str | None
    key_sha256: str
    seen_at: datetime | None
    has_second_factor: bool
    until: datetime


@dataclass(frozen=True)
class Token:
    """A token as it is listed; its secret was shown once."""

    token_key: str
    login: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def sha256_of(secret: str) -> str:
    """What is kept of a secret; the secrets are random, so no salt or slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def start_session(
    connection: Connection, staff_key: str, at: datetime, *, second_factor: bool, replaces: str | None = None
) -> Session:
    """A new session with a new secret; `replaces` is the secret of the one that ends by it, so none is carried over."""
    if replaces:
        end_session(connection, replaces)
    session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    row = {
        "secret_sha256": sha256_of(session.secret), "staff_key": staff_key, "csrf_secret": session.csrf,
        "created_at": at, "last_seen_at": at, "second_factor_at": at if second_factor else None,
    }  # fmt: skip
    connection.execute(insert(SESSIONS).values(row))
    return session


def end_session(connection: Connection, secret: str) -> None:
    """Sign out: the secret opens nothing any more."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.secret_sha256 == sha256_of(secret)))


def end_sessions_of(connection: Connection, staff_key: str) -> None:
    """Sign someone out everywhere."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.staff_key == staff_key))


def touch(connection: Connection, signed_in: SignedIn, now: datetime) -> None:
    """Note that a session was used."""
    mine = SESSIONS.c.secret_sha256 == signed_in.key_sha256
    connection.execute(update(SESSIONS).where(mine, SESSIONS.c.last_seen_at < now).values(last_seen_at=now))


def is_stale(signed_in: SignedIn, now: datetime) -> bool:
    """Whether it should be noted that the session is used: not for every request."""
    return signed_in.seen_at is not None and now - signed_in.seen_at >= SEEN_EVERY


def view_as(connection: Connection, signed_in: SignedIn, staff_key: str | None) -> None:
    """From the next request on, look as another person, whose view is then never wider than one's own (A12)."""
    mine = SESSIONS.c.secret_sha256 == signed_in.key_sha256
    connection.execute(update(SESSIONS).where(mine).values(viewing_as=staff_key))


def viewer_of_session(connection: Connection, secret: str, now: datetime) -> SignedIn | None:
    """Who comes with a session's secret; None where it is unknown, ended or too old, or the account is closed."""
    found = {"sha256": sha256_of(secret), "seen_after": now - IDLE, "made_after": now - ABSOLUTE}
    rows = connection.execute(_SESSION, found).mappings().all()
    if not rows or not hmac.compare_digest(rows[0]["secret_sha256"], found["sha256"]):
        return None
    row = rows[0]
    viewer = Viewer(row["staff_key"], row["login"], grants_in(rows), None, row["second_factor_at"] is not None)
    if row["viewing_as"] is not None:
        viewer = _as_another(connection, viewer, row["viewing_as"])
    return SignedIn(
        viewer, row["name"], row["csrf_secret"], row["secret_sha256"], row["last_seen_at"],
        row["totp_secret"] is not None, min(row["last_seen_at"] + IDLE, row["created_at"] + ABSOLUTE),
    )  # fmt: skip


def make_token(
    connection: Connection, staff_key: str, *, name: str, scopes: Collection[str], at: datetime, expires_at: datetime
) -> tuple[str, str]:
    """A new token: its key, by which it is listed and revoked, and its secret, which is told only now.

    Raises:
        InputRefused: no or unknown scopes, no name, or it would last longer than a year.
    """
    if not name.strip():
        raise InputRefused("A token needs a name that says what uses it: --name 'nightly dashboard'.")
    if not scopes or not SCOPES.issuperset(scopes):
        raise InputRefused(f"A token needs scopes, of these: {', '.join(sorted(SCOPES))}.")
    if not at < expires_at <= at + TOKEN_LASTS_AT_MOST:
        raise InputRefused("A token lasts at least a moment and at most a year.")
    secret, key = TOKEN_PREFIX + secrets.token_urlsafe(32), str(uuid.uuid4())
    row = {
        "secret_sha256": sha256_of(secret), "token_key": key, "staff_key": staff_key, "name": name.strip(),
        "scopes": json.dumps(sorted(scopes)), "created_at": at, "expires_at": expires_at,
    }  # fmt: skip
    connection.execute(insert(TOKENS).values(row))
    return key, secret


def tokens(connection: Connection) -> list[Token]:
    """All tokens, newest first."""
    query = (
        select(TOKENS, STAFF.c.login)
        .join(STAFF, STAFF.c.staff_key == TOKENS.c.staff_key)
        .order_by(TOKENS.c.created_at.desc(), TOKENS.c.token_key)
    )
    return [_token(row) for row in connection.execute(query).mappings()]


def revoke_token(connection: Connection, token_key: str, at: datetime) -> bool:
    """Revoke a token; False where there is none with this key that is in force."""
    mine = (TOKENS.c.token_key == token_key) & TOKENS.c.revoked_at.is_(None)
    return connection.execute(update(TOKENS).where(mine).values(revoked_at=at)).rowcount == 1


def viewer_of_token(connection: Connection, secret: str, now: datetime) -> SignedIn | None:
    """Who comes with a token; None where it is unknown, revoked or expired, or its owner's account is closed (A03)."""
    sha256 = sha256_of(secret)
    rows = connection.execute(_TOKEN, {"sha256": sha256, "now": now}).mappings().all()
    if not rows or not hmac.compare_digest(rows[0]["secret_sha256"], sha256):
        return None
    row = rows[0]
    scopes = frozenset(json.loads(row["scopes"]))
    # A token is made where whoever makes it holds the machine, which stands for the second factor.
    viewer = Viewer(row["staff_key"], row["login"], grants_in(rows), scopes, second_factor=True)
    return SignedIn(viewer, row["name"], None, sha256, None, row["totp_secret"] is not None, row["expires_at"])


def _as_another(connection: Connection, viewer: Viewer, staff_key: str) -> Viewer:
    """The viewer as another person; as nobody at all when that account was closed meanwhile."""
    found = members(connection, (STAFF.c.staff_key == staff_key) & STAFF.c.is_active)
    return both(viewer, found[0].viewer() if found else Viewer(staff_key, "", ()))


def _with_account(*key: Any, table: Any) -> Select[Any]:
    """The columns of a key, its account and all grants: one row a grant."""
    account = (STAFF.c.staff_key, STAFF.c.login, STAFF.c.name, STAFF.c.totp_secret)
    granted = (column.label(f"grant_{column.name}") for column in GRANT_COLUMNS)
    return (
        select(*key, *account, *granted)
        .select_from(table)
        .join(STAFF, STAFF.c.staff_key == table.c.staff_key)
        .outerjoin(GRANTS, GRANTS.c.staff_key == STAFF.c.staff_key)
        .where(table.c.secret_sha256 == bindparam("sha256"), STAFF.c.is_active)
    )


_SESSION = _with_account(
    SESSIONS.c.secret_sha256, SESSIONS.c.csrf_secret, SESSIONS.c.last_seen_at, SESSIONS.c.second_factor_at,
    SESSIONS.c.viewing_as, SESSIONS.c.created_at, table=SESSIONS,
).where(SESSIONS.c.last_seen_at > bindparam("seen_after"), SESSIONS.c.created_at > bindparam("made_after"))  # fmt: skip

_TOKEN = _with_account(TOKENS.c.secret_sha256, TOKENS.c.scopes, TOKENS.c.expires_at, table=TOKENS).where(
    TOKENS.c.revoked_at.is_(None), TOKENS.c.expires_at > bindparam("now")
)


def _token(row: RowMapping) -> Token:
    return Token(
        row["token_key"], row["login"], row["name"], tuple(json.loads(row["scopes"])), row["created_at"],
        row["expires_at"], row["revoked_at"],
    )  # fmt: skip
