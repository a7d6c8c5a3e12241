"""What the marks of one school year say of each student: sums of what each mark adds (`ews.tallies`)."""

import narwhals as nw

from ews.tallies import OF_DAYS, TALLIES, counts_in

ABSENT = {tally: f"absent_{tally.removeprefix('tally_')}" for tally in OF_DAYS}
"""The columns of a student's year that hold the sums of a tally over all marks."""

_KINDS = {
    "excused": "days_excused",
    "unexcused": "days_unexcused",
    "suspended": "days_suspended",
    "partial_ten_thousandths": "partial_ten_thousandths",
}


def counted_by_student(marks: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student with any mark: days absent by kind, the sums named in ABSENT, the longest spell.

    `spell_day`, stored with each mark, counts the days of a spell up to its own: its greatest is the longest spell.
    It looks only backwards, so a cut loses nothing.
    """
    summed = marks.group_by("student_id").agg(
        *(nw.col(tally).sum().cast(nw.Int64).alias(ABSENT.get(tally, tally)) for tally in TALLIES),
        longest_spell=nw.col("spell_day").max(),
    )
    kinds = counts_in("tally_kinds", "tally_kinds", _KINDS)
    counted = summed.select("student_id", *ABSENT.values(), *kinds, "longest_spell")
    days_absent = nw.col("days_excused") + nw.col("days_unexcused") + nw.col("days_suspended")
    return counted.with_columns(days_absent=days_absent)
