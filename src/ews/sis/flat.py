"""The flat source: a folder of CSV or Parquet files, in the words of :mod:`ews.tables` or with a column map."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import duckdb

from ews.errors import InputRefused
from ews.sis.files import PLAIN, SUFFIXES, InputFile, inspect
from ews.sis.flat_map import OWN_WORDS, FlatMap, TableMap, read_flat_map, strptime_format
from ews.sis.mapped import Reading, columns_read, is_register, required_columns, rows
from ews.sis.source import Part, Source, Staged
from ews.sis.staging import check_columns, columns_of, named, stage
from ews.tables import TABLES, Table

_DAILY = ("calendar", "enrollments", "attendance")


@dataclass(frozen=True)
class _Feed:
    """A folder, looked at.

    Attributes:
        mapping: its column map.
        files: by table, its files.
    """

    mapping: FlatMap
    files: Mapping[str, tuple[InputFile, ...]]

    @property
    def every_file(self) -> tuple[InputFile, ...]:
        """Each file once."""
        return tuple({file.path: file for files in self.files.values() for file in files}.values())

    def tables_of(self, file: InputFile) -> list[Table]:
        """The tables a file feeds."""
        return [table for table in TABLES if file in self.files.get(table.name, ())]


def open_flat(folder: Path, column_map: Path | None = None) -> Source:
    """Look at a flat folder.

    Raises:
        InputRefused: no folder, a table is missing or there twice, or a file is no usable table.
        InvalidPolicy: the map cannot be read.
    """
    return open_mapped(folder, OWN_WORDS if column_map is None else read_flat_map(column_map))


def open_mapped(folder: Path, mapping: FlatMap, elsewhere: Sequence[str] = ()) -> Source:
    """Look at a flat folder whose map is read already.

    Args:
        folder: the folder.
        mapping: its map.
        elsewhere: tables that another source brings; they are not looked for here.

    Raises:
        InputRefused: no folder, a table is missing or there twice, or a file is no usable table.
    """
    if not folder.is_dir():
        raise InputRefused(
            f"{folder} is no folder. Name the folder that holds students.csv, schools.csv and the others."
        )
    found = {
        table.name: paths for table in TABLES
        if table.name not in elsewhere and (paths := _find(folder, table, mapping.tables.get(table.name)))
    }  # fmt: skip
    _check_complete(folder, {*found, *elsewhere})
    feed = _Feed(mapping, _inspect_all(mapping, found))
    for table in TABLES:
        for file in feed.files.get(table.name, ()):
            _check_table(mapping, table, file)
    return Source(feed.every_file, mapping.sha256, lambda connection, progress: _stage(connection, feed, progress))


def _find(folder: Path, table: Table, of_table: TableMap | None) -> list[Path]:
    if of_table is not None and of_table.file is not None:
        paths = sorted(folder.glob(of_table.file))
        if not paths and not table.optional:
            raise InputRefused(f"No file {of_table.file} in {folder}, where the map says {table.name} stands.")
        return paths
    paths = [path for suffix in SUFFIXES if (path := folder / f"{table.name}{suffix}").exists() or path.is_symlink()]
    if len(paths) > 1:
        raise InputRefused(f"{paths[0].name} and {paths[1].name} are both in {folder}. Keep the one that is right.")
    return paths


def _check_complete(folder: Path, found: set[str]) -> None:
    needed = {"schools", "students"} | (
        set() if "attendance_years" in found and not found & set(_DAILY) else set(_DAILY)
    )
    missing = [table.name for table in TABLES if table.name in needed - found]
    if missing:
        raise InputRefused(
            f"No {' and no '.join(missing)} file in {folder}. Add {missing[0]}.csv (or .csv.gz, .parquet), or say in a "
            "column map which file it is; without daily marks, attendance_years takes the place of calendar, "
            "enrollments and attendance."
        )


def _inspect_all(mapping: FlatMap, found: Mapping[str, Sequence[Path]]) -> dict[str, tuple[InputFile, ...]]:
    known: dict[Path, InputFile] = {}
    files: dict[str, tuple[InputFile, ...]] = {}
    for name, paths in found.items():
        dialect = mapping.tables[name].dialect if name in mapping.tables else PLAIN
        for path in paths:
            if path not in known:
                known[path] = inspect(path, dialect)
            elif known[path].dialect != dialect:
                raise InputRefused(f"The map says of {path.name} twice how it is written. Say the same both times.")
        files[name] = tuple(known[path] for path in paths)
    return files


def _check_table(mapping: FlatMap, table: Table, file: InputFile) -> None:
    if file.format != "csv":
        return
    check_columns(file.name, file.header, _required(mapping, table, file.header))
    if file.lines <= 1 and not table.optional:
        raise InputRefused(f"{file.name} has a header and no rows. Export it again; nothing was changed.")


def _required(mapping: FlatMap, table: Table, header: Sequence[str]) -> Sequence[str]:
    of_table = mapping.tables.get(table.name)
    return table.required_columns if of_table is None else required_columns(mapping, of_table, header)


def _stage(connection: duckdb.DuckDBPyConnection, feed: _Feed, progress: Callable[[str], None]) -> Staged:
    staged = {}
    dropped = {}
    for number, file in enumerate(feed.every_file):
        progress(f"Reading {file.name}")
        staged[file.path] = f"file_{number}"
        dropped[file.name] = _stage_file(connection, feed, file, f"file_{number}")
    parts, left_out = {}, {}
    for table in TABLES:
        if table.name in feed.files:
            base, parts[table.name] = _base(connection, table, feed.files[table.name], staged)
            left_out[table.name] = _make_source(connection, feed, table, base)
    return Staged(
        parts,
        {name: columns for name, columns in dropped.items() if columns},
        left_out={name: lines for name, lines in left_out.items() if lines},
    )


def _stage_file(connection: duckdb.DuckDBPyConnection, feed: _Feed, file: InputFile, name: str) -> list[str]:
    header = columns_of(connection, file)
    wanted: dict[str, str] = {}
    required: list[str] = []
    for table in feed.tables_of(file):
        columns = [
            *_days(connection, feed.mapping.tables.get(table.name), header),
            *columns_read(feed.mapping, table.name, header),
            *table.column_names,
        ]
        wanted |= {column.lower(): column for column in columns if column.lower() not in wanted}
        required += _required(feed.mapping, table, header)
    there = {column.lower() for column in header}
    return stage(connection, file, name, [column for key, column in wanted.items() if key in there], required)


def _days(connection: duckdb.DuckDBPyConnection, of_table: TableMap | None, header: Sequence[str]) -> list[str]:
    if of_table is None or not is_register(of_table):
        return []
    found = connection.execute(
        "select name from (select unnest(?::varchar[]) as name) where try_strptime(name, ?) is not null",
        [list(header), strptime_format(of_table.date_format)],
    ).fetchall()
    if not found:
        raise InputRefused(
            f"No column of the file for {of_table.table.name} is a date as {of_table.date_format}, and by the map "
            "every day has a column. Correct date_format."
        )
    return [name for (name,) in found]


def _base(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[InputFile], staged: Mapping[Path, str]
) -> tuple[str, tuple[Part, ...]]:
    """The table's files one below the other, and where each begins."""
    counts = [_count(connection, f"from {staged[file.path]}") for file in files]
    first = list(accumulate(counts, initial=0))
    pieces = " union all by name ".join(
        f"select rowid + {start} as record, * from {staged[file.path]}"
        for file, start in zip(files, first, strict=False)
    )
    for file, count in zip(files, counts, strict=True):
        if count == 0 and file.format == "parquet" and not table.optional:
            raise InputRefused(f"{file.name} has no rows. Export it again; nothing was changed.")
    return f"({pieces})", tuple(Part(file, start) for file, start in zip(files, first, strict=False))


def _make_source(connection: duckdb.DuckDBPyConnection, feed: _Feed, table: Table, base: str) -> int:
    """Make `source_<table>`; how many lines are left out."""
    there = [str(name) for (name, *_) in connection.execute(f"describe select * from {base}").fetchall()]
    of_table = feed.mapping.tables.get(table.name)
    if of_table is None:
        known = {name.lower() for name in there}
        columns = ", ".join(
            named(name) if name in known else f"null::varchar as {named(name)}" for name in table.column_names
        )
        connection.execute(f"create view source_{table.name} as select record as row, record, {columns} from {base}")
        return 0
    reading = Reading(of_table, feed.mapping.values, there, _days(connection, of_table, there))
    connection.execute(f"create table told_{table.name} as {rows(reading, base)}")
    connection.execute(f"create view source_{table.name} as select rowid as row, * from told_{table.name}")
    if of_table.distinct:
        return 0
    kept = connection.execute(f"select count(distinct record) from told_{table.name}").fetchall()[0][0]
    return _count(connection, f"from {base}") - int(kept)


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    return int(connection.execute(f"select count(*) {source}").fetchall()[0][0])
