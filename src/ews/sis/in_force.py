"""Which tables are in force: a feed that is less than those is refused, unless a person takes it and says why."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from ews.home import Home, read_json, to_json, write_atomically
from ews.sis import refusals
from ews.sis.refusals import Override
from ews.sis.staging import quoted


def in_force(home: Home) -> str | None:
    """The id of the tables in force; None before the first ingest."""
    return str(read_json(home.current_tables)["id"]) if home.current_tables.exists() else None


def refuse_lesser(
    manifest: Mapping[str, Any], home: Home, allowed: Collection[str], override: Override
) -> list[dict[str, str]]:
    """Refuse a feed that is less than what is in force.

    Args:
        manifest: of the feed.
        home: where the tables in force are.
        allowed: `shrink`, `older`, both or none.
        override: who allows it and why.

    Returns:
        What was allowed, as manifest and log keep it: what was found, by whom, why and when.

    Raises:
        InputRefused: the feed is less, and nobody allowed it.
    """
    if in_force(home) is None:
        return []
    found = refusals.lesser(manifest, read_json(home.ingested() / "manifest.json"))
    refusals.refuse_lesser(found, allowed, override)
    return [{"allowed": one.kind, "found": one.text, **asdict(override)} for one in found]


def remember_students(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Make `students_before`: id, name and birth date in the tables in force, so that a reused id is seen."""
    known = "select null::varchar as student_id, null::varchar as name, null::date as birth_date where false"
    if in_force(home) is not None:
        known = f"select student_id, name, birth_date from {quoted(home.ingested() / 'students.parquet')}"
    connection.execute(f"create table students_before as {known}")


def withdrawn_students(home: Home) -> frozenset[str]:
    """Students who were in force once and are not now: nothing may be told of them, what was told is kept."""
    if not home.withdrawn.exists():
        return frozenset()
    now = home.ingested() / "students.parquet"
    gone = f"select student_id from {quoted(home.withdrawn)} except select student_id from {quoted(now)}"
    return frozenset(student for (student,) in duckdb.sql(gone).fetchall())


def put_in_force(home: Home, name: str, taken: list[dict[str, str]], override: Override) -> None:
    """Point to an ingest, and add a line to `ingests.jsonl`, which only grows.

    Students who were in force and are no longer stay known by their id in `withdrawn.parquet`.
    """
    if in_force(home) is not None:
        _withdraw(home, home.tables / name / "students.parquet")
    line = {"id": name, "at": override.at, "overrides": taken}
    known = home.ingests.read_text(encoding="utf-8") if home.ingests.exists() else ""
    write_atomically(home.ingests, known + json.dumps(line, ensure_ascii=False) + "\n")
    write_atomically(home.current_tables, to_json({"id": name}))


def _withdraw(home: Home, now: Path) -> None:
    before = f"select student_id from {quoted(home.ingested() / 'students.parquet')}"
    if home.withdrawn.exists():
        before += f" union select student_id from {quoted(home.withdrawn)}"
    written = home.withdrawn.with_name(f".tmp-{home.withdrawn.name}")
    gone = f"select * from ({before}) except select student_id from {quoted(now)} order by all"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({gone}) to {quoted(written)} (format parquet)")
    written.replace(home.withdrawn)


def by_school(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, object]]:
    """Of each school how many students and marks came in, and the day of its last mark."""
    rows = connection.execute(
        """
        with told as (
            select school_id, count(distinct student_id) as students from (
                select school_id, student_id from stays
                union all select school_id, student_id from accepted_attendance_years
            ) group by school_id
        ), marked as (
            select school_id, marks, through from (
                select school_place as place, count(*) as marks, max(date)::varchar as through
                from accepted_attendance group by place
            ) join accepted_schools using (place)
        )
        select school_id, students, coalesce(marks, 0), through from told left join marked using (school_id)
        """
    ).fetchall()
    return {school: {"students": students, "marks": marks, "through": day} for school, students, marks, day in rows}
