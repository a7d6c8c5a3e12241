"""How records are kept: kinds of absence, the calendar, and how old records and model are."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from ews.engine import Engine, to_pandas
from ews.monitoring.checks import Check, graded, unknown
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import Records, is_complete, known_school_years, last_mark, open_records, student_years

CODES_WATCH, CODES_ALARM = 0.05, 0.10
"""Change of the share of absences that are of one kind."""

MARKS_WATCH, MARKS_ALARM = 1.5, 3.0
"""Times as many (or as few) late arrivals or early departures per day enrolled."""

DAYS_WATCH, DAYS_ALARM = 4, 10
"""Change of a year's instructional days, or of its start in days."""

STALE_WATCH, STALE_ALARM = 5, 20
"""School days after the last record (REL-9)."""

KINDS = {"excused": "days_excused", "unexcused": "days_unexcused", "suspension": "days_suspended"}
LESSER = {"tardy": "days_tardy", "early departure": "days_early_departure"}


@dataclass(frozen=True)
class Seen:
    """The latest year of which daily marks are known, and the complete year before it.

    Attributes:
        records: the ingest, opened.
        policy: the thresholds.
        year: the year looked at.
        day: instructional days of it that nine in ten schools have reached; None for a complete year.
        reference: the last complete year before it; None where there is none.
    """

    records: Records
    policy: Policy
    year: SchoolYear
    day: int | None
    reference: SchoolYear | None


def seen_of(folder: Path, through: SchoolYear, policy: Policy, engine: Engine = "duckdb") -> Seen | None:
    """The latest year up to `through` that has daily marks; None on yearly sheets."""
    records = open_records(folder, engine)
    if records.calendar is None or not records.marked_years:
        return None
    known = [year for year in known_school_years(records) if year <= through]
    if not known:
        return None
    year = known[-1]
    complete = [earlier for earlier in known if is_complete(records, earlier, policy)]
    day = None if year in complete else days_reached(records, year)
    before = [earlier for earlier in complete if earlier < year]
    return Seen(records, policy, year, day, before[-1] if before else None)


def days_reached(records: Records, year: SchoolYear) -> int:
    """Instructional days that nine in ten schools have behind them at the year's last mark; 0 without marks."""
    last = last_mark(records, year)
    if last is None:
        return 0
    calendar = _pandas(records.calendar, year, "school_id", "date", "day_index")
    reached = calendar[calendar["date"] <= last].groupby("school_id")["day_index"].max()
    return int(np.quantile(reached, 0.1, method="lower")) if len(reached) else 0


def code_checks(seen: Seen | None) -> list[Check]:
    """Shares of the kinds of absence, and lesser marks, beside the same days of the last complete year."""
    if seen is None or seen.reference is None:
        return [unknown("codes", "kinds of absence", "No earlier year of daily marks to compare with.")]
    now, before = (_sums(seen, year) for year in (seen.year, seen.reference))
    return [
        *(_kind(name, column, now, before) for name, column in KINDS.items()),
        *(_lesser(name, column, now, before) for name, column in LESSER.items()),
    ]


def calendar_checks(seen: Seen | None) -> list[Check]:
    """Instructional days, start and months beside the last complete year."""
    if seen is None or seen.reference is None:
        return [unknown("calendar", "instructional days", "No earlier calendar to compare with.")]
    now, before = (_pandas(seen.records.calendar, year, "school_id", "date") for year in (seen.year, seen.reference))
    last = last_mark(seen.records, seen.year)
    is_planned = seen.day is None or (last is not None and now["date"].max() > last + dt.timedelta(days=60))
    checks = [_start(now, before, seen)]
    if not is_planned:
        return [*checks, unknown("calendar", "instructional days", "The calendar does not reach the year's end yet.")]
    return [*checks, _days(now, before), _months(now, before)]


def freshness_checks(seen: Seen | None, data_through: str | None, today: dt.date, behind: int) -> list[Check]:
    """How old the records and the model are.

    Args:
        seen: the latest year of daily marks.
        data_through: the date of the last record, ISO 8601; None where the source has no dates.
        today: the day of the question.
        behind: school years between the one the model was trained for and the one asked about.
    """
    return [_records_age(seen, data_through, today), _model_age(behind)]


def _sums(seen: Seen, year: SchoolYear) -> pd.Series:
    rows = student_years(seen.records, year, seen.policy, through_day=seen.day)
    columns = ["days_enrolled", "days_absent", *KINDS.values(), *LESSER.values()]
    return to_pandas(rows.select(nw.col(name).sum() for name in columns)).iloc[0].astype(float)


