"""What one school day adds to a student's counts, several counts carried in one whole number.

Dozens of sums over all marks are dear, and four are not. So ingest writes with each mark four *tallies*: whole numbers
in which every count has bits of its own, wide enough for all days of a school year. Tallies add count by count, and
subtract where the lesser is taken from the greater; only at the end are the counts taken out.

A school year lies within fourteen months, so a month has at most 62 days, a weekday 62, and all together 427.
"""

from collections.abc import Mapping
from functools import reduce
from itertools import accumulate
from operator import add

import narwhals as nw

from ews.absence import ABSENCE_CATEGORIES

MONTHS = tuple(range(1, 13))
WEEKDAYS = tuple(range(1, 6))
FIRST_DAYS = 20
LAST_DAYS = (30, 60)
WINDOWS = (f"first_{FIRST_DAYS}", *(f"last_{days}" for days in LAST_DAYS))
BREAK_DAYS = 4
"""Days to the next instructional day from which a day lies before a break; an ordinary weekend has three."""

_ONE_MONTH, _ONE_WEEKDAY, _ALL_DAYS = 6, 6, 9

TALLIES: Mapping[str, Mapping[str, int]] = {
    "tally_months_01_06": {
        **{f"month_{month:02d}": _ONE_MONTH for month in MONTHS[:6]},
        "spells": 8,
        "spells_of_two_or_more": 8,
        "monday_spells": _ONE_WEEKDAY,
    },
    "tally_months_07_12": {
        **{f"month_{month:02d}": _ONE_MONTH for month in MONTHS[6:]},
        **dict(zip(WINDOWS, (8, 8, _ALL_DAYS), strict=True)),  # a student may see the last days of several schools
    },
    "tally_weekdays": {
        **{f"weekday_{day}": _ONE_WEEKDAY for day in WEEKDAYS},
        "before_break": 6,
        "tardy": _ALL_DAYS,
        "early_departure": _ALL_DAYS,
    },
    "tally_kinds": {
        "excused": _ALL_DAYS,
        "unexcused": _ALL_DAYS,
        "suspended": _ALL_DAYS,
        "partial_ten_thousandths": 23,
    },
}
"""Each tally's counts, from the lowest bits up, and how many bits each has."""

OF_DAYS = ("tally_months_01_06", "tally_months_07_12", "tally_weekdays")
"""The tallies that an enrolled day adds to, too: by month, by weekday, in a window."""

LAST_WINDOWS = "tally_months_07_12"
"""The one tally that depends on where the school's days end."""


def day_tallies() -> dict[str, nw.Expr]:
    """What an instructional day adds for who is enrolled on it.

    Expressions over `month`, `weekday` (Monday is 1), `day_index`, `days_left` (the school's days after it) and
    `is_before_break`.
    """
    months = {f"month_{month:02d}": nw.col("month") == month for month in MONTHS}
    weekdays = {f"weekday_{day}": nw.col("weekday") == day for day in WEEKDAYS}
    windows = {
        f"first_{FIRST_DAYS}": nw.col("day_index") <= FIRST_DAYS,
        **{f"last_{days}": nw.col("days_left") < days for days in LAST_DAYS},
        "before_break": nw.col("is_before_break"),
    }
    return {name: _sum_of(name, {**months, **weekdays, **windows}) for name in OF_DAYS}


def mark_tallies() -> dict[str, nw.Expr]:
    """What a mark adds: an absent day by kind, month, weekday, window and spell; a lesser mark by what it is.

    Expressions over the columns of `day_tallies`, and `is_absent`, `kind`, `spell_day` (the absent day's place in
    its spell), `is_tardy`, `is_early_departure` and `missed_ten_thousandths`.
    """
    absent, spell_day = nw.col("is_absent"), nw.col("spell_day")
    spells = {
        "spells": spell_day == 1,
        "spells_of_two_or_more": spell_day == 2,
        "monday_spells": (spell_day == 1) & (nw.col("weekday") == 1),
        "tardy": nw.col("is_tardy"),
        "early_departure": nw.col("is_early_departure"),
    }
    of_day = day_tallies()
    added = {name: nw.when(absent).then(of_day[name]).otherwise(_none()) + _sum_of(name, spells) for name in OF_DAYS}
    return {**added, "tally_kinds": _kinds()}


