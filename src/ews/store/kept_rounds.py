"""Rounds of mentor slots as they are kept: each with its rule and seed, and its students with what was decided.

Every function takes the connection of the caller's transaction; `ews.store.rounds` changes them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select, true

from ews.access import Scope
from ews.errors import NotFound
from ews.slots import Rule
from ews.store.schema import ASSIGNMENTS, MENTORS, RISK_ROWS, ROUND_ROWS, ROUNDS, STUDENTS
from ews.store.scopes import sees


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        round_key: random.
        target_year: the school year, by its end.
        run_id: the run it was proposed from.
        school_id: None: the whole district.
        state: proposed, confirmed or withdrawn.
        version: rises with every edit.
        rule: what it went by.
        rule_sha256: the rule's hash.
        seed: of the lot.
        registration: JSON of what will be measured; None: not registered.
        proposed_at: when.
        proposed_by: login of who.
        confirmed_at: None: not confirmed (or withdrawn).
        confirmed_by: login of who confirmed or withdrew it.
    """

    round_key: str
    target_year: int
    run_id: str
    school_id: str | None
    state: str
    version: int
    rule: Rule
    rule_sha256: str
    seed: str
    registration: str | None
    proposed_at: dt.datetime
    proposed_by: str
    confirmed_at: dt.datetime | None
    confirmed_by: str | None


@dataclass(frozen=True)
class RoundRow:
    """One student of a round.

    Attributes:
        student_key: random.
        student_id: the district's id; None where the viewer is not told it.
        name: None where the viewer is not told it, or where it is not known.
        school_id: whose list the student is on.
        grade_level: in that list.
        place: 1 first; None: not in the pool.
        decision: proposed, reserve, not_offered or excluded.
        mentor_key: None: no mentor is proposed.
        mentor: the mentor's name.
        lane: prevent or recover.
        risk: the estimate.
        crossings_averted: expected under the round's prior.
        days_gained: expected under the round's prior.
        in_band: whether a lot decided.
        drawn: place in the lot; None outside the band.
        why: one sentence.
        edited_by: None: as the rule proposed.
        edited_at: when.
        edit_reason: why.
        assignment_key: of what came of it; None: nothing yet.
        state: of that assignment.
        absent_last_year: days missed in the last known year; None: not known.
        enrolled_last_year: days enrolled in it; None: not known.
    """

    student_key: str
    student_id: str | None
    name: str | None
    school_id: str
    grade_level: str
    place: int | None
    decision: str
    mentor_key: str | None
    mentor: str | None
    lane: str
    risk: float
    crossings_averted: float
    days_gained: float
    in_band: bool
    drawn: int | None
    why: str
    edited_by: str | None
    edited_at: dt.datetime | None
    edit_reason: str | None
    assignment_key: str | None
    state: str | None
    absent_last_year: int | None
    enrolled_last_year: int | None


def round_of(connection: Connection, round_key: str) -> Round:
    """One round.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_ROUND.where(ROUNDS.c.round_key == round_key)).one_or_none()
    if row is None:
        raise NotFound("There is no such round. See all of them with: ews slots rounds")
    return _round(row)


def rounds_in(connection: Connection, school_ids: Sequence[str] | None = None) -> list[Round]:
    """Rounds, the latest first; of some schools, with those of the whole district."""
    query = _ROUND.order_by(ROUNDS.c.proposed_at.desc(), ROUNDS.c.round_key)
    if school_ids is not None:
        query = query.where(or_(ROUNDS.c.school_id.in_(school_ids), ROUNDS.c.school_id.is_(None)))
    return [_round(row) for row in connection.execute(query)]


def rows_of_round(
    connection: Connection, round_key: str, scope: Scope | None = None, only: ColumnElement[bool] | None = None
) -> list[RoundRow]:
    """The students of a round whom a viewer sees, by school and place; everybody without a scope."""
    is_seen = true() if scope is None else sees(scope, ROUND_ROWS.c.student_key)
    is_named = true() if scope is None else sees(scope.naming(), ROUND_ROWS.c.student_key)
    query = (
        select(*_row_columns(is_named))
        .select_from(_ROW_TABLES)
        .where(ROUND_ROWS.c.round_key == round_key, is_seen, STUDENTS.c.withdrawn_on.is_(None))
        .order_by(ROUND_ROWS.c.school_id, ROUND_ROWS.c.place.is_(None), ROUND_ROWS.c.place, ROUND_ROWS.c.student_key)
    )
    return [RoundRow(*row) for row in connection.execute(query if only is None else query.where(only))]


_ROUND = select(
    ROUNDS.c.round_key, ROUNDS.c.target_year, ROUNDS.c.run_id, ROUNDS.c.school_id, ROUNDS.c.state, ROUNDS.c.version,
    ROUNDS.c.rule, ROUNDS.c.rule_sha256, ROUNDS.c.seed, ROUNDS.c.registration, ROUNDS.c.proposed_at,
    ROUNDS.c.proposed_by, ROUNDS.c.confirmed_at, ROUNDS.c.confirmed_by,
)  # fmt: skip

_ROW_TABLES = (
    ROUND_ROWS.join(ROUNDS, ROUNDS.c.round_key == ROUND_ROWS.c.round_key)
    .join(STUDENTS, STUDENTS.c.student_key == ROUND_ROWS.c.student_key)
    .join(RISK_ROWS, and_(RISK_ROWS.c.run_id == ROUNDS.c.run_id, RISK_ROWS.c.student_key == ROUND_ROWS.c.student_key))
    .outerjoin(MENTORS, MENTORS.c.mentor_key == ROUND_ROWS.c.mentor_key)
    .outerjoin(
        ASSIGNMENTS,
        and_(ASSIGNMENTS.c.round_key == ROUND_ROWS.c.round_key, ASSIGNMENTS.c.student_key == ROUND_ROWS.c.student_key),
    )
)


def _row_columns(is_named: ColumnElement[bool]) -> tuple[Any, ...]:
    rows = ROUND_ROWS.c
    return (
        rows.student_key, case((is_named, STUDENTS.c.student_id)), case((is_named, STUDENTS.c.name)), rows.school_id,
        RISK_ROWS.c.grade_level, rows.place, rows.decision, rows.mentor_key, MENTORS.c.name, rows.lane, rows.risk,
        rows.crossings_averted, rows.days_gained, rows.in_band, rows.drawn, rows.why, rows.edited_by, rows.edited_at,
        rows.edit_reason, ASSIGNMENTS.c.assignment_key, ASSIGNMENTS.c.state,
        RISK_ROWS.c.days_absent_last_year, RISK_ROWS.c.days_enrolled_last_year,
    )  # fmt: skip


def _round(row: Any) -> Round:
    values = row._asdict()
    return Round(**{**values, "rule": Rule.from_json(values["rule"])})
