"""How much absence a school year has beside the year before it, and what its first days tell of the rest.

A district that misses half as much again in September does not miss half as much again over the year: early days
hold less illness than winter does. How much of a difference is still there in June :mod:`ews.carried` says.
Then the last known year is asked: had every student missed that many times as much, who would have been over a line?
"""

from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from ews.carried import ALL, UNEXCUSED, YearOfDays, counted_in, stays
from ews.cohort import cohort
from ews.engine import Engine, to_pandas
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import (
    Records,
    is_complete,
    kept_beside,
    known_school_years,
    open_records,
    reaches_day,
    stored_student_years,
    student_years,
)

RECENT_YEARS = 4
"""Past years that are looked at, the last ones."""

_APART = 0.02
"""Share of students by which all absences must let one expect another chronic share before it is told."""

_LEAST_RATIO, _MOST_RATIO = 0.05, 20.0


@dataclass(frozen=True)
class FirstDays:
    """What the first days of an open year tell of all of it.

    Attributes:
        target_year: the open year.
        day: instructional days seen.
        reference: the last complete year, which it is compared with.
        only_unexcused: whether unexcused absences are counted, or all.
        rate, reference_rate: share of enrolled days missed through that day, in either, of what is counted.
        carried: share of a difference (in logs) in the first days that stays over a whole year.
        shares: expected share of students that reach each percent of days missed.
        chronic_by_all: the expected chronic share if all absences are counted.
        past_errors: by past year, what the same estimate of the chronic share would have missed by, as a share.
    """

    target_year: SchoolYear
    day: int
    reference: SchoolYear
    only_unexcused: bool
    rate: float
    reference_rate: float
    carried: float
    shares: dict[int, float]
    chronic_by_all: float
    past_errors: dict[int, float]

    @property
    def in_words(self) -> str:
        """What was missed of the first days, beside the same days of the reference year."""
        kind = "missed unexcused" if self.only_unexcused else "missed"
        return f"{self.rate:.1%} of days {kind}, {self.reference_rate:.1%} in the same days of {self.reference.label}"

    def excused_differ(self, chronic_share: float) -> str:
        """A sentence, where all absences would let one expect clearly more or fewer than this share; else nothing."""
        apart = self.chronic_by_all - chronic_share
        if not self.only_unexcused or abs(apart) < _APART:
            return ""
        why = "An outbreak" if apart > 0 else "Little illness so far"
        return (
            f" With excused absences it would be {self.chronic_by_all:.1%}. {why} looks like that, or another coding."
        )

    @property
    def usual_error(self) -> float:
        """Root mean square of the past errors; NaN without any."""
        errors = np.array(list(self.past_errors.values()))
        return float(np.sqrt(np.mean(errors**2))) if len(errors) else np.nan


def first_days(
    folder: Path, target_year: SchoolYear, day: int, policy: Policy, *, after_day: int = 0, engine: Engine = "duckdb"
) -> FirstDays:
    """Expect a whole year from its first days.

    Args:
        folder: the folder of one ingest, with daily marks.
        target_year: a year whose marks reach day n in nine of ten schools.
        day: instructional days of the open year that are looked at.
        policy: the thresholds.
        after_day: as-of point of the cohorts, that of the model.
        engine: where days are counted.

    Raises:
        NotEnoughData: the records do not reach that day, or no complete year with daily marks is before it.
    """
    asked = _Asked(open_records(folder, engine), policy, after_day)
    if not reaches_day(asked.records, target_year, day):
        raise NotEnoughData(
            f"The records do not reach day {day} of {target_year.label} in nine of ten schools. Ingest newer ones."
        )
    past = _past(asked, target_year, day)
    if not past:
        raise NotEnoughData(
            f"No complete school year with daily marks is before {target_year.label}: there is nothing to compare "
            "its first days with. Give the district's own forecast instead: --expected-share"
        )
    return _told(past, YearOfDays(target_year, _first(asked, target_year, day)), day, policy)


