"""Whose each student is: caseloads of counselors and mentors, taken from one file as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Insert,
    Integer,
    MetaData,
    String,
    Subquery,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from ews.access import Role
from ews.errors import InputRefused
from ews.store.mentor_sight import is_by_assignment
from ews.store.schema import CASELOADS, ID, STAFF, STUDENTS

ROLES = (Role.COUNSELOR, Role.MENTOR)
"""Roles that have caseloads."""

_INCOMING = Table(
    "incoming_caseload",
    MetaData(),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("login", String(128), nullable=False),
    Column("student_id", ID, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True)
class Changed:
    """What a file of caseloads changed: rows begun, ended, and left as they were."""

    begun: int
    ended: int
    kept: int


def replace_caseloads(
    connection: Connection, role: Role, rows: Sequence[tuple[str, str]], on: date, *, of_all: bool = False
) -> Changed:
    """Make the caseloads of everyone named in `rows` what the rows say, from `on`.

    A student who is on a caseload now and not in the rows leaves it: the last day is the day before `on`. What an
    assignment of a mentor opened is the assignment's, and is not ended so.

    Args:
        connection: of the caller's transaction.
        role: counselor or mentor.
        rows: login and the district's id of a student, in the order of the file.
        on: first day of what changes.
        of_all: also end the caseloads of people in this role whom the rows do not name.

    Raises:
        InputRefused: a login or student that is not known, with its line, or a student would leave whom an assignment
            gave to the mentor; nothing was changed.
    """
    if role not in ROLES:
        raise InputRefused(f"Caseloads are those of a {' or a '.join(ROLES)}.")
    _INCOMING.create(connection)
    try:
        _fill(connection, rows)
        _refuse_unknown(connection)
        return _apply(connection, role, on, of_all=of_all)
    finally:
        _INCOMING.drop(connection)


def _fill(connection: Connection, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        lines = [{"line": line, "login": login.strip().lower(), "student_id": student_id.strip()}
                 for line, (login, student_id) in enumerate(rows, start=2)]  # fmt: skip
        connection.execute(insert(_INCOMING), lines)


def _refuse_unknown(connection: Connection) -> None:
    login = exists().where(STAFF.c.login == _INCOMING.c.login, STAFF.c.is_active)
    student = exists().where(STUDENTS.c.student_id == _INCOMING.c.student_id)
    for known, what in ((login, "login of an open account"), (student, "student")):
        unknown = select(func.count(), func.min(_INCOMING.c.line)).where(~known)
        count, line = connection.execute(unknown).one()
        if count:
            raise InputRefused(
                f"Line {line} of the caseloads names no known {what}; {count} lines in all. Nothing was changed. "
                "Students are known once a run was published, accounts by: ews staff add"
            )


def _apply(connection: Connection, role: Role, on: date, *, of_all: bool) -> Changed:
    wanted = _wanted()
    mine = [CASELOADS.c.role == role.value, or_(CASELOADS.c.ends_on.is_(None), CASELOADS.c.ends_on >= on)]
    is_wanted = exists().where(
        wanted.c.staff_key == CASELOADS.c.staff_key, wanted.c.student_key == CASELOADS.c.student_key
    )
    whose = [] if of_all else [CASELOADS.c.staff_key.in_(select(wanted.c.staff_key))]
    _refuse_owned(connection, and_(*mine, *whose, ~is_wanted))
    # What would have begun on `on` or later never was: it is taken away, not ended before it begins.
    gone = connection.execute(delete(CASELOADS).where(*mine, *whose, ~is_wanted, CASELOADS.c.starts_on >= on)).rowcount
    ended = update(CASELOADS).where(*mine, *whose, ~is_wanted).values(ends_on=on - timedelta(days=1))
    ended_count = connection.execute(ended).rowcount
    kept = connection.scalar(select(func.count()).select_from(CASELOADS).where(*mine, is_wanted)) or 0
    connection.execute(_beginning(role, on, wanted))
    pairs = connection.scalar(select(func.count()).select_from(wanted)) or 0
    return Changed(begun=pairs - kept, ended=ended_count + gone, kept=kept)


def _refuse_owned(connection: Connection, leaves: ColumnElement[bool]) -> None:
    """Refuse to end what an assignment opened: that ends with it, which frees the slot and keeps the reason."""
    query = select(func.count()).select_from(CASELOADS).where(leaves, is_by_assignment())
    owned = connection.scalar(query) or 0
    if owned:
        raise InputRefused(
            f"{owned} students whom the file does not name were given to these mentors by a round or an offer, so a "
            "file cannot take them away. End it, or hand over, on the student's mentor page; or name the students in "
            "the file, too. Nothing was changed."
        )


def _wanted() -> Subquery:
    pairs = (
        select(STAFF.c.staff_key, STUDENTS.c.student_key)
        .join(_INCOMING, _INCOMING.c.login == STAFF.c.login)
        .join(STUDENTS, STUDENTS.c.student_id == _INCOMING.c.student_id)
    )
    return pairs.distinct().subquery()


def _beginning(role: Role, on: date, wanted: Subquery) -> Insert:
    has = exists().where(
        and_(CASELOADS.c.staff_key == wanted.c.staff_key, CASELOADS.c.student_key == wanted.c.student_key),
        CASELOADS.c.role == role.value,
        or_(CASELOADS.c.ends_on.is_(None), CASELOADS.c.ends_on >= on),
    )
    new = select(wanted.c.staff_key, wanted.c.student_key, literal(role.value), literal(on), null()).where(~has)
    return insert(CASELOADS).from_select(["staff_key", "student_key", "role", "starts_on", "ends_on"], new)
