"""What opens once or opens nothing: links to set a password, browsers that are known, and the tidying of old keys."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ews.store.keys import ABSOLUTE, IDLE, sha256_of
from ews.store.schema import KNOWN_BROWSERS, OIDC_FLOWS, SESSIONS, SETUP_LINKS, STAFF

LINK_LASTS = timedelta(days=3)
BROWSER_LASTS = timedelta(days=180)
FLOW_LASTS = timedelta(minutes=10)


def make_setup_link(connection: Connection, staff_key: str, at: datetime) -> str:
    """The secret of a link that lets someone set a password once; earlier links of theirs no longer open."""
    secret = secrets.token_urlsafe(32)
    connection.execute(delete(SETUP_LINKS).where(SETUP_LINKS.c.staff_key == staff_key))
    row = {"secret_sha256": sha256_of(secret), "staff_key": staff_key, "expires_at": at + LINK_LASTS}
    connection.execute(insert(SETUP_LINKS).values(row))
    return secret


def staff_of_link(connection: Connection, secret: str, at: datetime) -> str | None:
    """Whose an open link is; None where it is unknown, used or expired, or the account is closed."""
    query = (
        select(SETUP_LINKS.c.staff_key)
        .join(STAFF, STAFF.c.staff_key == SETUP_LINKS.c.staff_key)
        .where(*_open_link(secret, at), STAFF.c.is_active)
    )
    return connection.scalar(query)


def use_link(connection: Connection, secret: str, at: datetime) -> bool:
    """Use a link up; False where it was not open any more: of two who try at once, one gets it."""
    return connection.execute(update(SETUP_LINKS).where(*_open_link(secret, at)).values(used_at=at)).rowcount == 1


def remember_browser(connection: Connection, staff_key: str, at: datetime) -> str:
    """The secret of a cookie that says: someone signed in here before as this person. It opens nothing."""
    secret = secrets.token_urlsafe(32)
    row = {"secret_sha256": sha256_of(secret), "staff_key": staff_key, "created_at": at}
    connection.execute(insert(KNOWN_BROWSERS).values(row))
    return secret


def knows_browser(connection: Connection, secret: str, login: str, now: datetime) -> bool:
    """Whether someone with this login signed in with this browser before."""
    query = (
        select(KNOWN_BROWSERS.c.staff_key)
        .join(STAFF, STAFF.c.staff_key == KNOWN_BROWSERS.c.staff_key)
        .where(
            KNOWN_BROWSERS.c.secret_sha256 == sha256_of(secret),
            KNOWN_BROWSERS.c.created_at > now - BROWSER_LASTS,
            STAFF.c.login == login,
        )
    )
    return connection.execute(query).first() is not None


def forget_expired(connection: Connection, now: datetime) -> int:
    """Delete sessions, links, browsers and ways to the provider that no longer open anything; gives how many."""
    expired: Sequence[Any] = (
        delete(SESSIONS).where((SESSIONS.c.last_seen_at <= now - IDLE) | (SESSIONS.c.created_at <= now - ABSOLUTE)),
        delete(SETUP_LINKS).where(SETUP_LINKS.c.expires_at <= now),
        delete(KNOWN_BROWSERS).where(KNOWN_BROWSERS.c.created_at <= now - BROWSER_LASTS),
        delete(OIDC_FLOWS).where(OIDC_FLOWS.c.created_at <= now - FLOW_LASTS),
    )
    return sum(connection.execute(statement).rowcount for statement in expired)


def _open_link(secret: str, at: datetime) -> tuple[Any, ...]:
    mine = SETUP_LINKS.c.secret_sha256 == sha256_of(secret)
    return mine, SETUP_LINKS.c.used_at.is_(None), SETUP_LINKS.c.expires_at > at
