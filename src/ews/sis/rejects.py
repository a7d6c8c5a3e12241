"""`rejects.csv` and the counts: what became of every row that came in."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ews.sis.files import InputFile
from ews.sis.rules import RULES
from ews.sis.staging import quoted
from ews.tables import Table

_LONGEST_ROW = 2_000
"""Characters of a row shown in `rejects.csv`; a damaged line may have millions."""


@dataclass(frozen=True)
class Counts:
    """What became of the rows of one table: `read = accepted + rejected + duplicates`, always."""

    read: int
    accepted: int
    rejected: int
    duplicates: int


def collect(connection: duckdb.DuckDBPyConnection, table: Table, file: InputFile, *, owns_file: bool = True) -> Counts:
    """Add a table's rejected, duplicate and trimmed rows to `rejects`, and count.

    Args:
        connection: the working database, with the table judged.
        table: the table.
        file: the file its rows came from.
        owns_file: whether lines of the file that are no records count for this table.
    """
    _make_rejects(connection)
    _keep_rows(connection, table, file)
    malformed = _keep_malformed(connection, file) if owns_file else 0
    by_outcome = dict(
        connection.execute(
            f"""
            select coalesce(rules.outcome, 'accepted'), count(*)
            from judged_{table.name} left join findings_{table.name} on broken = code left join rules using (rule)
            group by all
            """
        ).fetchall()
    )
    read = connection.execute(f"select count(*) from source_{table.name}").fetchall()[0][0]
    return Counts(
        read + malformed,
        by_outcome.get("accepted", 0),
        by_outcome.get("rejected", 0) + malformed,
        by_outcome.get("duplicate", 0),
    )


def write(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write `rejects.csv`, sorted by file, line and rule; `line` counts the header as 1, as a spreadsheet does."""
    _make_rejects(connection)
    connection.execute(
        f"""
        copy (
            select file, line, "column", rule, outcome, fix as what_to_do, left(row_text, {_LONGEST_ROW}) as row
            from rejects join rules using (rule) order by file, line, rule, "column", row_text
        ) to {quoted(path)} (format csv, header true)
        """
    )


def _make_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    rows = ", ".join(f"({quoted(rule.id)}, {quoted(rule.outcome)}, {quoted(rule.fix)})" for rule in RULES.values())
    connection.execute(
        f"""
        create table if not exists rules as from (values {rows}) as known(rule, outcome, fix);
        create table if not exists rejects (file text, line bigint, "column" text, rule text, row_text text);
        """
    )


def _keep_rows(connection: duckdb.DuckDBPyConnection, table: Table, file: InputFile) -> None:
    stays = "union all select row, 'entry_date', 'overlapping_stay' from trimmed" if table.name == "enrollments" else ""
    # A malformed line is no record, so a record's line is its number, the header, and the malformed lines before it.
    connection.execute(
        f"""
        insert into rejects
        with malformed_before as (
            select line - number + 1 as threshold, max(number) as skipped
            from (
                select line, row_number() over (order by line) as number
                from malformed where file = {quoted(file.name)}
            ) group by threshold
        ), bad as (
            select row, "column", rule from judged_{table.name} join findings_{table.name} on broken = code {stays}
        ), told as (
            select record + {2 if file.format == "csv" else 1} as line, "column", rule, {_row_text(table)} as row_text
            from bad join source_{table.name} using (row)
        )
        select {quoted(file.name)}, told.line + coalesce(skipped, 0), "column", rule, row_text
        from told asof left join malformed_before on told.line >= threshold
        """
    )


def _keep_malformed(connection: duckdb.DuckDBPyConnection, file: InputFile) -> int:
    connection.execute(
        f"insert into rejects select file, line, null, rule, row_text from malformed where file = {quoted(file.name)}"
    )
    counted = connection.execute(f"select count(*) from malformed where file = {quoted(file.name)}").fetchall()
    return int(counted[0][0])


def _row_text(table: Table) -> str:
    cells = (
        f"case when regexp_matches(\"{name}\", '[,\"\\r\\n]') then '\"' || replace(\"{name}\", '\"', '\"\"') || '\"' "
        f"else coalesce(\"{name}\", '') end"
        for name in table.column_names
    )
    return " || ',' || ".join(cells)
