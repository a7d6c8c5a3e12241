"""Who may see one student and why, and who saw whom: what a parent or an incident asks for (PRV-4, PRV-9)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection, select

from ews.access import STUDENT_VIEWS, AccessPolicy, Place, Viewer, who_may
from ews.errors import NotFound
from ews.exports import Sheet
from ews.store.audit_log import AuditLog, Logged
from ews.store.keys import tokens
from ews.store.people import members
from ews.store.reading import place_of, student_keys
from ews.store.schema import STAFF, STUDENTS

COLUMNS = (
    "at", "login", "role", "view", "result", "reason", "purpose", "viewing_as", "party", "legal_basis", "fields",
    "run_id", "model_version", "correlation_id",
)  # fmt: skip


NOTICE = "Contains education records. For whoever answers for the log of reads."


@dataclass(frozen=True)
class MaySee:
    """Someone who may see a student today: in which views, in which role, and why; with name and id or without."""

    login: str
    name: str
    role: str
    reason: str
    shows_names: bool
    views: tuple[str, ...]


@dataclass(frozen=True)
class AccessReport:
    """Everything about access to one student.

    Attributes:
        student_key: the random key.
        place: where the student is.
        may_see: who may, by login.
        saw: every entry of the log that names the student, oldest first.
    """

    student_key: str
    place: Place
    may_see: tuple[MaySee, ...]
    saw: tuple[Logged, ...]


def access_report(
    connection: Connection, log: AuditLog, student_id: str, on: date, now: datetime, policy: AccessPolicy
) -> AccessReport:
    """The report on one student: who may see today, people and programs, and who saw so far.

    Raises:
        NotFound: the store knows no student with this id.
        AuditUnavailable: the log does not answer.
    """
    key = student_keys(connection, [student_id]).get(student_id)
    if key is None:
        raise NotFound("The store knows no such student. Ids are text as the records write them: 007 is not 7.")
    asking = [*people_who_ask(connection), *programs_that_ask(connection, now)]
    place = place_of(connection, key, *(viewer.staff_key for _, viewer in asking))
    return AccessReport(key, place, tuple(who_may_see(asking, place, on, policy)), tuple(log.of_student(key)))


def people_who_ask(connection: Connection) -> list[tuple[str, Viewer]]:
    """Everybody with an open account, by name."""
    return [(member.name, member.viewer()) for member in members(connection, STAFF.c.is_active)]


def programs_that_ask(connection: Connection, now: datetime) -> list[tuple[str, Viewer]]:
    """Every token in force, by its name, as its owner within its scopes."""
    owners = {member.login: member.viewer() for member in members(connection, STAFF.c.is_active)}
    return [
        (f"token: {token.name}", replace(owners[token.login], scopes=frozenset(token.scopes)))
        for token in tokens(connection)
        if token.revoked_at is None and token.expires_at > now and token.login in owners
    ]


def who_may_see(asking: Iterable[tuple[str, Viewer]], place: Place, on: date, policy: AccessPolicy) -> Iterator[MaySee]:
    """Who of some may see a student; once for each role and reason."""
    found: dict[tuple[str, str, str, str, bool], list[str]] = {}
    for name, viewer in asking:
        for view in sorted(STUDENT_VIEWS):
            for _, decision in who_may([viewer], place, view, on, policy):
                who = (viewer.login, name, str(decision.role), str(decision.reason), decision.shows_names)
                found.setdefault(who, []).append(str(view))
    for who, views in sorted(found.items()):
        yield MaySee(*who, tuple(views))


def read_between(
    connection: Connection, log: AuditLog, start: datetime, end: datetime, *, made_at: datetime, login: str = ""
) -> Sheet:
    """Who read whom between two times, one row for each student of each entry: the list to notify from (PRV-9).

    Args:
        connection: of the store, which knows the students' ids.
        log: the log of reads.
        start: first moment.
        end: first moment after.
        made_at: now.
        login: only reads of this account; empty: of everybody.
    """
    entries = [logged for logged in log.between(start, end) if login in ("", logged.entry.login)]
    ids = _ids(connection, {key for logged in entries for key in logged.entry.student_keys})
    rows = [
        (*row_of(logged), key, ids.get(key, "")) for logged in entries for key in logged.entry.student_keys or ("",)
    ]
    about = {"from": start.isoformat(), "until": end.isoformat(), "notice": NOTICE}
    return Sheet("Reads of student records", about, (*COLUMNS, "student_key", "student_id"), rows, made_at)


def row_of(logged: Logged) -> tuple[str | int | None, ...]:
    """An entry in the order of :data:`COLUMNS`."""
    values = {name: getattr(logged.entry, name) for name in COLUMNS}
    return tuple((values | {"at": logged.entry.at.isoformat(timespec="seconds")}).values())


_AT_ONCE = 500


def _ids(connection: Connection, keys: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    ordered = sorted(keys)
    for first in range(0, len(ordered), _AT_ONCE):
        mine = STUDENTS.c.student_key.in_(ordered[first : first + _AT_ONCE])
        rows = connection.execute(select(STUDENTS.c.student_key, STUDENTS.c.student_id).where(mine))
        found.update((row.student_key, row.student_id) for row in rows)
    return found
