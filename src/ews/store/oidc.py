"""Signing in by the district's identity provider: the way there and back counts once, and who comes back is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ews.store.keys import sha256_of
from ews.store.links import FLOW_LASTS
from ews.store.schema import OIDC_FLOWS, STAFF

MFA = "mfa"
"""What a provider says in `amr` when it asked for more than one factor (RFC 8176)."""


@dataclass(frozen=True)
class Flow:
    """One way to the provider and back.

    Attributes:
        nonce: what the provider's answer has to repeat.
        code_verifier: what the code can only be redeemed with (PKCE).
        next_path: where to go afterwards.
    """

    nonce: str
    code_verifier: str
    next_path: str


def begin(connection: Connection, state: str, flow: Flow, now: datetime) -> None:
    """Remember a way to the provider, by the hash of its state."""
    row = {"state_sha256": sha256_of(state), "created_at": now, **vars(flow)}
    connection.execute(insert(OIDC_FLOWS).values(row))


def take(connection: Connection, state: str, now: datetime) -> Flow | None:
    """The way a state belongs to, which is used up by that; None: unknown, used before, or too old."""
    mine = OIDC_FLOWS.c.state_sha256 == sha256_of(state)
    found = connection.execute(select(OIDC_FLOWS).where(mine)).first()
    won = connection.execute(delete(OIDC_FLOWS).where(mine)).rowcount == 1
    if found is None or not won or now - found.created_at > FLOW_LASTS:
        return None
    return Flow(found.nonce, found.code_verifier, found.next_path)


def account_of(connection: Connection, claims: Mapping[str, Any], login_claim: str) -> Row | None:
    """The open account of somebody the provider vouches for; None: there is none.

    The first time it is found by its login, where the account has neither a password nor another subject; from then on
    by issuer and subject alone, so that an address that is given to somebody else later opens nothing.

    Args:
        connection: of the caller's writing transaction.
        claims: of a verified ID token.
        login_claim: the claim that holds the login; an `email` counts only when the provider says it is verified.
    """
    subject = f"{claims['iss']} {claims['sub']}"
    known = connection.execute(select(STAFF).where(STAFF.c.oidc_subject == subject)).first()
    if known is None:
        known = _bind(connection, subject, _login(claims, login_claim))
    return known if known is not None and known.is_active else None


def has_second_factor(claims: Mapping[str, Any]) -> bool:
    """Whether the provider asked for a second factor itself."""
    told = claims.get("amr")
    return isinstance(told, list) and MFA in told


def _login(claims: Mapping[str, Any], login_claim: str) -> str:
    if login_claim == "email" and claims.get("email_verified") is not True:
        return ""
    value = claims.get(login_claim)
    return value.strip().lower() if isinstance(value, str) else ""


def _bind(connection: Connection, subject: str, login: str) -> Row | None:
    mine = (STAFF.c.login == login, STAFF.c.is_active, STAFF.c.oidc_subject.is_(None), STAFF.c.password_hash.is_(None))
    if not login or connection.execute(update(STAFF).where(*mine).values(oidc_subject=subject)).rowcount != 1:
        return None
    return connection.execute(select(STAFF).where(STAFF.c.oidc_subject == subject)).first()
