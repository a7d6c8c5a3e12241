"""A yearly sheet as student years: totals only; what only daily marks can tell stays null."""

import narwhals as nw

_SUMMED = ("days_enrolled", "days_absent", "days_excused", "days_unexcused", "days_suspended")


def from_sheet(attendance_years: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student of one year's sheet: schools summed, the place that of the school with most days.

    A kind of absence is null where any of the student's schools does not tell it.
    """
    place = nw.col("one").cum_sum().over("student_id", order_by=["less_days", "school_id"])
    rows = attendance_years.with_columns(one=nw.lit(1), less_days=-nw.col("days_enrolled"))
    rows = rows.with_columns(is_main=place == 1)
    return rows.group_by("student_id").agg(
        *(nw.when("is_main").then(nw.col(name)).max().alias(name) for name in ("school_id", "grade_level")),
        *(nw.col(name).sum().cast(nw.Int64).alias(name) for name in _SUMMED),
        *(nw.col(name).is_null().any().alias(f"{name}_unknown") for name in _SUMMED[2:]),
    ).with_columns(
        nw.when(~nw.col(f"{name}_unknown")).then(nw.col(name)).alias(name) for name in _SUMMED[2:]
    ).drop(*(f"{name}_unknown" for name in _SUMMED[2:]))  # fmt: skip
