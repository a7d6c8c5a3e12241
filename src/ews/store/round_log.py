"""What came of rounds, as tables: for the measurement of effects, and for the records that models learn from (FAIR-20).

Both name students by the district's id. Nothing here is ever a feature.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Label, ScalarSelect, Select, and_, case, exists, func, or_, select

from ews.follow_up import contacts_count_from
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.store.schema import (
    ASSIGNMENTS,
    CONTACTS,
    EXCLUSIONS,
    MATCH_FACTS,
    MENTORS,
    RISK_ROWS,
    ROUND_ROWS,
    ROUNDS,
    STUDENTS,
)

LOG_COLUMNS = (
    "round_key", "target_year", "student_id", "school_id", "grade_level", "lane", "scored", "rank", "place", "score",
    "decision", "in_band", "drawn", "edited_by", "edit_reason", "offered", "accepted", "opted_out", "mentor_id",
    "start_date", "end_date", "end_reason", "contacts", "nudges", "referrals", "other_support", "household_id",
)  # fmt: skip
"""One row a student of a round: `score` is by the objective; `drawn` whether the lot gave a slot (null: no lot).

`contacts` reached somebody between the offer and the end of mentoring; null without an offer. Beside mentoring, of
everybody and in the round's school year: `nudges` are letters and messages home, `referrals` those made to other
services, `other_support` whether the student was in individual support (Tier 3).
"""

MENTORING_COLUMNS = ("student_id", "start_date", "mentor_id", "end_date", "offered", "accepted", "contacts")
"""The canonical table `mentoring`, as `ews ingest` takes it."""

_SAID_NO = ("declined", "opted_out")


def round_log(connection: Connection, round_key: str) -> pd.DataFrame:
    """Everybody of a round with what was decided and what came of it, sorted by school and place.

    Whom a lot gave a slot is told as the lot fell, whatever was edited later: `ews.effect` compares by the lot.
    """
    year = connection.scalar(select(ROUNDS.c.target_year).where(ROUNDS.c.round_key == round_key))
    if year is None:
        return pd.DataFrame(columns=list(LOG_COLUMNS))
    query = _log(SchoolYear(year)).where(ROUND_ROWS.c.round_key == round_key)
    rows = pd.DataFrame(connection.execute(query).mappings().all())
    if rows.empty:
        return pd.DataFrame(columns=list(LOG_COLUMNS))
    return _told(rows).sort_values(["school_id", "place", "student_id"], ignore_index=True)[list(LOG_COLUMNS)]


def mentoring_table(connection: Connection, through: dt.date) -> pd.DataFrame:
    """Assignments that started by a day, as the canonical table `mentoring`: models leave these students out.

    Ingest it with the district's other records, so that what a mentor changed is not taken for what needs no mentor.
    """
    query = (
        select(
            STUDENTS.c.student_id, ASSIGNMENTS.c.starts_on, MENTORS.c.mentor_id, ASSIGNMENTS.c.ended_on,
            _dose(ASSIGNMENTS.c.starts_on, ASSIGNMENTS.c.ended_on),
        )
        .select_from(ASSIGNMENTS.join(STUDENTS).join(MENTORS))
        .where(ASSIGNMENTS.c.starts_on <= through)
        .order_by(STUDENTS.c.student_id, ASSIGNMENTS.c.starts_on)
    )  # fmt: skip
    names = ["student_id", "start_date", "mentor_id", "end_date", "contacts"]
    rows = pd.DataFrame(connection.execute(query).all(), columns=names)
    made = rows.assign(offered="true", accepted="true", contacts=rows["contacts"].astype("Int64"))
    return made[list(MENTORING_COLUMNS)]


def with_outcomes(log: pd.DataFrame, records: Path, policy: Policy) -> pd.DataFrame:
    """A round as `ews.effect` takes it: with the days of its school year and of the one before.

    Args:
        log: of one round, as `round_log` gives it.
        records: the folder of one ingest that holds the round's school year, over by then.
        policy: the district's.

    Raises:
        NotEnoughData: the records do not hold that year, or it is not over.
    """
    from ews.dataset import dataset_for  # here, since a service that writes a log needs neither features
    from ews.effect import distance_to_cut  # nor statistics

    year = SchoolYear(int(log["target_year"].iloc[0]))
    frame = dataset_for(records, [year], policy).labelled().frame
    days = frame.rename(columns=_DAYS)[["student_id", *_DAYS.values()]]
    offered = log["place"].notna() & (log["place"] <= _last_place(log)) & (log["decision"] != "not_offered")
    at_cut = log["lane"] == log["lane"].where(offered).groupby(log["school_id"]).transform("last")
    distance = distance_to_cut(log["score"].where(log["place"].notna() & at_cut), log["school_id"], offered)
    return log.assign(distance=distance).merge(days, on="student_id", how="left")


def _last_place(log: pd.DataFrame) -> pd.Series:
    """The last place that the rule gave a slot, in each row's school; 0 where none."""
    by_rule = (log["decision"] == "proposed") & log["edited_by"].isna()
    return log["place"].where(by_rule).groupby(log["school_id"]).transform("max").fillna(0)


