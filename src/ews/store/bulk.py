"""Many rows at once between the store and a working DuckDB, without a loop over rows: executemany, or COPY."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Select, Table, Text, cast

_WORKSPACE = ".tmp-publish-"

_CACHE_KIB = 256 * 1024
"""Pages of SQLite held while many rows are written; with its default of two MiB each row costs several reads."""

BATCH = 5_000
"""Rows handed to a driver at a time: memory holds so many and no more."""


@contextlib.contextmanager
def workspace(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A working database in a file of a private folder under `folder`, gone when the block ends."""
    for leftover in folder.glob(f"{_WORKSPACE}*"):
        if not _is_running(int(leftover.name.split("-")[2])):
            shutil.rmtree(leftover, ignore_errors=True)
    place = Path(tempfile.mkdtemp(dir=folder, prefix=f"{_WORKSPACE}{os.getpid()}-"))
    config = {
        "temp_directory": str(place / "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        with duckdb.connect(place / "working.duckdb", config=config) as work:
            yield work
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether a process is there; one that was killed has left its workspace."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def folder_of(work: duckdb.DuckDBPyConnection) -> Path:
    """The private folder of a working database."""
    (path,) = work.execute("select path from duckdb_databases() where not internal").fetchone() or ("",)
    return Path(path).parent


def bring_in(work: duckdb.DuckDBPyConnection, name: str, connection: Connection, table: Table, columns: str) -> None:
    """Copy some columns of a table of the store into the working database, as text.

    Args:
        work: the working database.
        name: the table to make there.
        connection: in a transaction.
        table: what is copied.
        columns: its columns, separated by blanks.
    """
    names = columns.split()
    query: Select = Select(*(cast(table.c[one], Text) for one in names))
    work.execute(f"create table {name} ({', '.join(f'{one} varchar' for one in names)})")
    for rows in connection.execute(query.execution_options(stream_results=True)).partitions(BATCH):
        batch = pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], names=names)
        work.from_arrow(batch).insert_into(name)


def put(connection: Connection, table: Table, work: duckdb.DuckDBPyConnection, query: str) -> None:
    """Write rows into a table of the store; a row whose key is there already is replaced.

    Args:
        connection: in a transaction that writes.
        table: where they go.
        work: the working database.
        query: SQL there, that names the table's columns, all or some of them.
    """
    columns = work.sql(query).columns
    keys = [column.name for column in table.primary_key]
    query = f"select * from ({query}) order by {', '.join(keys)}"  # random keys out of order touch every page
    others = [name for name in columns if name not in keys]
    action = f"do update set {', '.join(f'{name} = excluded.{name}' for name in others)}" if others else "do nothing"
    conflict = f"on conflict ({', '.join(keys)}) {action}"
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"pragma cache_size = -{_CACHE_KIB}")
        marks = ", ".join("?" * len(columns))
        statement = f"insert into {table.name} ({', '.join(columns)}) values ({marks}) {conflict}"
        return _each(connection, statement, work, query)
    with _copied(connection, table, work, query) as incoming:
        names = ", ".join(columns)
        connection.exec_driver_sql(f"insert into {table.name} ({names}) select {names} from {incoming} {conflict}")
    return None


def take_away(connection: Connection, table: Table, work: duckdb.DuckDBPyConnection, query: str) -> None:
    """Delete the rows of a table that have the values that a query of the working database gives."""
    columns = work.sql(query).columns
    if connection.dialect.name == "sqlite":
        condition = " and ".join(f"{name} = ?" for name in columns)
        return _each(connection, f"delete from {table.name} where {condition}", work, query)
    with _copied(connection, table, work, query) as incoming:
        condition = " and ".join(f"{table.name}.{name} = {incoming}.{name}" for name in columns)
        connection.exec_driver_sql(f"delete from {table.name} using {incoming} where {condition}")
    return None


def _each(connection: Connection, statement: str, work: duckdb.DuckDBPyConnection, query: str) -> None:
    found = work.execute(query)
    while rows := found.fetchmany(BATCH):
        connection.exec_driver_sql(statement, rows)


@contextlib.contextmanager
def _copied(connection: Connection, table: Table, work: duckdb.DuckDBPyConnection, query: str) -> Iterator[str]:
    """A temporary table of PostgreSQL with the rows."""
    columns = work.sql(query).columns
    incoming, names = f"incoming_{table.name}", ", ".join(columns)
    connection.exec_driver_sql(f"create temporary table {incoming} as select {names} from {table.name} with no data")
    cursor = connection.connection.cursor()
    with cursor.copy(f"copy {incoming} ({names}) from stdin (format csv)") as copy:
        found = work.execute(f"select {_csv_line(columns)} from ({query})")
        while rows := found.fetchmany(BATCH):
            copy.write("".join(line for (line,) in rows))
    yield incoming
    connection.exec_driver_sql(f"drop table {incoming}")


def _csv_line(columns: Sequence[str]) -> str:
    """SQL of one line of CSV: null is an empty cell, everything else is in quotes."""
    cells = (f"""coalesce('"' || replace({name}::varchar, '"', '""') || '"', '')""" for name in columns)
    return " || ',' || ".join(cells) + " || chr(10)"
