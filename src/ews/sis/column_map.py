"""A column map: a TOML that says where a yearly sheet holds what, so that no sheet needs code of its own."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from ews.errors import InvalidPolicy
from ews.tables import ATTENDANCE_YEARS, DEMOGRAPHICS

_YEAR_KEYS = (*ATTENDANCE_YEARS.column_names[1:], "days_present")
_NEEDED = ("school_year", "school_id", "grade_level", "days_absent")
_ATTRIBUTES = DEMOGRAPHICS.column_names[2:]
_TOP_KEYS = ("shape", "student_id", "null_tokens", "demographics", "years", "values")


@dataclass(frozen=True)
class Cell:
    """Where a value stands: in a column of the sheet, or the same in every row."""

    column: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class YearMap:
    """Where one student-year stands in a row of the sheet.

    Attributes:
        cells: for each column of `attendance_years`, and perhaps `days_present`, where it stands.
        demographics: for each audit attribute where it stands.
    """

    cells: Mapping[str, Cell]
    demographics: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMap:
    """How a yearly sheet is read.

    Attributes:
        wide: one row a student, with columns of their own for each year; else one row a student and year.
        student_id: the column with the student's id.
        years: the student-years in one row; one for a long sheet.
        null_tokens: cells that mean "missing", besides the empty cell.
        values: for a column of our tables, what a value of the sheet is called here; others stay as they are.
        sha256: hash of the TOML.
    """

    wide: bool
    student_id: str
    years: tuple[YearMap, ...]
    null_tokens: tuple[str, ...]
    values: Mapping[str, Mapping[str, str]]
    sha256: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the sheet that are read, each once."""
        cells = [cell for year in self.years for cell in (*year.cells.values(), *year.demographics.values())]
        named = [self.student_id, *(cell.column for cell in cells if cell.column is not None)]
        return tuple({name.lower(): name for name in named}.values())


def read_column_map(path: Path) -> ColumnMap:
    """Read a map from a file, or one that ships with the project by its name, as `star`.

    Raises:
        InvalidPolicy: no such map, not TOML, or a key or value that is not known.
    """
    return parse_column_map(map_text(path))


def map_text(path: Path) -> str:
    """The TOML of a map: a file, or one that ships with the project by its name.

    Raises:
        InvalidPolicy: there is no such map; the message names those that ship.
    """
    maps = resources.files("ews.sis") / "maps"
    if path.is_file():
        return _utf8(path)
    if path.name == str(path) and (maps / f"{path}.toml").is_file():
        return (maps / f"{path}.toml").read_text(encoding="utf-8")
    names = sorted(map_.name.removesuffix(".toml") for map_ in maps.iterdir() if map_.name.endswith(".toml"))
    raise InvalidPolicy(
        f"No column map {path}. Name a TOML file, or a map that ships with the project: {', '.join(names)}."
    )


def _utf8(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidPolicy(f"The column map {path} is not written in UTF-8. Save it as UTF-8.") from error


def parse_column_map(text: str) -> ColumnMap:
    """Read a map from TOML text.

    Raises:
        InvalidPolicy: not TOML, or a key or value that is not known; the message names it.
    """
    said = parse_toml(text)
    wide = _shape(said) == "wide"
    check_keys(said, _TOP_KEYS if wide else (*_TOP_KEYS, *_YEAR_KEYS), "the column map")
    years = said.get("years", []) if wide else [{key: said[key] for key in _YEAR_KEYS if key in said}]
    shared = _cells(said.get("demographics", {}), _ATTRIBUTES, "demographics")
    if not isinstance(said.get("student_id"), str) or not isinstance(years, list) or not years:
        raise InvalidPolicy('The column map needs student_id = "COLUMN" and, if wide, a block [[years]] for each year.')
    return ColumnMap(
        wide,
        said["student_id"],
        tuple(_year(year, shared) for year in years),
        tuple(texts(said.get("null_tokens", []))),
        _values(said.get("values", {})),
        hashlib.sha256(text.encode()).hexdigest(),
    )


def parse_toml(text: str) -> dict[str, Any]:
    """The TOML of a map as it is said.

    Raises:
        InvalidPolicy: not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"The column map is not valid TOML: {error}.") from error


def _shape(said: Mapping[str, Any]) -> str:
    if said.get("shape") not in ("wide", "long"):
        raise InvalidPolicy(
            'The column map needs shape = "wide" (a row a student) or "long" (a row a student and year).'
        )
    return str(said["shape"])


def _year(said: Mapping[str, Any], shared: Mapping[str, Cell]) -> YearMap:
    cells = _cells({key: value for key, value in said.items() if key != "demographics"}, _YEAR_KEYS, "years")
    missing = [key for key in _NEEDED if key not in cells]
    if missing:
        raise InvalidPolicy(f"A year of the column map does not say where {missing[0]} stands.")
    if ("days_present" in cells) == ("days_enrolled" in cells):
        raise InvalidPolicy("A year of the column map needs either days_enrolled or days_present, not both.")
    return YearMap(cells, {**shared, **_cells(said.get("demographics", {}), _ATTRIBUTES, "demographics")})


def _cells(said: Any, known: tuple[str, ...], where: str) -> dict[str, Cell]:
    check_keys(said, known, where)
    return {key: _cell(key, value) for key, value in said.items()}


def _cell(key: str, said: Any) -> Cell:
    if isinstance(said, str):
        return Cell(column=said)
    if isinstance(said, dict) and set(said) == {"value"}:
        return Cell(value=str(said["value"]))
    raise InvalidPolicy(f'{key} in the column map must be a column, as {key} = "COLUMN", or {{ value = "…" }}.')


def _values(said: Any) -> dict[str, dict[str, str]]:
    check_keys(said, (*_YEAR_KEYS, *_ATTRIBUTES), "values")
    for name, table in said.items():
        check_keys(table, None, f"values.{name}")
        texts(list(table.values()))
    return {name: dict(table) for name, table in said.items()}


def texts(said: Any) -> list[str]:
    """A list of texts.

    Raises:
        InvalidPolicy: something else.
    """
    if not isinstance(said, list) or not all(isinstance(item, str) for item in said):
        raise InvalidPolicy("null_tokens and values of the column map must be texts in quotes.")
    return said


def check_keys(said: Any, known: Sequence[str] | None, where: str) -> None:
    """Refuse what is no TOML table, or has a key that is not known.

    Raises:
        InvalidPolicy: naming the key and where it stands.
    """
    if not isinstance(said, dict):
        raise InvalidPolicy(f"{where} must be a table with names and values.")
    unknown = sorted(set(said) - set(known)) if known is not None else []
    if unknown:
        raise InvalidPolicy(f"Unknown key {unknown[0]!r} in {where}. Known: {', '.join(known or ())}.")
