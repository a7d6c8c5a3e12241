"""The cohort: the students predicted for a target year, by what was known at the as-of point."""

import narwhals as nw

from ews.engine import once
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import (
    IS_THERE_AT_THE_END,
    OneYear,
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
    (the first at term start), and those on a yearly sheet of it. Where they are not known yet: those enrolled when
    the last known year ended, promoted; who was in grade 12, or left before, is not among them. That is decided
    school by school, as some deliver later than others.

    Returns:
        One row per student: student_id, school_id, grade_level, school_year (the target year).
        Grades below `listed_grades_from` are left out.

    Raises:
        NotEnoughData: neither the target year nor any year before it is known.
    """
    seen, awaited = _seen(records, target_year, policy, max(after_day, 1)), _awaited(records, target_year, policy)
    members = awaited if seen is None else seen
    if members is None:
        raise NotEnoughData(
            f"Neither {target_year.label} nor a year before it is known. Ingest enrolments or attendance of one."
        )
    if seen is not None and awaited is not None:
        members = _with_those_not_known_yet(seen, awaited)
    lowest = GRADES.index(policy.listed_grades_from)
    return members.filter(grade_number(nw.col("grade_level")) >= lowest).select(
        "student_id", "school_id", "grade_level", school_year=nw.lit(target_year.ending).cast(nw.Int64)
    )


def _seen(records: Records, target_year: SchoolYear, policy: Policy, day: int) -> nw.LazyFrame | None:
    """Those enrolled on the day, or on a sheet of the year; None where there is nobody.

    Of two schools that had the day on different dates, a student is in the one entered last.
    """
    year, sheet = one_year(records, target_year, policy, through_day=day), _on_sheet(records, target_year)
    if year is None:
        return sheet
    enrolled = last_stays(year.stays.filter(IS_THERE_AT_THE_END))
    seen = once(_with_others_on_sheet(enrolled, year, sheet))
    return seen if has_rows(seen) else None


def _on_sheet(records: Records, school_year: SchoolYear) -> nw.LazyFrame | None:
    if records.attendance_years is None or school_year.ending not in records.years_on_sheets:
        return None
    return from_sheet(records.attendance_years.filter(nw.col("school_year") == school_year.ending)).select(*_PLACE)


def _with_others_on_sheet(enrolled: nw.LazyFrame, year: OneYear, sheet: nw.LazyFrame | None) -> nw.LazyFrame:
    """Those enrolled, and of those on a sheet who has no stay that would tell more."""
    if sheet is None:
        return enrolled.select(*_PLACE)
    others = sheet.join(year.stays.select("student_id").unique(), on="student_id", how="anti")
    return nw.concat([enrolled.select(*_PLACE), others], how="vertical")


def _awaited(records: Records, target_year: SchoolYear, policy: Policy) -> nw.LazyFrame | None:
    """Those enrolled when the last known year before it ended, promoted in their schools."""
    known = [year for year in known_school_years(records) if year < target_year]
    if not known:
        return None
    years = target_year.ending - known[-1].ending
    return promoted(_at_the_end(records, known[-1], policy), nw.lit(years))


def _at_the_end(records: Records, school_year: SchoolYear, policy: Policy) -> nw.LazyFrame:
    """Students enrolled when a known year ended; on a yearly sheet nobody is known to have left."""
    year, sheet = one_year(records, school_year, policy, through_day=None), _on_sheet(records, school_year)
    if year is None:
        if sheet is None:
            raise NotEnoughData(f"No enrolments of {school_year.label}, though it has marks. Ingest the records anew.")
        return sheet
    return _with_others_on_sheet(last_stays(year.stays).filter(IS_THERE_AT_THE_END), year, sheet)


def _with_those_not_known_yet(seen: nw.LazyFrame, awaited: nw.LazyFrame) -> nw.LazyFrame:
    """Those seen, and of schools whose enrolments are not known yet those awaited there.

    They are not known where more than nine in ten of those awaited are seen nowhere: of a school that closed, or
    sends a grade on, most are seen elsewhere.
    """
    doubtful = _schools_of_which_few_are_seen(seen, awaited)
    if not doubtful:
        return seen
    there = awaited.filter(nw.col("school_id").is_in(doubtful))
    missing = once(there.join(seen.select("student_id"), on="student_id", how="anti"))
    expected, unseen = _by_school(there), _by_school(missing)
    not_known = [school for school, students in unseen.items() if students * 10 > expected[school] * 9]
    return nw.concat([seen, missing.filter(nw.col("school_id").is_in(not_known))], how="vertical")


def _schools_of_which_few_are_seen(seen: nw.LazyFrame, awaited: nw.LazyFrame) -> list[str]:
    """Those with less than half as many seen as awaited: counting by school spares a join of all students."""
    there = _by_school(seen)
    return [school for school, students in _by_school(awaited).items() if there.get(school, 0) * 2 < students]


def _by_school(rows: nw.LazyFrame) -> dict[str, int]:
    counts = rows.group_by("school_id").agg(nw.len().alias("students")).collect("pyarrow").to_native()
    return dict(zip(counts["school_id"].to_pylist(), counts["students"].to_pylist(), strict=True))
