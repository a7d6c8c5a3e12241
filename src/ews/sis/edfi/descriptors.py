"""What Ed-Fi descriptors mean here: a table that ships, and a district's own laid over it."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb

from ews.errors import InvalidPolicy
from ews.sis.edfi.resources import ATTENDANCE, CALENDAR_DATES, DEMOGRAPHICS, ENROLLMENTS, SCHOOLS
from ews.tables import CATEGORIES, GRADES
from ews.tables import SCHOOLS as OUR_SCHOOLS

PRESENT = "present"
PARTIAL = "partial"
INSTRUCTION = "instruction"
NO_INSTRUCTION = "no instruction"

_LEVELS = next(column.allowed for column in OUR_SCHOOLS.columns if column.name == "level")
_MEANINGS: dict[str, tuple[str, ...]] = {
    "AttendanceEventCategoryDescriptor": (*CATEGORIES, PRESENT, PARTIAL),
    "CalendarEventDescriptor": (INSTRUCTION, NO_INSTRUCTION),
    "GradeLevelDescriptor": GRADES,
    "SchoolCategoryDescriptor": _LEVELS,
    "LimitedEnglishProficiencyDescriptor": ("yes", "no"),
}
_SEEN_IN = {
    "AttendanceEventCategoryDescriptor": f"select category as said from {ATTENDANCE.table}",
    "CalendarEventDescriptor": f"select unnest(events) as said from {CALENDAR_DATES.table}",
    "GradeLevelDescriptor": f"select grade as said from {ENROLLMENTS.table}",
    "SchoolCategoryDescriptor": f"select unnest(categories) as said from {SCHOOLS.table}",
    "LimitedEnglishProficiencyDescriptor": f"select proficiency as said from {DEMOGRAPHICS.table}",
}


@dataclass(frozen=True)
class Descriptors:
    """What descriptors mean.

    Attributes:
        meanings: by kind of descriptor and by URI or code value, in small letters.
        sha256: hash of the tables they were read from.
    """

    meanings: Mapping[str, Mapping[str, str]]
    sha256: str

    def meaning(self, kind: str, said: str) -> str | None:
        """What a descriptor means: its whole URI goes before its code value; None where no table tells."""
        known = self.meanings[kind]
        code = said.rpartition("#")[2].strip().lower()
        return known.get(said.strip().lower()) or known.get(code)


def read_descriptors(path: Path | None) -> Descriptors:
    """The table that ships, with a district's own over it.

    Raises:
        InvalidPolicy: no such file, not TOML, or a kind or meaning that is not known; the message names it.
    """
    shipped = (resources.files("ews.sis.edfi") / "descriptors.toml").read_text(encoding="utf-8")
    own = "" if path is None else _own_text(path)
    of_both = [_parse(text) for text in (shipped, own)]
    meanings = {kind: {**of_both[0].get(kind, {}), **of_both[1].get(kind, {})} for kind in _MEANINGS}
    return Descriptors(meanings, hashlib.sha256(f"{shipped}\n{own}".encode()).hexdigest())


def make_meanings(connection: duckdb.DuckDBPyConnection, descriptors: Descriptors) -> dict[str, int]:
    """Make `edfi_meanings` (kind, said, means): every descriptor of the feed that the tables know.

    Returns:
        How often each descriptor came that no table knows, by its name.
    """
    connection.execute("create table edfi_meanings (kind varchar, said varchar, means varchar)")
    unknown: dict[str, int] = {}
    for kind, seen in _SEEN_IN.items():
        for said, times in connection.execute(
            f"select said, count(*) from ({seen}) where said is not null group by said order by said"
        ).fetchall():
            means = descriptors.meaning(kind, said)
            if means is None:
                unknown[said] = unknown.get(said, 0) + times
            else:
                connection.execute("insert into edfi_meanings values (?, ?, ?)", [kind, said, means])
    return unknown


def _own_text(path: Path) -> str:
    if not path.is_file():
        raise InvalidPolicy(f"There is no table of descriptors {path}. Name a TOML file as docs/sources.md shows it.")
    return path.read_text(encoding="utf-8")


def _parse(text: str) -> dict[str, dict[str, str]]:
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"The table of descriptors is not valid TOML: {error}.") from error
    for kind, table in said.items():
        if kind not in _MEANINGS or not isinstance(table, dict):
            raise InvalidPolicy(f"Unknown kind of descriptor {kind!r}. Known: {', '.join(_MEANINGS)}.")
        for name, means in table.items():
            if means not in _MEANINGS[kind]:
                raise InvalidPolicy(f"{name!r} in {kind} must be one of {', '.join(_MEANINGS[kind])}.")
    return {kind: {name.lower(): means for name, means in table.items()} for kind, table in said.items()}
