"""The keystone: one row per student and school year, from that year's records only."""

import narwhals as nw

from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years.columns import KEPT, OF_SHEET, STUDENT_YEARS, opened
from ews.student_years.marks import COUNTED, counted_by_student
from ews.student_years.one_year import OneYear, one_year
from ews.student_years.records import Records
from ews.student_years.sheets import from_sheet
from ews.student_years.stays import enrolled_by_student

_TEXTS = ("student_id", "school_id", "grade_level")


def student_years(
    records: Records, school_year: SchoolYear, policy: Policy, *, through_day: int | None = None
) -> nw.LazyFrame:
    """All counts and patterns of one school year.

    Args:
        records: the ingest; marks lie within stays, and stays of one student do not overlap.
        school_year: the one year computed.
        policy: tells when a year is complete; an open one ends at its last mark.
        through_day: see nothing of any school after its instructional day n; a yearly sheet, which sums up
            a whole year, is then not seen at all.

    Returns:
        One row per student with at least one enrolled day, with the columns of STUDENT_YEARS.

    Raises:
        NotEnoughData: nothing of the year is recorded.
    """
    kept = kept_student_years(records, school_year, policy, through_day=through_day)
    return opened(kept).select(STUDENT_YEARS.column_names)


def kept_student_years(
    records: Records, school_year: SchoolYear, policy: Policy, *, through_day: int | None = None
) -> nw.LazyFrame:
    """The same as `student_years` with the columns of `KEPT`, as closed years are kept.

    Raises:
        NotEnoughData: nothing of the year is recorded.
    """
    year = one_year(records, school_year, policy, through_day)
    daily = None if year is None else _from_days(year, school_year)
    yearly = None if through_day is not None else _from_sheet(records, school_year)
    if daily is not None and yearly is not None:
        others = yearly.join(daily.select("student_id"), on="student_id", how="anti")
        return nw.concat([daily, others], how="vertical")
    for frame in (daily, yearly):
        if frame is not None:
            return frame
    if school_year.ending in records.years_on_sheets:
        raise NotEnoughData(
            f"Of {school_year.label} only a yearly sheet is known, which tells nothing of its first days. "
            "Ask for its term start (after day 0), or ingest daily marks."
        )
    raise NotEnoughData(f"No records of {school_year.label}. Ingest them, or choose another school year.")


def _from_days(year: OneYear, school_year: SchoolYear) -> nw.LazyFrame:
    students, none = enrolled_by_student(year), nw.lit(0).cast(nw.Int64)
    if year.marks is None:
        return _in_order(students.with_columns(none.alias(name) for name in COUNTED), school_year)
    students = students.join(counted_by_student(year.marks), on="student_id", how="left")
    counts = (nw.coalesce(nw.col(name).cast(nw.Int64), none).alias(name) for name in COUNTED)
    return _in_order(students.with_columns(counts), school_year)


def _from_sheet(records: Records, school_year: SchoolYear) -> nw.LazyFrame | None:
    if records.attendance_years is None:
        return None
    rows = records.attendance_years.filter(nw.col("school_year") == school_year.ending)
    return _in_order(from_sheet(rows).rename(OF_SHEET), school_year)


def _in_order(frame: nw.LazyFrame, school_year: SchoolYear) -> nw.LazyFrame:
    """The columns of KEPT, in order and type; what is not known is null."""
    known = set(frame.collect_schema().names())

    def column(name: str) -> nw.Expr:
        if name == "school_year":
            return nw.lit(school_year.ending).cast(nw.Int64).alias(name)
        if name in _TEXTS:
            return nw.col(name)
        return (nw.col(name) if name in known else nw.lit(None)).cast(nw.Int64).alias(name)

    return frame.select(*(column(name) for name in KEPT))
