"""One student as a page shows who it is: name, school, grade, attendance; no estimate in it.

Unlike `ews.store.reading.history` it also finds a student of whom no attendance is known, since such a one has a page.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ews.store.schema import HISTORIES, RISK_ROWS, SCHOOLS, STAYS, STUDENTS


@dataclass(frozen=True)
class Profile:
    """One student in the records.

    Attributes:
        student_key: the random key.
        student_id: the district's id.
        name: None where it is not known.
        do_not_score: whether the student is on no list by somebody's wish.
        attendance: JSON text (`ews.store.histories`); None: nothing is known.
        stays: every enrolment, the latest last.
    """

    student_key: str
    student_id: str
    name: str | None
    do_not_score: bool
    attendance: str | None
    stays: tuple["AtSchool", ...]


@dataclass(frozen=True)
class AtSchool:
    """One enrolment, with the school's name where it is known."""

    school_id: str
    school_name: str | None
    grade_level: str
    entry_date: dt.date
    exit_date: dt.date | None


_PROFILE = (
    select(
        STUDENTS.c.student_key, STUDENTS.c.student_id, STUDENTS.c.name, STUDENTS.c.do_not_score, HISTORIES.c.attendance
    )
    .select_from(STUDENTS.outerjoin(HISTORIES))
    .where(STUDENTS.c.student_key == bindparam("student_key"), STUDENTS.c.withdrawn_on.is_(None))
)

_STAYS = (
    select(STAYS.c.school_id, SCHOOLS.c.name, STAYS.c.grade_level, STAYS.c.entry_date, STAYS.c.exit_date)
    .select_from(STAYS.join(SCHOOLS))
    .where(STAYS.c.student_key == bindparam("student_key"))
    .order_by(STAYS.c.entry_date, STAYS.c.school_id)
)


def profile_of(connection: Connection, student_key: str) -> Profile | None:
    """Who a student is; None for a key that is not known, or whose student is no longer in the records."""
    row: Any = connection.execute(_PROFILE, {"student_key": student_key}).one_or_none()
    if row is None:
        return None
    stays = connection.execute(_STAYS, {"student_key": student_key})
    key, student_id, name, do_not_score, attendance = row
    schools = tuple(AtSchool(*stay) for stay in stays)
    return Profile(key, student_id, name, do_not_score, attendance, schools)


def longest_year(connection: Connection, run_id: str, school_id: str) -> int | None:
    """The most days that a student of a school's list was enrolled last year: how long a school year is there."""
    query = select(func.max(RISK_ROWS.c.days_enrolled_last_year))
    return connection.scalar(query.where(RISK_ROWS.c.run_id == run_id, RISK_ROWS.c.school_id == school_id))
