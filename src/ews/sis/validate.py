"""The one validator: every source's rows are held against the same rules, in the same order.

A row is judged once and by the first rule it breaks: its cells, then its key, then the other tables.
All rows of a table are judged in one pass of SQL; what each cell may be stands in :mod:`ews.tables`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from ews.sis import cells, days, merges
from ews.sis.relations import RELATIONS, Relation
from ews.sis.staging import named, quoted
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

_OF_IDS = ("outer_spaces", "malformed_id")
"""Rules of how an id is written: dear to look at in every row, and kept by every id another table knows."""

_LATER = "false"
"""Condition of what is found when a table's rows are there already: rows that share a key, or a day."""


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
    typed columns, `mark`, equal in rows that may share a key, and `broken`, the place of the finding in
    `findings_<table>` or null), `suspects_<table>` (marks of several rows) and `accepted_<table>`.

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
            days.make_places(connection)


def findings(table: Table) -> list[Finding]:
    """Everything that can be wrong with a row of a table; a row's `broken` is a place in this list."""
    of_cells = [
        Finding(rule, column.name, condition) for column in table.columns for rule, condition in cells.checks(column)
    ]
    of_keys = [
        Finding("duplicate_row", None, _LATER),
        Finding("conflicting_rows", None, _LATER),
    ]
    of_relations = [Finding(*condition) for condition in _relation(table).conditions]
    of_stays = [Finding("stay_without_days", "entry_date", _LATER)] if table is ENROLLMENTS else []
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
    relation = _relation(table)
    in_itself = [finding for finding in enumerate(told[:of_cells]) if not _is_known_elsewhere(finding[1], relation)]
    _keep_findings(connection, table, told)
    connection.execute(
        f"""
        create table judged_{table.name} as
        select t.* exclude (broken{relation.without}){relation.columns}, {_mark(table, relation)} as mark,
            least({_first_unknown(told[:of_cells], relation)}, coalesce(
                t.broken, {_first_broken(list(enumerate(told))[of_cells:])}
            )) as broken
        from ({_typed(table, in_itself)}) t
        {relation.joins};
        create view accepted_{table.name} as
        select * exclude (broken) from judged_{table.name} where broken is null;
        """
    )
    if _find_suspects(connection, table):
        _find_repeats(connection, table, in_itself)


def _mark(table: Table, relation: Relation) -> str:
    """SQL of the hash by which rows that may share a key are found.

    Of marks it leaves the category out, so that the days of several marks are among them, too.
    """
    places = {
        column: f"coalesce({known}.place::ubigint, hash(t.{named(column)}))" for column, known in relation.known.items()
    }
    key = table.key[:-1] if table is ATTENDANCE else table.key
    return f"hash({', '.join(places.get(name, f't.{named(name)}') for name in key)})"


def _keep_findings(connection: duckdb.DuckDBPyConnection, table: Table, told: list[Finding]) -> None:
    rows = ", ".join(
        f"({code}, {quoted(finding.rule)}, {'null' if finding.column is None else quoted(finding.column)})"
        for code, finding in enumerate(told)
    )
    connection.execute(f'create table findings_{table.name} as from (values {rows}) as told(code, rule, "column")')


def _is_known_elsewhere(finding: Finding, relation: Relation) -> bool:
    return finding.column in relation.known and finding.rule in _OF_IDS


def _first_unknown(told: Sequence[Finding], relation: Relation) -> str:
    """What is wrong with ids that another table has to know: one that it knows was found to be well formed there."""
    cases = "".join(
        f" when {known}.{column} is null and {_of_row(finding.condition, column)} then {code}"
        for column, known in relation.known.items()
        for code, finding in enumerate(told)
        if finding.column == column and finding.rule in _OF_IDS
    )
    return f"(case{cases} end)::smallint" if cases else "null::smallint"


def _of_row(condition: str, column: str) -> str:
    return condition.replace(named(column), f"t.{named(column)}")


def _typed(table: Table, told: Sequence[tuple[int, Finding]], rows: str = "true") -> str:
    values = "".join(
        f', {cells.typed(column)} as "typed_{column.name}"' for column in table.columns if column.kind != "text"
    )
    kept = ", ".join(
        f'"{column.name}"' if column.kind == "text" else f'"typed_{column.name}" as "{column.name}"'
        for column in table.columns
    )
    return f"""
        select row, {kept}, {_first_broken(told)} as broken
        from (select *{values} from source_{table.name} where {rows})
    """


def _first_broken(told: Sequence[tuple[int, Finding]]) -> str:
    cases = " ".join(f"when {finding.condition} then {code}" for code, finding in told)
    return f"(case {cases} end)::smallint"


def _find_suspects(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Make `suspects_<table>`: marks of more than one row; how many there are."""
    # Numbers alone are sorted ten times as fast here as the engine groups them.
    marks = connection.execute(f"select mark from judged_{table.name}").fetchnumpy()["mark"]
    marks.sort()
    several = pa.table({"mark": np.unique(marks[1:][marks[1:] == marks[:-1]])})
    connection.register("several", several)
    connection.execute(f"create table suspects_{table.name} as from several")
    connection.unregister("several")
    return len(several)


def _find_repeats(connection: duckdb.DuckDBPyConnection, table: Table, told: Sequence[tuple[int, Finding]]) -> None:
    # Only suspects are compared in full. A key has one spelling only (see the cell rules), so that equal keys are
    # equal texts.
    key = ", ".join(map(named, table.key))
    others = [f'"{name}"' for name in table.column_names if name not in table.key]
    content = f"hash({', '.join(others)})" if others else "0"
    suspected = f"select row from judged_{table.name} semi join suspects_{table.name} using (mark)"
    connection.execute(
        f"""
        update judged_{table.name} judged set broken = least(broken, code)
        from (
            select row, case when min({content}) over same_key <> max({content}) over same_key
                    then {code_of(table, "conflicting_rows")}
                when row <> min(row) over same_key then {code_of(table, "duplicate_row")} end as code
            from ({_typed(table, told, f"row in ({suspected})")}) where broken is null
            window same_key as (partition by {key})
        ) repeat where judged.row = repeat.row and code is not null
        """
    )
