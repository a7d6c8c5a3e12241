"""What *absent* and *chronically absent* mean, once, as expressions for any engine.

All comparisons are on exact whole counts and never on rounded rates: 18 of 180 is chronic, 17 is not.
"""

import narwhals as nw

from ews.policy import Policy

TEN_THOUSANDTHS = 10_000
"""A share of a day is kept as whole ten-thousandths, so that halves, thirds and periods add up exactly."""

ABSENCE_CATEGORIES = ("excused", "unexcused", "suspension")
"""Marks that can make a day absent; why a student was away does not matter (EDFacts, Attendance Works)."""

PRESENT_CATEGORIES = ("tardy", "early_departure")
"""Marks of a day on which the student was there; never absences, whatever their share."""

BANDS = ("satisfactory", "at risk", "moderate chronic", "severe chronic")


def is_absent_day(absent_ten_thousandths: nw.Expr) -> nw.Expr:
    """Whether at least half of an enrolled day was missed (EDFacts FS195)."""
    return absent_ten_thousandths * 2 >= TEN_THOUSANDTHS


def absence_rate(days_absent: nw.Expr, days_enrolled: nw.Expr) -> nw.Expr:
    """Days absent over days enrolled, a share in [0, 1]; null where no day was enrolled."""
    return nw.when(days_enrolled > 0).then(days_absent / days_enrolled)


def reaches(percent: int, days_absent: nw.Expr, days_enrolled: nw.Expr, policy: Policy) -> nw.Expr:
    """Whether at least `percent` of the enrolled days were missed; null (unknown) below `min_days_enrolled`."""
    return nw.when(days_enrolled >= policy.min_days_enrolled).then(days_absent * 100 >= days_enrolled * percent)


def is_chronically_absent(days_absent: nw.Expr, days_enrolled: nw.Expr, policy: Policy) -> nw.Expr:
    """Whether a tenth or more of the enrolled days were missed; null (unknown) for too short a stay."""
    return reaches(policy.chronic_percent, days_absent, days_enrolled, policy)


def band(days_absent: nw.Expr, days_enrolled: nw.Expr, policy: Policy) -> nw.Expr:
    """The Attendance Works band, half open from below; null where the status is unknown."""

    def at_least(percent: int) -> nw.Expr:
        return reaches(percent, days_absent, days_enrolled, policy)

    satisfactory, at_risk, moderate, severe = (nw.lit(name) for name in BANDS)
    return (
        nw.when(at_least(policy.severe_percent)).then(severe)
        .otherwise(nw.when(at_least(policy.chronic_percent)).then(moderate)
        .otherwise(nw.when(at_least(policy.at_risk_percent)).then(at_risk)
        .otherwise(nw.when(days_enrolled >= policy.min_days_enrolled).then(satisfactory))))
    )  # fmt: skip
