"""What a source hands over: files looked at, and a way to bring their rows in as text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb

from ews.sis.files import InputFile


@dataclass(frozen=True)
class Staged:
    """What a source brought in.

    Attributes:
        files: for each table, the file its rows came from.
        dropped_columns: for each file, columns that nothing here reads.
        empty: student-years of a yearly sheet without days, which are no rows.
    """

    files: Mapping[str, InputFile]
    dropped_columns: Mapping[str, list[str]] = field(default_factory=dict)
    empty: int = 0


@dataclass(frozen=True)
class Source:
    """A feed that can be brought in.

    Attributes:
        files: all its files.
        map_sha256: hash of the column map; "" without one.
        stage: makes a view `source_<table>` (row, record and the table's columns as text) for each table.
    """

    files: tuple[InputFile, ...]
    map_sha256: str
    stage: Callable[[duckdb.DuckDBPyConnection, Callable[[str], None]], Staged]
