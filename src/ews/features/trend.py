"""Trend: whether more or fewer days were missed than before.

The direction is up only: a rise may raise the estimate and never lower it. What an absence long ago adds
is told by the level features; without the constraint the model would use a fall as a sign of a high past
level, and a sentence would say that fewer absences raise the estimate.
"""

import narwhals as nw

from ews.features.catalogue import LAST_YEAR, YEAR_BEFORE, feature
from ews.features.columns import before, last, past, per_hundred_days, share

GROUP = "trend"


@feature(
    unit="number",
    window=YEAR_BEFORE,
    group=GROUP,
    direction=1,
    phrase="Missed {days_absent_last_year} of {days_enrolled_last_year:# day;# days} in {year},"
    " and {days_absent_year_before} of {days_enrolled_year_before} in the known year before",
)
def change_of_rate() -> nw.Expr:
    """Share of days missed in the last known year minus that of the known year before."""
    return share(last("days_absent"), last("days_enrolled")) - share(before("days_absent"), before("days_enrolled"))


@feature(
    unit="number",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Missed {days_absent_last_60_days} of the last 60 school days of {year},"
    " and {days_absent_last_year} of {days_enrolled_last_year} in the whole year",
)
def rise_in_last_60_days() -> nw.Expr:
    """Share missed of the last 60 school days minus the share missed of the year before them."""
    late, late_enrolled = last("days_absent_last_60"), last("days_enrolled_last_60")
    early = share(last("days_absent") - late, last("days_enrolled") - late_enrolled)
    return share(late, late_enrolled) - early


@feature(
    unit="number",
    window=YEAR_BEFORE,
    group=GROUP,
    direction=1,
    phrase="Was away {spells_last_year:# time;# times} in {year},"
    " and {spells_all_years} in {known_years:# known school year;# known school years} together",
)
def change_of_spells() -> nw.Expr:
    """Spells per 100 enrolled days in the last known year minus those over all known years."""
    own = per_hundred_days(last("spells"), last("days_enrolled"))
    return own - per_hundred_days(past("spells"), past("days_enrolled_with_spells"))
