"""Mentors in the store: taken from a file as a whole, with what is known of students beside the records.

Every function takes the connection of the caller's transaction.
"""

import datetime as dt
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, insert, or_, select, update

from ews.errors import InputRefused
from ews.slots import Mentor
from ews.slots.eligibility import LISTS
from ews.store.mentor_sight import follow, seers
from ews.store.schema import (
    ASSIGNMENTS,
    EXCLUSIONS,
    MATCH_FACTS,
    MENTOR_SCHOOLS,
    MENTORS,
    SCHOOLS,
    STAFF,
)

_PLAIN = (
    "name", "kind", "weekly_hours", "screened_on", "trained_on", "starts_on", "ends_on", "away_from", "away_until",
)  # fmt: skip
_JSON = ("grade_levels", "languages", "interests", "times")

EXCLUSION_KINDS = ("tier_3", "opted_out", "leaving", "conflict")


@dataclass(frozen=True)
class Imported:
    """What a file of mentors changed.

    Attributes:
        new: mentors who were not known.
        kept: mentors who were, as the file has them now.
        ended: mentors whom the file names no more; the day before was their last.
        mentees: students whose mentor is gone by it, to be looked at today (M08).
    """

    new: int
    kept: int
    ended: int
    mentees: int


@dataclass(frozen=True)
class KnownMentor:
    """A mentor in the store.

    Attributes:
        mentor_key: random; it names the mentor in addresses, rounds and assignments.
        mentor: as in the file, but with the key for a `mentor_id`.
        mentor_id: the district's name.
        staff_key: of the mentor's account; None without one.
    """

    mentor_key: str
    mentor: Mentor
    mentor_id: str
    staff_key: str | None


@dataclass(frozen=True)
class Exclusion:
    """That a student is not to be offered a mentor, or not a certain one.

    Attributes:
        student_key: whom it is about.
        kind: tier_3, opted_out, leaving or conflict.
        mentor_key: of a conflict; None: any mentor.
        starts_on: first day.
        ends_on: last day, inclusive; None: open.
        why: in words.
    """

    student_key: str
    kind: str
    mentor_key: str | None
    starts_on: dt.date
    ends_on: dt.date | None
    why: str


def import_mentors(connection: Connection, mentors: Sequence[Mentor], on: dt.date) -> Imported:
    """Make the mentors of the store what the file says, from `on`.

    Who is no mentor any more sees the students no longer, and who has another account sees them by that one.

    Raises:
        InputRefused: a school or login that is not known; nothing was changed.
    """
    _refuse_unknown(connection, mentors)
    seen_before = seers(connection)
    known: dict[str, str] = {one.mentor_id: one.mentor_key for one in connection.execute(_IDS)}
    keys = {one.mentor_id: known.get(one.mentor_id) or str(uuid.uuid4()) for one in mentors}
    staff = _staff_keys(connection, mentors)
    gone = [key for mentor_id, key in known.items() if mentor_id not in keys]
    for one in mentors:
        _put(connection, keys[one.mentor_id], one, staff.get(one.login), is_known=one.mentor_id in known)
    still = and_(MENTORS.c.mentor_key.in_(gone), or_(MENTORS.c.ends_on.is_(None), MENTORS.c.ends_on >= on))
    ended = connection.execute(update(MENTORS).where(still).values(ends_on=on - dt.timedelta(days=1))).rowcount
    follow(connection, seen_before, on)
    return Imported(
        new=len(set(keys) - set(known)),
        kept=len(set(keys) & set(known)),
        ended=ended,
        mentees=_mentees_of_gone(connection, on),
    )


def mentors_in(connection: Connection, school_id: str | None = None) -> list[KnownMentor]:
    """Every mentor, or those who come to a school, by name."""
    schools: dict[str, list[str]] = {}
    for row in connection.execute(select(MENTOR_SCHOOLS).order_by(MENTOR_SCHOOLS.c.school_id)):
        schools.setdefault(row.mentor_key, []).append(row.school_id)
    query = (
        select(MENTORS, STAFF.c.login)
        .outerjoin(STAFF, STAFF.c.staff_key == MENTORS.c.staff_key)
        .order_by(MENTORS.c.name, MENTORS.c.mentor_id)
    )
    rows = connection.execute(query).mappings()
    found = [_known(row, tuple(schools.get(row["mentor_key"], ()))) for row in rows]
    return [one for one in found if school_id is None or school_id in one.mentor.schools]


def exclude(connection: Connection, rows: Sequence[Exclusion], by: str) -> int:
    """Keep exclusions, and give how many are new; one that stands word for word is not kept twice.

    Raises:
        InputRefused: a kind that is not known, a conflict without a mentor, or no reason.
    """
    for one in rows:
        _refuse_odd(one)
    known = {tuple(row) for row in connection.execute(select(*_EXCLUSION))}
    new = [one for one in rows if tuple(asdict(one).values()) not in known]
    if new:
        values = [{**asdict(one), "exclusion_key": str(uuid.uuid4()), "entered_by": by} for one in new]
        connection.execute(insert(EXCLUSIONS), values)
    return len(new)