def share_reaching(students: pd.DataFrame, percent: int, policy: Policy, ratio: float = 1.0) -> float:
    """The share who would have missed at least so many percent of their days, had they missed `ratio` times as much.

    Days are whole, so a student of d days missed is spread evenly from d - 1/2 to d + 1/2 before it is multiplied:
    else shares would jump where many students stand on the same number.

    Args:
        students: one row a student: days_enrolled and days_absent of a whole year.
        percent: of the days enrolled.
        policy: who was enrolled too short a time to count.
        ratio: 1 gives the share that was observed.
    """
    known = students[students["days_enrolled"] >= policy.min_days_enrolled]
    line = -(-known["days_enrolled"].to_numpy() * percent // 100) - 0.5
    highest = ratio * (known["days_absent"].to_numpy() + 0.5)
    return float(np.clip((highest - line) / ratio, 0, 1).mean())


def shares_reaching(students: pd.DataFrame, policy: Policy, ratio: float = 1.0) -> dict[int, float]:
    """The same for each of the policy's thresholds."""
    return {percent: share_reaching(students, percent, policy, ratio) for percent in policy.threshold_percents}


def ratio_for(students: pd.DataFrame, chronic_share: float, policy: Policy) -> float:
    """How many times as much a year's students must miss for this share of them to be chronically absent."""
    low, high = _LEAST_RATIO, _MOST_RATIO
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        too_few = share_reaching(students, policy.chronic_percent, policy, middle) < chronic_share
        low, high = (middle, high) if too_few else (low, middle)
    return float(np.sqrt(low * high))


def last_complete(
    folder: Path, before: SchoolYear, policy: Policy, *, after_day: int = 0, engine: Engine = "duckdb"
) -> YearOfDays:
    """The cohort of the last complete year before one, with its days of the whole year only.

    Raises:
        NotEnoughData: there is none.
    """
    asked = _Asked(open_records(folder, engine), policy, after_day)
    years = asked.complete_before(before)
    if not years:
        raise NotEnoughData(f"No complete school year is before {before.label}. Ingest one.")
    return YearOfDays(years[-1], _whole(asked, years[-1]))


@dataclass(frozen=True)
class _Asked:
    """One ingest, opened, with the policy and as-of point it is asked by."""

    records: Records
    policy: Policy
    after_day: int

    def complete_before(self, year: SchoolYear) -> list[SchoolYear]:
        known = [earlier for earlier in known_school_years(self.records) if earlier < year]
        return [earlier for earlier in known if is_complete(self.records, earlier, self.policy)]

    def of_cohort(self, year: SchoolYear, rows: nw.LazyFrame, **columns: str) -> pd.DataFrame:
        """One row per student of the cohort, with some columns of its student years under other names."""
        members = cohort(self.records, year, self.policy, after_day=self.after_day).select("student_id", "school_id")
        named = rows.select("student_id", **{name: nw.col(column) for name, column in columns.items()})
        return to_pandas(members.join(named, on="student_id")).sort_values("student_id", ignore_index=True)


def _past(asked: _Asked, target_year: SchoolYear, day: int) -> list[YearOfDays]:
    """The last complete years of which daily marks are known, in order."""
    complete = [year for year in asked.complete_before(target_year) if reaches_day(asked.records, year, day)]
    years = []
    for year in complete[-RECENT_YEARS:]:
        first = _first(asked, year, day).drop(columns="school_id")
        years.append(YearOfDays(year, _whole(asked, year).merge(first, on="student_id")))
    return [year for year in years if year.students["first_absent"].sum() > 0]


def _first(asked: _Asked, year: SchoolYear, day: int) -> pd.DataFrame:
    rows = student_years(asked.records, year, asked.policy, through_day=day)
    counted = {ALL: "days_absent", UNEXCUSED: "days_unexcused"}
    return asked.of_cohort(year, rows, first_days="days_enrolled", **counted)


def _whole(asked: _Asked, year: SchoolYear) -> pd.DataFrame:
    rows = stored_student_years(kept_beside(asked.records.folder), asked.records, asked.policy, before=year.next)
    of_year = rows.filter(nw.col("school_year") == year.ending)
    return asked.of_cohort(year, of_year, days_enrolled="days_enrolled", days_absent="days_absent")


def _told(past: list[YearOfDays], now: YearOfDays, day: int, policy: Policy) -> FirstDays:
    counted, reference = counted_in(past, now), past[-1]
    return FirstDays(
        target_year=now.school_year,
        day=day,
        reference=reference.school_year,
        only_unexcused=counted == UNEXCUSED,
        rate=now.first_rate(counted),
        reference_rate=reference.first_rate(counted),
        carried=stays(past, day, counted),
        shares=_expected(past, now, day, counted, policy),
        chronic_by_all=_expected(past, now, day, ALL, policy)[policy.chronic_percent],
        past_errors={
            past[later].school_year.ending: _error(past[:later], past[later], day, policy)
            for later in range(1, len(past))
        },
    )


def _expected(past: list[YearOfDays], now: YearOfDays, day: int, counted: str, policy: Policy) -> dict[int, float]:
    change = now.first_rate(counted) / past[-1].first_rate(counted)
    return shares_reaching(past[-1].students, policy, float(change ** stays(past, day, counted)))


def _error(past: list[YearOfDays], then: YearOfDays, day: int, policy: Policy) -> float:
    """What the estimate would have missed by, in a year whose end is known."""
    chronic = policy.chronic_percent
    shares = _expected(past, then, day, counted_in(past, then), policy)
    return shares[chronic] - share_reaching(then.students, chronic, policy)
