"""The weekly list of a team: every student with a mentor, what is due, what was heard, and what should be looked at."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select, true

from ews.access import Scope
from ews.follow_up import ABSENT_KINDS, Kind
from ews.school_year import day_text
from ews.slots.alerts import absences_in_a_row, knows
from ews.store.assignments import is_away
from ews.store.mentors import mentors_in
from ews.store.schema import (
    ASSIGNMENTS,
    CONTACTS,
    HISTORIES,
    MENTORS,
    ROUND_ROWS,
    ROUNDS,
    SCHOOL_DAYS,
    SCHOOLS,
    STAYS,
    STUDENTS,
)
from ews.store.scopes import sees

EXPECTED_CONTACTS = 3
"""A week of a mentor with a student; fewer are a gentle reminder and nothing else (MEN-6)."""

WAITS_DAYS = 14
"""Days after which an offer that did not start is looked at."""


@dataclass(frozen=True)
class Mentee:
    """One open assignment, as the team talks about it.

    Attributes:
        student_key: whose.
        student_id: None where the viewer is not told it.
        name: None where the viewer is not told it, or where it is not known.
        mentor: the mentor's name.
        state: offered, agreed or active.
        offered_on: the day of the offer.
        starts_on: first meeting day; None: not set.
        goal: None: none was set.
        contacts: contacts of the last seven days.
        last_contact_on: of the latest contact; None: none yet.
        absent_since: days absent since the first meeting; None: not started, or no records.
        days_since: the school's days since then, as far as records go; None: not started, or they are not known.
        last_year: days absent and enrolled last year; None: not known.
        alert: the latest absent days in a row, where they are two or more and news.
        by_calendar: whether these were counted by the school's days; False: by weekdays, since they are not known.
        flags: what should be looked at, as sentences.
    """

    student_key: str
    student_id: str | None
    name: str | None
    mentor: str
    state: str
    offered_on: dt.date
    starts_on: dt.date | None
    goal: str | None
    contacts: int
    last_contact_on: dt.date | None
    absent_since: int | None
    days_since: int | None
    last_year: tuple[int, int] | None
    alert: tuple[dt.date, ...]
    by_calendar: bool
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Need:
    """What mentors reach at one school, for the talk about next year's budget (MEN-10).

    Attributes:
        school_id: the school.
        name: None: the id is shown.
        pool: students in the pool of its latest round.
        slots: of those, students who were proposed a mentor.
        mentees: open assignments now.
    """

    school_id: str
    name: str | None
    pool: int
    slots: int
    mentees: int

    @property
    def unmet(self) -> int:
        """Students in the pool for whom there was no slot."""
        return self.pool - self.slots


def team_list(
    connection: Connection, scope: Scope, on: dt.date, school_id: str | None = None, *, contacts_by: str | None = None
) -> list[Mentee]:
    """The open assignments of the students a viewer sees, those to look at first.

    Args:
        connection: in a transaction.
        scope: of the view of slots; of attendance for a mentor's own students.
        on: today.
        school_id: only students enrolled at this school now.
        contacts_by: only contacts that this person wrote down count; None: everybody's.
    """
    named = sees(scope.naming(), ASSIGNMENTS.c.student_key)
    query = (
        select(
            ASSIGNMENTS.c.student_key, case((named, STUDENTS.c.student_id)), case((named, STUDENTS.c.name)),
            ASSIGNMENTS.c.mentor_key, MENTORS.c.name, ASSIGNMENTS.c.state, ASSIGNMENTS.c.offered_on,
            ASSIGNMENTS.c.starts_on, ASSIGNMENTS.c.goal, is_away(on).label("is_away"),
        )
        .select_from(ASSIGNMENTS.join(STUDENTS).join(MENTORS))
        .where(ASSIGNMENTS.c.ended_on.is_(None), STUDENTS.c.withdrawn_on.is_(None))
        .where(sees(scope, ASSIGNMENTS.c.student_key))
        .where(true() if school_id is None else _is_at(school_id, on))
    )  # fmt: skip
    rows = connection.execute(query).all()
    around = _Around.of(connection, [row.student_key for row in rows], on, contacts_by)
    found = [_mentee(row, around, on) for row in rows]
    return sorted(found, key=lambda one: (not (one.alert or one.flags), one.mentor, one.name or "", one.student_key))


def needs(connection: Connection, school_ids: Sequence[str]) -> list[Need]:
    """Of each school with a round: its pool, its slots and its mentees now."""
    latest = (
        select(ROUND_ROWS.c.school_id, func.max(ROUNDS.c.proposed_at).label("at"))
        .select_from(ROUND_ROWS.join(ROUNDS))
        .where(ROUNDS.c.state != "withdrawn", ROUND_ROWS.c.school_id.in_(school_ids))
        .group_by(ROUND_ROWS.c.school_id)
        .subquery()
    )
    query = (
        select(
            ROUND_ROWS.c.school_id, SCHOOLS.c.name, func.count(ROUND_ROWS.c.place),
            func.count(case((ROUND_ROWS.c.decision == "proposed", 1))),
            func.count(case((and_(ASSIGNMENTS.c.assignment_key.is_not(None), ASSIGNMENTS.c.ended_on.is_(None)), 1))),
        )
        .select_from(ROUND_ROWS.join(ROUNDS).join(SCHOOLS))
        .join(latest, and_(latest.c.school_id == ROUND_ROWS.c.school_id, latest.c.at == ROUNDS.c.proposed_at))
        .outerjoin(
            ASSIGNMENTS,
            and_(ASSIGNMENTS.c.student_key == ROUND_ROWS.c.student_key, ASSIGNMENTS.c.ended_on.is_(None)),
        )
        .group_by(ROUND_ROWS.c.school_id, SCHOOLS.c.name)
        .order_by(ROUND_ROWS.c.school_id)
    )  # fmt: skip
    return [Need(*row) for row in connection.execute(query)]


def mentees_by_mentor(connection: Connection) -> dict[str, int]:
    """How many students each mentor has now, by the mentor's key; who has none is left out."""
    open_ones = (
        select(ASSIGNMENTS.c.mentor_key, func.count())
        .where(ASSIGNMENTS.c.ended_on.is_(None))
        .group_by(ASSIGNMENTS.c.mentor_key)
    )
    return {row[0]: row[1] for row in connection.execute(open_ones)}