def exclusions_on(connection: Connection, on: dt.date) -> list[Exclusion]:
    """The exclusions that hold on a day."""
    holds = and_(EXCLUSIONS.c.starts_on <= on, or_(EXCLUSIONS.c.ends_on.is_(None), EXCLUSIONS.c.ends_on >= on))
    return [Exclusion(*row) for row in connection.execute(select(*_EXCLUSION).where(holds))]


def put_match_facts(connection: Connection, rows: Mapping[str, Mapping[str, Any]]) -> int:
    """Keep what is known for matching, by student key; what was known of these students before is replaced.

    Args:
        connection: of the caller's transaction.
        rows: `household_key`, `languages`, `interests` and `times` (lists), `wishes` (words), `known_mentor_key`;
            null or empty where not known.
    """
    connection.execute(delete(MATCH_FACTS).where(MATCH_FACTS.c.student_key.in_(list(rows))))
    values = [
        {**row, "student_key": key, **{name: json.dumps(row[name]) for name in (*LISTS, "wishes")}}
        for key, row in rows.items()
    ]
    if values:
        connection.execute(insert(MATCH_FACTS), values)
    return len(values)


def wishes_of(connection: Connection, student_key: str) -> str:
    """What a student said about a mentor; empty where nothing is known (MEN-4)."""
    found = connection.scalar(select(MATCH_FACTS.c.wishes).where(MATCH_FACTS.c.student_key == student_key))
    return str(json.loads(found)) if found else ""


_IDS = select(MENTORS.c.mentor_id, MENTORS.c.mentor_key)
_EXCLUSION = (
    EXCLUSIONS.c.student_key, EXCLUSIONS.c.kind, EXCLUSIONS.c.mentor_key, EXCLUSIONS.c.starts_on, EXCLUSIONS.c.ends_on,
    EXCLUSIONS.c.why,
)  # fmt: skip


def _put(connection: Connection, key: str, one: Mentor, staff_key: str | None, *, is_known: bool) -> None:
    values = {name: getattr(one, name) for name in _PLAIN} | {name: json.dumps(getattr(one, name)) for name in _JSON}
    values |= {"mentor_id": one.mentor_id, "caseload_cap": one.cap, "staff_key": staff_key}
    if is_known:
        connection.execute(update(MENTORS).where(MENTORS.c.mentor_key == key).values(values))
        connection.execute(delete(MENTOR_SCHOOLS).where(MENTOR_SCHOOLS.c.mentor_key == key))
    else:
        connection.execute(insert(MENTORS).values(mentor_key=key, **values))
    connection.execute(insert(MENTOR_SCHOOLS), [{"mentor_key": key, "school_id": school} for school in one.schools])


def _known(row: Mapping[Any, Any], schools: tuple[str, ...]) -> KnownMentor:
    key, cap, login = row["mentor_key"], row["caseload_cap"], row["login"] or ""
    plain = {name: row[name] for name in _PLAIN} | {name: tuple(json.loads(row[name])) for name in _JSON}
    mentor = Mentor(mentor_id=key, cap=cap, schools=schools, login=login, **plain)
    return KnownMentor(key, mentor, row["mentor_id"], row["staff_key"])


def _refuse_unknown(connection: Connection, mentors: Sequence[Mentor]) -> None:
    schools = {school for one in mentors for school in one.schools}
    logins = {one.login for one in mentors if one.login}
    unknown = schools - _which(connection, SCHOOLS, "school_id", schools)
    if unknown:
        raise InputRefused(
            f"The file names {len(unknown)} schools that are not known, as {min(unknown)}. Schools are known once a "
            "list was published. Nothing was changed."
        )
    if logins - _which(connection, STAFF, "login", logins):
        raise InputRefused("The file names a login without an account. Open it first: ews staff add. Nothing changed.")


def _which(connection: Connection, table: Table, column: str, values: Collection[str]) -> set[str]:
    return set(connection.scalars(select(table.c[column]).where(table.c[column].in_(values))))


def _staff_keys(connection: Connection, mentors: Sequence[Mentor]) -> dict[str, str]:
    logins = [one.login for one in mentors if one.login]
    found = connection.execute(select(STAFF.c.login, STAFF.c.staff_key).where(STAFF.c.login.in_(logins)))
    return {row.login: row.staff_key for row in found}


def _mentees_of_gone(connection: Connection, on: dt.date) -> int:
    gone = and_(ASSIGNMENTS.c.ended_on.is_(None), MENTORS.c.ends_on < on)
    query = select(func.count()).select_from(ASSIGNMENTS.join(MENTORS)).where(gone)
    return int(connection.scalar(query) or 0)


def _refuse_odd(one: Exclusion) -> None:
    if one.kind not in EXCLUSION_KINDS:
        raise InputRefused(f"An exclusion is one of: {', '.join(EXCLUSION_KINDS)}.")
    if (one.kind == "conflict") != (one.mentor_key is not None):
        raise InputRefused("A conflict names its mentor, and nothing else does.")
    if not one.why.strip():
        raise InputRefused("An exclusion needs a reason in words; it is kept.")
