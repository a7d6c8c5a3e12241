"""Who can mentor, as data: a district's file of mentors, and how many students each can take on a day.

A file is CSV with a line a mentor, lists within a cell separated by `;`, or TOML with a `[[mentor]]` table each.
"""

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ews.errors import InputRefused
from ews.school_year import day_text
from ews.tables import GRADES

USUAL_CAP: Mapping[str, int] = MappingProxyType({"staff": 5, "external": 15, "peer": 1})
"""Students of a mentor whose file names no `caseload_cap`, by kind (MEN-1)."""

MOST_CAP = 20
"""No mentor has more students than this, whatever a file says."""

LISTS = ("schools", "grade_levels", "languages", "interests", "times")
DATES = ("screened_on", "trained_on", "starts_on", "ends_on", "away_from", "away_until")
COLUMNS = ("mentor_id", "name", "kind", "caseload_cap", *LISTS, "weekly_hours", *DATES, "login")
NEEDED = ("mentor_id", "name", "kind", "schools", "starts_on")


@dataclass(frozen=True)
class Mentor:
    """One mentor.

    Attributes:
        mentor_id: the district's name of the mentor.
        name: as people say it.
        kind: staff, external or peer.
        cap: the most students at a time, 0 to 20.
        schools: ids of the schools the mentor comes to.
        starts_on: first day.
        ends_on: last day, inclusive; None: open.
        grade_levels: grades the mentor works with; empty: every grade.
        languages: as the district writes them, lower case, best as BCP 47 codes.
        interests: short words, lower case.
        times: when the mentor can meet, short words as the district uses them, lower case; empty: any time.
        weekly_hours: None: not told.
        screened_on: None: not screened, and has no slots.
        trained_on: None: not trained.
        away_from: first day of a leave; None: none.
        away_until: its last day, inclusive; None where a leave began: not known.
        login: of the mentor's account; empty: has none.
    """

    mentor_id: str
    name: str
    kind: str
    cap: int
    schools: tuple[str, ...]
    starts_on: date
    ends_on: date | None = None
    grade_levels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    weekly_hours: float | None = None
    screened_on: date | None = None
    trained_on: date | None = None
    away_from: date | None = None
    away_until: date | None = None
    login: str = ""

    def why_no_slots(self, on: date) -> str:
        """Why the mentor can take nobody on a day, in words that follow a name; empty: can."""
        if self.screened_on is None or self.screened_on > on:
            return "is not screened yet"
        if on < self.starts_on:
            return f"starts on {day_text(self.starts_on)}"
        if self.ends_on is not None and self.ends_on < on:
            return f"stopped mentoring on {day_text(self.ends_on)}"
        if self.away_from is not None and self.away_from <= on and (self.away_until is None or on <= self.away_until):
            return "is on leave" + (f" until {day_text(self.away_until)}" if self.away_until else "")
        return "" if self.cap else "takes nobody (caseload_cap is 0)"

    def slots(self, on: date) -> int:
        """Students the mentor can have on a day, those already there included."""
        return 0 if self.why_no_slots(on) else self.cap


def read_mentors(path: Path) -> list[Mentor]:
    """The mentors in a CSV or TOML file, sorted by `mentor_id`.

    Raises:
        InputRefused: it cannot be read, or a mentor cannot be taken as written: which line, which column, what to do.
            Nothing of it is taken then.
    """
    lines = _of_toml(path) if path.suffix == ".toml" else _of_csv(path)
    found = [_mentor(Cells(where, cells)) for where, cells in lines]
    _refuse_repeats([mentor.mentor_id for mentor in found], "mentor_id")
    _refuse_repeats([mentor.login for mentor in found if mentor.login], "login")
    return sorted(found, key=lambda mentor: mentor.mentor_id)


