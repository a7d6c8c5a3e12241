"""Kind: how absences were recorded, and days on which a part was missed.

How an absence is recorded is partly a school's paperwork; the directions keep sentences from reading as if
more excused absences were a worry.
"""

import narwhals as nw

from ews.absence import TEN_THOUSANDTHS
from ews.features.catalogue import LAST_YEAR, feature
from ews.features.columns import last, per_hundred_days, share

GROUP = "kind of absence"

LATE = (
    "Arrived late on {days_tardy_last_year:no day;# day;# days} in {year}"
    "[ (typical in {grade} here: {typical:days_tardy_last_year})]"
)
LEFT_EARLY = (
    "Left early on {days_early_departure_last_year:no day;# day;# days} in {year}"
    "[ (typical in {grade} here: {typical:days_early_departure_last_year})]"
)


@feature(unit="days", window=LAST_YEAR, group=GROUP, learned=False)
def days_excused_last_year() -> nw.Expr:
    """Days absent and recorded as excused."""
    return last("days_excused")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    direction=-1,
    phrase="Of {days_absent_last_year:# missed day;# missed days} in {year},"
    " {days_excused_last_year:none was;one was;# were} recorded as excused",
)
def excused_share_last_year() -> nw.Expr:
    """Share of absences recorded as excused; null without any."""
    return share(last("days_excused"), last("days_absent"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, learned=False)
def days_unexcused_last_year() -> nw.Expr:
    """Days absent and recorded as unexcused."""
    return last("days_unexcused")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Of {days_absent_last_year:# missed day;# missed days} in {year},"
    " {days_unexcused_last_year:none was;one was;# were} recorded as unexcused",
)
def unexcused_share_last_year() -> nw.Expr:
    """Share of absences recorded as unexcused; null without any."""
    return share(last("days_unexcused"), last("days_absent"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, direction=1, untold="A reason must not read as discipline.")
def days_suspended_last_year() -> nw.Expr:
    """Days absent through suspension."""
    return last("days_suspended")


@feature(unit="days", window=LAST_YEAR, group=GROUP, phrase=LATE, learned=False)
def days_tardy_last_year() -> nw.Expr:
    """Days with a late arrival."""
    return last("days_tardy")


@feature(unit="number", window=LAST_YEAR, group=GROUP, direction=1, phrase=LATE)
def tardy_per_100_days_last_year() -> nw.Expr:
    """Days with a late arrival per 100 enrolled days."""
    return per_hundred_days(last("days_tardy"), last("days_enrolled"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, phrase=LEFT_EARLY, learned=False)
def days_early_departure_last_year() -> nw.Expr:
    """Days with an early departure."""
    return last("days_early_departure")


@feature(unit="number", window=LAST_YEAR, group=GROUP, direction=1, phrase=LEFT_EARLY)
def early_departures_per_100_days_last_year() -> nw.Expr:
    """Days with an early departure per 100 enrolled days."""
    return per_hundred_days(last("days_early_departure"), last("days_enrolled"))


@feature(
    unit="number",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Missed parts of days that add up to {part_days_missed_last_year:# day;# days} in {year}"
    "[ (typical in {grade} here: {typical:part_days_missed_last_year})]",
)
def part_days_missed_last_year() -> nw.Expr:
    """Parts of days missed on days that do not count as absent, summed, in days."""
    return last("partial_ten_thousandths") / TEN_THOUSANDTHS
