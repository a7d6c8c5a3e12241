"""`rejects.csv` and the counts: what became of every row that came in."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ews.sis.rules import RULES
from ews.sis.source import Staged
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


def collect(connection: duckdb.DuckDBPyConnection, table: Table, staged: Staged) -> Counts:
    """Add a table's rejected, duplicate and trimmed rows to `rejects`, and count.

    Args:
        connection: the working database, with the table judged.
        table: the table.
        staged: which files its rows came from.
    """
    _make_rejects(connection)
    _keep_rows(connection, table, staged)
    owned = [part.file.name for part in staged.parts[table.name] if staged.owner(part.file) == table.name]
    malformed = sum(_keep_malformed(connection, file, shown=file not in staged.dropped_columns) for file in owned)
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


def _keep_rows(connection: duckdb.DuckDBPyConnection, table: Table, staged: Staged) -> None:
    stays = "union all select row, 'entry_date', 'overlapping_stay' from trimmed" if table.name == "enrollments" else ""
    parts = ", ".join(
        f"({part.first_record}, {quoted(part.file.name)}, {2 if part.file.format == 'csv' else 1})"
        for part in staged.parts[table.name]
    )
    # A malformed line is no record, so a record's line is its number, the header, and the malformed lines before it.
    connection.execute(
        f"""
        insert into rejects
        with malformed_before as (
            select file, line - number + 1 as threshold, max(number) as skipped
            from (select file, line, row_number() over (partition by file order by line) as number from malformed)
            group by all
        ), parts as (
            from (values {parts}) as known(first_record, file, first_line)
        ), bad as (
            select row, "column", rule from judged_{table.name} join findings_{table.name} on broken = code {stays}
        ), told as (
            select file, record - first_record + first_line as line, "column", rule, {_row_text(table)} as row_text
            from bad join source_{table.name} using (row) asof join parts on record >= first_record
        )
        select told.file, told.line + coalesce(skipped, 0), "column", rule, row_text
        from told asof left join malformed_before before on told.file = before.file and told.line >= threshold
        """
    )


def _keep_malformed(connection: duckdb.DuckDBPyConnection, file: str, *, shown: bool) -> int:
    """Of a file with columns that nothing reads only lines are told: cells may be answers of a survey (PRV-15)."""
    told = f"from malformed where file = {quoted(file)}"
    row_text = "row_text" if shown else "null"
    connection.execute(f"insert into rejects select file, line, null, rule, {row_text} {told}")
    return int(connection.execute(f"select count(*) {told}").fetchall()[0][0])


def _row_text(table: Table) -> str:
    cells = (
        f"case when regexp_matches(\"{name}\", '[,\"\\r\\n]') then '\"' || replace(\"{name}\", '\"', '\"\"') || '\"' "
        f"else coalesce(\"{name}\", '') end"
        for name in table.column_names
    )
    return " || ',' || ".join(cells)
