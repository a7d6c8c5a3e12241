"""What people decided otherwise, as tables by the district's ids: for counts by group outside the store (M09).

The store holds no demographics, and nothing that is made of these tables comes back to it.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd
from sqlalchemy import Connection, ScalarSelect, Subquery, and_, func, select

from ews.slots import EXCLUDED, NOT_OFFERED, PROPOSED, RESERVE
from ews.store.schema import JUDGEMENTS, RISK_ROWS, ROUND_EDITS, ROUND_ROWS, ROUNDS, RUNS, STUDENTS

_ABOUT = ["student_id", "school_year", "school_id", "grade_level"]


def decided_otherwise(connection: Connection, target_year: int, round_key: str | None = None) -> pd.DataFrame:
    """The students in the pool of confirmed rounds, with what the rule proposed and what people made of it.

    Whom the rule itself left out when the round was confirmed (an exclusion that came meanwhile) counts as no edit.

    Args:
        connection: in a transaction.
        target_year: of the rounds.
        round_key: only this one.

    Returns:
        One row a round and student: student_id, school_year, school_id, grade_level; pool (True), proposed, reserve,
        others (in the pool, not proposed), by the rule; removed, added, passed_over, by people; and is_known, False
        where a student was edited before edits were kept: what the rule had proposed is not known then.
    """
    rows, first, last = ROUND_ROWS.c, _edits(func.min, "first_edits"), _edits(func.max, "last_edits")
    query = (
        select(
            STUDENTS.c.student_id, ROUNDS.c.target_year, rows.school_id, RISK_ROWS.c.grade_level, rows.decision,
            rows.edited_by, first.c.was, last.c.decision.label("edited_to"),
        )
        .select_from(ROUND_ROWS.join(ROUNDS).join(STUDENTS))
        .join(RISK_ROWS, and_(RISK_ROWS.c.run_id == ROUNDS.c.run_id, RISK_ROWS.c.student_key == rows.student_key))
        .outerjoin(first, and_(first.c.round_key == rows.round_key, first.c.student_key == rows.student_key))
        .outerjoin(last, and_(last.c.round_key == rows.round_key, last.c.student_key == rows.student_key))
        .where(ROUNDS.c.state == "confirmed", ROUNDS.c.target_year == target_year, rows.place.is_not(None))
        .order_by(rows.round_key, STUDENTS.c.student_id)
    )  # fmt: skip
    if round_key is not None:
        query = query.where(ROUNDS.c.round_key == round_key)
    names = [*_ABOUT, "decision", "edited_by", "was", "edited_to"]
    found = pd.DataFrame(connection.execute(query).all(), columns=names)
    return _with_acts(found.astype({"school_year": "int64"}))


def judged(connection: Connection, target_year: int) -> pd.DataFrame:
    """Everybody on the latest lists of a school year, with what stands of the words of people who know more.

    Returns:
        One row a student: student_id, school_year, school_id, grade_level, adds (null: nobody said anything),
        category; listed (True), put_on, taken_off.
    """
    stands = and_(
        JUDGEMENTS.c.student_key == RISK_ROWS.c.student_key, JUDGEMENTS.c.target_year == target_year,
        JUDGEMENTS.c.taken_back_at.is_(None),
    )  # fmt: skip
    query = (
        select(
            STUDENTS.c.student_id, RUNS.c.target_year, RISK_ROWS.c.school_id, RISK_ROWS.c.grade_level,
            JUDGEMENTS.c.adds, JUDGEMENTS.c.category,
        )
        .select_from(RISK_ROWS.join(RUNS).join(STUDENTS))
        .outerjoin(JUDGEMENTS, stands)
        .where(RISK_ROWS.c.run_id == _latest_run(target_year), STUDENTS.c.withdrawn_on.is_(None))
        .where(~STUDENTS.c.do_not_score)
        .order_by(STUDENTS.c.student_id)
    )  # fmt: skip
    found = pd.DataFrame(connection.execute(query).all(), columns=[*_ABOUT, "adds", "category"])
    adds = found["adds"].astype("boolean")
    return found.assign(
        school_year=found["school_year"].astype("int64"), adds=adds, listed=True,
        put_on=adds.fillna(False).astype(bool), taken_off=(~adds).fillna(False).astype(bool),
    )  # fmt: skip


def _latest_run(target_year: int) -> ScalarSelect[str]:
    return (
        select(RUNS.c.run_id)
        .where(RUNS.c.target_year == target_year)
        .order_by(RUNS.c.published_at.desc(), RUNS.c.run_id)
        .limit(1)
        .scalar_subquery()
    )


def _edits(which: Callable[..., Any], name: str) -> Subquery:
    """The first or last edit of each student in each round: what the first one changed was the rule's."""
    edits = ROUND_EDITS.c
    of_student = (edits.round_key, edits.student_key)
    wanted = select(*of_student, which(edits.version).label("version")).group_by(*of_student).subquery()
    mine = and_(edits.round_key == wanted.c.round_key, edits.version == wanted.c.version)
    return select(*of_student, edits.was, edits.decision).join(wanted, mine).subquery(name)


def _with_acts(found: pd.DataFrame) -> pd.DataFrame:
    edited = found["was"].notna()
    # Who has a place and is excluded without an edit was proposed, and excluded while the round was confirmed.
    unedited = found["decision"].mask(found["decision"] == EXCLUDED, PROPOSED)
    by_rule, by_people = found["was"].where(edited, unedited), found["edited_to"].where(edited, unedited)
    proposed, reserve, is_proposed = by_rule == PROPOSED, by_rule == RESERVE, by_people == PROPOSED
    return found.drop(columns=["decision", "edited_by", "was", "edited_to"]).assign(
        pool=True,
        proposed=proposed,
        reserve=reserve,
        others=~proposed,
        removed=proposed & ~is_proposed,
        added=~proposed & is_proposed,
        passed_over=reserve & by_people.isin([NOT_OFFERED, EXCLUDED]),
        is_known=edited | found["edited_by"].isna(),
    )
