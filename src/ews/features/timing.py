"""Timing: the first weeks of the last known year, and of all known years."""

import narwhals as nw

from ews.features.catalogue import ALL_YEARS, LAST_YEAR, feature
from ews.features.columns import last, past, share, where_enrolled

GROUP = "start of year"

FIRST_20 = (
    "Missed {days_absent_first_20_days_last_year} of the first 20 school days of {year}"
    "[ (typical in {grade} here: {typical:days_absent_first_20_days_last_year})]"
)


@feature(unit="share", window=LAST_YEAR, group=GROUP, direction=1, phrase=FIRST_20)
def absence_rate_first_20_days_last_year() -> nw.Expr:
    """Share missed of the days enrolled among the school's first 20."""
    return share(last("days_absent_first_20"), last("days_enrolled_first_20"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, direction=1, phrase=FIRST_20)
def days_absent_first_20_days_last_year() -> nw.Expr:
    """Days missed among the school's first 20; null for a student who came after them."""
    return where_enrolled(last("days_absent_first_20"), last("days_enrolled_first_20"))


@feature(
    unit="share",
    window=ALL_YEARS,
    group=GROUP,
    direction=1,
    phrase="Missed {absence_rate_first_20_days_all_years} of every 100 among the first 20 school days"
    " of known school years through {year}"
    "[ (typical in {grade} here: {typical:absence_rate_first_20_days_all_years})]",
)
def absence_rate_first_20_days_all_years() -> nw.Expr:
    """Share missed of the days enrolled among the first 20 school days of every known year together."""
    return share(past("days_absent_first_20"), past("days_enrolled_first_20"))
