"""The tables every source ends in: the data contract.

Each table says what one row is, its key, and of each column the meaning, the unit and what null means.
The validator (:mod:`ews.sis.validate`), the simulator and `docs/data-dictionary.md` read these same entries.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "integer", "share", "boolean"]

GRADES = ("PK", "KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")
"""Grade levels in order; promotion is one step to the right."""

LEVELS = ("elementary", "middle", "high", "other")
CATEGORIES = ("excused", "unexcused", "suspension", "tardy", "early_departure")

PRETEND = "pretend-"
"""How the ids of simulated districts begin: there no student is real."""

ID_PATTERN = r"[^\x00-\x1f\x7f/\\]{1,64}"
"""Ids are text, as given (`007` stays `007`); control characters, slashes and over-long ids are refused."""


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Attributes:
        name: the column's name, the same in code, files and pages.
        kind: how its text is read. A share is a number in [0, 1]; an integer is zero or more.
        meaning: one sentence, with the unit.
        null: what an empty cell means; None where empty is refused.
        allowed: the only values taken, where there are few.
        pattern: a regular expression the whole text must match.
    """

    name: str
    kind: Kind
    meaning: str
    null: str | None = None
    allowed: tuple[str, ...] = ()
    pattern: str | None = None


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, its key, its columns.

    Attributes:
        optional: whether a source may leave the whole table out.
    """

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns that a source must have: those whose cells may not be empty."""
        return tuple(column.name for column in self.columns if column.null is None)


def _id(name: str, meaning: str, null: str | None = None) -> Column:
    return Column(name, "text", meaning, null, pattern=ID_PATTERN)


STUDENT_ID = _id("student_id", "The district's id of the student, as text.")
SCHOOL_ID = _id("school_id", "The district's id of the school, as text.")
SCHOOL_YEAR = Column("school_year", "integer", "The school year, named by the year in which it ends.")
GRADE_LEVEL = Column("grade_level", "text", "The grade: PK, KG, 01 to 12.", allowed=GRADES)

SCHOOLS = Table(
    "schools", "a school", ("school_id",),
    (
        SCHOOL_ID,
        Column("name", "text", "The school's name, as people say it.", null="pages show the id"),
        _id("district_id", "The district the school belongs to.", null="a single district"),
        Column("level", "text", "The level of the school.", null="not known", allowed=LEVELS),
    ),
)  # fmt: skip

CALENDAR = Table(
    "calendar", "a school's instructional day", ("school_id", "date"),
    (SCHOOL_ID, Column("date", "date", "A day on which this school has instruction."), SCHOOL_YEAR),
)  # fmt: skip

STUDENTS = Table(
    "students", "a student", ("student_id",),
    (
        STUDENT_ID,
        Column("name", "text", "For pages only; never a feature, never in a log.", null="pages show the id"),
        Column("birth_date", "date", "Date of birth; used only to tell two students apart.", null="not known"),
        _id("household_id", "Students of one household share it.", null="no sibling is known"),
    ),
)  # fmt: skip

ENROLLMENTS = Table(
    "enrollments", "a stay of a student in a school", ("student_id", "school_id", "entry_date"),
    (
        STUDENT_ID,
        SCHOOL_ID,
        Column("entry_date", "date", "First day enrolled, inclusive."),
        Column("exit_date", "date", "Last day enrolled, inclusive.", null="still enrolled"),
        GRADE_LEVEL,
    ),
)  # fmt: skip

ATTENDANCE = Table(
    "attendance", "a mark that differs from present all day", ("student_id", "school_id", "date", "category"),
    (
        STUDENT_ID,
        SCHOOL_ID,
        Column("date", "date", "The instructional day."),
        Column("category", "text", "The kind of mark.", allowed=CATEGORIES),
        Column(
            "absent_share", "share", "Share of the day missed, in [0, 1].",
            null="a whole day for an absence, none for tardy and early departure",
        ),
    ),
)  # fmt: skip

ATTENDANCE_YEARS = Table(
    "attendance_years", "a student's year in a school as a summary, where daily marks do not exist",
    ("student_id", "school_id", "school_year"),
    (
        STUDENT_ID,
        SCHOOL_ID,
        SCHOOL_YEAR,
        GRADE_LEVEL,
        Column("days_enrolled", "integer", "Days enrolled in the year."),
        Column("days_absent", "integer", "Days absent, any reason; at most `days_enrolled`."),
        Column("days_excused", "integer", "Days absent and excused.", null="reasons are not known"),
        Column("days_unexcused", "integer", "Days absent and unexcused.", null="reasons are not known"),
        Column("days_suspended", "integer", "Days absent through suspension.", null="reasons are not known"),
    ),
    optional=True,
)  # fmt: skip


def _attribute(name: str, meaning: str) -> Column:
    return Column(name, "text", f"{meaning} Audited, never a feature.", null="not known")


DEMOGRAPHICS = Table(
    "demographics", "a student's audit attributes in a year", ("student_id", "school_year"),
    (
        STUDENT_ID,
        SCHOOL_YEAR,
        _attribute("race_ethnicity", "Race or ethnicity, in the district's categories."),
        _attribute("gender", "Gender, in the district's categories."),
        _attribute("english_learner", "Whether an English learner: yes or no."),
        _attribute("disability", "Whether served for a disability: yes or no."),
        _attribute("economically_disadvantaged", "Whether economically disadvantaged: yes or no."),
        _attribute("homeless", "Whether in temporary housing: yes or no."),
    ),
    optional=True,
)  # fmt: skip

MENTORING = Table(
    "mentoring", "a mentor's assignment", ("student_id", "start_date"),
    (
        STUDENT_ID,
        Column("start_date", "date", "First day of the assignment."),
        _id("mentor_id", "The mentor."),
        Column("end_date", "date", "Last day of the assignment.", null="still running"),
        Column("offered", "boolean", "Whether it was offered to the family."),
        Column("accepted", "boolean", "Whether the student took it up.", null="not answered yet"),
        Column("contacts", "integer", "Contacts logged so far.", null="not logged"),
    ),
    optional=True,
)  # fmt: skip

MERGES = Table(
    "merges", "a student id that was given up for another, because both were one student", ("student_id",),
    (
        _id("student_id", "The id that was given up; its records count for the other."),
        _id("merged_into", "The id in use now."),
    ),
    optional=True,
)  # fmt: skip

TABLES = (SCHOOLS, CALENDAR, STUDENTS, ENROLLMENTS, ATTENDANCE, ATTENDANCE_YEARS, DEMOGRAPHICS, MENTORING, MERGES)

PROTECTED = tuple(column.name for column in DEMOGRAPHICS.columns if column.name not in DEMOGRAPHICS.key)
"""Attributes that are audited and may never be a feature, a reason or a ranking key."""


def promote(grade_level: str) -> str | None:
    """The grade after this one; None after 12.

    >>> promote("KG"), promote("12")
    ('01', None)
    """
    position = GRADES.index(grade_level) + 1
    return GRADES[position] if position < len(GRADES) else None
