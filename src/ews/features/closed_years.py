"""What years before the target year tell of a student, whatever list the student is on, and whichever day it is.

It is most of all that is known, and it stays as it is while the target year goes on, so a weekly list takes it as the
list before it has kept it.
"""

import narwhals as nw

from ews.engine import once
from ews.features.families import FEATURES
from ews.features.surroundings import (
    HOUSEHOLD_SUMS,
    READ_BY_MONTHS,
    beside_months_of_school,
    with_classmates,
    with_months_of_school,
)
from ews.features.totals import READ_BY_TOTALS, rates_of_years, totals_of
from ews.policy import Policy
from ews.student_years import History, opened

READ_BY_LISTS = (
    "last_school_id", "last_school_year", "last_days_absent", "last_days_enrolled", "past_years", "past_days_enrolled",
    *(f"others_classmates_{name}" for name in ("students", "days_absent", "days_enrolled")),
    *(f"past_{name}" for name in HOUSEHOLD_SUMS),
)  # fmt: skip
"""The columns that features which look at the list read, besides those of the list."""

TOLD_BY_CLOSED_YEARS = tuple(entry.name for entry in FEATURES.values() if not entry.looks_at_list)
"""The features that stay as they are while the target year goes on."""


def totals_of_past(history: History, policy: Policy) -> nw.LazyFrame:
    """What all known years add up to (`ews.features.totals`), computed now and held in memory."""
    past = opened(history.past, only=READ_BY_TOTALS)
    return once(totals_of(past, rates_of_years(past), history.target_year, policy))


def of_closed_years(
    history: History, policy: Policy, totals: nw.LazyFrame | None = None, students: nw.LazyFrame | None = None
) -> nw.LazyFrame:
    """Every feature that looks at closed years only, and what the other features read of them.

    Args:
        history: what is known at the as-of point; only its past is looked at.
        policy: what counts as chronic and as too short a stay.
        totals: `totals_of_past` of the same, where it is there already.
        students: rows with the student_id of those wanted; None for all.

    Returns:
        One row per student wanted with any known year: student_id, the features as float64 (null = not known),
        and `READ_BY_LISTS`.
    """
    features = (FEATURES[name].expression.cast(nw.Float64).alias(name) for name in TOLD_BY_CLOSED_YEARS)
    totals = totals_of_past(history, policy) if totals is None else totals
    if students is not None:
        totals = totals.join(students.select("student_id"), on="student_id", how="semi")
    wide = _wide_frame(history, policy, totals)
    return wide.select("student_id", *READ_BY_LISTS, *features)


def _wide_frame(history: History, policy: Policy, totals: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with every column of closed years that features may look at (`ews.features.columns`).

    Counts are taken out of their tallies last, so that the joins before that carry few columns.
    """
    kept = history.past
    wide = prefixed(kept, "last").join(
        totals.rename({name: f"last_{name}" for name in ("school_year", "expected_days_absent")}),
        on=["student_id", "last_school_year"],
    )
    last_years = kept.join(totals.select("school_year").unique(), on="school_year", how="semi")
    wide = with_months_of_school(with_classmates(wide, kept, policy), opened(last_years, only=READ_BY_MONTHS))
    return beside_months_of_school(opened(wide, "last_"))


def prefixed(rows: nw.LazyFrame, prefix: str) -> nw.LazyFrame:
    """The rows with `prefix` and a low line before the name of every column but the student's id."""
    names = (name for name in rows.collect_schema().names() if name != "student_id")
    return rows.rename({name: f"{prefix}_{name}" for name in names})