_DAYS = {
    "outcome_days_absent": "days_absent", "outcome_days_enrolled": "days_enrolled",
    "days_absent_last_year": "days_absent_before", "days_enrolled_last_year": "days_enrolled_before",
}  # fmt: skip


def _log(year: SchoolYear) -> Select[Any]:
    rows, given = ROUND_ROWS.c, ASSIGNMENTS.c
    until = case((given.end_reason == "handover", None), else_=given.ended_on)  # then another mentor went on
    return (
        select(
            rows.round_key, ROUNDS.c.target_year, ROUNDS.c.objective, STUDENTS.c.student_id, rows.school_id,
            RISK_ROWS.c.grade_level, rows.lane, RISK_ROWS.c.rank, rows.place, rows.risk, rows.crossings_averted,
            rows.days_gained, rows.decision, rows.in_band, rows.drawn, rows.edited_by, rows.edit_reason,
            given.assignment_key, given.starts_on, given.ended_on, given.end_reason, MENTORS.c.mentor_id,
            _dose(given.offered_on, until), _of_year(year, CONTACTS.c.kind.in_(_NUDGES)).label("nudges"),
            _of_year(year, CONTACTS.c.referral == "made").label("referrals"), _in_tier_3(year).label("other_support"),
            MATCH_FACTS.c.household_key,
        )
        .select_from(ROUND_ROWS.join(ROUNDS).join(STUDENTS))
        .outerjoin(RISK_ROWS, and_(RISK_ROWS.c.run_id == ROUNDS.c.run_id, RISK_ROWS.c.student_key == rows.student_key))
        .outerjoin(ASSIGNMENTS, and_(given.round_key == rows.round_key, given.student_key == rows.student_key))
        .outerjoin(MENTORS, MENTORS.c.mentor_key == given.mentor_key)
        .outerjoin(MATCH_FACTS, MATCH_FACTS.c.student_key == rows.student_key)
    )  # fmt: skip


_NUDGES = ("letter", "message")


def _dose(since: ColumnElement[Any], until: ColumnElement[Any]) -> Label[int]:
    """Contacts that reached somebody from one day to another, of the student of an assignment."""
    return (
        select(func.count())
        .where(CONTACTS.c.student_key == ASSIGNMENTS.c.student_key, CONTACTS.c.kind != "no_answer")
        .where(CONTACTS.c.on_date >= since, or_(until.is_(None), CONTACTS.c.on_date <= until))
        .correlate(ASSIGNMENTS)
        .scalar_subquery()
        .label("contacts")
    )


def _of_year(year: SchoolYear, counts: ColumnElement[bool]) -> ScalarSelect[int]:
    """Contacts of a kind in a school year, of the student of a round's row."""
    first, last = _days_of(year)
    return (
        select(func.count())
        .where(CONTACTS.c.student_key == ROUND_ROWS.c.student_key, counts, CONTACTS.c.on_date.between(first, last))
        .correlate(ROUND_ROWS)
        .scalar_subquery()
    )


def _in_tier_3(year: SchoolYear) -> ColumnElement[bool]:
    """Whether the student of a round's row was in individual support at any time of a school year."""
    first, last = _days_of(year)
    mine = and_(EXCLUSIONS.c.student_key == ROUND_ROWS.c.student_key, EXCLUSIONS.c.kind == "tier_3")
    holds = and_(EXCLUSIONS.c.starts_on <= last, or_(EXCLUSIONS.c.ends_on.is_(None), EXCLUSIONS.c.ends_on >= first))
    return exists().where(mine, holds).correlate(ROUND_ROWS)


def _days_of(year: SchoolYear) -> tuple[dt.date, dt.date]:
    """From when lists of a school year are worked off to its end."""
    return contacts_count_from(year), dt.date(year.ending, 6, 30)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    offered = rows["assignment_key"].notna()
    drawn, in_band = rows["drawn"].astype("Int64"), rows["in_band"].astype(bool)
    band = in_band.groupby(rows["school_id"]).transform("sum")  # half of it lay before the last slot, half after it
    return rows.assign(
        scored=True,
        score=_scores(rows),
        offered=offered,
        accepted=rows["starts_on"].notna(),
        opted_out=rows["end_reason"].isin(_SAID_NO),
        drawn=(drawn * 2 <= band).where(in_band),
        start_date=rows["starts_on"],
        end_date=rows["ended_on"],
        household_id=rows["household_key"],
        contacts=rows["contacts"].astype("Int64").where(offered),
        other_support=rows["other_support"].astype(bool),
    )


def _scores(rows: pd.DataFrame) -> pd.Series:
    """What each round put its students in order by."""
    objective = rows["objective"]
    other = rows["days_gained"].where(objective == "days_gained", rows["risk"])
    return rows["crossings_averted"].where(objective == "crossings_averted", other)