@dataclass(frozen=True, eq=False)
class _Around:
    """What is known around the students of a team list."""

    contacts: Mapping[str, tuple[int, dt.date | None]]
    histories: Mapping[str, Mapping[str, Any]]
    gone: Mapping[str, str]
    days: Mapping[str, Sequence[dt.date]]

    @classmethod
    def of(cls, connection: Connection, student_keys: Sequence[str], on: dt.date, contacts_by: str | None) -> "_Around":
        gone = {one.mentor_key: f"{one.mentor.name} {why}." for one in mentors_in(connection)
                if (why := one.mentor.why_no_slots(on)) and "caseload_cap" not in why}  # fmt: skip
        query = select(HISTORIES.c.student_key, HISTORIES.c.attendance).where(HISTORIES.c.student_key.in_(student_keys))
        histories = {row.student_key: json.loads(row.attendance) for row in connection.execute(query)}
        return cls(
            _contacts(connection, student_keys, on, contacts_by),
            histories,
            gone,
            _school_days(connection, student_keys, on),
        )


def _school_days(connection: Connection, student_keys: Sequence[str], on: dt.date) -> dict[str, Sequence[dt.date]]:
    """The days with instruction of each student's school; where these are not known, the student is left out.

    Of several schools the one counts that was entered last.
    """
    stays = (
        select(STAYS.c.student_key, STAYS.c.school_id)
        .where(STAYS.c.student_key.in_(student_keys), STAYS.c.entry_date <= on)
        .order_by(STAYS.c.entry_date, STAYS.c.school_id)
    )
    school_of = {row.student_key: row.school_id for row in connection.execute(stays)}
    days: dict[str, list[dt.date]] = {}
    wanted = select(SCHOOL_DAYS).where(SCHOOL_DAYS.c.school_id.in_(set(school_of.values())))
    for row in connection.execute(wanted):
        days.setdefault(row.school_id, []).append(row.date)
    return {student: days[school] for student, school in school_of.items() if school in days}


def _contacts(
    connection: Connection, student_keys: Sequence[str], on: dt.date, by: str | None
) -> dict[str, tuple[int, dt.date | None]]:
    columns = CONTACTS.c
    is_recent = columns.on_date > on - dt.timedelta(days=7)
    query = (
        select(columns.student_key, func.count(case((is_recent, 1))), func.max(columns.on_date))
        .where(columns.student_key.in_(student_keys), columns.kind != Kind.NO_ANSWER.value)
        .group_by(columns.student_key)
    )
    mine = query if by is None else query.where(columns.entered_by == by)
    return {row[0]: (row[1], row[2]) for row in connection.execute(mine)}


def _mentee(row: Any, around: _Around, on: dt.date) -> Mentee:
    history = around.histories.get(row.student_key, {})
    absent = [dt.date.fromisoformat(day) for day, kind in history.get("days", ()) if kind in ABSENT_KINDS]
    through = min(dt.date.fromisoformat(history["data_through"]) if history.get("data_through") else on, on)
    days = around.days.get(row.student_key, ())
    contacts, last_contact = around.contacts.get(row.student_key, (0, None))
    return Mentee(
        student_key=row.student_key,
        student_id=row[1],
        name=row[2],
        mentor=row[4],
        state=row.state,
        offered_on=row.offered_on,
        starts_on=row.starts_on,
        goal=row.goal,
        contacts=contacts,
        last_contact_on=last_contact,
        absent_since=sum(day >= row.starts_on for day in absent) if row.starts_on and history else None,
        days_since=sum(row.starts_on <= day <= through for day in days)
        if row.starts_on and knows(days, absent)
        else None,
        last_year=_last_year(history, on),
        alert=absences_in_a_row(absent, through, days),
        by_calendar=knows(days, absent),
        flags=tuple(_flags(row, around, on)),
    )


def _last_year(history: Mapping[str, Any], on: dt.date) -> tuple[int, int] | None:
    """Absent and enrolled days of the school year before the one of a day."""
    last = on.year if on.month >= 7 else on.year - 1
    years = [year for year in history.get("years", ()) if year["school_year"] == last]
    counts = [(year["days_absent"], year["days_enrolled"]) for year in years]
    if not counts or any(absent is None for absent, _ in counts):
        return None
    return sum(absent for absent, _ in counts), sum(enrolled for _, enrolled in counts)


def _flags(row: Any, around: _Around, on: dt.date) -> list[str]:
    found = [around.gone[row.mentor_key] + " Hand the student over."] if row.mentor_key in around.gone else []
    if row.is_away:
        found.append("Is at no school of the mentor's any more. Hand over, or free the slot.")
    if row.starts_on is None and on - row.offered_on > dt.timedelta(days=WAITS_DAYS):
        found.append(f"Was offered a mentor on {day_text(row.offered_on)} and has not started.")
    return found


def _is_at(school_id: str, on: dt.date) -> Any:
    current = or_(STAYS.c.exit_date.is_(None), STAYS.c.exit_date >= on)
    here = select(STAYS.c.student_key).where(STAYS.c.school_id == school_id, current)
    return ASSIGNMENTS.c.student_key.in_(here)
