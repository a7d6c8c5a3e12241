"""Stability: moves, late entry, gaps, and how much history there is."""

import narwhals as nw

from ews.features.catalogue import ALL_YEARS, LAST_YEAR, TARGET_YEAR, YEAR_BEFORE, feature
from ews.features.columns import before, flag, last, past, share, target

GROUP = "moves and history"
SHORT_HISTORY_DAYS = 60
"""Enrolled days, in all known years together, below which history is called short: a third of a year."""


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    phrase="Was enrolled {days_enrolled_last_year:# day;# days} in {year}"
    "[ (typical in {grade} here: {typical:days_enrolled_last_year})]",
)
def enrolled_share_last_year() -> nw.Expr:
    """Days enrolled over the school's instructional days."""
    return share(last("days_enrolled"), last("instructional_days"))


@feature(unit="days", window=LAST_YEAR, group=GROUP, learned=False)
def days_enrolled_last_year() -> nw.Expr:
    """Days enrolled."""
    return last("days_enrolled")


@feature(unit="days", window=YEAR_BEFORE, group=GROUP, learned=False)
def days_enrolled_year_before() -> nw.Expr:
    """Days enrolled in the known year before the last one."""
    return before("days_enrolled")


@feature(unit="days", window=ALL_YEARS, group=GROUP, learned=False)
def days_enrolled_all_years() -> nw.Expr:
    """Days enrolled over all known years together; null without any."""
    return past("days_enrolled")


@feature(
    unit="years",
    window=ALL_YEARS,
    group=GROUP,
    looks_at_list=True,
    untold="Alone it is about the files and not the student; sentences about all known years write it.",
)
def known_years() -> nw.Expr:
    """School years before the target year with a record."""
    return nw.coalesce(past("years"), nw.lit(0))


@feature(
    unit="flag",
    window=ALL_YEARS,
    group=GROUP,
    phrase="Little is known of earlier school years: {days_enrolled_all_years:# day;# days} enrolled",
    looks_at_list=True,
)
def short_history() -> nw.Expr:
    """Whether fewer than 60 enrolled days are known in all earlier years together."""
    return flag(nw.coalesce(past("days_enrolled"), nw.lit(0)) < SHORT_HISTORY_DAYS)


@feature(unit="years", window=TARGET_YEAR, group=GROUP, untold="The sentence of `has_gap` says which year it was.")
def years_since_last_year() -> nw.Expr:
    """School years from the last known one to the target year: 1 without a gap."""
    return target("school_year") - last("school_year")


@feature(
    unit="flag",
    window=TARGET_YEAR,
    group=GROUP,
    phrase="The last school year known here is {year}",
)
def has_gap() -> nw.Expr:
    """Whether the year just before the target year is missing although an earlier one is known."""
    return flag(target("school_year") - last("school_year") > 1)


@feature(
    unit="count",
    window=LAST_YEAR,
    group=GROUP,
    phrase="Attended {schools_attended_last_year:# school;# schools} in {year}",
)
def schools_attended_last_year() -> nw.Expr:
    """Schools attended."""
    return last("schools_attended")


@feature(
    unit="count",
    window=LAST_YEAR,
    group=GROUP,
    untold="Moves are told by the schools attended; a second stay in the same school may be an entry corrected.",
)
def stays_last_year() -> nw.Expr:
    """Stays: entries into a school."""
    return last("stays")


@feature(
    unit="days",
    window=LAST_YEAR,
    group=GROUP,
    phrase="Entered {late_entry_days_last_year:on the first school day;# school day after the start;"
    "# school days after the start} of {year}",
)
def late_entry_days_last_year() -> nw.Expr:
    """School days that had passed before the first entry."""
    return last("late_entry_days")


@feature(
    unit="days",
    window=LAST_YEAR,
    group=GROUP,
    phrase="Was enrolled until {early_exit_days_last_year:the last school day;# school day before the end;"
    "# school days before the end} of {year}",
)
def early_exit_days_last_year() -> nw.Expr:
    """School days that were left after the last exit."""
    return last("early_exit_days")
