"""The flat source: a folder with one CSV or Parquet file a table, columns named as in :mod:`ews.tables`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from ews.errors import InputRefused
from ews.sis.files import SUFFIXES, InputFile, inspect
from ews.sis.source import Source, Staged
from ews.sis.staging import check_columns, stage
from ews.tables import TABLES, Table

_DAILY = ("calendar", "enrollments", "attendance")


def open_flat(folder: Path) -> Source:
    """Look at a flat folder.

    Raises:
        InputRefused: no folder, a table is missing or there twice, or a file is no usable table.
    """
    if not folder.is_dir():
        raise InputRefused(
            f"{folder} is no folder. Name the folder that holds students.csv, schools.csv and the others."
        )
    found = {table.name: path for table in TABLES if (path := _find(folder, table.name)) is not None}
    _check_complete(folder, set(found))
    files = {name: inspect(path) for name, path in found.items()}
    for table in TABLES:
        if table.name in files:
            _check_table(table, files[table.name])
    return Source(tuple(files.values()), "", lambda connection, progress: _stage(connection, files, progress))


def _find(folder: Path, name: str) -> Path | None:
    paths = [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").exists() or path.is_symlink()]
    if len(paths) > 1:
        raise InputRefused(f"{paths[0].name} and {paths[1].name} are both in {folder}. Keep the one that is right.")
    return paths[0] if paths else None


def _check_complete(folder: Path, found: set[str]) -> None:
    needed = {"schools", "students"} | (
        set() if "attendance_years" in found and not found & set(_DAILY) else set(_DAILY)
    )
    missing = [table.name for table in TABLES if table.name in needed - found]
    if missing:
        raise InputRefused(
            f"No {' and no '.join(missing)} file in {folder}. Add {missing[0]}.csv (or .csv.gz, .parquet); "
            "without daily marks, attendance_years takes the place of calendar, enrollments and attendance."
        )


def _check_table(table: Table, file: InputFile) -> None:
    if file.format != "csv":
        return
    check_columns(file.name, file.header, table.required_columns)
    if file.lines <= 1 and not table.optional:
        raise InputRefused(f"{file.name} has a header and no rows. Export it again; nothing was changed.")


def _stage(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str, InputFile], progress: Callable[[str], None]
) -> Staged:
    dropped = {}
    for table in TABLES:
        if table.name in files:
            progress(f"Reading {files[table.name].name}")
            dropped[files[table.name].name] = _stage_table(connection, table, files[table.name])
    return Staged(files, {name: columns for name, columns in dropped.items() if columns})


def _stage_table(connection: duckdb.DuckDBPyConnection, table: Table, file: InputFile) -> list[str]:
    unread = stage(connection, file, f"read_{table.name}", table.column_names, table.required_columns)
    connection.execute(
        f"create view source_{table.name} as select rowid as row, rowid as record, * from read_{table.name}"
    )
    rows = connection.execute(f"select count(*) from source_{table.name}").fetchall()[0][0]
    if rows == 0 and file.format == "parquet" and not table.optional:
        raise InputRefused(f"{file.name} has no rows. Export it again; nothing was changed.")
    return unread
