"""Students of two ids: records under an id that was given up count for the id in use."""

from collections.abc import Collection

import duckdb

from ews.tables import MERGES, STUDENTS, TABLES

_APPLIES_TO = tuple(table for table in TABLES if table not in (MERGES, STUDENTS) and "student_id" in table.column_names)


def apply(connection: duckdb.DuckDBPyConnection, brought: Collection[str]) -> None:
    """Let `source_<table>` tell the id in use, in every table brought that names students.

    The students table keeps the id that was given up, so that its row can be told. Reads `accepted_merges`.
    """
    if not connection.execute("select 1 from accepted_merges limit 1").fetchall():
        return
    for table in _APPLIES_TO:
        if table.name in brought:
            _rename(connection, f"source_{table.name}", f"given_{table.name}")
            connection.execute(
                f"""
                create view source_{table.name} as
                select given.* replace (coalesce(merge.merged_into, given.student_id) as student_id)
                from given_{table.name} given left join accepted_merges merge on given.student_id = merge.student_id
                """
            )


def _rename(connection: duckdb.DuckDBPyConnection, name: str, new_name: str) -> None:
    is_view = connection.execute("select 1 from duckdb_views() where view_name = ?", [name]).fetchall()
    connection.execute(f"alter {'view' if is_view else 'table'} {name} rename to {new_name}")
