"""The cohort: the students predicted for a target year, by what was known at the as-of point."""

import narwhals as nw

from ews.engine import once
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import (
    IS_THERE_AT_THE_END,
    Records,
    from_sheet,
    grade_number,
    has_rows,
    known_school_years,
    last_stays,
    one_year,
    promoted,
)
from ews.tables import GRADES

_PLACE = ("student_id", "school_id", "grade_level")


def cohort(records: Records, target_year: SchoolYear, policy: Policy, *, after_day: int = 0) -> nw.LazyFrame:
    """The students predicted for the target year.

    Where the target year's enrolments are known: those enrolled on their school's instructional day n
    (the first at term start). Where a yearly sheet has the target year: those on it. Otherwise those enrolled
    when the last known year ended, promoted; who was in grade 12, or left before, is not among them.

    Returns:
        One row per student: student_id, school_id, grade_level, school_year (the target year).
        Grades below `listed_grades_from` are left out.

    Raises:
        NotEnoughData: neither the target year nor any year before it is known.
    """
    members = _enrolled(records, target_year, policy, max(after_day, 1))
    if members is None:
        members = _on_sheet(records, target_year)
    if members is None:
        members = _promoted(records, target_year, policy)
    lowest = GRADES.index(policy.listed_grades_from)
    return members.filter(grade_number(nw.col("grade_level")) >= lowest).select(
        "student_id", "school_id", "grade_level", school_year=nw.lit(target_year.ending).cast(nw.Int64)
    )


def _enrolled(records: Records, target_year: SchoolYear, policy: Policy, day: int) -> nw.LazyFrame | None:
    """Students enrolled on the day; of two schools that had it on different dates, the one entered last."""
    year = one_year(records, target_year, policy, through_day=day)
    if year is None:
        return None
    on_the_day = once(last_stays(year.stays.filter(IS_THERE_AT_THE_END)).select(*_PLACE))
    return on_the_day if has_rows(on_the_day) else None


def _on_sheet(records: Records, school_year: SchoolYear) -> nw.LazyFrame | None:
    if records.attendance_years is None or school_year.ending not in records.years_on_sheets:
        return None
    return from_sheet(records.attendance_years.filter(nw.col("school_year") == school_year.ending))


def _promoted(records: Records, target_year: SchoolYear, policy: Policy) -> nw.LazyFrame:
    known = [year for year in known_school_years(records) if year < target_year]
    if not known:
        raise NotEnoughData(
            f"Neither {target_year.label} nor a year before it is known. Ingest enrolments or attendance of one."
        )
    years = target_year.ending - known[-1].ending
    return promoted(_at_the_end(records, known[-1], policy), nw.lit(years))


def _at_the_end(records: Records, school_year: SchoolYear, policy: Policy) -> nw.LazyFrame:
    """Students enrolled when a known year ended; on a yearly sheet nobody is known to have left."""
    year, sheet = one_year(records, school_year, policy, through_day=None), _on_sheet(records, school_year)
    if year is None:
        if sheet is None:
            raise NotEnoughData(f"No enrolments of {school_year.label}, though it has marks. Ingest the records anew.")
        return sheet
    stayed = last_stays(year.stays).filter(IS_THERE_AT_THE_END).select(*_PLACE)
    if sheet is None:
        return stayed
    others = sheet.join(year.stays.select("student_id").unique(), on="student_id", how="anti")
    return nw.concat([stayed, others.select(*_PLACE)], how="vertical")
