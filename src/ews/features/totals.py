"""Totals: what all known years before the target year add up to, and which of them was a student's last.

Every sum over three million rows has its price, and so has every joined year. So what is read of a year is put into
one whole number, the years of a student are brought into one row by a single maximum each, and only there they are
taken apart and added.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import narwhals as nw

from ews.absence import TEN_THOUSANDTHS, absence_rate, is_chronically_absent
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.tallies import put_together, taken_apart

_READ: Mapping[str, int] = {
    "days_absent": 16, "days_enrolled": 16,
    "spells": 10, "is_daily": 1, "days_absent_first_20": 8, "days_enrolled_first_20": 8,
}  # fmt: skip
"""What is read of a year, and how many bits each has; spells and first days are of years with daily records."""

READ_BY_TOTALS = ("student_id", "school_year", *(name for name in _READ if name != "is_daily"))
"""The columns of student years that are read here."""


@dataclass(frozen=True)
class RatesOfYear:
    """What the district's students missed per enrolled day of one school year.

    Attributes:
        school_year: the year.
        absence_rate: days missed.
        spell_rate: spells of those of whom daily marks are known; None where there are none.
    """

    school_year: int
    absence_rate: float
    spell_rate: float | None


def rates_of_years(past: nw.LazyFrame) -> list[RatesOfYear]:
    """The rates of every known year, in order; runs the query.

    Args:
        past: student years, kept or open, with `spells`.
    """
    enrolled, spells = nw.col("days_enrolled"), nw.col("spells")
    seen_daily = nw.when(~spells.is_null()).then(enrolled)
    sums = past.select("school_year", "days_absent", "days_enrolled", "spells", seen_daily=seen_daily)
    sums = sums.group_by("school_year").agg(
        nw.col(name).sum().cast(nw.Int64) for name in ("days_absent", "days_enrolled", "spells", "seen_daily")
    )
    rates = sums.select(
        "school_year",
        absence_rate=absence_rate(nw.col("days_absent"), enrolled),
        spell_rate=absence_rate(spells, nw.col("seen_daily")),
    )
    rows = rates.collect("pyarrow").to_native().to_pylist()
    return sorted((RatesOfYear(**row) for row in rows), key=lambda year: year.school_year)


def totals_of(
    past: nw.LazyFrame, years: Sequence[RatesOfYear], target_year: SchoolYear, policy: Policy
) -> nw.LazyFrame:
    """One row per student with any known year.

    Args:
        past: student years, open.
        years: as of `rates_of_years`.
        target_year: from which years are counted back.
        policy: what counts as chronic and as too short a stay.

    Returns:
        student_id; `school_year`, the last known one; `past_…`, sums over all known years, or over those with daily
        records; `before_…`, the days of the known year before the last; `expected_days_absent` of the last. Expected
        counts are those that the district's rates of the same years would give, in whole ten-thousandths, so that
        their sum does not depend on an order.
    """
    known = [_Known(year, target_year, policy) for year in years]
    word = put_together(_READ, {name: nw.col(name) for name in _READ})
    words = {year.word: nw.when(nw.col("school_year") == year.rates.school_year).then(word) for year in known}
    rows = past.with_columns(is_daily=~nw.col("spells").is_null()).select("student_id", **words)
    of_student = rows.group_by("student_id").agg(nw.col(name).max() for name in words)
    opened = of_student.select("student_id", *(column for year in known for column in year.opened()))
    return opened.select("student_id", **_sums(known), **_last_and_before(known))


@dataclass(frozen=True)
class _Known:
    """One known year in a student's row; every expression is null where the student was not known then."""

    rates: RatesOfYear
    target_year: SchoolYear
    policy: Policy

    @property
    def word(self) -> str:
        return f"read_of_{self.rates.school_year}"

    def opened(self) -> list[nw.Expr]:
        return taken_apart(_READ, self.word, {name: f"{name}_{self.rates.school_year}" for name in _READ})

    def read(self, name: str) -> nw.Expr:
        return nw.col(f"{name}_{self.rates.school_year}")

    def daily(self, name: str) -> nw.Expr:
        return nw.when(self.read("is_daily") == 1).then(self.read(name))

    @property
    def school_year(self) -> nw.Expr:
        return nw.when(~self.read("days_enrolled").is_null()).then(nw.lit(self.rates.school_year)).cast(nw.Int64)

    @property
    def weight(self) -> float:
        return 0.5 ** (self.target_year.ending - 1 - self.rates.school_year)

    def is_chronic(self) -> nw.Expr:
        return is_chronically_absent(self.read("days_absent"), self.read("days_enrolled"), self.policy).cast(nw.Int64)

    def rate(self) -> nw.Expr:
        enough = self.read("days_enrolled") >= self.policy.min_days_enrolled
        return nw.when(enough).then(absence_rate(self.read("days_absent"), self.read("days_enrolled")))

    def expected_days_absent(self) -> nw.Expr:
        return _expected(self.read("days_enrolled"), self.rates.absence_rate)

    def expected_spells(self) -> nw.Expr:
        rate = self.rates.spell_rate
        return nw.lit(None).cast(nw.Int64) if rate is None else _expected(self.daily("days_enrolled"), rate)


