"""A small flat feed to break: three schools, sixty students, two weeks of school in 2024 and in 2025-26."""

import csv
from datetime import date, timedelta
from pathlib import Path

from ews.home import Home
from ews.sis import IngestReport, ingest

SCHOOLS = ("ALDER", "BIRCH", "CEDAR")
STUDENTS = tuple(f"{number:03d}" for number in range(1, 61))
"""001 to 020 in ALDER, 021 to 040 in BIRCH, 041 to 060 in CEDAR, in both years."""

FIRST_DAYS = {2024: date(2024, 2, 19), 2026: date(2025, 9, 1)}
"""2023-24 is known from 19 February to 1 March 2024 (a leap day in it), 2025-26 from 1 to 12 September 2025."""

Lines = dict[str, list[str]]


def school_of(student_id: str) -> str:
    return SCHOOLS[(int(student_id) - 1) // 20]


def school_days(year: int) -> list[date]:
    days = (FIRST_DAYS[year] + timedelta(days=offset) for offset in range(12))
    return [day for day in days if day.isoweekday() < 6]


def good_lines() -> Lines:
    """Every table as CSV lines without a fault, the header first."""
    return {
        "schools": ["school_id,name,level", *(f"{school},{school.title()} School,elementary" for school in SCHOOLS)],
        "calendar": [
            "school_id,date,school_year",
            *(f"{school},{day},{year}" for school in SCHOOLS for year in FIRST_DAYS for day in school_days(year)),
        ],
        "students": ["student_id,name,birth_date", *(f"{s},Student {s},2014-05-17" for s in STUDENTS)],
        "enrollments": [
            "student_id,school_id,entry_date,exit_date,grade_level",
            *(
                f"{s},{school_of(s)},{school_days(year)[0]},{school_days(year)[-1]},{grade}"
                for s in STUDENTS
                for year, grade in ((2024, "02"), (2026, "04"))
            ),
        ],
        "attendance": [
            "student_id,school_id,date,category,absent_share",
            *(f"{s},{school_of(s)},{school_days(year)[3]},excused," for s in STUDENTS for year in FIRST_DAYS),
        ],
    }


def write_feed(folder: Path, lines: Lines | None = None, **changed: list[str] | bytes) -> Path:
    """Write the good feed, or `lines`, with some tables changed (lines, or the bytes of the whole file)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**(lines or good_lines()), **changed}.items():
        data = content if isinstance(content, bytes) else "".join(f"{line}\n" for line in content).encode()
        (folder / f"{name}.csv").write_bytes(data)
    return folder


def take(folder: Path, home: Path, **options: object) -> IngestReport:
    """Ingest a feed into a home, as the command line does."""
    there = Home(home)
    with there.locked():
        return ingest(folder, there, **options)  # type: ignore[arg-type]  # options are ingest's own keywords


def listed(report_path: Path) -> list[dict[str, str]]:
    """The rows of a `rejects.csv`."""
    with report_path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its bytes; the lock file is no content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
