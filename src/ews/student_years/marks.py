"""What the marks of one school year say of each student: sums of what each mark adds (`ews.tallies`)."""

from functools import reduce
from operator import add

import narwhals as nw

from ews.absence import ABSENCE_CATEGORIES
from ews.tallies import TALLIES, counts_in

ABSENT = {tally: f"absent_{tally.removeprefix('tally_')}" for tally in TALLIES}
"""The columns of a student's year that hold the sums of a tally over all marks."""

COUNTED = (*ABSENT.values(), "days_absent", "longest_spell")
"""What marks tell of a student's year."""


def counted_by_student(marks: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with any mark, with the columns COUNTED.

    `spell_day`, stored with each mark, counts the days of a spell up to its own: its greatest is the longest spell.
    It looks only backwards, so a cut loses nothing.
    """
    summed = marks.group_by("student_id").agg(
        *(nw.col(tally).sum().cast(nw.Int64).alias(name) for tally, name in ABSENT.items()),
        longest_spell=nw.col("spell_day").max(),
    )
    return summed.with_columns(days_absent=reduce(add, _days_of_each_kind()))


def _days_of_each_kind() -> list[nw.Expr]:
    kinds = list(TALLIES["tally_kinds"])[: len(ABSENCE_CATEGORIES)]
    return counts_in("tally_kinds", ABSENT["tally_kinds"], dict.fromkeys(kinds, "days"))
