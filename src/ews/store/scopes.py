"""A scope of `ews.access` as a condition in SQL: what is listed and what opens are the same students."""

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, or_, select, true

from ews.access import Grant, Part, Scope
from ews.store.schema import CASELOADS, SCHOOLS, STAYS

_STAYS, _CASELOADS = STAYS.alias("seen_stays"), CASELOADS.alias("seen_caseloads")
"""By names of their own, since a query that asks for a scope may read these tables itself."""


def sees(scope: Scope, student_key: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the student of a row is in the scope: the condition of `Scope.holds`, in SQL.

    Args:
        scope: whom a viewer sees.
        student_key: the column that names the student.
    """
    if scope.is_empty:
        return false()
    found = or_(*(_finds(scope, part, student_key) for part in scope.parts))
    return found if scope.and_also is None else and_(found, sees(scope.and_also, student_key))


def reaches(scope: Scope, stays: FromClause) -> ColumnElement[bool]:
    """Whether a row of `stays` is itself a way in: it counts, a grant is for its place, and the student is in reach."""
    if scope.is_empty:
        return false()
    ways = (
        and_(*_covers(part.grant, stays), _is_mine(scope, part, stays.c.student_key) if part.caseload_only else true())
        for part in scope.parts
    )
    found = and_(stay_counts(scope, stays), or_(*ways))
    return found if scope.and_also is None else and_(found, reaches(scope.and_also, stays))


def stay_counts(scope: Scope, stays: FromClause = STAYS) -> ColumnElement[bool]:
    """Whether a row of `stays` is current enough on the scope's day: `Scope.counts`, in SQL."""
    return and_(
        stays.c.entry_date <= scope.entered_by,
        or_(stays.c.exit_date.is_(None), stays.c.exit_date >= scope.left_from),
    )


def _finds(scope: Scope, part: Part, student_key: ColumnElement[str]) -> ColumnElement[bool]:
    here = exists().where(_STAYS.c.student_key == student_key, stay_counts(scope, _STAYS), *_covers(part.grant, _STAYS))
    return and_(here, _is_mine(scope, part, student_key)) if part.caseload_only else here


def _covers(grant: Grant, stays: FromClause) -> list[ColumnElement[bool]]:
    if grant.school_id is not None:
        return [stays.c.school_id == grant.school_id]
    if grant.district_id is not None:
        return [stays.c.school_id.in_(select(SCHOOLS.c.school_id).where(SCHOOLS.c.district_id == grant.district_id))]
    return []


def _is_mine(scope: Scope, part: Part, student_key: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(
        _CASELOADS.c.staff_key == scope.staff_key,
        _CASELOADS.c.student_key == student_key,
        _CASELOADS.c.role == part.grant.role.value,
        _CASELOADS.c.starts_on <= scope.on,
        or_(_CASELOADS.c.ends_on.is_(None), _CASELOADS.c.ends_on >= scope.on),
    )
