"""Context: the school and grade around a student, the student's own record left out.

For a student without history, as in kindergarten, this is what is known. A group of fewer than ten other
students tells too little, and could tell about one of them: it counts as unknown.
"""

import narwhals as nw

from ews.features.catalogue import LAST_YEAR, feature
from ews.features.columns import others, share

GROUP = "school and grade"
MIN_OTHERS = 10


def rate_of_others(around: str) -> nw.Expr:
    """Share of enrolled days that the other students around missed; null for fewer than ten."""
    rate = share(others(around, "days_absent"), others(around, "days_enrolled"))
    return nw.when(others(around, "students") >= MIN_OTHERS).then(rate)


def chronic_share_of_others(around: str) -> nw.Expr:
    """Share of the other students around, of known status, who were chronic; null for fewer than ten."""
    chronic = share(others(around, "chronic"), others(around, "known"))
    return nw.when(others(around, "known") >= MIN_OTHERS).then(chronic)


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Students in {grade} at this school missed {school_grade_rate} of every 100 days in the last known year"
    "[ (typical in this district: {typical:school_grade_rate})]",
    looks_at_list=True,
)
def school_grade_rate() -> nw.Expr:
    """Share of days missed by those who were in the student's new grade at this school in its last known year."""
    return rate_of_others("school_grade")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Of every 100 students in {grade} at this school, {school_grade_chronic_share} missed"
    " at least {chronic_percent} of every 100 days in the last known year"
    "[ (typical in this district: {typical:school_grade_chronic_share})]",
    looks_at_list=True,
)
def school_grade_chronic_share() -> nw.Expr:
    """Share of those students who were chronically absent."""
    return chronic_share_of_others("school_grade")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    direction=1,
    phrase="Students at this school missed {school_rate} of every 100 days in the last known year"
    "[ (typical in this district: {typical:school_rate})]",
    looks_at_list=True,
)
def school_rate() -> nw.Expr:
    """Share of days missed by the other students of this school, in its last known year."""
    return rate_of_others("school")


@feature(
    unit="share",
    window=LAST_YEAR,
    group=GROUP,
    untold="It speaks either way: the same days missed say more of a student whose classmates missed few.",
)
def classmates_rate() -> nw.Expr:
    """Share of days missed by the other students of the grade and school the student was in, in that year."""
    return rate_of_others("classmates")
