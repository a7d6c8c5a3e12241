"""How much absence a school year has beside the year before it, and what its first days tell of the rest.

A district that misses half as much again in September does not miss half as much again over the year: early days
hold less illness than winter does. How much of a difference is still there in June is read from the schools: those
that missed more than their district in the first days of past years, and how much more they missed in the end.
Then the last known year is asked: had every student missed that many times as much, who would have been over a line?
"""

from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

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

_USUALLY_CARRIED = 0.7
_SCHOOLS_OF_DOUBT = 10
_SPREAD_OF_SCHOOLS = 0.01
"""What schools of simulated districts carry over from their first 20 days, and how faintly it is assumed: as much as
ten school years a tenth apart weigh. A district with one school has hardly more than this."""

_YEAR_NOT_CHANCE = 0.88
"""Share of that which is the year's and not the season's: an outbreak in September is no worse year, and schools cannot
tell the two apart, since all of them have it. Chosen on ten simulated districts, where .85 to .92 do equally well."""

_LEAST_RATIO, _MOST_RATIO = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class YearOfDays:
    """A school year's cohort, of which days are known.

    Attributes:
        school_year: which one.
        students: one row per student of the cohort: school_id; first_days, first_absent (through instructional
            day n); for a complete year also days_enrolled and days_absent of the whole year.
    """

    school_year: SchoolYear
    students: pd.DataFrame

    @property
    def first_rate(self) -> float:
        """Share of enrolled days missed through day n."""
        return float(self.students["first_absent"].sum() / self.students["first_days"].sum())


@dataclass(frozen=True)
class FirstDays:
    """What the first days of an open year tell of all of it.

    Attributes:
        target_year: the open year.
        day: instructional days seen.
        reference: the last complete year, which it is compared with.
        rate, reference_rate: share of enrolled days missed through that day, in either.
        carried: share of a difference (in logs) in the first days that stays over a whole year.
        shares: expected share of students that reach each percent of days missed.
        past_errors: by past year, what the same estimate of the chronic share would have missed by, as a share.
    """

    target_year: SchoolYear
    day: int
    reference: SchoolYear
    rate: float
    reference_rate: float
    carried: float
    shares: dict[int, float]
    past_errors: dict[int, float]

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
    asked = _Asked(folder, open_records(folder, engine), policy, after_day, engine)
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
    now = YearOfDays(target_year, _first(asked, target_year, day))
    return FirstDays(
        target_year=target_year,
        day=day,
        reference=past[-1].school_year,
        rate=now.first_rate,
        reference_rate=past[-1].first_rate,
        carried=_stays(past),
        shares=_expected(past, now, policy),
        past_errors={
            past[later].school_year.ending: _error(past[:later], past[later], policy) for later in range(1, len(past))
        },
    )


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
    asked = _Asked(folder, open_records(folder, engine), policy, after_day, engine)
    years = asked.complete_before(before)
    if not years:
        raise NotEnoughData(f"No complete school year is before {before.label}. Ingest one.")
    return YearOfDays(years[-1], _whole(asked, years[-1]))


def carried_over(past: list[YearOfDays]) -> float:
    """Share of a school's difference from its district in the first days (in logs) that stays over the whole year."""
    each = [_deviations(year.students) for year in past]
    first, whole, weight = (np.concatenate(part) for part in zip(*each, strict=True))
    doubt = _SCHOOLS_OF_DOUBT * _SPREAD_OF_SCHOOLS
    shared = (weight * first * whole).sum() + doubt * _USUALLY_CARRIED
    return float(shared / ((weight * first**2).sum() + doubt))


@dataclass(frozen=True)
class _Asked:
    """One ingest, opened, with the policy, as-of point and engine it is asked by."""

    folder: Path
    records: Records
    policy: Policy
    after_day: int
    engine: Engine

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
    return asked.of_cohort(year, rows, first_days="days_enrolled", first_absent="days_absent")


def _whole(asked: _Asked, year: SchoolYear) -> pd.DataFrame:
    rows = stored_student_years(kept_beside(asked.folder), asked.records, asked.policy, asked.engine, before=year.next)
    of_year = rows.filter(nw.col("school_year") == year.ending)
    return asked.of_cohort(year, of_year, days_enrolled="days_enrolled", days_absent="days_absent")


def _expected(past: list[YearOfDays], now: YearOfDays, policy: Policy) -> dict[int, float]:
    change = now.first_rate / past[-1].first_rate
    return shares_reaching(past[-1].students, policy, float(change ** _stays(past)))


def _stays(past: list[YearOfDays]) -> float:
    return _YEAR_NOT_CHANCE * carried_over(past)


def _error(past: list[YearOfDays], then: YearOfDays, policy: Policy) -> float:
    """What the estimate would have missed by, in a year whose end is known."""
    chronic = policy.chronic_percent
    return _expected(past, then, policy)[chronic] - share_reaching(then.students, chronic, policy)


def _deviations(students: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By school: log rate of the first days and of the year, each less the district's mean, and the school's weight."""
    counts = ["first_absent", "first_days", "days_absent", "days_enrolled"]
    sums = students.groupby("school_id")[counts].sum()
    sums = sums[(sums["first_absent"] > 0) & (sums["first_days"] > 0)]
    weight = (sums["days_enrolled"] / max(sums["days_enrolled"].mean(), 1)).to_numpy()
    first = np.log(sums["first_absent"] / sums["first_days"]).to_numpy()
    whole = np.log(sums["days_absent"] / sums["days_enrolled"]).to_numpy()
    return first - _mean(first, weight), whole - _mean(whole, weight), weight


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float((values * weight).sum() / weight.sum()) if len(values) else 0.0