def _kind(name: str, column: str, now: pd.Series, before: pd.Series) -> Check:
    share, was = (float(sums[column] / max(sums["days_absent"], 1)) for sums in (now, before))
    text = f"{share:.1%} of days absent are {name}, {was:.1%} in the same days of the last complete year."
    return Check("codes", name, graded(abs(share - was), CODES_WATCH, CODES_ALARM), share, was, CODES_ALARM, text)


def _lesser(name: str, column: str, now: pd.Series, before: pd.Series) -> Check:
    rate, was = (float((sums[column] + 1) / max(sums["days_enrolled"], 1)) for sums in (now, before))
    times = max(rate / was, was / rate)
    level = graded(times, MARKS_WATCH, MARKS_ALARM)
    text = f"{100 * rate:.2f} marks of {name} per 100 days enrolled, {100 * was:.2f} in the last complete year."
    return Check("codes", name, level, rate, was, None, text)


def _days(now: pd.DataFrame, before: pd.DataFrame) -> Check:
    days, were = (float(frame.groupby("school_id").size().median()) for frame in (now, before))
    text = f"{days:.0f} instructional days in the middle school, {were:.0f} in the last complete year."
    level = graded(abs(days - were), DAYS_WATCH, DAYS_ALARM)
    return Check("calendar", "instructional days", level, days, were, DAYS_ALARM, text)


def _start(now: pd.DataFrame, before: pd.DataFrame, seen: Seen) -> Check:
    """Days from the first of July before the year, so that years compare."""
    first, was = (
        float(frame.groupby("school_id")["date"].min().map(lambda day: day.toordinal()).median())
        - dt.date(year.ending - 1, 7, 1).toordinal()
        for frame, year in ((now, seen.year), (before, seen.reference or seen.year))
    )
    text = f"The year starts {first - was:+.0f} days from where the last complete year did."
    return Check("calendar", "start", graded(abs(first - was), 7, 14), first, was, 14, text)


def _months(now: pd.DataFrame, before: pd.DataFrame) -> Check:
    shares = [frame["date"].map(lambda day: day.month).value_counts(normalize=True) for frame in (now, before)]
    moved = float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)
    text = f"{moved:.1%} of the instructional days lie in other months than in the last complete year."
    return Check("calendar", "months", graded(moved, 0.05, 0.1), moved, 0.0, 0.1, text)


def _records_age(seen: Seen | None, data_through: str | None, today: dt.date) -> Check:
    if data_through is None or seen is None:
        return unknown("freshness", "records", "The records have no dates.")
    last = dt.date.fromisoformat(data_through)
    assert seen.records.calendar is not None, "asked only where daily marks are"
    since = to_pandas(seen.records.calendar.select("date").unique())["date"].map(_as_date)
    if len(since) and since.max() >= today:
        missed = int(((since > last) & (since <= today)).sum())
    else:
        missed = int(np.busday_count(max(last, _ends(since)), today)) if _is_term(today) else 0
    text = f"Records go through {data_through}: {missed} school days ago."
    level = graded(missed, STALE_WATCH, STALE_ALARM)
    return Check("freshness", "records", level, float(missed), 0.0, STALE_ALARM, text)


def _model_age(behind: int) -> Check:
    text = (
        "The model was trained for this school year."
        if behind == 0
        else f"The model was trained for {behind} school year(s) earlier. Train one for this year."
    )
    return Check("freshness", "model", graded(behind, 0, 1), float(behind), 0.0, 1.0, text)


def _is_term(day: dt.date) -> bool:
    """Beyond the known calendar only September to May count: when summer ends there is not known."""
    return day.month >= 9 or day.month <= 5


def _ends(dates: pd.Series) -> dt.date:
    """The end of the calendar's summer: nothing was to be recorded between its last day and September."""
    last = dates.max()
    return dt.date(last.year, 9, 1) if 5 <= last.month <= 8 else last


def _pandas(frame: nw.LazyFrame | None, year: SchoolYear, *columns: str) -> pd.DataFrame:
    assert frame is not None, "asked only where daily marks are"
    rows = to_pandas(frame.filter(nw.col("school_year") == year.ending).select(*columns))
    return rows.assign(date=rows["date"].map(_as_date))


def _as_date(value: object) -> dt.date:
    return pd.Timestamp(value).date()