def _kinds() -> nw.Expr:
    counts = list(TALLIES["tally_kinds"])
    kinds = {count: nw.col("kind") == kind for count, kind in zip(counts, ABSENCE_CATEGORIES, strict=False)}
    unit = _units(TALLIES["tally_kinds"])["partial_ten_thousandths"]
    missed = nw.col("missed_ten_thousandths").cast(nw.Int64)
    return _sum_of("tally_kinds", kinds) + nw.when(~nw.col("is_absent")).then(missed * unit).otherwise(_none())


def with_tallies_of_days(stays: nw.LazyFrame, days: nw.LazyFrame) -> nw.LazyFrame:
    """Stays with what their enrolled days add, in the columns `OF_DAYS`.

    No student-days are made: it is the calendar's running total at the stay's last day less the one before its first,
    so the work grows with stays and calendar days, not with their product.

    Args:
        stays: school_id, school_year, and `first_index` and `last_index` among the days.
        days: every day of these schools and years, with the columns of `day_tallies`.
    """
    keys = ("school_id", "school_year")
    running = days.with_columns(**day_tallies()).select(
        *keys,
        nw.col("day_index").cast(nw.Int64),
        *(nw.col(tally).cum_sum().over(*keys, order_by="day_index").cast(nw.Int64).alias(tally) for tally in OF_DAYS),
    )
    through = running.rename({"day_index": "last_index", **{tally: f"{tally}_through" for tally in OF_DAYS}})
    before = running.with_columns(first_index=nw.col("day_index") + 1).drop("day_index")
    joined = stays.join(through, on=[*keys, "last_index"]).join(before, on=[*keys, "first_index"], how="left")
    return joined.with_columns(
        (nw.col(f"{tally}_through") - nw.coalesce(nw.col(tally), _none())).alias(tally) for tally in OF_DAYS
    ).drop(f"{tally}_through" for tally in OF_DAYS)


def counts_in(tally: str, column: str, names: Mapping[str, str]) -> list[nw.Expr]:
    """The counts of a summed tally as columns.

    Args:
        tally: which one.
        column: the column that holds its sum.
        names: the counts wanted, and what to call them.
    """
    return taken_apart(TALLIES[tally], column, names)


def put_together(widths: Mapping[str, int], counts: Mapping[str, nw.Expr]) -> nw.Expr:
    """Several counts in one whole number, which adds up as they do.

    Args:
        widths: the counts from the lowest bits up, and how many bits each has: at most 62 in all.
        counts: the value of each; null adds none.
    """
    units = _units(widths)
    return reduce(add, (nw.coalesce(counts[count].cast(nw.Int64), _none()) * unit for count, unit in units.items()))


def taken_apart(widths: Mapping[str, int], column: str, names: Mapping[str, str]) -> list[nw.Expr]:
    """The counts that were put together, as columns.

    Args:
        widths: as they were put together.
        column: the column that holds the whole number.
        names: the counts wanted, and what to call them.
    """
    # Dividing whole numbers is slow. A half of the bits fits into a float64, and dividing by a power of two is exact.
    units, middle, word = _units(widths), _middle(widths), nw.col(column)
    low, high = (word % middle).cast(nw.Float64), (word - word % middle) / middle

    def count_in(unit: int, bits: int) -> nw.Expr:
        half, worth = (high, unit // middle) if unit >= middle else (low, unit)
        return (half / worth).floor() - (half / (worth << bits)).floor() * (1 << bits)

    return [count_in(units[count], widths[count]).cast(nw.Int64).alias(name) for count, name in names.items()]


def _middle(widths: Mapping[str, int]) -> int:
    """What one of the count is worth that begins nearest to the middle of all bits."""
    total = sum(widths.values())
    return min(_units(widths).values(), key=lambda unit: abs(2 * (unit.bit_length() - 1) - total))


def _units(widths: Mapping[str, int]) -> dict[str, int]:
    """What one of each count is worth in the whole number."""
    return {count: 1 << shift for count, shift in zip(widths, accumulate(widths.values(), initial=0), strict=False)}


def _sum_of(tally: str, conditions: Mapping[str, nw.Expr]) -> nw.Expr:
    """One in each count of the tally whose condition holds; counts without a condition get none."""
    units = _units(TALLIES[tally])
    ones = [
        nw.when(conditions[count]).then(nw.lit(unit).cast(nw.Int64)).otherwise(_none())
        for count, unit in units.items()
        if count in conditions
    ]
    return reduce(add, ones, _none())


def _none() -> nw.Expr:
    return nw.lit(0).cast(nw.Int64)
