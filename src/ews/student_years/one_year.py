"""The daily records of one school year, cut at the point through which they are to be seen."""

import datetime as dt
from dataclasses import dataclass

import narwhals as nw

from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years.records import Records, marks_of, values
from ews.tallies import LAST_WINDOWS, OF_DAYS, mark_tallies

_WHILE_WHOLE = (*OF_DAYS, "is_first_stay", "is_last_stay")
"""What ingest stored with a stay that holds only while nothing of its year is cut off."""


@dataclass(frozen=True)
class OneYear:
    """What is seen of one school year; nothing dated after the cut is in it.

    Attributes:
        days: the instructional days that count, with `days_left` of those that count.
        stays: the stays with at least one of these days, `first_index` and `last_index` among them, and
            `instructional_days`, how many of the school's days count; a stay that goes on after the cut ends with it.
            Of a year that is not cut, also what their days add (`ews.tallies`), and which is first and last.
        marks: the marks on those days; None where the year has no mark at all.
    """

    days: nw.LazyFrame
    stays: nw.LazyFrame
    marks: nw.LazyFrame | None


def one_year(records: Records, school_year: SchoolYear, policy: Policy, through_day: int | None) -> OneYear | None:
    """The year through day n of each school, or all that is recorded of it.

    An open year ends at its last mark: the days after it are not yet known to be days of presence. None without daily
    records, and of a year without a mark where no day is named; through a named day, those are days of presence, so
    ask `reaches_day` first.
    """
    if records.calendar is None or records.stays is None or school_year.ending not in records.dates_of_years:
        return None
    days = _of(records.calendar, school_year)
    stays = _with_length(_of(records.stays, school_year), days)
    marks = marks_of(records, school_year)
    if through_day is not None:
        return _through_day(OneYear(days, stays, marks), through_day)
    reached = last_mark(records, school_year)
    if reached is None:
        return None
    year = OneYear(days, stays, marks)
    return year if is_complete(records, school_year, policy) else _through_date(year, reached)


def _with_length(stays: nw.LazyFrame, days: nw.LazyFrame) -> nw.LazyFrame:
    """The stays with their school's `instructional_days`, which older ingests did not store with them."""
    return stays if "instructional_days" in stays.collect_schema().names() else stays.join(_ends(days), on="school_id")


def _ends(days: nw.LazyFrame) -> nw.LazyFrame:
    return days.group_by("school_id").agg(nw.col("day_index").max().cast(nw.Int64).alias("instructional_days"))


def _through_day(year: OneYear, last_day: int) -> OneYear:
    """Cut after each school's instructional day n, or its last one: a day or mark tells by itself how many follow."""
    seen = nw.col("day_index") <= last_day
    index = nw.col("day_index").cast(nw.Int64)
    left = nw.min_horizontal(nw.lit(last_day), index + nw.col("days_left")) - index
    marks = None if year.marks is None else year.marks.filter(seen).with_columns(days_left=left)
    stays = year.stays.with_columns(instructional_days=nw.min_horizontal(nw.lit(last_day), "instructional_days"))
    return _cut(year.days.filter(seen).with_columns(days_left=left), stays, marks)


def _through_date(year: OneYear, last_date: dt.date) -> OneYear:
    seen = nw.col("date") <= nw.lit(last_date)
    days = year.days.filter(seen)
    ends = _ends(days)
    marks = None if year.marks is None else _counted_to(year.marks.filter(seen), ends)
    return _cut(_counted_to(days, ends), year.stays.drop("instructional_days").join(ends, on="school_id"), marks)


def _counted_to(rows: nw.LazyFrame, ends: nw.LazyFrame) -> nw.LazyFrame:
    """Days or marks with `days_left` counted to where the school's days end now."""
    left = nw.col("instructional_days") - nw.col("day_index").cast(nw.Int64)
    return rows.join(ends, on="school_id").with_columns(days_left=left).drop("instructional_days")


def _cut(days: nw.LazyFrame, stays: nw.LazyFrame, marks: nw.LazyFrame | None) -> OneYear:
    """The year as if nothing had been recorded after the cut: what lies among the last days lies elsewhere then."""
    end = nw.col("instructional_days")
    begun = stays.drop(_WHILE_WHOLE, strict=False).filter(nw.col("first_index") <= end)
    ended = begun.with_columns(last_index=nw.min_horizontal("last_index", end))
    if marks is not None:
        marks = marks.with_columns(mark_tallies()[LAST_WINDOWS].alias(LAST_WINDOWS))
    return OneYear(days, ended, marks)


def is_complete(records: Records, school_year: SchoolYear, policy: Policy) -> bool:
    """Whether the year's records reach its end, so that its outcomes may be learned from.

    A yearly sheet is complete by nature. Daily records are when at most `closed_year_slack_days`
    instructional days of the district's calendar follow the last mark.
    """
    dates, reached = records.dates_of_years.get(school_year.ending), last_mark(records, school_year)
    if dates is None or reached is None:
        return school_year.ending in records.years_on_sheets
    return sum(date > reached for date in dates) <= policy.closed_year_slack_days


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
    marks = marks_of(records, school_year)
    return None if marks is None else values(marks.select(nw.col("date").max()))[0]


def _of(frame: nw.LazyFrame, school_year: SchoolYear) -> nw.LazyFrame:
    return frame.filter(nw.col("school_year") == school_year.ending)
