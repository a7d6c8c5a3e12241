"""Spells: how often a student was away, whatever the length.

A spell is a run of absent school days. The number of spells tells more about next year than the number of
days, since one long illness or journey is one spell.
"""

from functools import reduce
from operator import add

import narwhals as nw

from ews.features.catalogue import ALL_YEARS, LAST_YEAR, feature
from ews.features.columns import MONTHS, last, past, per_hundred_days, ratio, share

GROUP = "spells"

TIMES_AWAY = (
    "Was away {spells_last_year:# separate time;# separate times} in {year}"
    "[ (typical in {grade} here: {typical:spells_last_year})]"
)
TIMES_AWAY_ALL_YEARS = (
    "Was away {spells_all_years:# separate time;# separate times}"
    " in {known_years:# known school year;# known school years} through {year},"
    " {spells_per_100_days_all_years} in every 100 days"
    "[ (typical in {grade} here: {typical:spells_per_100_days_all_years})]"
)


@feature(unit="count", window=LAST_YEAR, group=GROUP, direction=1, phrase=TIMES_AWAY)
def spells_last_year() -> nw.Expr:
    """Spells of absence."""
    return last("spells")


@feature(unit="number", window=LAST_YEAR, group=GROUP, direction=1, phrase=TIMES_AWAY)
def spells_per_100_days_last_year() -> nw.Expr:
    """Spells of absence per 100 enrolled days."""
    return per_hundred_days(last("spells"), last("days_enrolled"))


@feature(unit="count", window=ALL_YEARS, group=GROUP, learned=False)
def spells_all_years() -> nw.Expr:
    """Spells of absence over all years with daily records."""
    return past("spells")


@feature(unit="number", window=ALL_YEARS, group=GROUP, direction=1, phrase=TIMES_AWAY_ALL_YEARS)
def spell_ratio_all_years() -> nw.Expr:
    """Spells of absence over the spells expected at the district's rate of each year with daily records."""
    return ratio(past("spells"), past("expected_spells"))


@feature(unit="number", window=ALL_YEARS, group=GROUP, direction=1, phrase=TIMES_AWAY_ALL_YEARS)
def spells_per_100_days_all_years() -> nw.Expr:
    """Spells of absence per 100 enrolled days over all years with daily records."""
    return per_hundred_days(past("spells"), past("days_enrolled_with_spells"))


@feature(
    unit="number",
    window=LAST_YEAR,
    group=GROUP,
    phrase="Times away in {year} lasted {mean_spell_length_last_year:# day;# days} on average"
    "[ (typical in {grade} here: {typical:mean_spell_length_last_year})]",
)
def mean_spell_length_last_year() -> nw.Expr:
    """Mean length of a spell in days; null without any."""
    return share(last("days_absent"), last("spells"))


@feature(
    unit="days",
    window=LAST_YEAR,
    group=GROUP,
    phrase="The longest time away in {year} was {longest_spell_last_year:# day;# days}"
    "[ (typical in {grade} here: {typical:longest_spell_last_year})]",
)
def longest_spell_last_year() -> nw.Expr:
    """Length of the longest spell in days; 0 without any."""
    return last("longest_spell")


@feature(unit="count", window=LAST_YEAR, group=GROUP, learned=False)
def single_day_spells_last_year() -> nw.Expr:
    """Spells of a single day."""
    return last("single_day_spells")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    phrase="Of {spells_last_year:# time;# times} away in {year}, {single_day_spells_last_year:none was;one was;# were}"
    " for a single day",
)
def single_day_share_last_year() -> nw.Expr:
    """Share of spells that were a single day; null without any."""
    return share(last("single_day_spells"), last("spells"))


@feature(
    unit="count",
    window=LAST_YEAR,
    group=GROUP,
    direction=-1,
    phrase="Had {months_without_absence_last_year:no month;# month;# months} without any absence in {year}"
    "[ (typical in {grade} here: {typical:months_without_absence_last_year})]",
)
def months_without_absence_last_year() -> nw.Expr:
    """Months with enrolled days and without any absence."""
    clean = [(last(f"days_enrolled_month_{m}") > 0) & (last(f"days_absent_month_{m}") == 0) for m in MONTHS]
    return reduce(add, (month.cast(nw.Int64) for month in clean))
