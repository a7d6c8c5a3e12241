"""Recency: the last weeks of the last known year, on the school's calendar."""

import narwhals as nw

from ews.features.catalogue import LAST_YEAR, feature
from ews.features.columns import last, share, where_enrolled

GROUP = "last weeks"

LAST_30 = (
    "Missed {days_absent_last_30_days} of the last 30 school days of {year}"
    "[ (typical in {grade} here: {typical:days_absent_last_30_days})]"
)
LAST_60 = (
    "Missed {days_absent_last_60_days} of the last 60 school days of {year}"
    "[ (typical in {grade} here: {typical:days_absent_last_60_days})]"
)


@feature(unit="share", window=LAST_YEAR, group=GROUP, direction=1, phrase=LAST_30)
def absence_rate_last_30_days() -> nw.Expr:
    """Share missed of the days enrolled among the school's last 30."""
    return share(last("days_absent_last_30"), last("days_enrolled_last_30"))


@feature(unit="share", window=LAST_YEAR, group=GROUP, direction=1, phrase=LAST_60)
def absence_rate_last_60_days() -> nw.Expr:
    """Share missed of the days enrolled among the school's last 60."""
    return share(last("days_absent_last_60"), last("days_enrolled_last_60"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, direction=1, phrase=LAST_30)
def days_absent_last_30_days() -> nw.Expr:
    """Days missed among the school's last 30; null for a student who had left before them."""
    return where_enrolled(last("days_absent_last_30"), last("days_enrolled_last_30"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, direction=1, phrase=LAST_60)
def days_absent_last_60_days() -> nw.Expr:
    """Days missed among the school's last 60; null for a student who had left before them."""
    return where_enrolled(last("days_absent_last_60"), last("days_enrolled_last_60"))
