"""What years before the target year tell of a student, whatever list the student is on, and whichever day it is.

It is most of all that is known, and it stays as it is while the target year goes on, so a weekly list takes it as the
list before it has kept it.
"""

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

READ_BY_LISTS = (
    "last_school_id", "last_school_year", "last_days_absent", "last_days_enrolled", "past_years",
    "past_days_absent", "past_days_enrolled",
    *(f"others_classmates_{name}" for name in ("students", "days_absent", "days_enrolled")),
)  # fmt: skip
"""The columns that features which look at the list read, besides those of the list and of households."""

TOLD_BY_CLOSED_YEARS = tuple(entry.name for entry in FEATURES.values() if not entry.looks_at_list)
"""The features that stay as they are while the target year goes on."""

_OF_YEAR_BEFORE = ("days_absent", "days_enrolled")
_FIRST_WEEKS = ("days_absent_first_20", "days_enrolled_first_20")
_CARRY = 1024
"""Above any count of days in a school year."""
_EXPECTED = ("expected_days_absent", "expected_spells")


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
    rates = rates_of_years(past)
    totals = once(_totals(with_expected(past, rates), history.target_year, policy))
    last = _in_latest_year(kept, totals)
    wide = prefixed(last, "last").join(prefixed(totals, "past"), on="student_id")
    wide = wide.join(_years_before(kept, totals), on="student_id", how="left")
    wide = with_expected(opened(with_classmates(wide, past, policy), "last_"), rates, "last_")
    around = last.select("school_id", "school_year").unique()
    return with_months_of_school(wide, opened(kept.join(around, on=["school_id", "school_year"], how="semi")))


def _in_latest_year(kept: nw.LazyFrame, totals: nw.LazyFrame) -> nw.LazyFrame:
    latest = totals.select("student_id", school_year="latest_year")
    return kept.join(latest, on=["student_id", "school_year"])


def _years_before(kept: nw.LazyFrame, totals: nw.LazyFrame) -> nw.LazyFrame:
    """Of each student's known year before the last one: `before_days_absent` and so on.

    Only two numbers are sought, carried with their year in one: a sort of all student years would be dearer than all
    the rest.
    """
    dated = kept.join(totals.select("student_id", "latest_year"), on="student_id")
    absent, enrolled = (nw.col(name).cast(nw.Int64) for name in _OF_YEAR_BEFORE)
    earlier = dated.filter(nw.col("school_year") < nw.col("latest_year"))
    carried = (nw.col("school_year") * _CARRY + absent) * _CARRY + enrolled
    found = earlier.select("student_id", carried=carried).group_by("student_id").agg(nw.col("carried").max())
    absent_and_enrolled = nw.col("carried") % (_CARRY * _CARRY)
    return found.select(
        "student_id",
        before_days_absent=((absent_and_enrolled - nw.col("carried") % _CARRY) / _CARRY).cast(nw.Int64),
        before_days_enrolled=nw.col("carried") % _CARRY,
    )


def prefixed(rows: nw.LazyFrame, prefix: str) -> nw.LazyFrame:
    """The rows with `prefix` and a low line before the name of every column but the student's id."""
    names = (name for name in rows.collect_schema().names() if name != "student_id")
    return rows.rename({name: f"{prefix}_{name}" for name in names})


def _totals(past: nw.LazyFrame, target_year: SchoolYear, policy: Policy) -> nw.LazyFrame:
    """One row per student with any known year: sums over all of them, and over those with daily records."""
    absent, enrolled, has_spells = nw.col("days_absent"), nw.col("days_enrolled"), ~nw.col("spells").is_null()
    weight = nw.lit(0.5) ** (target_year.ending - 1 - nw.col("school_year"))
    is_chronic = nw.coalesce(is_chronically_absent(absent, enrolled, policy), nw.lit(False))
    counts = {
        "years": nw.lit(1),
        "days_absent": absent,
        "days_enrolled": enrolled,
        "chronic_years": is_chronic.cast(nw.Int64),
        "years_with_spells": has_spells.cast(nw.Int64),
        **{name: nw.col(name) for name in ("spells", "days_enrolled_with_spells", *_FIRST_WEEKS, *_EXPECTED)},
    }
    weighted = {"weighted_days_absent": absent * weight, "weighted_days_enrolled": enrolled * weight}
    rate = nw.when(enrolled >= policy.min_days_enrolled).then(absence_rate(absent, enrolled))
    rows = past.select("student_id", "school_year", **counts, **weighted, highest_rate=rate)
    totals = rows.group_by("student_id").agg(
        *(nw.col(name).sum().cast(nw.Int64) for name in counts),
        *(nw.col(name).sum() for name in weighted),
        nw.col("highest_rate").max(),
        nw.col("school_year").max().alias("latest_year"),
    )
    spells = nw.when(nw.col("years_with_spells") > 0).then(nw.col("spells"))
    return totals.with_columns(spells=spells, students=nw.lit(1))
