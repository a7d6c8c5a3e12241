"""What the first days of a school year tell of all of it: which absences count, and how much of a difference stays.

Unexcused absences count, where kinds are known. An outbreak in September shows in the excused ones, passes, and is no
worse year. How much of a difference is still there in June is read from the schools: those that missed more than
their district in the first days of past years, and how much more they missed in the end.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.school_year import SchoolYear

ALL, UNEXCUSED = "first_absent", "first_unexcused"
"""Which absences of the first days can be counted."""

_NOT_CARRIED = {ALL: 0.16, UNEXCUSED: 0.29}
"""What schools of simulated districts do not carry over of a difference in their first 20 days; it falls with the root
of the days. Unexcused absences tell less of all of a year's, and tell it more surely."""

_DOUBT = 10.0
"""How firmly that is assumed: as much as some 70 school years of simulated districts weigh. What schools carry over was
found to differ by chance alone from district to district: with next to no doubt a shock year's chronic share is missed
by 1.2 points (root mean square) instead of .8."""

_YEAR_NOT_SCHOOL = 0.88
"""A year's difference carries over less than a school's, which is lasting, by this factor."""

_LEAST_UNEXCUSED = 0.1
"""Share of absences that must be unexcused before they can stand for all."""

_CODED_OTHERWISE = 0.15
"""How far (in logs) unexcused absences must move, excused ones the other way, to be read as another coding. In 24
simulated districts they moved by .11 at most that way."""


@dataclass(frozen=True, eq=False)
class YearOfDays:
    """A school year's cohort, of which days are known.

    Attributes:
        school_year: which one.
        students: one row per student of the cohort: school_id; first_days, first_absent, first_unexcused (through
            instructional day n; the last null where kinds are not known); for a complete year also days_enrolled and
            days_absent of the whole year.
    """

    school_year: SchoolYear
    students: pd.DataFrame

    def first_rate(self, counted: str) -> float:
        """Share of enrolled days missed through day n, by the column that is counted."""
        return float(self.students[counted].sum() / self.students["first_days"].sum())

    @property
    def excused_rate(self) -> float:
        """The same of absences that are not unexcused; never 0."""
        others = self.students[ALL].sum() - self.students[UNEXCUSED].sum()
        return float(max(others, 1) / self.students["first_days"].sum())

    @property
    def tells_kinds(self) -> bool:
        """Whether unexcused absences are known and are enough to stand for all."""
        unexcused = self.students[UNEXCUSED]
        least = max(_LEAST_UNEXCUSED * self.students[ALL].sum(), 1)
        return bool(unexcused.notna().all() and unexcused.sum() >= least)


def counted_in(past: list[YearOfDays], now: YearOfDays) -> str:
    """Unexcused absences, where they are known in all these years and were coded alike in the last two."""
    usable = all(year.tells_kinds for year in (*past, now)) and not _coded_otherwise(past[-1], now)
    return UNEXCUSED if usable else ALL


def _coded_otherwise(before: YearOfDays, now: YearOfDays) -> bool:
    """One kind far up and the other down: a worse year moves both up, and an outbreak one of them."""
    unexcused = np.log(now.first_rate(UNEXCUSED) / before.first_rate(UNEXCUSED))
    excused = np.log(now.excused_rate / before.excused_rate)
    return bool(unexcused * excused < 0 and abs(unexcused) > _CODED_OTHERWISE)


def stays(past: list[YearOfDays], day: int, counted: str) -> float:
    """Share of a year's difference in the first days (in logs) that stays; arguments as of `carried_over`."""
    return _YEAR_NOT_SCHOOL * carried_over(past, day, counted)


def carried_over(past: list[YearOfDays], day: int, counted: str) -> float:
    """Share of a school's difference from its district in the first days (in logs) that stays over the whole year.

    Args:
        past: complete years.
        day: instructional days that are counted.
        counted: the column of the first days' absences.
    """
    each = [_deviations(year.students, counted) for year in past]
    first, whole, weight = (np.concatenate(part) for part in zip(*each, strict=True))
    usual = 1 - _NOT_CARRIED[counted] * np.sqrt(20 / day)
    return float(((weight * first * whole).sum() + _DOUBT * usual) / ((weight * first**2).sum() + _DOUBT))


def _deviations(students: pd.DataFrame, counted: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By school: log rate of the first days and of the year, each less the district's mean, and the school's weight."""
    counts = [counted, "first_days", "days_absent", "days_enrolled"]
    sums = students.groupby("school_id")[counts].sum()
    sums = sums[(sums[counted] > 0) & (sums["first_days"] > 0)]
    weight = (sums["days_enrolled"] / max(sums["days_enrolled"].mean(), 1)).to_numpy()
    first = np.log(sums[counted] / sums["first_days"]).to_numpy()
    whole = np.log(sums["days_absent"] / sums["days_enrolled"]).to_numpy()
    return first - _mean(first, weight), whole - _mean(whole, weight), weight


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float((values * weight).sum() / weight.sum()) if len(values) else 0.0
