"""Bring a file into the working database as text, losing nothing.

Every cell is text; only an empty cell is null, so the surname NA stays NA and the id 007 stays 007.
A line that is no record goes to the table `malformed`; and the lines of the file are counted twice,
by the reader and by us, so that no record can vanish between two quotes.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from ews.engine import SOUND_PLANS
from ews.errors import InputRefused
from ews.sis.files import BOMB_ROWS_PER_BYTE, InputFile, check_unchanged, text_chunks

_MALFORMED = {
    "MISSING COLUMNS": "too_few_fields",
    "TOO MANY COLUMNS": "too_many_fields",
    "UNQUOTED VALUE": "stray_quote",
    "INVALID ENCODING": "not_utf8",
    "LINE SIZE OVER MAXIMUM": "line_too_long",
}
_MAX_LINE_BYTES = 1 << 20
_MEMORY_BYTES = 6 << 30


def open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """A working database: in bounded memory, spilling into `folder`, reaching for nothing outside."""
    memory = min(_MEMORY_BYTES, int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 0.6))
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory >> 20}MiB",
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            **SOUND_PLANS,
        },
    )
    connection.execute("create table malformed (file text, line bigint, rule text, row_text text)")
    return connection


def stage(
    connection: duckdb.DuckDBPyConnection,
    file: InputFile,
    name: str,
    wanted: Sequence[str],
    required: Sequence[str] = (),
) -> list[str]:
    """Read the `wanted` columns of a file into the table `name`, all as text.

    Args:
        connection: the working database.
        file: the file, looked at.
        name: the table to make; its `rowid` is the record's number in the file, from 0.
        wanted: columns to keep; one that the file does not have becomes null in every row.
        required: columns that the file must have.

    Returns:
        The file's columns that were not wanted.

    Raises:
        InputRefused: a column is missing, or the file cannot be read as a table without losing a line.
    """
    try:
        names = columns_of(connection, file)
        check_columns(file.name, names, required)
        chosen = _choose(names, wanted)
        (_stage_csv if file.format == "csv" else _stage_parquet)(connection, file, name, chosen)
    except duckdb.Error as error:
        # The reader's own words may hold a record, so they are not passed on.
        raise InputRefused(
            f"{file.name} cannot be read as a table: line ends are mixed, quotes are broken or the file is damaged. "
            "Export it again as UTF-8 CSV with one kind of line end, or as Parquet."
        ) from error
    check_unchanged(file)
    taken = {position for position in chosen.values() if position is not None}
    return [column for position, column in enumerate(names) if position not in taken]


def check_columns(file_name: str, header: Sequence[str], required: Sequence[str]) -> None:
    """Refuse a file without a column that every row needs; capitals do not matter.

    Raises:
        InputRefused: naming the file and the columns.
    """
    there = {name.lower() for name in header}
    missing = [name for name in required if name.lower() not in there]
    if missing:
        also = f" (nor {', '.join(missing[1:])})" if missing[1:] else ""
        raise InputRefused(f"{file_name} has no column {missing[0]}{also}. Add it, or rename the column that holds it.")


def quoted(text: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def _choose(names: Sequence[str], wanted: Sequence[str]) -> Mapping[str, int | None]:
    places = {name.lower(): position for position, name in enumerate(names)}
    return {column: places.get(column.lower()) for column in wanted}


def _stage_csv(
    connection: duckdb.DuckDBPyConnection, file: InputFile, name: str, chosen: Mapping[str, int | None]
) -> None:
    reader = _reader(connection, file)
    selected = ", ".join(f"{_cell(position)} as {named(column)}" for column, position in chosen.items())
    connection.execute(f"create or replace table {name} as select {selected} from {reader}")
    _keep_malformed(connection, file)
    _account_for_lines(connection, file, name, reader)


def _reader(connection: duckdb.DuckDBPyConnection, file: InputFile) -> str:
    # Columns get numbers for names, so that no text of a header ever stands in SQL.
    cells = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(file.header)))
    how = file.dialect
    path = file.path if how.encoding == "utf-8" else _as_utf8(connection, file)
    return (
        f"read_csv({quoted(path)}, auto_detect=false, columns={{{cells}}}, header=true, delim={quoted(how.delimiter)}, "
        f"quote={quoted(how.quote)}, escape={quoted(how.escape)}, nullstr='', encoding='utf-8', "
        f"max_line_size={_MAX_LINE_BYTES}, compression='{'gzip' if path.name.lower().endswith('.gz') else 'none'}', "
        "store_rejects=true, rejects_limit=0)"
    )


def _as_utf8(connection: duckdb.DuckDBPyConnection, file: InputFile) -> Path:
    # DuckDB knows two more encodings, and is lenient in them; this is strict in all.
    spill = Path(connection.execute("select current_setting('temp_directory')").fetchall()[0][0])
    with tempfile.NamedTemporaryFile(dir=spill.parent, suffix=".csv", delete=False) as written:
        for chunk in text_chunks(file.path, file.dialect.encoding):
            written.write(chunk)
    return Path(written.name)


def named(column: str) -> str:
    """A column's name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def _cell(position: int | None) -> str:
    return "null::varchar" if position is None else f"c{position}"


