"""The daily records of one school year, cut at the point through which they are to be seen."""

import datetime as dt
from dataclasses import dataclass

import narwhals as nw

from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years.records import Records, has_rows, values


@dataclass(frozen=True)
class OneYear:
    """What is seen of one school year; nothing dated after the cut is in `days` or `marks`.

    Attributes:
        days: the instructional days that count.
        marks: the marks on those days; None where the ingest has no mark at all.
        enrollments: all stays; an exit after the last of `days` counts as staying on.
        all_days: the calendar of all years, to tell in which one a stay began.
    """

    days: nw.LazyFrame
    marks: nw.LazyFrame | None
    enrollments: nw.LazyFrame
    all_days: nw.LazyFrame


def one_year(records: Records, school_year: SchoolYear, policy: Policy, through_day: int | None) -> OneYear | None:
    """The year through day n of each school, or all that is recorded of it; None without daily records.

    An open year ends at its last mark: the days after it are not yet known to be days of presence.
    """
    if records.calendar is None or records.enrollments is None or not has_rows(_of(records.calendar, school_year)):
        return None
    until = None if through_day is None else nw.col("day_index") <= through_day
    if through_day is None and not is_complete(records, school_year, policy):
        reached = last_mark(records, school_year)
        if reached is None:
            return None
        until = nw.col("date") <= nw.lit(reached)
    days = _of(records.calendar, school_year)
    marks = None if records.marks is None else _of(records.marks, school_year)
    if until is not None:
        days, marks = days.filter(until), None if marks is None else marks.filter(until)
    return OneYear(days, marks, records.enrollments, records.calendar)


def is_complete(records: Records, school_year: SchoolYear, policy: Policy) -> bool:
    """Whether the year's records reach its end, so that its outcomes may be learned from.

    A yearly sheet is complete by nature. Daily records are when at most `closed_year_slack_days`
    instructional days of the district's calendar follow the last mark.
    """
    if records.calendar is None or not has_rows(_of(records.calendar, school_year)):
        return records.attendance_years is not None and has_rows(_of(records.attendance_years, school_year))
    reached = last_mark(records, school_year)
    if reached is None:
        return False
    after = _of(records.calendar, school_year).filter(nw.col("date") > nw.lit(reached))
    return len(values(after.select("date").unique())) <= policy.closed_year_slack_days


def reaches_day(records: Records, school_year: SchoolYear, day: int) -> bool:
    """Whether the year's marks go on through instructional day n of nine in ten of its schools, or to a year's end.

    Where they do not, days of which nothing is recorded yet would count as days of presence.
    """
    reached = last_mark(records, school_year)
    if reached is None or records.calendar is None:
        return False
    until = _of(records.calendar, school_year).filter(nw.col("day_index") <= day)
    ends = values(until.group_by("school_id").agg(nw.col("date").max()).select("date"))
    return sum(end <= reached for end in ends) * 10 >= len(ends) * 9


def last_mark(records: Records, school_year: SchoolYear) -> dt.date | None:
    """The date of the year's last mark: how far its daily records reach; None without marks."""
    return None if records.marks is None else values(_of(records.marks, school_year).select(nw.col("date").max()))[0]


def _of(frame: nw.LazyFrame, school_year: SchoolYear) -> nw.LazyFrame:
    return frame.filter(nw.col("school_year") == school_year.ending)
