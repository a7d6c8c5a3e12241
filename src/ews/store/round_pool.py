"""Everybody on the lists a round is proposed from, with what is known beside them, as `ews.slots` takes it."""

import datetime as dt
import io
import json
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
from pyarrow import json as arrow_json
from sqlalchemy import Connection, select

from ews.errors import NotEnoughData
from ews.score import MENTOR_RESPONSE
from ews.slots import Rule, Students, rows_with_gains
from ews.slots.eligibility import LISTS
from ews.store.mentors import exclusions_on
from ews.store.reading import Run
from ews.store.schema import ASSIGNMENTS, MATCH_FACTS, RISK_ROWS, ROUNDS, RUNS, STUDENTS

_SAME = 1e-9
"""A risk is the probability at the line, which the list's text holds in as many digits."""


_LAST = ("days_absent_last_year", "days_enrolled_last_year")


def students_of_round(connection: Connection, run: Run, school_id: str | None, rule: Rule, on: dt.date) -> Students:
    """The students of a run's lists; ties are decided by the student's random key.

    Args:
        connection: of one transaction.
        run: the run in force.
        school_id: only this school's list; None: every school's.
        rule: the prior, and the days a year is expected to have.
        on: the day on which exclusions count.

    Raises:
        NotEnoughData: there is no such list.
    """
    lines = _lines(connection, run, school_id)
    probabilities = _probabilities(lines.pop("line"))
    percent = _chronic_percent(lines["risk"], probabilities)
    facts = _match_facts(connection)
    rows = pd.concat([lines, probabilities], axis=1).merge(facts, on="student", how="left")
    keyed, response = rows.assign(tie_key=rows["student"]), _response(connection, run)
    rows = rows_with_gains(keyed, rule, chronic_percent=percent, response=response)
    exclusions = [(one.student_key, one.kind, one.mentor_key) for one in exclusions_on(connection, on)]
    said_no = [(key, "opted_out", None) for key in _who_said_no(connection, run.target_year)]
    return Students.of(
        rows,
        pd.DataFrame([*exclusions, *said_no], columns=["student", "kind", "mentor"], dtype=object),
        pd.DataFrame(_open(connection), columns=["student", "mentor"], dtype=object),
    )


def lines_with_gains(connection: Connection, run: Run, school_id: str, rule: Rule) -> tuple[pd.DataFrame, int]:
    """A school's list with its probabilities and gains, as `ews.gains.reach` takes it, and the line in percent.

    Raises:
        NotEnoughData: there is no such list.
    """
    lines = _lines(connection, run, school_id)
    probabilities = _probabilities(lines.pop("line"))
    percent = _chronic_percent(lines["risk"], probabilities)
    last = lines["days_absent_last_year"].astype("Float64") / lines["days_enrolled_last_year"].astype("Float64")
    rows = pd.concat([lines, probabilities], axis=1).assign(tie_key=lines["student"], last_rate=last)
    return rows_with_gains(rows, rule, chronic_percent=percent, response=_response(connection, run)), percent


def _response(connection: Connection, run: Run) -> dict[str, float]:
    """How strongly each grade answers a mentor, as the run's provenance has it; nothing where an older ews scored."""
    told = connection.scalars(select(RUNS.c.provenance).where(RUNS.c.run_id == run.run_id)).one()
    return dict(json.loads(told).get(MENTOR_RESPONSE, {}))


def _lines(connection: Connection, run: Run, school_id: str | None) -> pd.DataFrame:
    columns = RISK_ROWS.c
    query = (
        select(
            columns.student_key, columns.school_id, columns.grade_level, columns.lane, columns.risk,
            columns.days_absent_last_year, columns.days_enrolled_last_year, columns.line,
        )
        .select_from(RISK_ROWS.join(STUDENTS))
        .where(columns.run_id == run.run_id, STUDENTS.c.withdrawn_on.is_(None), ~STUDENTS.c.do_not_score)
        .order_by(columns.student_key)
    )  # fmt: skip
    if school_id is not None:
        query = query.where(columns.school_id == school_id)
    found = connection.execute(query).all()
    if not found:
        raise NotEnoughData("The run in force has no list of this school, so there is nobody to propose.")
    names = ("student", "school_id", "grade_level", "lane", "risk", *_LAST, "line")
    return pd.DataFrame(found, columns=list(names))


def _probabilities(lines: pd.Series) -> pd.DataFrame:
    """The probabilities at each threshold from the lines' texts, read all at once."""
    percents = sorted(json.loads(lines.iloc[0])["probabilities"])
    kind = pa.schema([("probabilities", pa.struct([(percent, pa.float64()) for percent in percents]))])
    options = arrow_json.ParseOptions(explicit_schema=kind, unexpected_field_behavior="ignore")
    text = io.BytesIO("\n".join(lines).encode())
    parsed = arrow_json.read_json(text, parse_options=options)["probabilities"].combine_chunks()
    return pd.DataFrame({f"probability_{percent}": parsed.field(percent).to_pandas() for percent in percents})


def _chronic_percent(risk: pd.Series, probabilities: pd.DataFrame) -> int:
    """The threshold whose probability is the risk."""
    away = (probabilities.sub(risk, axis=0)).abs().max()
    if away.min() > _SAME:
        raise NotEnoughData("The lists in force do not hold the probability at the line. Score and publish them again.")
    return int(str(away.idxmin()).removeprefix("probability_"))


def _match_facts(connection: Connection) -> pd.DataFrame:
    columns = MATCH_FACTS.c
    found = connection.execute(
        select(columns.student_key, columns.household_key, columns.known_mentor_key, *(columns[name] for name in LISTS))
    ).all()
    rows = pd.DataFrame(found, columns=["student", "household", "known_mentor", *LISTS], dtype=object)
    return rows.assign(**{name: _parsed(rows[name]) for name in LISTS})


def _parsed(texts: pd.Series) -> pd.Series:
    whole: list[Sequence[str]] = json.loads(f"[{','.join(texts)}]")
    return pd.Series([tuple(one) for one in whole], index=texts.index, dtype=object)


def _open(connection: Connection) -> list[tuple[str, str]]:
    query = select(ASSIGNMENTS.c.student_key, ASSIGNMENTS.c.mentor_key).where(ASSIGNMENTS.c.ended_on.is_(None))
    return [tuple(row) for row in connection.execute(query)]


def _who_said_no(connection: Connection, target_year: int) -> list[str]:
    """Who was offered a mentor for this year and said no, or stopped: asking once is enough (MEN-5)."""
    query = (
        select(ASSIGNMENTS.c.student_key)
        .select_from(ASSIGNMENTS.join(ROUNDS))
        .where(ROUNDS.c.target_year == target_year, ASSIGNMENTS.c.end_reason.in_(("declined", "opted_out")))
        .distinct()
    )
    return list(connection.scalars(query))
