"""What a source hands over: files looked at, and a way to bring their rows in as text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from ews.sis.files import InputFile
from ews.tables import Table


@dataclass(frozen=True)
class Part:
    """The records of a table that one file brought.

    Attributes:
        file: the file.
        first_record: the table's records from this number on, up to the next part's, are its.
    """

    file: InputFile
    first_record: int = 0


@dataclass(frozen=True)
class Staged:
    """What a source brought in.

    Attributes:
        parts: for each table, the files its rows came from, by first record.
        dropped_columns: for each file, columns that nothing here reads.
        empty: student-years of a yearly sheet without days, which are no rows.
        left_out: by table, lines that by the map are no record: present all day, or not asked for.
        remarks: what else a reader should know, in sentences without any value of a student.
        judged: tables that the source judged itself before it made ours of them; their rows are counted, too.
    """

    parts: Mapping[str, tuple[Part, ...]]
    dropped_columns: Mapping[str, list[str]] = field(default_factory=dict)
    empty: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    judged: tuple[Table, ...] = ()

    def owner(self, file: InputFile) -> str:
        """The one table that tells the file's lines that are no records; a file may feed several tables."""
        return self._owners[file.path]

    @cached_property
    def _owners(self) -> Mapping[Path, str]:
        # The last table that a file feeds, but its years where it is a sheet of years.
        ordered = sorted(self.parts.items(), key=lambda fed: fed[0] == "attendance_years")
        return {part.file.path: name for name, parts in ordered for part in parts}


@dataclass(frozen=True)
class Source:
    """A feed that can be brought in.

    Attributes:
        files: all its files.
        map_sha256: hash of the column map; "" without one.
        stage: makes a view or table `source_<table>` for each table: `row` (its number), `record` (the number of the
            record it came from, counted from 0 over the table's parts) and the table's columns as text.
    """

    files: tuple[InputFile, ...]
    map_sha256: str
    stage: Callable[[duckdb.DuckDBPyConnection, Callable[[str], None]], Staged]
