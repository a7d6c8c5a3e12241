"""From a cohort and its history to one row of features per student."""

from collections.abc import Sequence

import narwhals as nw

from ews.absence import band, is_chronically_absent
from ews.features.closed_years import READ_BY_LISTS, TOLD_BY_CLOSED_YEARS, of_closed_years, prefixed
from ews.features.columns import last
from ews.features.families import features_for
from ews.features.surroundings import countable, with_household, with_school
from ews.policy import Policy
from ews.student_years import History

KEYS = ("student_id", "school_id", "grade_level", "school_year")

CONTEXT_COLUMNS = ("last_school_year", "was_chronic", "band_last_year", "lane")
"""What lists show beside the features; the model does not see them."""


def build_features(cohort: nw.LazyFrame, history: History, policy: Policy) -> nw.LazyFrame:
    """All features of a cohort, from nothing but its history, in one frame.

    Args:
        cohort: one row per student, as of the target year: student_id, school_id, grade_level, school_year.
        history: what is known at the as-of point, and no more.
        policy: what counts as chronic and as too short a stay.

    Returns:
        One row per student of the cohort: the cohort's own columns, one column per entry of
        `features_for(history.after_day)` (float64, null = not known), and `CONTEXT_COLUMNS`: the last known year,
        whether it was chronic (null = unknown), its band, and the lane ("prevent" where unknown).
    """
    known = of_closed_years(history, policy)
    names = [entry.name for entry in features_for(history.after_day)]
    whole = _join(of_list(cohort, history, policy, known, known), known.select("student_id", *TOLD_BY_CLOSED_YEARS))
    return whole.select(*KEYS, *names, *CONTEXT_COLUMNS)


def of_list(
    cohort: nw.LazyFrame, history: History, policy: Policy, known: nw.LazyFrame, everyone: nw.LazyFrame
) -> nw.LazyFrame:
    """The features that look at the list; `TOLD_BY_CLOSED_YEARS` are the others.

    Args:
        cohort: as in `build_features`, with history and policy.
        history: what is known at the as-of point, and no more.
        policy: what counts as chronic and as too short a stay.
        known: `of_closed_years` of the same history and policy, kept or computed, of the cohort or of all students.
        everyone: the same of all students, or their `totals_of_past`: households reach beyond the cohort.

    Returns:
        As of `build_features`, without the features of closed years.
    """
    entries = (entry for entry in features_for(history.after_day) if entry.looks_at_list)
    columns = (entry.expression.cast(nw.Float64).alias(entry.name) for entry in entries)
    wide = _wide_frame(cohort, history, policy, known)
    return with_household(wide, everyone, history.households).select(*KEYS, *columns, *_context_columns(policy))


def _wide_frame(cohort: nw.LazyFrame, history: History, policy: Policy, known: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student of the cohort with what features of the list look at (`ews.features.columns`)."""
    wide = cohort.select(*KEYS)
    if history.so_far is not None:
        wide = _join(wide, prefixed(history.so_far, "so_far"))
    wide = with_school(wide, countable(history.past, policy))
    return _join(wide, known.select("student_id", *READ_BY_LISTS))


def _join(wide: nw.LazyFrame, right: nw.LazyFrame) -> nw.LazyFrame:
    return wide.join(right, on="student_id", how="left")


def _context_columns(policy: Policy) -> Sequence[nw.Expr]:
    absent, enrolled = last("days_absent"), last("days_enrolled")
    was_chronic = is_chronically_absent(absent, enrolled, policy)
    lane = nw.when(was_chronic).then(nw.lit("recover")).otherwise(nw.lit("prevent"))
    return (
        nw.col("last_school_year"),
        was_chronic.alias("was_chronic"),
        band(absent, enrolled, policy).alias("band_last_year"),
        lane.alias("lane"),
    )
