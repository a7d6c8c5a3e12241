"""Slows guessing down without locking anybody out (A04): after failures, the next try has to wait.

Failures are counted for a login from one address, for an address, and for a login from anywhere. Whoever signed in with
this browser before is counted by the browser alone, so that strangers who try a counselor's login, from anywhere or
from the same school, do not keep the counselor out. A try that comes too early is not counted, so waiting helps.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import Connection, delete, insert, select, update

from ews.store.schema import FAILED_SIGN_INS

FORGOTTEN = timedelta(hours=24)
"""Without a further failure."""


@dataclass(frozen=True)
class Limit:
    """How a kind of failures slows down: `free` ones do not, each further one doubles the wait, up to `most`."""

    free: int
    most: timedelta

    def wait(self, failures: int) -> timedelta:
        """How long after the last of so many failures the next try has to wait."""
        if failures < self.free:
            return timedelta(0)
        return min(self.most, timedelta(seconds=2 ** min(failures - self.free, 20)))


LIMITS = {
    "browser": Limit(free=5, most=timedelta(minutes=5)),
    "login from address": Limit(free=5, most=timedelta(minutes=15)),
    "address": Limit(free=50, most=timedelta(minutes=1)),
    "login": Limit(free=20, most=timedelta(seconds=30)),
}


@dataclass(frozen=True)
class About:
    """What failures are counted about: a kind of :data:`LIMITS`, and a hash that does not tell of whom."""

    kind: str
    sha256: str


def abouts(login: str, address: str, browser: str | None) -> tuple[About, ...]:
    """What a try is about.

    Args:
        login: as typed; it need not exist.
        address: of the network.
        browser: the secret of a browser known for this login; None: a browser that is not known.
    """
    if browser is not None:
        return (_about("browser", login, browser),)
    place = _network(address)
    return _about("login from address", login, place), _about("address", place), _about("login", login)


def wait(connection: Connection, about: Sequence[About], now: datetime) -> timedelta:
    """How long this try has to wait still; zero: it may be made."""
    kinds = {one.sha256: one.kind for one in about}
    query = select(FAILED_SIGN_INS).where(FAILED_SIGN_INS.c.about_sha256.in_(kinds))
    left = (
        row.last_at + LIMITS[kinds[row.about_sha256]].wait(row.failures) - now
        for row in connection.execute(query)
        if now - row.last_at < FORGOTTEN
    )
    return max([timedelta(0), *left])


def count_failure(connection: Connection, about: Iterable[About], now: datetime) -> None:
    """Count a try that failed."""
    table = FAILED_SIGN_INS
    for one in about:
        mine = table.c.about_sha256 == one.sha256
        connection.execute(delete(table).where(mine, table.c.last_at <= now - FORGOTTEN))
        counted = update(table).where(mine).values(failures=table.c.failures + 1, last_at=now)
        if connection.execute(counted).rowcount == 0:
            connection.execute(insert(table).values(about_sha256=one.sha256, failures=1, last_at=now))


def forget(connection: Connection, about: Iterable[About]) -> None:
    """After a success: forget the failures of this person from here; those of the address stay."""
    mine = [one.sha256 for one in about if one.kind in {"browser", "login from address"}]
    connection.execute(delete(FAILED_SIGN_INS).where(FAILED_SIGN_INS.c.about_sha256.in_(mine)))


def _network(address: str) -> str:
    """What one party holds: an address, or of IPv6 its first half, since whoever has one of those has all of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _about(kind: str, *words: str) -> About:
    return About(kind, hashlib.sha256("\x00".join((kind, *words)).encode()).hexdigest())
