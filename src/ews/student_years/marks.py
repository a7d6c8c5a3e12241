"""What the marks of one school year say of each student: counts, windows, and spells."""

import narwhals as nw

from ews.absence import ABSENCE_CATEGORIES
from ews.student_years.packed import each_of, one_of, unpacked
from ews.student_years.stays import DAY_WORDS, FIRST_DAYS, LAST_DAYS, WINDOWS, day_words

_KINDS = ("days_excused", "days_unexcused", "days_suspended", "days_tardy", "days_early_departure")
_SPELL = ["student_id", "school_id", "run"]


def counted_by_student(marks: nw.LazyFrame, calendar: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with any mark: days absent by kind, month, weekday and window, and lesser marks."""
    lengths = calendar.group_by("school_id").agg(nw.col("day_index").max().cast(nw.Int64).alias("instructional_days"))
    columns = _columns()
    summed = (
        marks.join(lengths, on="school_id")
        .select("student_id", **columns)
        .group_by("student_id")
        .agg(*(nw.col(name).sum().cast(nw.Int64) for name in columns))
    )
    of_day = {word: [f"days_absent_{part}" for part in parts] for word, parts in DAY_WORDS.items()}
    of_window = {"windows": [f"days_absent_{window}" for window in WINDOWS]}
    return summed.select(
        "student_id", "days_absent", "partial_ten_thousandths", *unpacked({**of_day, **of_window, "kinds": _KINDS})
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


def _columns() -> dict[str, nw.Expr]:
    """What one mark adds, counts of days packed."""
    absent, missed, none = nw.col("is_absent"), nw.col("missed_ten_thousandths"), nw.lit(0).cast(nw.Int64)
    words = {**day_words(), "windows": _in_windows()}
    lesser = each_of([nw.col("is_tardy"), nw.col("is_early_departure")], first_place=len(ABSENCE_CATEGORIES))
    return {
        **{name: nw.when(absent).then(word).otherwise(none) for name, word in words.items()},
        "kinds": one_of(nw.col("kind"), ABSENCE_CATEGORIES) + lesser,
        "days_absent": absent.cast(nw.Int64),
        "partial_ten_thousandths": nw.when(~absent).then(missed.cast(nw.Int64)).otherwise(none),
    }


def _in_windows() -> nw.Expr:
    day = nw.col("day_index").cast(nw.Int64)
    return each_of([day <= FIRST_DAYS, *(day > nw.col("instructional_days") - days for days in LAST_DAYS)])
