"""Outcomes: what the target year's attendance turned out to be. Features never import this module."""

import narwhals as nw

from ews.absence import absence_rate, is_chronically_absent, reaches
from ews.policy import Policy


def labels(student_years_of_target: nw.LazyFrame, policy: Policy) -> nw.LazyFrame:
    """The outcomes of one complete school year.

    Args:
        student_years_of_target: `student_years` of the target year, through its end, as kept or opened.
        policy: the thresholds.

    Returns:
        One row per student and school year: student_id, school_year, outcome_days_enrolled,
        outcome_days_absent, outcome_rate (a share), outcome_is_chronic, and `outcome_reaches_08` … for each of
        `threshold_percents`. Truth values are null (unknown) below `min_days_enrolled`.
    """
    absent, enrolled = nw.col("days_absent"), nw.col("days_enrolled")
    return student_years_of_target.select(
        "student_id",
        "school_year",
        outcome_days_enrolled=enrolled,
        outcome_days_absent=absent,
        outcome_rate=absence_rate(absent, enrolled),
        outcome_is_chronic=is_chronically_absent(absent, enrolled, policy),
        **{
            f"outcome_reaches_{percent:02d}": reaches(percent, absent, enrolled, policy)
            for percent in policy.threshold_percents
        },
    )
