"""What is read from the store: runs, lists, one student. Every function takes the connection of one transaction.

Students are named by `student_key`. Nothing here decides who may see what: a list takes a `Scope` of `ews.access` and
shows the students in it; for one student the caller asks `ews.access` with `place_of` first.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from ews.access import Caseload, Place, Role, Scope, Stay
from ews.store.schema import CASELOADS, HISTORIES, IN_FORCE, RISK_ROWS, RUNS, SCHOOLS, STAYS, STUDENTS
from ews.store.scopes import reaches, sees

MOST_ROWS = 500
"""The most lines of a list read at once."""


_quoted = json.encoder.encode_basestring
"""A string as JSON text; a list has a thousand of them."""


@dataclass(frozen=True)
class Run:
    """One published run.

    Attributes:
        run_id: of the scoring run.
        target_year: the school year predicted, by its end.
        after_day: instructional days of it already seen.
        data_through: the last day any record tells of; None where it is not known.
        model_version: of the registry.
        bundle_sha256: the model's files.
        list_sha256: of the lists.
        students: on all lists.
        published_at: when.
        published_by: who.
        is_in_force: whether readers see this one.
    """

    run_id: str
    target_year: int
    after_day: int
    data_through: dt.date | None
    model_version: int
    bundle_sha256: str
    list_sha256: str
    students: int
    published_at: dt.datetime
    published_by: str
    is_in_force: bool


class Order(StrEnum):
    """What a list may be sorted by; within equal values by the random key."""

    RANK = "rank"
    RISK = "risk"
    GRADE_LEVEL = "grade_level"
    DAYS_ABSENT = "days_absent_last_year"


@dataclass(frozen=True)
class Wanted:
    """Which lines of a run's lists are wanted; None and False leave nothing out.

    Attributes:
        school_id: the school whose list it is.
        grade_levels: only these grades.
        lane: prevent or recover.
        caseload_of: only students on this person's caseload, on the scope's day. A filter, not a permission.
        order: what it is sorted by.
    """

    school_id: str | None = None
    grade_levels: Sequence[str] = ()
    lane: str | None = None
    caseload_of: str | None = None
    order: Order = Order.RANK


@dataclass(frozen=True)
class After:
    """Where a page begins: after the line with this value of what the list is sorted by, and this key."""

    value: Any
    student_key: str


@dataclass(frozen=True)
class Line:
    """One line of a list.

    Attributes:
        student_key: the random key.
        school_id: the school the list is of.
        student_id: the district's id; None where the viewer is not told it.
        name: None where the viewer is not told it, or where it is not known.
        line: the JSON text that the run was published with; it holds neither id nor name.
    """

    student_key: str
    school_id: str
    student_id: str | None
    name: str | None
    line: str

    def to_json(self) -> str:
        """The line as one JSON object, with `student_id` and `name` in front where the viewer is told them."""
        student_id = f'"student_id": {_quoted(self.student_id)}, ' if self.student_id else ""
        name = f'"name": {_quoted(self.name)}, ' if self.name else ""
        return f"{{{student_id}{name}{self.line[1:]}"


@dataclass(frozen=True)
class Page:
    """Lines of a list in their order; `after` begins the next page, None on the last."""

    lines: tuple[Line, ...]
    after: After | None


@dataclass(frozen=True)
class Student:
    """One student in the run in force.

    Attributes:
        student_key: the random key.
        student_id: the district's id.
        name: None where it is not known.
        school_id: the school whose list the student is on.
        line: JSON text of the list's line.
        explanation: JSON text: base, raw_score, contributions.
        run: the run in force.
    """

    student_key: str
    student_id: str
    name: str | None
    school_id: str
    line: str
    explanation: str
    run: Run


@dataclass(frozen=True)
class History:
    """One student's attendance as JSON text (`ews.store.histories`)."""

    student_key: str
    student_id: str
    name: str | None
    attendance: str


@dataclass(frozen=True)
class School:
    """A school with how many of its current students a viewer sees."""

    school_id: str
    name: str | None
    level: str | None
    district_id: str | None
    students: int


