"""What the marks of one school year say of each student: counts, windows, and spells."""

import narwhals as nw

from ews.absence import ABSENCE_CATEGORIES
from ews.student_years.packed import each_of, one_of, unpacked
from ews.student_years.stays import DAY_WORDS, FIRST_DAYS, LAST_DAYS, WINDOWS, day_words

_KINDS = ("days_excused", "days_unexcused", "days_suspended", "days_tardy", "days_early_departure")
_SPELLS = ("spells", "spells_of_two_or_more", "monday_spells")


def counted_by_student(marks: nw.LazyFrame, calendar: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with any mark: days absent by kind, month, weekday and window, spells, lesser marks.

    `spell_day`, stored with each mark, counts the days of a spell up to its own: day 1 begins a spell, day 2 makes
    it one of two or more, and the greatest is the longest. It looks only backwards, so a cut loses nothing.
    """
    lengths = calendar.group_by("school_id").agg(nw.col("day_index").max().cast(nw.Int64).alias("instructional_days"))
    columns = _columns()
    summed = (
        marks.join(lengths, on="school_id")
        .select("student_id", "spell_day", **columns)
        .group_by("student_id")
        .agg(*(nw.col(name).sum().cast(nw.Int64) for name in columns), longest_spell=nw.col("spell_day").max())
    )
    of_day = {word: [f"days_absent_{part}" for part in parts] for word, parts in DAY_WORDS.items()}
    of_window = {"windows": [f"days_absent_{window}" for window in WINDOWS]}
    counts = unpacked({**of_day, **of_window, "kinds": _KINDS, "spell_days": _SPELLS})
    return summed.select("student_id", "days_absent", "partial_ten_thousandths", "longest_spell", *counts).with_columns(
        single_day_spells=nw.col("spells") - nw.col("spells_of_two_or_more")
    )


def _columns() -> dict[str, nw.Expr]:
    """What one mark adds, counts of days packed."""
    absent, missed, none = nw.col("is_absent"), nw.col("missed_ten_thousandths"), nw.lit(0).cast(nw.Int64)
    words = {**day_words(), "windows": _in_windows(), "spell_days": _in_spell()}
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


def _in_spell() -> nw.Expr:
    day = nw.col("spell_day")
    return each_of([day == 1, day == 2, (day == 1) & (nw.col("weekday") == 1)])