def _keep_malformed(connection: duckdb.DuckDBPyConnection, file: InputFile) -> None:
    rules = " ".join(f"when {quoted(error)} then {quoted(rule)}" for error, rule in _MALFORMED.items())
    connection.execute(
        f"""
        insert into malformed
        select {quoted(file.name)}, line, arg_min(case error_type {rules} else 'stray_quote' end, field),
            arg_min(ltrim(csv_line, chr(13) || chr(10)), field)
        from (
            select line, csv_line, error_type::varchar as error_type, coalesce(column_idx, 0) as field
            from reject_errors
        ) group by line
        """
    )
    connection.execute("drop table reject_errors; drop table reject_scans")


def _account_for_lines(connection: duckdb.DuckDBPyConnection, file: InputFile, name: str, reader: str) -> None:
    swallowed = connection.execute(
        "select min(line) from malformed where file = ? "
        "and (contains(rtrim(row_text, chr(13) || chr(10)), chr(10)) or (line = ? and not ?))",
        [file.name, file.lines, file.ends_whole],
    ).fetchall()[0][0]
    if swallowed is not None:
        raise InputRefused(
            f"{file.name} breaks off, or opens a quote that is never closed, in line {swallowed}. "
            "Close the quote or export the file again."
        )
    lost = file.lines - 1 - _count(connection, f"from {name}") - _count(
        connection, f"from malformed where file = {quoted(file.name)}"
    )  # fmt: skip
    if lost > 0:
        lost -= _line_ends_within_values(connection, file, reader)
    if lost != 0:
        raise InputRefused(
            f"{abs(lost)} lines of {file.name} are empty or could not be told apart as records "
            "(often a quote that is opened and never closed). Remove empty lines and mend quotes, or export it again."
        )


def _line_ends_within_values(connection: duckdb.DuckDBPyConnection, file: InputFile, reader: str) -> int:
    per_row = " + ".join(
        f"coalesce(length(c{i}) - length(replace(c{i}, chr(10), '')), 0)" for i in range(len(file.header))
    )
    counted = connection.execute(f"select coalesce(sum({per_row}), 0) from {reader}").fetchall()[0][0]
    connection.execute("drop table reject_errors; drop table reject_scans")
    return int(counted)


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    return int(connection.execute(f"select count(*) {source}").fetchall()[0][0])


def columns_of(connection: duckdb.DuckDBPyConnection, file: InputFile) -> Sequence[str]:
    """The columns of a file, in order."""
    return file.header or _parquet_columns(connection, file)


def _parquet_columns(connection: duckdb.DuckDBPyConnection, file: InputFile) -> list[str]:
    rows, columns = _parquet_footer(connection, file)
    if rows > BOMB_ROWS_PER_BYTE * file.size:
        raise InputRefused(f"{file.name} says that it has {rows:,} rows in {file.size:,} bytes. Export it again.")
    floating = [name for name, kind in columns if name.lower().endswith("_id") and kind in {"FLOAT", "DOUBLE"}]
    if floating:
        raise InputRefused(
            f"In {file.name} the ids in {floating[0]!r} are decimal numbers, so 007 and long ids are already lost. "
            "Write ids as text."
        )
    return [name for name, _ in columns]


def _parquet_footer(connection: duckdb.DuckDBPyConnection, file: InputFile) -> tuple[int, list[tuple[str, str]]]:
    """How many rows it says it has, and its columns with their types."""
    try:
        counted = connection.execute(f"select num_rows from parquet_file_metadata({quoted(file.path)})").fetchall()
        described = connection.execute(f"describe select * from {_parquet(file)}").fetchall()
    except duckdb.Error as error:
        raise InputRefused(f"{file.name} is a damaged Parquet file. Export it again.") from error
    return int(counted[0][0]), [(str(name), str(kind)) for name, kind, *_ in described]


def _parquet(file: InputFile) -> str:
    return f"read_parquet({quoted(file.path)}, hive_partitioning=false)"


def _stage_parquet(
    connection: duckdb.DuckDBPyConnection, file: InputFile, name: str, chosen: Mapping[str, int | None]
) -> None:
    names = _parquet_columns(connection, file)
    cells = {
        column: "null::varchar" if place is None else f"nullif({named(names[place])}::varchar, '')"
        for column, place in chosen.items()
    }
    selected = ", ".join(f"{cell} as {named(column)}" for column, cell in cells.items())
    connection.execute(f"create or replace table {name} as select {selected} from {_parquet(file)}")
