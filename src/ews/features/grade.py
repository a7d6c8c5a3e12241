"""Grade: where in school a student is."""

import narwhals as nw

from ews.features.catalogue import TARGET_YEAR, feature
from ews.features.columns import flag, target
from ews.student_years import grade_number as place_of_grade

GROUP = "grade"
ENTRY_GRADES = ("KG", "06", "09")
"""Grades in which most students enter a new level of school."""


@feature(unit="number", window=TARGET_YEAR, group=GROUP, phrase="Is in {grade}")
def grade_number() -> nw.Expr:
    """Grade of the target year as a number: pre-kindergarten -1, kindergarten 0, grade 12 is 12."""
    return place_of_grade(target("grade_level")) - 1


@feature(
    unit="flag",
    window=TARGET_YEAR,
    group=GROUP,
    phrase="Is in {grade}, for many students the first year at a new school",
)
def enters_new_level() -> nw.Expr:
    """Whether the grade is one in which most students enter a new level of school: KG, 06, 09."""
    return flag(target("grade_level").is_in(ENTRY_GRADES))
