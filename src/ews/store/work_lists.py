"""What lists say beside the estimates: follow-up of a whole school, attendance of some students, a mentor's mentees.

Nothing here decides who may see what: each takes the scope of the view that its words are of.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from ews.access import Scope
from ews.follow_up import Kind, contacts_count_from
from ews.school_year import SchoolYear
from ews.store.follow_up import PLAN_COLUMNS, Mentoring, Plan, open_assignments, plan_in
from ews.store.reading import Line
from ews.store.schema import (
    ASSIGNMENTS,
    CASELOADS,
    CONTACTS,
    HISTORIES,
    JUDGEMENTS,
    PLANS,
    RISK_ROWS,
    STAFF,
    STUDENTS,
)
from ews.store.scopes import sees


@dataclass(frozen=True)
class Brief:
    """What a list says of one student's follow-up; None: nothing was written.

    Attributes:
        plan: where the plan stands.
        reached_on: the day of the last contact that reached somebody in this school year.
        reached_by: the name of who did.
        reached_how: one of `ews.follow_up.Kind`.
        adds: what somebody who knows more said.
        mentoring: an open assignment.
    """

    plan: Plan = Plan()
    reached_on: dt.date | None = None
    reached_by: str | None = None
    reached_how: str | None = None
    adds: bool | None = None
    mentoring: Mentoring | None = None


def briefs(
    connection: Connection,
    run_id: str,
    school_id: str,
    target_year: SchoolYear,
    *,
    plans: Scope | None,
    contacts: Scope | None,
    slots: Scope | None,
) -> dict[str, Brief]:
    """What a school's list says of follow-up, by student; students of whom nothing was written are left out.

    Args:
        connection: in a transaction.
        run_id: whose lists.
        school_id: which list.
        target_year: whose follow-up counts.
        plans: whom the viewer sees with plans and judgements; None: nobody.
        contacts: the same of contacts.
        slots: the same of mentors.
    """
    listed = select(RISK_ROWS.c.student_key).where(RISK_ROWS.c.run_id == run_id, RISK_ROWS.c.school_id == school_id)
    found: dict[str, dict[str, Any]] = {}

    def note(query: Select[Any], key: ColumnElement[str], scope: Scope | None, told: Any) -> None:
        if scope is not None and not scope.is_empty:
            for row in connection.execute(query.where(key.in_(listed), sees(scope, key))):
                found.setdefault(row[0], {}).update(told(row))

    year = target_year.ending
    note(
        select(PLANS.c.student_key, *PLAN_COLUMNS).where(PLANS.c.target_year == year),
        PLANS.c.student_key, plans, lambda row: {"plan": plan_in(*row[1:])},
    )  # fmt: skip
    note(
        select(JUDGEMENTS.c.student_key, JUDGEMENTS.c.adds)
        .where(JUDGEMENTS.c.target_year == year, JUDGEMENTS.c.taken_back_at.is_(None))
        .order_by(JUDGEMENTS.c.at),
        JUDGEMENTS.c.student_key, plans, lambda row: {"adds": row[1]},
    )  # fmt: skip
    note(
        _last_contacts(contacts_count_from(target_year)), CONTACTS.c.student_key, contacts,
        lambda row: {"reached_on": row[1], "reached_how": row[2], "reached_by": row[3]},
    )  # fmt: skip
    note(open_assignments(), ASSIGNMENTS.c.student_key, slots, lambda row: {"mentoring": Mentoring(*row[1:])})
    return {key: Brief(**told) for key, told in found.items()}


def attendance_of(connection: Connection, student_keys: list[str]) -> Mapping[str, str]:
    """The attendance of some students as JSON text (`ews.store.histories`), by key."""
    query = select(HISTORIES.c.student_key, HISTORIES.c.attendance).where(HISTORIES.c.student_key.in_(student_keys))
    return {row.student_key: row.attendance for row in connection.execute(query)}


def mentees(connection: Connection, scope: Scope) -> list[Line]:
    """The students on a viewer's own caseload, by name; their lines are empty, since a mentor sees no estimate.

    Args:
        connection: in a transaction.
        scope: of the attendance; whom it does not hold is not told.
    """
    mine = and_(
        CASELOADS.c.staff_key == scope.staff_key,
        CASELOADS.c.starts_on <= scope.on,
        or_(CASELOADS.c.ends_on.is_(None), CASELOADS.c.ends_on >= scope.on),
    )
    query = (
        select(STUDENTS.c.student_key, STUDENTS.c.student_id, STUDENTS.c.name)
        .where(
            STUDENTS.c.student_key.in_(select(CASELOADS.c.student_key).where(mine)),
            STUDENTS.c.withdrawn_on.is_(None),
            sees(scope.naming(), STUDENTS.c.student_key),
        )
        .order_by(STUDENTS.c.name, STUDENTS.c.student_id)
    )
    return [Line(key, "", student_id, name, "{}") for key, student_id, name in connection.execute(query)]


def _last_contacts(since: dt.date) -> Select[Any]:
    """The last contact that reached somebody, a student a row; the latest stands last."""
    columns = CONTACTS.c
    of_day = func.max(columns.on_date).over(partition_by=columns.student_key)
    ranked = (
        select(columns.contact_key, (columns.on_date == of_day).label("is_last"))
        .where(columns.on_date >= since, columns.kind != Kind.NO_ANSWER.value)
        .subquery()
    )
    return (
        select(columns.student_key, columns.on_date, columns.kind, STAFF.c.name)
        .join(ranked, and_(ranked.c.contact_key == columns.contact_key, ranked.c.is_last))
        .join(STAFF, STAFF.c.staff_key == columns.entered_by)
        .order_by(columns.entered_at)
    )
