"""Level: how many days were missed, last year, the year before, and over all known years.

A ratio sets days beside those expected at the district's own rate of the same year, so that a year in which
everybody missed more, as after a shock, does not make a student of that year look different.
"""

import narwhals as nw

from ews.features.catalogue import ALL_YEARS, LAST_YEAR, YEAR_BEFORE, feature
from ews.features.columns import before, last, past, ratio, share
from ews.features.context import rate_of_others

GROUP = "recent level"

PRIOR_DAYS = 25
"""Days' worth of weight given to the classmates' rate when a stay is short: the a + b of the beta-binomial
that fits yearly totals of real students (Project STAR: 21 in kindergarten, 27 in grade 1, 28 in grade 3)."""

MISSED_LAST_YEAR = (
    "Missed {days_absent_last_year} of {days_enrolled_last_year:# day;# days} in {year}"
    "[ (typical in {grade} here: {typical:days_absent_last_year})]"
    "|No attendance of earlier school years is known here"
)
MISSED_YEAR_BEFORE = (
    "Missed {days_absent_year_before} of {days_enrolled_year_before:# day;# days} in the known year before {year}"
    "[ (typical in {grade} here: {typical:days_absent_year_before})]"
)
MISSED_ALL_YEARS = (
    "Missed {days_absent_all_years} of {days_enrolled_all_years:# day;# days}"
    " in {known_years:# known school year;# known school years} through {year}, {absence_rate_all_years} of every 100"
    "[ (typical in {grade} here: {typical:absence_rate_all_years})]"
)


@feature(unit="share", window=LAST_YEAR, group=GROUP, direction=1, phrase=MISSED_LAST_YEAR)
def absence_rate_last_year() -> nw.Expr:
    """Share of enrolled days missed."""
    return share(last("days_absent"), last("days_enrolled"))


@feature(unit="number", window=LAST_YEAR, group=GROUP, direction=1, phrase=MISSED_LAST_YEAR)
def absence_ratio_last_year() -> nw.Expr:
    """Days missed over the days expected at the district's rate of that year."""
    return ratio(last("days_absent"), last("expected_days_absent"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, direction=1, phrase=MISSED_LAST_YEAR)
def days_absent_last_year() -> nw.Expr:
    """Days missed, any reason."""
    return last("days_absent")


@feature(unit="share", window=LAST_YEAR, group=GROUP, direction=1, phrase=MISSED_LAST_YEAR, looks_at_list=True)
def shrunk_rate_last_year() -> nw.Expr:
    """Share of days missed, drawn toward the classmates' share the shorter the stay was (empirical Bayes)."""
    own = share(last("days_absent"), last("days_enrolled"))
    prior = nw.coalesce(rate_of_others("classmates"), rate_of_others("school"), own)
    return (last("days_absent") + prior * PRIOR_DAYS) / (last("days_enrolled") + PRIOR_DAYS)


@feature(unit="share", window=YEAR_BEFORE, group=GROUP, direction=1, phrase=MISSED_YEAR_BEFORE)
def absence_rate_year_before() -> nw.Expr:
    """Share of enrolled days missed in the known year before the last one."""
    return share(before("days_absent"), before("days_enrolled"))


@feature(unit="days", window=YEAR_BEFORE, group=GROUP, learned=False)
def days_absent_year_before() -> nw.Expr:
    """Days missed in the known year before the last one."""
    return before("days_absent")


@feature(unit="share", window=ALL_YEARS, group=GROUP, direction=1, phrase=MISSED_ALL_YEARS)
def absence_rate_all_years() -> nw.Expr:
    """Share of enrolled days missed over all known years together."""
    return share(past("days_absent"), past("days_enrolled"))


@feature(unit="number", window=ALL_YEARS, group=GROUP, direction=1, phrase=MISSED_ALL_YEARS)
def absence_ratio_all_years() -> nw.Expr:
    """Days missed over all known years, over the days expected at the district's rate of each year."""
    return ratio(past("days_absent"), past("expected_days_absent"))


@feature(unit="share", window=ALL_YEARS, group=GROUP, direction=1, phrase=MISSED_ALL_YEARS)
def recent_weighted_rate() -> nw.Expr:
    """Share of enrolled days missed over all known years, each year counting half of the one after it."""
    return share(past("weighted_days_absent"), past("weighted_days_enrolled"))


@feature(
    unit="share",
    window=ALL_YEARS,
    group=GROUP,
    direction=1,
    phrase="Missed {highest_rate} of every 100 days in the known school year with most absences"
    "[ (typical in {grade} here: {typical:highest_rate})]",
)
def highest_rate() -> nw.Expr:
    """Largest share of enrolled days missed in any known year that counts (enough enrolled days)."""
    return past("highest_rate")


@feature(unit="days", window=ALL_YEARS, group=GROUP, learned=False)
def days_absent_all_years() -> nw.Expr:
    """Days missed over all known years together."""
    return past("days_absent")


@feature(
    unit="years",
    window=ALL_YEARS,
    group=GROUP,
    direction=1,
    phrase="Missed at least {chronic_percent} of every 100 days in {chronic_years}"
    " of {known_years:# known school year;# known school years}",
)
def chronic_years() -> nw.Expr:
    """Known years that were chronic; a year with too few enrolled days does not count."""
    return past("chronic_years")
