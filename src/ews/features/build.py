"""From a cohort and its history to one row of features per student."""

from collections.abc import Sequence

import narwhals as nw

from ews.absence import absence_rate, band, is_chronically_absent
from ews.engine import once
from ews.features import (
    context,
    grade,
    household,
    kind,
    level,
    months,
    pattern,
    recency,
    so_far,
    spells,
    stability,
    timing,
    trend,
)
from ews.features.catalogue import Feature, features_in
from ews.features.columns import last
from ews.features.surroundings import (
    countable,
    rates_of_years,
    with_classmates,
    with_expected,
    with_household,
    with_months_of_school,
    with_school,
)
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import History, opened

_MODULES = (
    level, trend, recency, spells, months, pattern, kind, stability, timing, so_far, context, household, grade,
)  # fmt: skip

FAMILIES = {module.__name__.rpartition(".")[2]: features_in(module) for module in _MODULES}
"""The catalogue by family."""

FEATURES = {entry.name: entry for entry in features_in(*_MODULES)}
"""The whole catalogue: name to entry, in the order of the model's columns."""

KEYS = ("student_id", "school_id", "grade_level", "school_year")
_PLACE_LAST_YEAR = ("last_school_id", "last_grade_level", "last_school_year")
_OF_YEAR_BEFORE = ("days_absent", "days_enrolled")
_FIRST_WEEKS = ("days_absent_first_20", "days_enrolled_first_20")
_CARRY = 1024
"""Above any count of days in a school year."""
_EXPECTED = ("expected_days_absent", "expected_spells")

CONTEXT_COLUMNS = ("last_school_year", "was_chronic", "band_last_year", "lane")
"""What lists show beside the features; the model does not see them."""


def features_for(after_day: int) -> tuple[Feature, ...]:
    """The features that exist at an as-of point: those of the open year only after some of its days."""
    return tuple(entry for entry in FEATURES.values() if after_day > 0 or not entry.needs_open_year)


def build_features(cohort: nw.LazyFrame, history: History, policy: Policy) -> nw.LazyFrame:
    """All features of a cohort, from nothing but its history.

    Args:
        cohort: one row per student, as of the target year: student_id, school_id, grade_level, school_year.
        history: what is known at the as-of point, and no more.
        policy: what counts as chronic and as too short a stay.

    Returns:
        One row per student of the cohort: the cohort's own columns, one column per entry of
        `features_for(history.after_day)` (null = not known), and `CONTEXT_COLUMNS`: the last known year,
        whether it was chronic (null = unknown), its band, and the lane ("prevent" where unknown).
    """
    entries = features_for(history.after_day)
    columns = (entry.expression.alias(entry.name) for entry in entries)
    return wide_frame(cohort, history, policy).select(*KEYS, *columns, *_context_columns(policy))


def wide_frame(cohort: nw.LazyFrame, history: History, policy: Policy) -> nw.LazyFrame:
    """One row per student of the cohort with every column that features may look at (`ews.features.columns`).

    The many columns of the student's own years come last, so that the joins before them carry few.
    """
    past = opened(history.past)
    rows, rates = once(countable(past, policy)), rates_of_years(past)
    totals = once(_totals(with_expected(past, rates), history.target_year, policy))
    last, before = _last_years(history.past, totals)
    wide = _join(cohort.select(*KEYS), last.select("student_id", *_PLACE_LAST_YEAR))
    wide = with_classmates(with_school(wide, rows), rows)
    wide = _join(wide, before)
    wide = with_household(_join(wide, _prefixed(totals, "past")), totals, history.households)
    wide = opened(_join(wide, last.drop(*_PLACE_LAST_YEAR)), "last_")
    wide = with_months_of_school(with_expected(wide, rates, "last_"), past)
    return wide if history.so_far is None else _join(wide, _prefixed(history.so_far, "so_far"))


def _last_years(kept: nw.LazyFrame, totals: nw.LazyFrame) -> tuple[nw.LazyFrame, nw.LazyFrame]:
    """Each student's last known year, `last_…`, and of the known year before it `before_days_absent` and so on.

    Of the year before it only the two numbers are sought, carried with their year in one: a sort of all student years
    would be dearer than all the rest.
    """
    latest = totals.select("student_id", latest=nw.col("latest_year"))
    dated = kept.join(latest, on="student_id")
    last = dated.filter(nw.col("school_year") == nw.col("latest")).drop("latest")
    absent, enrolled = (nw.col(name).cast(nw.Int64) for name in _OF_YEAR_BEFORE)
    earlier = dated.filter(nw.col("school_year") < nw.col("latest"))
    carried = (nw.col("school_year") * _CARRY + absent) * _CARRY + enrolled
    found = earlier.select("student_id", carried=carried).group_by("student_id").agg(nw.col("carried").max())
    absent_and_enrolled = nw.col("carried") % (_CARRY * _CARRY)
    before = found.select(
        "student_id",
        before_days_absent=((absent_and_enrolled - nw.col("carried") % _CARRY) / _CARRY).cast(nw.Int64),
        before_days_enrolled=nw.col("carried") % _CARRY,
    )
    return _prefixed(last, "last"), before


def _join(wide: nw.LazyFrame, right: nw.LazyFrame) -> nw.LazyFrame:
    return wide.join(right, on="student_id", how="left")


def _prefixed(rows: nw.LazyFrame, prefix: str) -> nw.LazyFrame:
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