_RUN = (
    RUNS.c.run_id, RUNS.c.target_year, RUNS.c.after_day, RUNS.c.data_through, RUNS.c.model_version,
    RUNS.c.bundle_sha256, RUNS.c.list_sha256, RUNS.c.students, RUNS.c.published_at, RUNS.c.published_by,
)  # fmt: skip
_IS_IN_FORCE = IN_FORCE.c.run_id.is_not(None)
_RUNS = select(*_RUN, _IS_IN_FORCE).select_from(RUNS.outerjoin(IN_FORCE, IN_FORCE.c.run_id == RUNS.c.run_id))
_RUN_IN_FORCE = _RUNS.where(_IS_IN_FORCE)
_ALL_RUNS = _RUNS.order_by(RUNS.c.published_at.desc(), RUNS.c.run_id)

_IS_LISTED = and_(STUDENTS.c.withdrawn_on.is_(None), ~STUDENTS.c.do_not_score)

_STUDENT = (
    select(
        STUDENTS.c.student_key, STUDENTS.c.student_id, STUDENTS.c.name,
        RISK_ROWS.c.school_id, RISK_ROWS.c.line, RISK_ROWS.c.explanation, *_RUN, literal(True),
    )
    .select_from(STUDENTS.join(RISK_ROWS).join(RUNS).join(IN_FORCE, IN_FORCE.c.run_id == RUNS.c.run_id))
    .where(STUDENTS.c.student_key == bindparam("student_key"), _IS_LISTED)
)  # fmt: skip

_HISTORY = (
    select(STUDENTS.c.student_key, STUDENTS.c.student_id, STUDENTS.c.name, HISTORIES.c.attendance)
    .select_from(STUDENTS.join(HISTORIES))
    .where(STUDENTS.c.student_key == bindparam("student_key"), STUDENTS.c.withdrawn_on.is_(None))
)

_PLACE = union_all(
    select(
        STAYS.c.school_id.label("school_id"), SCHOOLS.c.district_id.label("district_id"),
        STAYS.c.entry_date.label("since"), STAYS.c.exit_date.label("until"),
        null().label("staff_key"), null().label("role"),
    )
    .select_from(STAYS.join(SCHOOLS))
    .where(STAYS.c.student_key == bindparam("student_key")),
    select(
        null(), null(), CASELOADS.c.starts_on, CASELOADS.c.ends_on, CASELOADS.c.staff_key, CASELOADS.c.role
    ).where(
        CASELOADS.c.student_key == bindparam("student_key"),
        CASELOADS.c.staff_key.in_(bindparam("staff_keys", expanding=True)),
    ),
)  # fmt: skip


def run_in_force(connection: Connection) -> Run | None:
    """The run that readers see; None before the first publication."""
    return _one(connection.execute(_RUN_IN_FORCE), Run)


def runs(connection: Connection) -> list[Run]:
    """Every published run that is kept, the latest first."""
    return [Run(*row) for row in connection.execute(_ALL_RUNS)]


def provenance_of(connection: Connection, run_id: str) -> str | None:
    """What a run was made from, as JSON text; None: no such run."""
    return connection.scalar(select(RUNS.c.provenance).where(RUNS.c.run_id == run_id))


def place_of(connection: Connection, student_key: str, *staff_keys: str) -> Place:
    """Where a student is, and whether on the caseload of some people; without stays for a key that is not known."""
    about = {"student_key": student_key, "staff_keys": list(staff_keys)}
    stays, caseloads = [], []
    for row in connection.execute(_PLACE, about):
        if row.role is None:
            stays.append(Stay(row.school_id, row.since, row.until, row.district_id))
        else:
            caseloads.append(Caseload(row.staff_key, Role(row.role), row.since, row.until))
    return Place(student_key, tuple(stays), tuple(caseloads))


def student_view(connection: Connection, student_key: str) -> Student | None:
    """One student in the run in force, in one statement; None for whoever is on no list."""
    row: Any = connection.execute(_STUDENT, {"student_key": student_key}).one_or_none()
    if row is None:
        return None
    key, student_id, name, school_id, line, explanation, *run = row
    return Student(key, student_id, name, school_id, line, explanation, Run(*run))


def history(connection: Connection, student_key: str) -> History | None:
    """One student's attendance; None for a key that is not known, or whose student is no longer in the records."""
    return _one(connection.execute(_HISTORY, {"student_key": student_key}), History)


