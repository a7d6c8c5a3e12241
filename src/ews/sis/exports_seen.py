"""What an export seems to hold, by its headers and its cells."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import duckdb

from ews.sis.files import Dialect, InputFile, inspect
from ews.sis.flat_map import strptime_format
from ews.sis.staging import columns_of, named, quoted, stage
from ews.sis.synonyms import COLUMNS, DATE_FORMATS, NULLS

DATES = ("date", "birth_date", "entry_date", "exit_date")
"""What is held as a date."""

_CLOSE = 0.88
"""Likeness of a header to a known name from which it is proposed, and marked as unsure."""


@dataclass(frozen=True)
class Export:
    """One file of the folder, looked at.

    Attributes:
        file: the file.
        table: where its rows are, all columns as text.
        found: by what it holds (`student_id`, `entry_date`, …) the header.
        unsure: those of them of which the header is only alike.
        formats: by what it holds the date formats that fit every day seen.
    """

    file: InputFile
    table: str
    found: Mapping[str, str]
    unsure: frozenset[str]
    formats: Mapping[str, tuple[str, ...]]

    def has(self, *roles: str) -> bool:
        """Whether it holds all of these."""
        return all(role in self.found for role in roles)


def look_at(connection: duckdb.DuckDBPyConnection, path: Path, number: int) -> Export:
    """Read an export as text, and see by its headers and cells what it holds.

    Args:
        connection: a working database.
        path: the file.
        number: of the file, for its table's name.

    Raises:
        InputRefused: it is no usable table.
    """
    file = inspect(path, Dialect() if path.name.endswith(".parquet") else _dialect(path))
    header = columns_of(connection, file)
    stage(connection, file, f"export_{number}", header)
    found, alike = _roles(header)
    formats = {role: _formats(connection, f"export_{number}", found[role]) for role in DATES if role in found}
    for role in [role for role, fitting in formats.items() if not fitting]:
        found.pop(role)  # a header that promises a date over cells that are none
    return Export(file, f"export_{number}", found, frozenset(alike & set(found)), formats)


def _dialect(path: Path) -> Dialect:
    with path.open("rb") as handle:
        first = handle.read(1 << 20)
    if path.name.endswith(".gz"):
        return Dialect()
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Dialect("utf-16", _delimiter(first.decode("utf-16", errors="replace")))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
        return Dialect(delimiter=_delimiter(first.decode("utf-8", errors="replace")))
    except UnicodeDecodeError:
        return Dialect("windows-1252", _delimiter(first.decode("windows-1252", errors="replace")))


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max((",", ";", "\t", "|"), key=head.count)


def _roles(header: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    plain = {"".join(letter for letter in name.lower() if letter.isalnum()): name for name in header}
    found: dict[str, str] = {}
    alike: set[str] = set()
    for role, names in COLUMNS.items():
        exact = next((plain[name] for name in names if name in plain), None)
        if exact is not None:
            found[role] = exact
        elif (close := _closest(plain, names)) is not None:
            found[role] = close
            alike.add(role)
    return found, alike


def _closest(plain: Mapping[str, str], names: Sequence[str]) -> str | None:
    likeness = (
        (SequenceMatcher(None, name, there).ratio(), header) for name in names for there, header in plain.items()
    )
    best, header = max(likeness, default=(0.0, ""))
    return header if best >= _CLOSE else None


def _formats(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[str, ...]:
    nulls = ", ".join(map(quoted, NULLS))
    fits = ", ".join(
        f"count(*) = count(try_strptime(trim({named(column)}), {quoted(strptime_format(one))}))" for one in DATE_FORMATS
    )
    there = f"from {table} where {named(column)} is not null and trim({named(column)}) not in ({nulls})"
    counted, *fitting = connection.execute(f"select count(*), {fits} {there}").fetchall()[0]
    return tuple(one for one, fit in zip(DATE_FORMATS, fitting, strict=True) if fit and counted)