def _expected(days: nw.Expr, rate: float) -> nw.Expr:
    # Not round(): engines differ in what they make of halves.
    return (days * rate * TEN_THOUSANDTHS + 0.5).floor().cast(nw.Int64)


def _sums(known: Sequence[_Known]) -> dict[str, nw.Expr]:
    """`past_…`: what years add up to. Spells are null for who has no year with daily records."""

    def over(of_year: Callable[[_Known], nw.Expr], none: float = 0) -> nw.Expr:
        return reduce(add, (nw.coalesce(of_year(year), nw.lit(none)) for year in known))

    def weighted(name: str) -> nw.Expr:
        return over(lambda year: year.read(name) * year.weight, 0.0)

    daily = over(lambda year: year.read("is_daily"))
    no_rate = nw.lit(None).cast(nw.Float64)
    return {
        "past_students": nw.lit(1),
        "past_years": over(lambda year: nw.when(~year.read("days_enrolled").is_null()).then(nw.lit(1))),
        "past_chronic_years": over(_Known.is_chronic),
        "past_days_absent": over(lambda year: year.read("days_absent")),
        "past_days_enrolled": over(lambda year: year.read("days_enrolled")),
        "past_weighted_days_absent": weighted("days_absent"),
        "past_weighted_days_enrolled": weighted("days_enrolled"),
        "past_highest_rate": nw.max_horizontal(*(year.rate() for year in known), no_rate),
        "past_expected_days_absent": over(_Known.expected_days_absent),
        "past_spells": nw.when(daily > 0).then(over(lambda year: year.read("spells"))),
        "past_expected_spells": over(_Known.expected_spells),
        "past_days_enrolled_with_spells": over(lambda year: year.daily("days_enrolled")),
        "past_days_absent_first_20": over(lambda year: year.read("days_absent_first_20")),
        "past_days_enrolled_first_20": over(lambda year: year.read("days_enrolled_first_20")),
    }


def _last_and_before(known: Sequence[_Known]) -> dict[str, nw.Expr]:
    """The last known year, what was expected of it, and the days of the known year before it."""
    latest_first = list(reversed(known))
    last = nw.coalesce(*(year.school_year for year in latest_first))

    def before(name: str) -> nw.Expr:
        earlier = (nw.when(last > year.rates.school_year).then(year.read(name)) for year in latest_first)
        return nw.coalesce(*earlier)

    return {
        "school_year": last,
        "expected_days_absent": nw.coalesce(*(year.expected_days_absent() for year in latest_first)),
        "before_days_absent": before("days_absent"),
        "before_days_enrolled": before("days_enrolled"),
    }