def risk_list_page(
    connection: Connection, run_id: str, scope: Scope, wanted: Wanted, *, after: After | None = None, limit: int
) -> Page:
    """A page of a run's lists: the students of the scope, and no others, with names where the scope tells them.

    Args:
        connection: in a transaction.
        run_id: the run.
        scope: whom the viewer sees.
        wanted: which lines, and their order.
        after: where the page before ended; None begins.
        limit: lines at most, no more than MOST_ROWS.
    """
    key, descends = _ORDERS[wanted.order]
    query = (
        select(
            RISK_ROWS.c.student_key,
            RISK_ROWS.c.school_id,
            *_told(scope, STUDENTS.c.student_id, STUDENTS.c.name),
            RISK_ROWS.c.line,
            key,
        )
        .select_from(RISK_ROWS.join(STUDENTS))
        .where(RISK_ROWS.c.run_id == run_id, _IS_LISTED, sees(scope, RISK_ROWS.c.student_key))
        .where(*_filters(scope, wanted), *_later(key, descends, after))
        .order_by(key.desc() if descends else key, RISK_ROWS.c.student_key)
        .limit(min(limit, MOST_ROWS) + 1)
    )
    found = connection.execute(query).all()
    return _page(found, min(limit, MOST_ROWS))


def schools_seen(connection: Connection, scope: Scope) -> list[School]:
    """The schools that a viewer may list, by id: those where the stay is by which a student is in the scope."""
    query = (
        select(
            SCHOOLS.c.school_id, SCHOOLS.c.name, SCHOOLS.c.level, SCHOOLS.c.district_id,
            func.count(STAYS.c.student_key.distinct()),
        )
        .select_from(STAYS.join(SCHOOLS).join(STUDENTS))
        .where(STUDENTS.c.withdrawn_on.is_(None), reaches(scope, STAYS))
        .group_by(SCHOOLS.c.school_id, SCHOOLS.c.name, SCHOOLS.c.level, SCHOOLS.c.district_id)
        .order_by(SCHOOLS.c.school_id)
    )  # fmt: skip
    return [School(*row) for row in connection.execute(query)]


def student_keys(connection: Connection, student_ids: Sequence[str]) -> Mapping[str, str]:
    """The key of each of some students by the district's id; ids that are not known are left out."""
    query = select(STUDENTS.c.student_id, STUDENTS.c.student_key).where(STUDENTS.c.student_id.in_(student_ids))
    return {row.student_id: row.student_key for row in connection.execute(query)}


_ORDERS: Mapping[Order, tuple[ColumnElement[Any], bool]] = {
    Order.RANK: (RISK_ROWS.c.rank, False),
    Order.RISK: (RISK_ROWS.c.risk, True),
    Order.GRADE_LEVEL: (RISK_ROWS.c.grade_level, False),
    Order.DAYS_ABSENT: (func.coalesce(RISK_ROWS.c.days_absent_last_year, -1), True),
}
"""What each order sorts by, and whether the greatest comes first."""


def _told(scope: Scope, *columns: ColumnElement[Any]) -> Sequence[ColumnElement[Any]]:
    """The columns where the scope tells names, and null elsewhere."""
    naming = scope.naming()
    if naming == scope:
        # Whoever is listed is listed by name: nothing to ask of each row once more.
        return columns
    named = sees(naming, RISK_ROWS.c.student_key)
    return [case((named, column)) for column in columns]


def _filters(scope: Scope, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.school_id is not None:
        yield RISK_ROWS.c.school_id == wanted.school_id
    if wanted.grade_levels:
        yield RISK_ROWS.c.grade_level.in_(wanted.grade_levels)
    if wanted.lane is not None:
        yield RISK_ROWS.c.lane == wanted.lane
    if wanted.caseload_of is not None:
        yield RISK_ROWS.c.student_key.in_(
            select(CASELOADS.c.student_key).where(
                CASELOADS.c.staff_key == wanted.caseload_of,
                CASELOADS.c.starts_on <= scope.on,
                or_(CASELOADS.c.ends_on.is_(None), CASELOADS.c.ends_on >= scope.on),
            )
        )


def _later(key: ColumnElement[Any], descends: bool, after: After | None) -> Iterator[ColumnElement[bool]]:
    if after is not None:
        beyond = key < after.value if descends else key > after.value
        yield or_(beyond, and_(key == after.value, RISK_ROWS.c.student_key > after.student_key))


def _page(found: Sequence[Any], limit: int) -> Page:
    lines = tuple(Line(*row[:5]) for row in found[:limit])
    more = len(found) > limit and bool(lines)
    return Page(lines, After(found[limit - 1][5], lines[-1].student_key) if more else None)


def _one(result: Any, kind: Any) -> Any:
    row = result.one_or_none()
    return None if row is None else kind(*row)
