"""A column map of a flat folder: a TOML that says which file and column holds what, so that no export needs code.

Every key is in docs/your-data.md. What a map does not say is looked for under its own name.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ews.errors import InvalidPolicy
from ews.sis.column_map import check_keys, map_text, parse_toml, texts
from ews.sis.files import ENCODINGS, Dialect
from ews.tables import CATEGORIES, TABLES, Column, Table

ISO = "YYYY-MM-DD"
PRESENT = "present"
"""What a map calls a mark that says no more than that the student was there: its row is no record."""

USUAL_GRADES = {
    **dict.fromkeys(("PK", "P3", "P4", "PS", "PreK", "PREK", "-1", "-2"), "PK"),
    **dict.fromkeys(("KG", "K", "KF", "KN", "K5", "0", "00"), "KG"),
    **{f"{number}": f"{number:02d}" for number in range(1, 13)},
    **{f"{number:02d}": f"{number:02d}" for number in range(1, 13)},
}
"""What `values.grade_level = "usual"` stands for."""

_DIALECT = ("encoding", "delimiter", "quote", "escape")
_SETTINGS = (*_DIALECT, "date_format", "null_tokens", "trim")
_TABLE_KEYS = (*_SETTINGS, "file", "where", "rows", "marks")
_FROM = {"school_year": "date", "date": "headers", "category": "cells", "school_id": "schools"}
_DATE_WORDS = {"YYYY": "%Y", "YY": "%y", "MMM": "%b", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d",
               "hh": "%H", "mm": "%M", "ss": "%S"}  # fmt: skip
_DATE_WORD = re.compile(r"YYYY|YY|MMM|MM|M|DD|D|hh|mm|ss|[-/., :T]")


@dataclass(frozen=True)
class Given:
    """Where a value stands.

    Attributes:
        column: the file's column.
        value: the same text in every row, where there is no column.
        taken_from: where it is worked out: `date` (the school year a date is in), `headers` and `cells` (a register
            with a column a day), `schools` (a row for each school).
        add_days: days added to a date; -1 where a file's exit date is the first day away.
        divide_by: what a share is divided by: 420 where a file has minutes missed of 420.
    """

    column: str | None = None
    value: str | None = None
    taken_from: str | None = None
    add_days: int = 0
    divide_by: float | None = None


Where = Mapping[str, tuple[str, ...]]
"""Columns of the file, and the texts that a row must have in them to be meant."""


@dataclass(frozen=True)
class MarkMap:
    """One kind of mark in a file that tells kinds apart by columns: rows that are meant, and the cells they give."""

    cells: Mapping[str, Given]
    where: Where


@dataclass(frozen=True)
class TableMap:
    """Where the rows of one of our tables stand.

    Attributes:
        table: the table.
        file: a file name or pattern (`attendance_*.csv`); None for the table's own name.
        cells: by column of the table, where it stands.
        where: rows that are meant.
        marks: kinds of mark told apart by columns; a row gives a mark for each that it meets.
        distinct: equal rows are one.
        dialect: how its CSV is written.
        date_format: how its dates are written, as `M/D/YYYY`.
        null_tokens: texts that mean *missing*, besides the empty cell: of every column ("") and of single ones.
        trim: spaces around cells are no part of them.
    """

    table: Table
    file: str | None = None
    cells: Mapping[str, Given] = field(default_factory=dict)
    where: Where = field(default_factory=dict)
    marks: tuple[MarkMap, ...] = ()
    distinct: bool = False
    dialect: Dialect = Dialect()
    date_format: str = ISO
    null_tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trim: bool = False


@dataclass(frozen=True)
class FlatMap:
    """How a flat folder is read.

    Attributes:
        tables: by table of ours, where it stands; a table that is not here stands in its own file.
        values: for a column of our tables, what a text of the files is called here; others stay as they are.
        sha256: hash of the TOML; "" where there is none.
    """

    tables: Mapping[str, TableMap]
    values: Mapping[str, Mapping[str, str]]
    sha256: str


OWN_WORDS = FlatMap({}, {}, "")
"""The map of a folder in the words of the data dictionary."""


def read_flat_map(path: Path, sections: Sequence[str] = ()) -> FlatMap:
    """Read a map from a file, or one that ships with the project by its name.

    Raises:
        InvalidPolicy: no such map, not TOML, or a key or value that is not known.
    """
    return parse_flat_map(map_text(path), sections)


def parse_flat_map(text: str, sections: Sequence[str] = ()) -> FlatMap:
    """Read a map from TOML text.

    Args:
        text: the TOML.
        sections: sections that another source reads and this one passes over.

    Raises:
        InvalidPolicy: not TOML, or a key or value that is not known; the message names it.
    """
    said = parse_toml(text)
    tables = {table.name: table for table in TABLES}
    if "shape" in said:
        raise InvalidPolicy("This map has a shape, so it is of a yearly sheet. Name the sheet with --source yearly.")
    check_keys(said, (*_SETTINGS, "values", *tables, *sections), "the column map")
    settings = {key: said[key] for key in _SETTINGS if key in said}
    return FlatMap(
        {name: _table(tables[name], settings, said.get(name, {})) for name in tables if name in said or settings},
        _values(said.get("values", {})),
        hashlib.sha256(text.encode()).hexdigest(),
    )


def strptime_format(date_format: str) -> str:
    """`M/D/YYYY` as the engine writes it, `%m/%d/%Y`.

    Raises:
        InvalidPolicy: a word that is not known, as of a time zone; school days are local dates and are never shifted.
    """
    words = _DATE_WORD.findall(date_format)
    if "".join(words) != date_format or not {"%Y", "%y"} & {_DATE_WORDS.get(word) for word in words}:
        raise InvalidPolicy(
            f"date_format {date_format!r} is not known. Write it as M/D/YYYY, DD.MM.YYYY or YYYY-MM-DD hh:mm:ss; "
            "a time is dropped, and a time zone is refused, since shifting it could change the day."
        )
    return "".join(_DATE_WORDS.get(word, word) for word in words)


def _table(table: Table, shared: Mapping[str, Any], own: Any) -> TableMap:
    where = f"[{table.name}]"
    check_keys(own, (*_TABLE_KEYS, *table.column_names), where)
    said = {**shared, **own}
    strptime_format(_text(said, "date_format", ISO))
    return TableMap(
        table,
        _file(said),
        _cells(table, {key: value for key, value in own.items() if key in table.column_names}),
        _where(said.get("where", {})),
        tuple(_mark(table, mark) for mark in _list(said.get("marks", []), f"[[{table.name}.marks]]")),
        _one_of(said, "rows", ("all", "distinct")) == "distinct",
        Dialect(
            _one_of(said, "encoding", ENCODINGS), _one_of(said, "delimiter", (",", ";", "\t", "|")),
            _one_of(said, "quote", ('"', "'")), _one_of(said, "escape", (_text(said, "quote", '"'), "\\")),
        ),
        _text(said, "date_format", ISO),
        _null_tokens(table, shared.get("null_tokens", []), own.get("null_tokens", [])),
        _yes(said.get("trim", False)),
    )  # fmt: skip


def _file(said: Mapping[str, Any]) -> str | None:
    name = said.get("file")
    if name is not None and (not isinstance(name, str) or not name or "/" in name or "\\" in name):
        raise InvalidPolicy('file in the column map must be a file of the folder, as "Attendance.csv" or "att_*.csv".')
    return name


def _cells(table: Table, said: Mapping[str, Any]) -> dict[str, Given]:
    columns = {column.name: column for column in table.columns}
    return {name: _given(columns[name], value) for name, value in said.items()}


def _given(column: Column, said: Any) -> Given:
    if isinstance(said, str):
        return Given(column=said)
    match said:
        case {"value": str() | int() as value, **rest} if not rest and not isinstance(value, bool):
            return Given(value=str(value))
        case {"from": str() as place, **rest} if not rest and _FROM.get(column.name) == place:
            return Given(taken_from=place)
        case {"column": str() as name, "add_days": int() as days, **rest} if not rest and column.kind == "date":
            return Given(name, add_days=days)
        case {"column": str() as name, "divide_by": int() | float() as by, **rest} if not rest and by > 0:
            if column.kind == "share":
                return Given(name, divide_by=float(by))
    raise InvalidPolicy(
        f'{column.name} in the column map must be a column, as {column.name} = "COLUMN", or {{ value = "…" }}, '
        f'{{ from = "{_FROM.get(column.name, "…")}" }}, {{ column = "…", add_days = -1 }} of a date, or '
        '{ column = "…", divide_by = 420 } of a share.'
    )


def _where(said: Any) -> dict[str, tuple[str, ...]]:
    check_keys(said, None, "where")
    return {name: tuple(texts([wanted] if isinstance(wanted, str) else wanted)) for name, wanted in said.items()}


def _mark(table: Table, said: Any) -> MarkMap:
    check_keys(said, ("where", "category", "absent_share"), "[[attendance.marks]]")
    if table.name != "attendance" or not {"where", "category"} <= set(said) or said["category"] not in CATEGORIES:
        raise InvalidPolicy(f"[[attendance.marks]] needs where and a category, one of {', '.join(CATEGORIES)}.")
    cells = _cells(table, {key: value for key, value in said.items() if key == "absent_share"})
    return MarkMap({**cells, "category": Given(value=said["category"])}, _where(said["where"]))


def _null_tokens(table: Table, shared: Any, own: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(own, dict):
        return {"": tuple(texts(shared) + texts(own))}
    check_keys(own, table.column_names, "null_tokens")
    return {"": tuple(texts(shared)), **{name: tuple(texts(tokens)) for name, tokens in own.items()}}


def _values(said: Any) -> dict[str, Mapping[str, str]]:
    check_keys(said, sorted({name for table in TABLES for name in table.column_names}), "values")
    return {name: _value_table(name, table) for name, table in said.items()}


def _value_table(name: str, said: Any) -> Mapping[str, str]:
    if name == "grade_level" and said == "usual":
        return USUAL_GRADES
    check_keys(said, None, f"values.{name}")
    texts(list(said.values()))
    return dict(said)


def _one_of(said: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = said.get(key, known[0])
    if value not in known:
        raise InvalidPolicy(f"{key} in the column map must be one of {', '.join(map(repr, known))}.")
    return str(value)


def _text(said: Mapping[str, Any], key: str, default: str) -> str:
    return str(said.get(key, default))


def _yes(said: Any) -> bool:
    if not isinstance(said, bool):
        raise InvalidPolicy("trim in the column map must be true or false.")
    return said


def _list(said: Any, where: str) -> list[Any]:
    if not isinstance(said, list):
        raise InvalidPolicy(f"{where} must be written with two brackets.")
    return said
