"""Staff: who works here, what each was granted, and whose each student is.

Nobody is deleted, since the log of reads names people by their key: an account is closed instead. Every function takes
the connection of the caller's transaction.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, insert, or_, select, update

from ews.access import Grant, Role, Viewer
from ews.errors import InputRefused, NotFound
from ews.store.schema import GRANTS, KNOWN_BROWSERS, SCHOOLS, SESSIONS, SETUP_LINKS, STAFF, TOKENS

GRANT_COLUMNS = (GRANTS.c.role, GRANTS.c.starts_on, GRANTS.c.ends_on, GRANTS.c.school_id, GRANTS.c.district_id)

SCHOOL_ROLES = frozenset({Role.SCHOOL_LEAD, Role.COUNSELOR})
"""Roles that are only ever granted at a school."""


@dataclass(frozen=True)
class Member:
    """One account.

    Attributes:
        staff_key: random, and in the log of reads.
        login: lower case.
        name: as people write it.
        is_active: whether it opens anything.
        signs_in_by: local password, identity provider, or nothing yet.
        has_second_factor: whether a code is asked for.
        grants: all of them, also past and future ones.
    """

    staff_key: str
    login: str
    name: str
    is_active: bool
    signs_in_by: str
    has_second_factor: bool
    grants: tuple[Grant, ...] = ()

    def viewer(self) -> Viewer:
        """The member as one who asks, without a second factor."""
        return Viewer(self.staff_key, self.login, self.grants)


def add_staff(connection: Connection, *, login: str, name: str, at: datetime) -> str:
    """A new account that opens nothing yet; gives its key.

    Raises:
        InputRefused: the login is taken, empty, too long, or holds a space.
    """
    login = as_login(login)
    if not name.strip():
        raise InputRefused("An account needs the name of a person (or of a program): --name 'First Last'.")
    if find(connection, login) is not None:
        raise InputRefused(f"There is an account {login} already; nobody shares one. Grant it a role.")
    key = str(uuid.uuid4())
    row = {"staff_key": key, "login": login, "name": " ".join(name.split()), "is_active": True, "created_at": at}
    connection.execute(insert(STAFF).values(row))
    return key


def as_login(words: str) -> str:
    """A login as it is kept: lower case.

    Raises:
        InputRefused: empty, longer than 128 characters, or with a space or control character.
    """
    login = words.strip().lower()
    if not login or len(login) > 128 or not login.isprintable() or any(letter.isspace() for letter in login):
        raise InputRefused("A login is an e-mail address or a short name, without spaces and at most 128 characters.")
    return login


def find(connection: Connection, login: str) -> Member | None:
    """The account of a login; None without one."""
    found = members(connection, STAFF.c.login == login.strip().lower())
    return found[0] if found else None


def member(connection: Connection, login: str) -> Member:
    """The account of a login.

    Raises:
        NotFound: there is none.
    """
    found = find(connection, login)
    if found is None:
        raise NotFound("There is no account with this login. See all of them with: ews staff list")
    return found


def members(connection: Connection, condition: ColumnElement[bool] | None = None) -> list[Member]:
    """Accounts by login, each with its grants; every one of them without a condition."""
    query: Select[Any] = (
        select(STAFF, *(column.label(f"grant_{column.name}") for column in GRANT_COLUMNS))
        .outerjoin(GRANTS, GRANTS.c.staff_key == STAFF.c.staff_key)
        .order_by(STAFF.c.login, GRANTS.c.starts_on, GRANTS.c.grant_key)
    )
    rows = connection.execute(query if condition is None else query.where(condition)).mappings().all()
    found: dict[str, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["staff_key"], []).append(row)
    return [_member(of_one) for of_one in found.values()]


def grants_in(rows: Iterable[RowMapping]) -> tuple[Grant, ...]:
    """The grants in rows of an account joined with them; a row without one has no role."""
    return tuple(
        Grant(
            Role(row["grant_role"]), row["grant_starts_on"], row["grant_ends_on"], row["grant_school_id"],
            row["grant_district_id"],
        )
        for row in rows
        if row["grant_role"] is not None
    )  # fmt: skip


def grant(connection: Connection, staff_key: str, granted: Grant, *, by: str, why: str) -> str:
    """Give someone a role; gives the grant's key.

    Raises:
        InputRefused: no name or reason, a role that needs a school has none, or the school or district is not known.
    """
    if not (by.strip() and why.strip()):
        raise InputRefused("A grant needs who gives it (--by) and why (--why); both are kept.")
    if granted.role in SCHOOL_ROLES and granted.school_id is None:
        raise InputRefused(f"A {granted.role} is granted at a school: --school SCHOOL_ID.")
    if granted.ends_on is not None and granted.ends_on < granted.starts_on:
        raise InputRefused("The grant would end before it starts.")
    _refuse_unknown_place(connection, granted)
    key = str(uuid.uuid4())
    row = {"grant_key": key, "staff_key": staff_key, "granted_by": by.strip(), "why": why.strip(), **vars(granted)}
    connection.execute(insert(GRANTS).values(row | {"role": granted.role.value}))
    return key


def revoke(connection: Connection, staff_key: str, role: Role, on: date, school_id: str | None = None) -> int:
    """End every grant of a role that holds on or after `on`, at one school or everywhere; gives how many ended."""
    condition = [GRANTS.c.staff_key == staff_key, GRANTS.c.role == role.value]
    if school_id is not None:
        condition.append(GRANTS.c.school_id == school_id)
    open_still = or_(GRANTS.c.ends_on.is_(None), GRANTS.c.ends_on >= on)
    ended = update(GRANTS).where(*condition, open_still).values(ends_on=on - timedelta(days=1))
    return connection.execute(ended).rowcount


def deactivate(connection: Connection, staff_key: str, at: datetime) -> None:
    """Close an account: sessions, links and browsers are forgotten, tokens revoked; the next request is refused."""
    connection.execute(update(STAFF).where(STAFF.c.staff_key == staff_key).values(is_active=False))
    for table in (SESSIONS, SETUP_LINKS, KNOWN_BROWSERS):
        connection.execute(delete(table).where(table.c.staff_key == staff_key))
    open_tokens = (TOKENS.c.staff_key == staff_key) & TOKENS.c.revoked_at.is_(None)
    connection.execute(update(TOKENS).where(open_tokens).values(revoked_at=at))


def activate(connection: Connection, staff_key: str) -> None:
    """Open an account again, without password or second factor: both are set anew by a link."""
    fresh = {"is_active": True, "password_hash": None, "totp_secret": None, "totp_last_step": None}
    connection.execute(update(STAFF).where(STAFF.c.staff_key == staff_key).values(fresh))


def _member(rows: list[RowMapping]) -> Member:
    row = rows[0]
    by = "identity provider" if row["oidc_subject"] else "password" if row["password_hash"] else "nothing yet"
    return Member(
        row["staff_key"], row["login"], row["name"], row["is_active"], by, row["totp_secret"] is not None,
        grants_in(rows),
    )  # fmt: skip


def _refuse_unknown_place(connection: Connection, granted: Grant) -> None:
    if granted.school_id is not None:
        query, what = select(SCHOOLS.c.school_id).where(SCHOOLS.c.school_id == granted.school_id), "school"
    elif granted.district_id is not None:
        query, what = select(SCHOOLS.c.school_id).where(SCHOOLS.c.district_id == granted.district_id), "district"
    else:
        return
    if connection.execute(query.limit(1)).first() is None:
        raise InputRefused(f"The store knows no such {what}. Publish a run first (ews publish), or check the id.")
