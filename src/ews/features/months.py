"""Months: whether absences came in one part of the year, beside days at random and beside the school's own year."""

from collections.abc import Iterable
from functools import reduce
from operator import add

import narwhals as nw

from ews.features.catalogue import LAST_YEAR, feature
from ews.features.columns import MONTHS, last, others, share

GROUP = "spells"
MIN_OTHERS = 10
EVEN_ABSENCES = 5
"""Absences spread as at the school, added before a share is taken, so that few absences say little."""

IN_ONE_MONTH = (
    "Of {days_absent_last_year:# missed day;# missed days} in {year},"
    " {days_absent_worst_month_last_year:none was;one was;# were} in a single month"
)


def _absent(month: str) -> nw.Expr:
    return last(f"days_absent_month_{month}")


def _enrolled(month: str) -> nw.Expr:
    return last(f"days_enrolled_month_{month}")


def _sum(values: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(add, values)


@feature(
    unit="days",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Missed {days_absent_worst_month_last_year:# day;# days} in the month of {year} with most absences"
    "[ (typical in {grade} here: {typical:days_absent_worst_month_last_year})]",
)
def days_absent_worst_month_last_year() -> nw.Expr:
    """Days missed in the month with most absences."""
    return nw.max_horizontal(*(_absent(month) for month in MONTHS))


@feature(unit="number", window=LAST_YEAR, group=GROUP, phrase=IN_ONE_MONTH)
def month_dispersion_last_year() -> nw.Expr:
    """Variance of absences between months over what days at random would give (Pearson); null for none."""
    absent, months = last("days_absent"), _sum((_enrolled(month) > 0).cast(nw.Int64) for month in MONTHS)
    squares = _sum(nw.coalesce(share(_absent(m) * _absent(m), _enrolled(m)), nw.lit(0.0)) for m in MONTHS)
    return nw.when(absent > 0).then(share(squares * last("days_enrolled") / absent - absent, months - 1))


@feature(unit="share", window=LAST_YEAR, group=GROUP, phrase=IN_ONE_MONTH)
def month_distance_last_year() -> nw.Expr:
    """Share of absences in other months than the school's own pattern would give, less for few; null for none."""
    absent, total = last("days_absent"), others("months", "total")
    moved = _sum((_absent(m) * total - absent * others("months", m)).abs() for m in MONTHS)
    distance = share(moved, 2 * total * (absent + EVEN_ABSENCES))
    return nw.when((absent > 0) & (others("months", "students") >= MIN_OTHERS)).then(distance)