@dataclass(frozen=True)
class Cells:
    """One line of a file, read cell by cell.

    Attributes:
        where: which line it is, for whoever mends it.
        values: text by column; a missing column is an empty cell.
    """

    where: str
    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """The cell's text without blanks around it; empty: nothing stands there."""
        return self.values.get(name, "").strip()

    def needed(self, name: str) -> str:
        """The cell's text, which may not be empty.

        Raises:
            InputRefused: it is.
        """
        return self.text(name) or self.refuse(name, "is empty. Fill it in, or take the line out.")

    def items(self, name: str) -> tuple[str, ...]:
        """The cell's list, each item once."""
        return tuple(dict.fromkeys(item.strip() for item in self.text(name).split(";") if item.strip()))

    def day(self, name: str) -> date | None:
        """The cell's date; None for an empty cell.

        Raises:
            InputRefused: it is none.
        """
        try:
            return date.fromisoformat(self.text(name)) if self.text(name) else None
        except ValueError:
            return self.refuse(name, "is no date. Write it as 2026-08-24.")

    def number(self, name: str) -> float | None:
        """The cell's number; None for an empty cell.

        Raises:
            InputRefused: it is none, or below zero.
        """
        try:
            number = float(self.text(name)) if self.text(name) else None
        except ValueError:
            return self.refuse(name, "is no number.")
        if number is not None and not 0 <= number < 1_000:
            return self.refuse(name, "is below zero or beyond reason. A number of students or hours is 0 or more.")
        return number

    def refuse(self, name: str, words: str) -> Any:
        """Say what is wrong with a cell.

        Raises:
            InputRefused: always.
        """
        raise InputRefused(f"{self.where}, {name}: {words} Nothing was taken from the file.")


def csv_lines(path: Path, known: Sequence[str], needed: Iterable[str]) -> list[tuple[str, Mapping[str, str]]]:
    """Lines of a CSV file with where each is, for `Cells`.

    Raises:
        InputRefused: not CSV in UTF-8, a needed column is missing, or a column is not known.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, restval="", restkey="")
            _refuse_columns(path.name, reader.fieldnames or (), known, needed)
            return [(f"Line {reader.line_num} of {path.name}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputRefused(f"{path.name} cannot be read as CSV in UTF-8.") from None


def _of_csv(path: Path) -> list[tuple[str, Mapping[str, str]]]:
    return csv_lines(path, COLUMNS, NEEDED)


def _of_toml(path: Path) -> list[tuple[str, Mapping[str, str]]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("mentor", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise InputRefused(f"{path.name} cannot be read as TOML.") from None
    for table in tables:
        _refuse_columns(path.name, list(table), COLUMNS, NEEDED)
    return [
        (f"Mentor {number} of {path.name}", {name: _as_text(value) for name, value in table.items()})
        for number, table in enumerate(tables, start=1)
    ]


def _as_text(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)


def _refuse_columns(name: str, columns: Sequence[str], known: Sequence[str], needed: Iterable[str]) -> None:
    missing, odd = [one for one in needed if one not in columns], [one for one in columns if one not in known]
    if missing:
        raise InputRefused(f"{name} has no {' or '.join(missing)}. Add the column.")
    if odd:
        raise InputRefused(f"{name} has columns that are not known: {len(odd)}. Known are: {', '.join(known)}.")


def _mentor(cells: Cells) -> Mentor:
    kind = cells.needed("kind")
    if kind not in USUAL_CAP:
        cells.refuse("kind", f"must be one of: {', '.join(USUAL_CAP)}.")
    lower: dict[str, Any] = {
        name: tuple(word.lower() for word in cells.items(name)) for name in ("languages", "interests", "times")
    }
    days = {name: cells.day(name) for name in DATES if name != "starts_on"}
    return Mentor(
        mentor_id=cells.needed("mentor_id"),
        name=cells.needed("name"),
        kind=kind,
        cap=_cap(cells, kind),
        schools=cells.items("schools") or cells.refuse("schools", "is empty. Name the school ids, separated by ;"),
        starts_on=cells.day("starts_on") or cells.refuse("starts_on", "is empty. Write the first day."),
        grade_levels=_grades(cells),
        weekly_hours=cells.number("weekly_hours"),
        login=cells.text("login").lower(),
        **lower,
        **_in_order(cells, days),
    )


def _cap(cells: Cells, kind: str) -> int:
    number = cells.number("caseload_cap")
    if number is None:
        return USUAL_CAP[kind]
    if number != int(number) or number > MOST_CAP:
        cells.refuse("caseload_cap", f"must be a whole number, 0 to {MOST_CAP}: nobody can do more for each of them.")
    return int(number)


def _grades(cells: Cells) -> tuple[str, ...]:
    grades = cells.items("grade_levels")
    if set(grades) - set(GRADES):
        cells.refuse("grade_levels", f"holds what is no grade. Grades are: {', '.join(GRADES)}.")
    return grades


def _in_order(cells: Cells, days: dict[str, date | None]) -> dict[str, Any]:
    away_from, away_until = days["away_from"], days["away_until"]
    if away_until is not None and (away_from is None or away_until < away_from):
        cells.refuse("away_until", "is before away_from, or stands alone. A leave has a first day.")
    return days


def _refuse_repeats(values: Sequence[str], name: str) -> None:
    if len(set(values)) != len(values):
        raise InputRefused(f"The file has a {name} twice. Each mentor stands in one line. Nothing was taken from it.")
