"""Two consecutive absences: what a mentor and the team are told at once (MEN-7)."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

ALERT_DAYS = 2
"""Absent school days in a row that are told at once."""

FRESH_DAYS = 7
"""Calendar days after which a run of absences is no news any more, where the school's days are not known."""

FRESH_SCHOOL_DAYS = 5
"""The same in school days: over a holiday nothing grows old."""


def absences_in_a_row(
    absent: Sequence[dt.date], through: dt.date, days: Sequence[dt.date] = (), *, least: int = ALERT_DAYS
) -> tuple[dt.date, ...]:
    """The latest absent days in a row, if they are as many and news; empty otherwise.

    In a row are days with no school day between them, so that neither weekends nor holidays nor days on which a school
    was closed break a run or make one. Where the school's days are not known up to the last absence, weekdays count:
    then a day off between two of them is taken for a day at school, so that nothing is told too much.

    Args:
        absent: absent days, in any order.
        through: the last day that records tell of.
        days: the school's days with instruction, in any order; empty where they are not known.
        least: how many days count.
    """
    dates = np.unique(np.array(absent, dtype="datetime64[D]"))
    if knows(days, absent):
        school_days = np.unique(np.array(days, dtype="datetime64[D]"))
        dates = dates[np.isin(dates, school_days)]
        place = np.searchsorted(school_days, dates)
        since = np.searchsorted(school_days, np.datetime64(through), side="right") - 1 - place
        is_news, follows = bool(len(dates)) and since[-1] <= FRESH_SCHOOL_DAYS, np.diff(place) <= 1
    else:
        is_news = bool(len(dates)) and through - dates[-1].item() <= dt.timedelta(days=FRESH_DAYS)
        follows = np.busday_count(dates[:-1], dates[1:]) <= 1
    last = dates[np.flatnonzero(~follows)[-1] + 1 :] if not follows.all() else dates
    return tuple(last.tolist()) if is_news and len(last) >= least else ()


def knows(days: Sequence[dt.date], absent: Sequence[dt.date]) -> bool:
    """Whether a school's days reach the last of some absent days."""
    return bool(days) and (not absent or max(days) >= max(absent))
