"""Enrolled days: sums of what each stay of one school year adds (`ews.tallies`), and where a student was last."""

import narwhals as nw

from ews.student_years.one_year import OneYear
from ews.tallies import OF_DAYS, with_tallies_of_days

ENROLLED = {tally: f"enrolled_{tally.removeprefix('tally_')}" for tally in OF_DAYS}
"""The columns of a student's year that hold the sums of a tally over all enrolled days."""

_PLACE = ("school_id", "grade_level", "instructional_days", "early_exit_days")
_SUMS = ("days_enrolled", *ENROLLED.values())


def enrolled_by_student(year: OneYear) -> nw.LazyFrame:
    """One row per student enrolled on any day that counts: enrolled days over all stays, and the place of the last.

    Most students have one stay, of which nothing needs to be summed or sought.
    """
    stays = (
        _with_tallies(year)
        .rename(ENROLLED)
        .with_columns(
            days_enrolled=nw.col("last_index") - nw.col("first_index") + 1,
            late_entry_days=nw.col("first_index") - 1,
            early_exit_days=nw.col("instructional_days") - nw.col("last_index"),
        )
    )
    columns = ("student_id", *_PLACE, *_SUMS, "stays", "schools_attended", "late_entry_days")
    only = stays.filter(nw.col("is_only_stay"))
    one = nw.lit(1).cast(nw.Int64)
    several = _summed(stays.filter(~nw.col("is_only_stay")))
    return nw.concat(
        [only.with_columns(stays=one, schools_attended=one).select(columns), several.select(columns)], how="vertical"
    )


def _with_tallies(year: OneYear) -> nw.LazyFrame:
    """The stays with what their days add: as ingest stored it, or counted anew where a cut has shortened them."""
    if OF_DAYS[0] in year.stays.collect_schema().names():
        return year.stays
    return with_tallies_of_days(year.stays, year.days)


IS_THERE_AT_THE_END = nw.col("last_index") == nw.col("instructional_days")
"""Whether a stay covers the last day of its school that counts."""


def last_stays(stays: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student: of the stays given, the one entered last."""
    only, entered = nw.col("is_only_stay"), nw.col("entry_date")
    several = stays.filter(~only)
    return nw.concat([stays.filter(only), several.filter(entered == entered.max().over("student_id"))], how="vertical")


def _summed(stays: nw.LazyFrame) -> nw.LazyFrame:
    return _with_order(stays).group_by("student_id").agg(
        *(nw.when("is_last_stay").then(nw.col(name)).max().alias(name) for name in _PLACE),
        *(nw.col(name).sum().cast(nw.Int64).alias(name) for name in _SUMS),
        nw.len().cast(nw.Int64).alias("stays"),
        nw.col("is_first_at_school").cast(nw.Int64).sum().cast(nw.Int64).alias("schools_attended"),
        nw.when("is_first_stay").then(nw.col("late_entry_days")).max().alias("late_entry_days"),
    )  # fmt: skip


def _with_order(stays: nw.LazyFrame) -> nw.LazyFrame:
    """The stays with their place among the student's: as ingest stored it, or anew where it did not, or a cut did."""
    entry, stored = nw.col("entry_date"), stays.collect_schema().names()
    places = {
        "is_first_stay": entry == entry.min().over("student_id"),
        "is_last_stay": entry == entry.max().over("student_id"),
        "is_first_at_school": entry == entry.min().over("student_id", "school_id"),
    }
    missing = {name: place for name, place in places.items() if name not in stored}
    return stays.with_columns(**missing) if missing else stays
