"""What a row must agree with in the other tables: conditions in SQL, one entry a table.

`t` is the row; a join reads the accepted rows of the tables before it. Students and schools have a `place` in the order
of their ids: marks are many, and numbers instead of texts take a fifth of the memory and of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Condition = tuple[str, str, str]
"""A rule's id, the column that is told, and the SQL condition under which the row breaks the rule."""


@dataclass(frozen=True)
class Relation:
    """What rows of one table are held against.

    Attributes:
        joins: SQL that brings the other tables in; none of them may multiply rows.
        conditions: what is wrong, in the order in which it is told.
        columns: SQL of further columns that the accepted rows carry on.
        without: SQL of columns that they leave behind for those.
        known: by column of ids, the joined table that must know it; it has a `place` for each.
    """

    conditions: tuple[Condition, ...] = ()
    joins: str = ""
    columns: str = ""
    without: str = ""
    known: Mapping[str, str] = field(default_factory=dict)


_STUDENT = "left join accepted_students student on t.student_id = student.student_id\n"
_SCHOOL = "left join accepted_schools school on t.school_id = school.school_id\n"
_NO_STUDENT = ("unknown_student", "student_id", "student.student_id is null")
_NO_SCHOOL = ("unknown_school", "school_id", "school.school_id is null")
_BOTH = {"student_id": "student", "school_id": "school"}
_PLAUSIBLE = "between (select earliest from plausible_dates) and (select latest from plausible_dates)"

RELATIONS = {
    "calendar": Relation(
        (
            _NO_SCHOOL,
            (
                "date_outside_school_year", "date",
                "t.date not between make_date(t.school_year - 1, 6, 1) and make_date(t.school_year, 7, 31)",
            ),
        ),
        _SCHOOL,
        known={"school_id": "school"},
    ),
    "enrollments": Relation(
        (
            _NO_STUDENT,
            _NO_SCHOOL,
            ("exit_before_entry", "exit_date", "t.exit_date < t.entry_date"),
            ("implausible_date", "entry_date", f"t.entry_date not {_PLAUSIBLE}"),
            ("implausible_date", "exit_date", f"t.exit_date not {_PLAUSIBLE}"),
        ),
        _STUDENT + _SCHOOL,
        known=_BOTH,
    ),
    "attendance": Relation(
        (
            _NO_STUDENT,
            _NO_SCHOOL,
            ("date_outside_known_years", "date", "day.date is null"),
            ("non_instructional_day", "date", "day.day_index is null"),
            ("outside_enrollment", "date", "stay.student_place is null"),
        ),
        _STUDENT + _SCHOOL
        + "left join placed_days day on school.place = day.school_place and t.date = day.date\n"
        + "left join enrolled_years stay on student.place = stay.student_place and school.place = stay.school_place\n"
        + "and day.school_year = stay.school_year and t.date between stay.since and stay.until\n",
        ", student.place as student_place, school.place as school_place, try_cast(t.category as categories) as category"
        ", day.school_year, day.day_index, day.days_left, day.is_before_break",
        without=", student_id, school_id, category",
        known=_BOTH,
    ),
    "merges": Relation(
        (("chained_merge", "merged_into", "given_up.student_id is not null"),),
        "left join (select distinct student_id from source_merges) given_up on t.merged_into = given_up.student_id\n",
    ),
    "students": Relation(
        (
            ("merged_id", "student_id", "merge.student_id is not null"),
            ("reused_id", "student_id", "t.name <> before.name and t.birth_date <> before.birth_date"),
        ),
        "left join accepted_merges merge on t.student_id = merge.student_id\n"
        "left join students_before before on t.student_id = before.student_id\n",
        ", (row_number() over (order by t.student_id))::integer as place",
    ),
    "schools": Relation(columns=", (row_number() over (order by t.school_id))::integer as place"),
    "attendance_years": Relation(
        (
            _NO_STUDENT,
            _NO_SCHOOL,
            ("no_enrolled_days", "days_enrolled", "t.days_enrolled = 0"),
            ("more_days_than_a_year", "days_enrolled", "t.days_enrolled > 366"),
            ("more_absent_than_enrolled", "days_absent", "t.days_absent > t.days_enrolled"),
            (
                "reasons_exceed_absences", "days_absent",
                "coalesce(t.days_excused, 0) + coalesce(t.days_unexcused, 0) + coalesce(t.days_suspended, 0)"
                " > t.days_absent",
            ),
            ("daily_marks_exist", "school_year", "daily.school_id is not null"),
        ),
        _STUDENT + _SCHOOL
        + "left join daily_years daily on t.school_id = daily.school_id and t.school_year = daily.school_year\n",
        known=_BOTH,
    ),
    "demographics": Relation((_NO_STUDENT,), _STUDENT, known={"student_id": "student"}),
    "mentoring": Relation(
        (_NO_STUDENT, ("end_before_start", "end_date", "t.end_date < t.start_date")), _STUDENT,
        known={"student_id": "student"},
    ),
}  # fmt: skip
"""What each table is held against; a table without an entry stands for itself."""
