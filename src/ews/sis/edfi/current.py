"""What is in force after upserts and deletes: of records with the same API id the latest, unless it was deleted.

Bulk XML has no API ids, so all its records are in force and the validator finds those that came twice.
"""

from dataclasses import dataclass

import duckdb

from ews.sis.edfi.resources import ENROLLMENTS, RESOURCES, SCHOOLS, STUDENTS, Resource


@dataclass(frozen=True)
class Superseded:
    """Records of a resource that are not in force.

    Attributes:
        replaced: a later record has the same id.
        deleted: a later list of deletes names them.
        kept: a list of deletes names them, but records in force still refer to them. An ODS refuses to delete such a
            record, so the list is wrong or incomplete, and dropping a school would drop all its students.
    """

    replaced: int
    deleted: int
    kept: int


def make_current(connection: duckdb.DuckDBPyConnection) -> dict[str, Superseded]:
    """Make `<table>_now` of every resource: the columns of its working table, records in force only.

    Returns:
        By resource what was superseded.
    """
    # Enrolments go first: what they name is not dropped.
    ordered = sorted(RESOURCES, key=lambda resource: resource is not ENROLLMENTS)
    return {resource.name: _make_current(connection, resource) for resource in ordered}


def _make_current(connection: duckdb.DuckDBPyConnection, resource: Resource) -> Superseded:
    connection.execute(
        f"""
        create table {resource.table}_judged as
        select *, {" or ".join(_is_not_last(key) for key in _keys(resource))} as is_replaced,
            coalesce(document < (select max(document) from edfi_deleted where edfi_deleted.id = {resource.table}.id),
                false) as is_deleted,
            {_is_named(resource)} as is_named
        from {resource.table};
        create view {resource.table}_now as
        select * exclude (is_replaced, is_deleted, is_named) from {resource.table}_judged
        where not is_replaced and (not is_deleted or is_named);
        """
    )
    counts = connection.execute(
        "select count(*) filter (is_replaced), count(*) filter (not is_replaced and is_deleted and not is_named), "
        f"count(*) filter (not is_replaced and is_deleted and is_named) from {resource.table}_judged"
    ).fetchall()
    return Superseded(*counts[0])


def _keys(resource: Resource) -> list[str]:
    # An ODS of one school year has ids of its own; there a student or school is the same by its district's id.
    return ["id", resource.fields[0].name] if resource in (SCHOOLS, STUDENTS) else ["id"]


def _is_not_last(key: str) -> str:
    one_record = "concat_ws(' ', document, number)"
    return (
        f"row_number() over (partition by case when id is null or {key} is null then {one_record} else {key} end "
        "order by document desc, number desc) > 1"
    )


def _is_named(resource: Resource) -> str:
    if resource not in (SCHOOLS, STUDENTS):
        return "false"
    key = resource.fields[0].name
    return f"{key} in (select {key} from {ENROLLMENTS.table}_now where {key} is not null)"
