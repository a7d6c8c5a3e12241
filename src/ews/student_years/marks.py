"""What the marks of one school year say of each student: counts, windows, and spells."""

import narwhals as nw

from ews.student_years.stays import FIRST_DAYS, LAST_DAYS, MONTHS, WEEKDAYS

_SPELL = ["student_id", "school_id", "run"]


def counted_by_student(marks: nw.LazyFrame, calendar: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with any mark: days absent by kind, month, weekday and window, and lesser marks."""
    lengths = calendar.group_by("school_id").agg(nw.col("day_index").max().alias("instructional_days"))
    counts = {**_kinds(), **_patterns(), **_windows()}
    partial = nw.when(~nw.col("is_absent")).then(nw.col("missed_ten_thousandths")).otherwise(nw.lit(0))
    return (
        marks.join(lengths, on="school_id")
        .select(
            "student_id",
            *(is_counted.cast(nw.Int32).alias(name) for name, is_counted in counts.items()),
            partial.cast(nw.Int32).alias("partial_ten_thousandths"),
        )
        .group_by("student_id")
        .agg(*(nw.col(name).sum().alias(name) for name in (*counts, "partial_ten_thousandths")))
    )


def spells_by_student(marks: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with any absence: runs of consecutive absent instructional days within one school.

    Within a run, the day index less the absence's ordinal number stays the same.
    """
    ordinal = nw.col("day_index").cast(nw.Int64).rank("ordinal").over("student_id", "school_id")
    spells = (
        marks.filter("is_absent")
        .select("student_id", "school_id", "day_index", "weekday", run=nw.col("day_index").cast(nw.Int64) - ordinal)
        .group_by(_SPELL)
        .agg(nw.len().alias("length"), nw.col("weekday").first(order_by="day_index").alias("weekday"))
    )
    return (
        spells.with_columns(
            single=(nw.col("length") == 1).cast(nw.Int32), monday=(nw.col("weekday") == 1).cast(nw.Int32)
        )
        .group_by("student_id")
        .agg(
            nw.len().alias("spells"),
            nw.col("length").max().alias("longest_spell"),
            nw.col("single").sum().alias("single_day_spells"),
            nw.col("monday").sum().alias("monday_spells"),
        )
    )


def _kinds() -> dict[str, nw.Expr]:
    absent, kind = nw.col("is_absent"), nw.col("kind")
    return {
        "days_absent": absent,
        "days_excused": absent & (kind == "excused"),
        "days_unexcused": absent & (kind == "unexcused"),
        "days_suspended": absent & (kind == "suspension"),
        "days_tardy": nw.col("is_tardy"),
        "days_early_departure": nw.col("is_early_departure"),
    }


def _patterns() -> dict[str, nw.Expr]:
    absent, month, weekday = nw.col("is_absent"), nw.col("month"), nw.col("weekday")
    months = {f"days_absent_month_{number:02d}": absent & (month == number) for number in MONTHS}
    return months | {f"days_absent_weekday_{number}": absent & (weekday == number) for number in WEEKDAYS}


def _windows() -> dict[str, nw.Expr]:
    absent, day = nw.col("is_absent"), nw.col("day_index")
    first = {f"days_absent_first_{FIRST_DAYS}": absent & (day <= FIRST_DAYS)}
    return first | {f"days_absent_last_{k}": absent & (day > nw.col("instructional_days") - k) for k in LAST_DAYS}
