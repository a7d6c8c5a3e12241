"""Two consecutive absences: what a mentor and the team are told at once (MEN-7)."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

ALERT_DAYS = 2
"""Absent school days in a row that are told at once."""

FRESH_DAYS = 7
"""Calendar days after which a run of absences is no news any more."""


def absences_in_a_row(absent: Sequence[dt.date], through: dt.date, *, least: int = ALERT_DAYS) -> tuple[dt.date, ...]:
    """The latest absent days in a row, if they are as many and news; empty otherwise.

    In a row are days with no weekday between them: a day off that lies between two of them is taken for a day at
    school, so nothing is told too much.

    Args:
        absent: absent days, in any order.
        through: the last day that records tell of.
        least: how many days count.
    """
    days = np.unique(np.array(absent, dtype="datetime64[D]"))
    if not len(days) or through - days[-1].item() > dt.timedelta(days=FRESH_DAYS):
        return ()
    follows = np.busday_count(days[:-1], days[1:]) <= 1
    breaks = np.flatnonzero(~follows)
    last = days[breaks[-1] + 1 :] if len(breaks) else days
    return tuple(last.tolist()) if len(last) >= least else ()
