"""The one validator: every source's rows are held against the same rules, in the same order.

A row is judged once and by the first rule it breaks: its cells, then its key, then the other tables.
All rows of a table are judged in one pass of SQL; what each cell may be stands in :mod:`ews.tables`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import duckdb

from ews.sis import cells, days, merges
from ews.sis.relations import RELATIONS, Relation
from ews.sis.staging import quoted
from ews.tables import (
    ATTENDANCE,
    ATTENDANCE_YEARS,
    CALENDAR,
    DEMOGRAPHICS,
    ENROLLMENTS,
    MENTORING,
    MERGES,
    SCHOOLS,
    STUDENTS,
    Table,
)

ORDER = (MERGES, SCHOOLS, STUDENTS, CALENDAR, ENROLLMENTS, ATTENDANCE, ATTENDANCE_YEARS, DEMOGRAPHICS, MENTORING)
"""Tables in the order of judging: each is held against accepted rows of those before it."""


@dataclass(frozen=True)
class Finding:
    """One thing that can be wrong with a row of a table.

    Attributes:
        rule: the rule's id.
        column: the column told to the user; None where the whole row is meant.
        condition: SQL that is true for a row that breaks the rule.
    """

    rule: str
    column: str | None
    condition: str


def validate(
    connection: duckdb.DuckDBPyConnection, present: Iterable[str], progress: Callable[[str], None] = lambda _: None
) -> None:
    """Judge all rows of all tables.

    Reads `source_<table>` (row, record and every column as text) and `students_before`; makes `judged_<table>` (row,
    record, typed columns, and `broken`, the place of the finding in `findings_<table>` or null) and `accepted_<table>`.

    Args:
        connection: the working database.
        present: names of the tables that a source brought; the others become empty.
        progress: told which table is being judged.
    """
    brought = set(present)
    for table in ORDER:
        if table.name in brought:
            progress(f"Checking {table.name}")
        else:
            _make_empty_source(connection, table)
        _judge(connection, table)
        if table is MERGES:
            merges.apply(connection, brought)
        if table is CALENDAR:
            days.make_known_days(connection)
        if table is ENROLLMENTS:
            days.make_stays(connection, code_of(table, "stay_without_days"))


def findings(table: Table) -> list[Finding]:
    """Everything that can be wrong with a row of a table; a row's `broken` is a place in this list."""
    of_cells = [
        Finding(rule, column.name, condition) for column in table.columns for rule, condition in cells.checks(column)
    ]
    of_keys = [
        Finding("duplicate_row", None, "repeat.same and t.row <> repeat.first_row"),
        Finding("conflicting_rows", None, "not repeat.same"),
    ]
    of_relations = [Finding(*condition) for condition in _relation(table).conditions]
    of_stays = [Finding("stay_without_days", "entry_date", "false")] if table is ENROLLMENTS else []
    return of_cells + of_keys + of_relations + of_stays


def code_of(table: Table, rule: str) -> int:
    """The place of a rule among the findings of a table."""
    return [finding.rule for finding in findings(table)].index(rule)


def _relation(table: Table) -> Relation:
    return RELATIONS.get(table.name, Relation())


def _make_empty_source(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f'null::varchar as "{name}"' for name in table.column_names)
    connection.execute(
        f"create view source_{table.name} as select 0::bigint as row, 0::bigint as record, {columns} where false"
    )


def _judge(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    told = findings(table)
    of_cells = sum(len(cells.checks(column)) for column in table.columns)
    _keep_findings(connection, table, told)
    _find_repeats(connection, table, told[:of_cells])
    relation = _relation(table)
    same_key = " and ".join(f't."{name}" = repeat."{name}"' for name in table.key)
    connection.execute(
        f"""
        create table judged_{table.name} as
        select t.* exclude (broken){relation.columns},
            coalesce(t.broken, {_first_broken(told[of_cells:], of_cells)}) as broken
        from ({_typed(table, told[:of_cells])}) t
        left join repeats_{table.name} repeat on t.broken is null and {same_key}
        {relation.joins};
        drop table repeats_{table.name};
        create view accepted_{table.name} as
        select * exclude (broken) from judged_{table.name} where broken is null;
        """
    )


def _keep_findings(connection: duckdb.DuckDBPyConnection, table: Table, told: list[Finding]) -> None:
    rows = ", ".join(
        f"({code}, {quoted(finding.rule)}, {'null' if finding.column is None else quoted(finding.column)})"
        for code, finding in enumerate(told)
    )
    connection.execute(f'create table findings_{table.name} as from (values {rows}) as told(code, rule, "column")')


def _typed(table: Table, told: list[Finding], rows: str = "true") -> str:
    values = "".join(
        f', {cells.typed(column)} as "typed_{column.name}"' for column in table.columns if column.kind != "text"
    )
    kept = ", ".join(
        f'"{column.name}"' if column.kind == "text" else f'"typed_{column.name}" as "{column.name}"'
        for column in table.columns
    )
    return f"""
        select row, record, {kept}, {_first_broken(told, 0)} as broken
        from (select *{values} from source_{table.name} where {rows})
    """


def _first_broken(told: list[Finding], start: int) -> str:
    cases = " ".join(f"when {finding.condition} then {start + place}" for place, finding in enumerate(told))
    return f"(case {cases} end)::smallint"


def _find_repeats(connection: duckdb.DuckDBPyConnection, table: Table, told: list[Finding]) -> None:
    # Hashes of keys find the few suspects in bounded memory; only suspects are compared in full. A key has one
    # spelling only (see the cell rules), so that equal keys are equal texts.
    key = ", ".join(f'"{name}"' for name in table.key)
    others = [f'"{name}"' for name in table.column_names if name not in table.key]
    content = f"hash({', '.join(others)})" if others else "0"
    suspects = f"""row in (
        select row from source_{table.name} where hash({key}) in (
            select mark from (select hash({key}) as mark from source_{table.name}) group by mark having count(*) > 1
        )
    )"""
    connection.execute(
        f"""
        create table repeats_{table.name} as
        select {key}, min(row) as first_row, min({content}) = max({content}) as same
        from ({_typed(table, told, suspects)}) where broken is null group by {key} having count(*) > 1
        """
    )
