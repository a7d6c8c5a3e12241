"""Pattern: on which days of the week a student was away, against what even absences would give."""

from functools import reduce
from operator import add

import narwhals as nw

from ews.features.catalogue import LAST_YEAR, feature
from ews.features.columns import last, share

GROUP = "weekday pattern"
SCHOOL_WEEK = (1, 2, 3, 4, 5)
EVEN_ABSENCES = 5
"""Evenly spread absences added before a share is taken, so that one Monday of one absence says little."""


def _monday_friday(count: str) -> nw.Expr:
    return last(f"{count}_weekday_1") + last(f"{count}_weekday_5")


def _week(count: str) -> nw.Expr:
    return reduce(add, (last(f"{count}_weekday_{weekday}") for weekday in SCHOOL_WEEK))


@feature(unit="days", window=LAST_YEAR, group=GROUP, learned=False)
def days_absent_monday_friday_last_year() -> nw.Expr:
    """Days missed that were a Monday or a Friday."""
    return _monday_friday("days_absent")


@feature(
    unit="number",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Of {days_absent_last_year:# missed day;# missed days} in {year},"
    " {days_absent_monday_friday_last_year:none was;one was;# were} a Monday or a Friday",
)
def monday_friday_excess_last_year() -> nw.Expr:
    """Share of absences on Mondays and Fridays above what even absences would give, less for few; null for none."""
    expected = share(_monday_friday("days_enrolled"), _week("days_enrolled"))
    absences = _week("days_absent")
    excess = (_monday_friday("days_absent") - absences * expected) / (absences + EVEN_ABSENCES)
    return nw.when(absences > 0).then(excess)


@feature(unit="count", window=LAST_YEAR, group=GROUP, learned=False)
def monday_spells_last_year() -> nw.Expr:
    """Spells of which the first day was a Monday."""
    return last("monday_spells")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Of {spells_last_year:# time;# times} away in {year},"
    " {monday_spells_last_year:none;one;#} began on a Monday",
)
def monday_spell_share_last_year() -> nw.Expr:
    """Share of spells that began on a Monday; null without any."""
    return share(last("monday_spells"), last("spells"))
