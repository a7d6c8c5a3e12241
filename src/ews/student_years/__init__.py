"""One row per student and school year: the keystone between records and everything predicted from them."""

from ews.student_years.columns import STUDENT_YEARS
from ews.student_years.compute import stays_in, student_years
from ews.student_years.grades import grade_number, promoted
from ews.student_years.history import History, history_as_of, stored_student_years
from ews.student_years.one_year import is_complete, reaches_day
from ews.student_years.records import Records, has_rows, known_school_years, open_records
from ews.student_years.sheets import from_sheet
from ews.student_years.stays import enrolled_by_student

__all__ = [
    "STUDENT_YEARS",
    "History",
    "Records",
    "enrolled_by_student",
    "from_sheet",
    "grade_number",
    "has_rows",
    "history_as_of",
    "is_complete",
    "known_school_years",
    "open_records",
    "promoted",
    "reaches_day",
    "stays_in",
    "student_years",
    "stored_student_years",
]
