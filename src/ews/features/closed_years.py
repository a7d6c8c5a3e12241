"""What years before the target year tell of a student, whatever list the student is on, and whichever day it is.

It is most of all that is known, and it stays as it is while the target year goes on, so a weekly list takes it as the
list before it has kept it.
"""

from collections.abc import Mapping, Sequence

import narwhals as nw

from ews.absence import absence_rate, is_chronically_absent
from ews.engine import once
from ews.features.families import FEATURES
from ews.features.surroundings import (
    HOUSEHOLD_SUMS,
    rates_of_years,
    with_classmates,
    with_expected,
    with_months_of_school,
)
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import History, opened
from ews.student_years.records import values
from ews.tallies import put_together, taken_apart

READ_BY_LISTS = (
    "last_school_id", "last_school_year", "last_days_absent", "last_days_enrolled", "past_years",
    "past_days_absent", "past_days_enrolled",
    *(f"others_classmates_{name}" for name in ("students", "days_absent", "days_enrolled")),
)  # fmt: skip
"""The columns that features which look at the list read, besides those of the list and of households."""

TOLD_BY_CLOSED_YEARS = tuple(entry.name for entry in FEATURES.values() if not entry.looks_at_list)
"""The features that stay as they are while the target year goes on."""

_TOTALS: Mapping[str, Mapping[str, int]] = {
    "years_and_days": {
        "years": 6, "chronic_years": 6, "years_with_spells": 6, "days_absent": 20, "days_enrolled": 20,
    },
    "days_of_daily_years": {
        "spells": 15, "days_enrolled_with_spells": 15, "days_absent_first_20": 15, "days_enrolled_first_20": 15,
    },
    "expected": {"expected_days_absent": 31, "expected_spells": 31},
}  # fmt: skip
"""Sums over a student's years, several in one whole number (`ews.tallies.put_together`), and the bits that each has."""

_DAYS = {"days_enrolled": 20, "days_absent": 20}


def of_closed_years(history: History, policy: Policy) -> nw.LazyFrame:
    """Every feature that looks at closed years only, and what the other features read of them.

    Args:
        history: what is known at the as-of point; only its past is looked at.
        policy: what counts as chronic and as too short a stay.

    Returns:
        One row per student with any known year: student_id, the features as float64 (null = not known),
        `READ_BY_LISTS`, and `HOUSEHOLD_SUMS` with `past_` before each.
    """
    own = dict.fromkeys((*READ_BY_LISTS, *(f"past_{name}" for name in HOUSEHOLD_SUMS)))
    features = (FEATURES[name].expression.cast(nw.Float64).alias(name) for name in TOLD_BY_CLOSED_YEARS)
    return _wide_frame(history, policy).select("student_id", *own, *features)


def _wide_frame(history: History, policy: Policy) -> nw.LazyFrame:
    """One row per student with every column of closed years that features may look at (`ews.features.columns`).

    Counts are taken out of their tallies last, so that the joins before that carry few columns.
    """
    kept, past = history.past, opened(history.past)
    rates = once(rates_of_years(past))
    totals = once(_totals(with_expected(past, rates), values(rates.select("of_year")), history.target_year, policy))
    last = kept.join(totals.select("student_id", "school_year"), on=["student_id", "school_year"])
    around = last.group_by("school_id", "school_year").agg(nw.len().alias("students")).drop("students")
    wide = prefixed(kept, "last").join(
        totals.rename({"school_year": "last_school_year"}), on=["student_id", "last_school_year"]
    )
    wide = with_expected(opened(with_classmates(wide, kept, policy), "last_"), rates, "last_")
    return with_months_of_school(wide, opened(kept.join(around, on=["school_id", "school_year"], how="semi")))


def prefixed(rows: nw.LazyFrame, prefix: str) -> nw.LazyFrame:
    """The rows with `prefix` and a low line before the name of every column but the student's id."""
    names = (name for name in rows.collect_schema().names() if name != "student_id")
    return rows.rename({name: f"{prefix}_{name}" for name in names})


def _totals(past: nw.LazyFrame, years: Sequence[int], target_year: SchoolYear, policy: Policy) -> nw.LazyFrame:
    """One row per student with any known year: `past_…`, sums over all of them, and over those with daily records.

    And `school_year`, the last of them, and `before_…`, the days of the one before it. Every sum and every joined year
    has its price, so many counts are summed in one, and a year's days are carried along.
    """
    absent, enrolled, has_spells = nw.col("days_absent"), nw.col("days_enrolled"), ~nw.col("spells").is_null()
    weight = nw.lit(0.5) ** (target_year.ending - 1 - nw.col("school_year"))
    is_chronic = nw.coalesce(is_chronically_absent(absent, enrolled, policy), nw.lit(False))
    told = {"years": nw.lit(1), "chronic_years": is_chronic, "years_with_spells": has_spells}
    weighted = {"past_weighted_days_absent": absent * weight, "past_weighted_days_enrolled": enrolled * weight}
    rate = nw.when(enrolled >= policy.min_days_enrolled).then(absence_rate(absent, enrolled))
    sums = {
        name: put_together(widths, {count: told.get(count, nw.col(count)) for count in widths})
        for name, widths in _TOTALS.items()
    }
    days = put_together(_DAYS, {"days_absent": absent, "days_enrolled": enrolled})
    of_years = {f"days_of_{year}": nw.when(nw.col("school_year") == year).then(days) for year in years}
    rows = past.select("student_id", **sums, **weighted, past_highest_rate=rate, **of_years)
    summed = rows.group_by("student_id").agg(
        *(nw.col(name).sum().cast(nw.Int64) for name in sums),
        *(nw.col(name).sum() for name in weighted),
        *(nw.col(name).max() for name in ("past_highest_rate", *of_years)),
    )
    return _with_last_years(_opened(summed), years)


def _opened(summed: nw.LazyFrame) -> nw.LazyFrame:
    """The sums taken apart; spells are null for who has no year with daily records."""
    sums = [
        column
        for name, widths in _TOTALS.items()
        for column in taken_apart(widths, name, {count: f"past_{count}" for count in widths})
    ]
    spells = nw.when(nw.col("past_years_with_spells") > 0).then(nw.col("past_spells"))
    return summed.with_columns(*sums).drop(*_TOTALS).with_columns(past_spells=spells, past_students=nw.lit(1))


def _with_last_years(totals: nw.LazyFrame, years: Sequence[int]) -> nw.LazyFrame:
    """Each student's last known year, and the days of the known year before it, out of the days of each."""
    latest_first = {year: nw.col(f"days_of_{year}") for year in sorted(years, reverse=True)}
    known = (nw.when(~days.is_null()).then(nw.lit(year)) for year, days in latest_first.items())
    earlier = (nw.when(nw.col("school_year") > year).then(days) for year, days in latest_first.items())
    dated = totals.with_columns(school_year=nw.coalesce(*known).cast(nw.Int64))
    dated = dated.with_columns(days_before=nw.coalesce(*earlier)).drop(f"days_of_{year}" for year in years)
    names = {"days_absent": "before_days_absent", "days_enrolled": "before_days_enrolled"}
    return dated.with_columns(taken_apart(_DAYS, "days_before", names)).drop("days_before")
