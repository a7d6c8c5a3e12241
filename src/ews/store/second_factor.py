"""The second factor: a code of six digits from an app, each of which counts once (TOTP, RFC 6238). Needs `serve`."""

import hmac
from datetime import datetime

import pyotp
from sqlalchemy import Connection, or_, update

from ews.store.schema import STAFF

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""How far a phone's clock may be off, in steps."""


def new_totp_secret() -> str:
    """A new secret, as apps take it."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, login: str) -> str:
    """The address that an app on this device opens to take the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="ews")


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step whose code this is; None when it is none of now, or the secret is none."""
    digits = "".join(code.split())
    now = int(at.timestamp()) // STEP_SECONDS
    try:
        totp = pyotp.TOTP(secret)
    except ValueError:
        return None
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    # Every step is compared, so that the time taken says nothing about which came close.
    found = [step for step in steps if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), digits.encode())]
    return found[0] if found else None


def take_step(connection: Connection, staff_key: str, step: int) -> bool:
    """Use a code up; False where it, or a later one, was used before: of two who send it at once, one gets in."""
    unused = or_(STAFF.c.totp_last_step.is_(None), STAFF.c.totp_last_step < step)
    taken = update(STAFF).where(STAFF.c.staff_key == staff_key, unused).values(totp_last_step=step)
    return connection.execute(taken).rowcount == 1


def set_totp(connection: Connection, staff_key: str, secret: str, step: int) -> None:
    """Make a secret the account's second factor; the code that proved it is used up by that."""
    row = {"totp_secret": secret, "totp_last_step": step}
    connection.execute(update(STAFF).where(STAFF.c.staff_key == staff_key).values(**row))
