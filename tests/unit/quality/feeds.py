"""A district of two schools and 120 school days, of which every count is known beforehand."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from ews.home import Home
from ews.sis import ingest
from tests.unit.sis.feeds import write_feed

SCHOOLS = ("ALDER", "BIRCH")
DAYS = 120
STUDENTS = 200
"""The first half in ALDER, the others in BIRCH."""


def school_days(first: date = date(2025, 9, 1), number: int = DAYS) -> list[date]:
    weekdays = (first + timedelta(days=offset) for offset in range(2 * number))
    return [day for day in weekdays if day.isoweekday() < 6][:number]


def name_of(number: int) -> str:
    return f"S{number:03d}"


def school_of(number: int) -> str:
    return SCHOOLS[number * 2 // STUDENTS]


@dataclass
class District:
    """Lines to change before they are written; a student is absent on every tenth day, of which the school knows."""

    calendar: dict[str, list[date]] = field(default_factory=lambda: {school: school_days() for school in SCHOOLS})
    marks: list[tuple[str, str, date, str, str]] = field(
        default_factory=lambda: [
            (name_of(number), school_of(number), day, "excused", "")
            for number in range(STUDENTS)
            for place, day in enumerate(school_days())
            if place % 10 == number % 10
        ]
    )
    stays: list[str] = field(
        default_factory=lambda: [f"{name_of(n)},{school_of(n)},2025-09-01,,05" for n in range(STUDENTS)]
    )

    first_year: bool = False
    """Whether ALDER's calendar has 20 days of 2024-25, too."""

    def taken(self, folder: Path) -> Path:
        """The folder of its tables."""
        earlier = [f"ALDER,{day},2025" for day in school_days(date(2024, 9, 2), 20)] if self.first_year else []
        feed = write_feed(
            folder / "feed", {},
            schools=["school_id", *SCHOOLS],
            calendar=[
                "school_id,date,school_year",
                *earlier,
                *(f"{school},{day},2026" for school, days in self.calendar.items() for day in days),
            ],
            students=["student_id", *map(name_of, range(STUDENTS))],
            enrollments=["student_id,school_id,entry_date,exit_date,grade_level", *self.stays],
            attendance=[
                "student_id,school_id,date,category,absent_share", *(",".join(map(str, mark)) for mark in self.marks),
            ],
        )  # fmt: skip
        return ingest(feed, Home(folder / "home")).folder
