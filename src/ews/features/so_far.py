"""So far: the target year itself, when a list is made after some days of it."""

import narwhals as nw

from ews.features.catalogue import SO_FAR, feature
from ews.features.columns import flag, last, per_hundred_days, share, so_far, where_enrolled

LEVEL = "recent level"
CARRIED_DAYS = 40
"""Days' worth of weight that last year's share of days missed has beside the days of the open year."""

MISSED_SO_FAR = (
    "Missed {days_absent_so_far} of {days_enrolled_so_far:# day;# days} so far this school year"
    "[ (typical in {grade} here: {typical:days_absent_so_far})]"
)


@feature(unit="share", window=SO_FAR, group=LEVEL, direction=1, phrase=MISSED_SO_FAR)
def absence_rate_so_far() -> nw.Expr:
    """Share of enrolled days missed so far."""
    return share(so_far("days_absent"), so_far("days_enrolled"))


@feature(unit="days", window=SO_FAR, group=LEVEL, direction=1, phrase=MISSED_SO_FAR)
def days_absent_so_far() -> nw.Expr:
    """Days missed so far."""
    return so_far("days_absent")


@feature(unit="days", window=SO_FAR, group="moves and history", learned=False)
def days_enrolled_so_far() -> nw.Expr:
    """Days enrolled so far."""
    return so_far("days_enrolled")


@feature(unit="share", window=SO_FAR, group=LEVEL, direction=1, phrase=MISSED_SO_FAR)
def blended_rate_so_far() -> nw.Expr:
    """Share of days missed so far, with last year's share counting as 40 more days."""
    carried = share(last("days_absent"), last("days_enrolled")) * CARRIED_DAYS
    return (so_far("days_absent") + carried) / (so_far("days_enrolled") + CARRIED_DAYS)


@feature(
    unit="number",
    window=SO_FAR,
    group="trend",
    direction=1,
    phrase="Missed {days_absent_so_far} of {days_enrolled_so_far:# day;# days} so far this school year,"
    " and {days_absent_last_year} of {days_enrolled_last_year} in {year}",
)
def change_so_far() -> nw.Expr:
    """Share of days missed so far minus that of the last known year."""
    return share(so_far("days_absent"), so_far("days_enrolled")) - share(last("days_absent"), last("days_enrolled"))


@feature(
    unit="days",
    window=SO_FAR,
    group="last weeks",
    direction=1,
    phrase="Missed {days_absent_last_30_days_so_far} of the latest"
    " {days_enrolled_last_30_days_so_far:# school day;# school days}"
    "[ (typical in {grade} here: {typical:days_absent_last_30_days_so_far})]",
)
def days_absent_last_30_days_so_far() -> nw.Expr:
    """Days missed among the school's latest 30; null for a student who had left before them."""
    return where_enrolled(so_far("days_absent_last_30"), so_far("days_enrolled_last_30"))


@feature(unit="days", window=SO_FAR, group="last weeks", learned=False)
def days_enrolled_last_30_days_so_far() -> nw.Expr:
    """Days enrolled among the school's latest 30, or among all of them while the year is younger."""
    return so_far("days_enrolled_last_30")


@feature(
    unit="count",
    window=SO_FAR,
    group="spells",
    direction=1,
    phrase="Was away {spells_so_far:# separate time;# separate times} so far this school year"
    "[ (typical in {grade} here: {typical:spells_so_far})]",
)
def spells_so_far() -> nw.Expr:
    """Spells of absence so far."""
    return so_far("spells")


@feature(
    unit="days",
    window=SO_FAR,
    group="spells",
    phrase="The longest time away so far this school year was {longest_spell_so_far:# day;# days}"
    "[ (typical in {grade} here: {typical:longest_spell_so_far})]",
)
def longest_spell_so_far() -> nw.Expr:
    """Length of the longest spell so far in days; 0 without any."""
    return so_far("longest_spell")


@feature(
    unit="days",
    window=SO_FAR,
    group="kind of absence",
    direction=1,
    phrase="Arrived late on {days_tardy_so_far:no day;# day;# days} so far this school year"
    "[ (typical in {grade} here: {typical:days_tardy_so_far})]",
)
def days_tardy_so_far() -> nw.Expr:
    """Days with a late arrival so far."""
    return so_far("days_tardy")


@feature(
    unit="number",
    window=SO_FAR,
    group="kind of absence",
    untold="In a year's first weeks an absence may count as unexcused only until a note comes.",
)
def unexcused_per_100_days_so_far() -> nw.Expr:
    """Days absent and recorded as unexcused per 100 enrolled days so far."""
    return per_hundred_days(so_far("days_unexcused"), so_far("days_enrolled"))


@feature(
    unit="days",
    window=SO_FAR,
    group="moves and history",
    phrase="Entered {late_entry_days_so_far:on the first school day;# school day after the start;"
    "# school days after the start} of this school year",
)
def late_entry_days_so_far() -> nw.Expr:
    """School days of the target year that had passed before the first entry."""
    return so_far("late_entry_days")


@feature(
    unit="flag", window=SO_FAR, group="moves and history", phrase="Attends another school than at the end of {year}"
)
def changed_school() -> nw.Expr:
    """Whether the school of the open year is another one than the last known.

    Before the open year's first day its schools are often not known yet, and students are listed where they were.
    """
    return flag(so_far("school_id") != last("school_id"))
