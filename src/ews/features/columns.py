"""The columns a feature may look at: one row per student of the cohort, and nothing from after the as-of point.

`last_…` is the student's last known school year before the target year, `before_…` the known year before that
one, `past_…` sums over all known years, `so_far_…` the target year through the as-of day, and `others_…`
the other students around, the student's own record left out. Null means that there is no such record.
"""

import narwhals as nw

from ews.absence import TEN_THOUSANDTHS, absence_rate

MONTHS = tuple(f"{month:02d}" for month in range(1, 13))


def target(column: str) -> nw.Expr:
    """A column of the cohort: the school and grade of the target year."""
    return nw.col(column)


def last(column: str) -> nw.Expr:
    """A column of the student's last known year."""
    return nw.col(f"last_{column}")


def before(column: str) -> nw.Expr:
    """A column of the known year before the last known one."""
    return nw.col(f"before_{column}")


def past(column: str) -> nw.Expr:
    """A sum over all known years before the target year."""
    return nw.col(f"past_{column}")


def so_far(column: str) -> nw.Expr:
    """A column of the target year through the as-of day."""
    return nw.col(f"so_far_{column}")


def others(around: str, column: str) -> nw.Expr:
    """A sum over the other students around: `school_grade`, `school`, `classmates`, `household` or `months`."""
    return nw.col(f"others_{around}_{column}")


def share(part: nw.Expr, whole: nw.Expr) -> nw.Expr:
    """Part over whole; null where the whole is none or unknown."""
    return absence_rate(part, whole)


def per_hundred_days(count: nw.Expr, days_enrolled: nw.Expr) -> nw.Expr:
    """How often in a hundred enrolled days."""
    return share(count * 100, days_enrolled)


def ratio(count: nw.Expr, expected_ten_thousandths: nw.Expr) -> nw.Expr:
    """A count over what was expected; 1 is as expected, null where nothing was."""
    return share(count * TEN_THOUSANDTHS, expected_ten_thousandths)


def where_enrolled(days: nw.Expr, days_enrolled: nw.Expr) -> nw.Expr:
    """Days of a window, null where the student was not enrolled in any of it."""
    return nw.when(days_enrolled > 0).then(days)


def flag(condition: nw.Expr) -> nw.Expr:
    """1 where true, 0 where false, null where unknown."""
    return condition.cast(nw.Int64)
