"""Pattern: on which days of the week, and of the calendar, a student was away, beside what even absences would give."""

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


def _excess(part: nw.Expr, absences: nw.Expr, expected: nw.Expr) -> nw.Expr:
    """A part's share of the absences above the expected share, less for few absences; null without any."""
    return nw.when(absences > 0).then((part - absences * expected) / (absences + EVEN_ABSENCES))


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
    return _excess(_monday_friday("days_absent"), _week("days_absent"), expected)


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


@feature(unit="days", window=LAST_YEAR, group=GROUP, learned=False)
def days_absent_before_break_last_year() -> nw.Expr:
    """Days missed just before a break: the school's next day in the same year was at least four days later."""
    return last("days_absent_before_break")


@feature(
    unit="number",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Of {days_absent_last_year:# missed day;# missed days} in {year},"
    " {days_absent_before_break_last_year:none was;one was;# were} on the last school day before a break",
)
def before_break_excess_last_year() -> nw.Expr:
    """Share of absences just before a break above what even absences would give, less for few; null for none.

    Null too for who was enrolled on no day before a break: there was none to miss.
    """
    before_break, enrolled = last("days_enrolled_before_break"), last("days_enrolled")
    expected = nw.when(before_break > 0).then(share(before_break, enrolled))
    return _excess(last("days_absent_before_break"), last("days_absent"), expected)
