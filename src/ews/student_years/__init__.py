"""One row per student and school year: the keystone between records and everything predicted from them."""

from ews.student_years.columns import STUDENT_YEARS, opened
from ews.student_years.compute import student_years
from ews.student_years.grades import grade_number, promoted
from ews.student_years.history import History, history_as_of, kept_beside, one_student_year, stored_student_years
from ews.student_years.one_year import OneYear, is_complete, last_mark, one_year, reaches_day
from ews.student_years.records import Records, has_rows, known_school_years, open_records
from ews.student_years.sheets import from_sheet
from ews.student_years.stays import IS_THERE_AT_THE_END, last_stays

__all__ = [
    "IS_THERE_AT_THE_END",
    "STUDENT_YEARS",
    "History",
    "OneYear",
    "Records",
    "from_sheet",
    "grade_number",
    "has_rows",
    "history_as_of",
    "is_complete",
    "kept_beside",
    "known_school_years",
    "last_mark",
    "last_stays",
    "one_student_year",
    "one_year",
    "open_records",
    "opened",
    "promoted",
    "reaches_day",
    "student_years",
    "stored_student_years",
]
