"""Lists counted, for overviews of a district: how many students of which school, grade and last year, and nobody."""

import datetime as dt

import pandas as pd
from sqlalchemy import Connection, and_, func, or_, select

from ews.store.schema import MENTORS, RISK_ROWS, SCHOOLS, STUDENTS

_BY = (
    RISK_ROWS.c.school_id,
    RISK_ROWS.c.grade_level,
    RISK_ROWS.c.days_absent_last_year,
    RISK_ROWS.c.days_enrolled_last_year,
)


def listed_counts(connection: Connection, run_id: str) -> pd.DataFrame:
    """The students of a run's lists, counted.

    Returns:
        One row a school_id, grade_level, days_absent_last_year and days_enrolled_last_year (null: no year is known):
        students (how many), expected (the sum of their calibrated probabilities of a chronic year).
    """
    query = (
        select(*_BY, func.count(), func.sum(RISK_ROWS.c.risk))
        .select_from(RISK_ROWS.join(STUDENTS))
        .where(RISK_ROWS.c.run_id == run_id, STUDENTS.c.withdrawn_on.is_(None), ~STUDENTS.c.do_not_score)
        .group_by(*_BY)
        .order_by(*_BY)
    )
    names = [*(column.name for column in _BY), "students", "expected"]
    found = pd.DataFrame(connection.execute(query).all(), columns=names)
    return found.astype({name: "Int64" for name in names if name.startswith("days_")} | {"students": "int64"})


def every_school(connection: Connection) -> pd.DataFrame:
    """All schools: school_id, name, district_id; a name or district that is not known is None."""
    rows = connection.execute(select(SCHOOLS.c.school_id, SCHOOLS.c.name, SCHOOLS.c.district_id)).all()
    return pd.DataFrame(rows, columns=["school_id", "name", "district_id"], dtype="object")


def mentor_slots(connection: Connection, on: dt.date) -> int:
    """How many students the screened mentors of a day can have at once."""
    is_here = and_(MENTORS.c.starts_on <= on, or_(MENTORS.c.ends_on.is_(None), MENTORS.c.ends_on >= on))
    query = select(func.coalesce(func.sum(MENTORS.c.caseload_cap), 0)).where(
        MENTORS.c.screened_on.is_not(None), is_here
    )
    return int(connection.scalar(query) or 0)
