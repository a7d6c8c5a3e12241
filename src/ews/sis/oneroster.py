"""The OneRoster source: schools, students and stays from a OneRoster CSV roster; calendar and attendance beside it.

OneRoster has no attendance, so the folder also holds a calendar and attendance as a flat folder does, with its own map.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ews.errors import InputRefused, InvalidPolicy
from ews.sis.column_map import check_keys, map_text, parse_toml
from ews.sis.files import InputFile, inspect
from ews.sis.flat import open_mapped
from ews.sis.flat_map import OWN_WORDS, USUAL_GRADES, FlatMap, parse_flat_map
from ews.sis.source import Part, Source, Staged
from ews.sis.staging import quoted, stage

_COLUMNS = {
    "orgs": ("sourcedId", "status", "name", "type", "identifier", "parentSourcedId"),
    "users": ("sourcedId", "status", "role", "givenName", "familyName", "identifier", "grades"),
    "roles": ("userSourcedId", "status", "role", "beginDate", "endDate", "orgSourcedId"),
    "enrollments": ("classSourcedId", "status", "schoolSourcedId", "userSourcedId", "role", "beginDate", "endDate"),
    "classes": ("sourcedId", "status", "termSourcedIds"),
    "academicSessions": ("sourcedId", "status", "startDate", "endDate"),
    "demographics": ("sourcedId", "status", "birthDate"),
    "manifest": ("propertyName", "value"),
}
_REQUIRED = ("manifest", "orgs", "users", "enrollments")
_IDS = ("sourcedId", "identifier")
_BROUGHT = ("schools", "students", "enrollments", "demographics")
_BETWEEN_TERMS = 31
"""Days without a class within which a student has not left: the break between two terms."""

_GRADES = {**USUAL_GRADES, "PR": "PK", "TK": "PK"}
"""Grade codes of OneRoster (CEDS) as grades here."""


@dataclass(frozen=True)
class _Roster:
    """A roster, looked at.

    Attributes:
        files: its files by name, without `.csv`.
        ids: the column whose ids the calendar and attendance use.
    """

    files: Mapping[str, InputFile]
    ids: str

    def part(self, name: str) -> tuple[Part, ...]:
        """Where rows of a table came from."""
        return (Part(self.files[name]),)


def open_oneroster(folder: Path, column_map: Path | None) -> Source:
    """Look at a folder with a roster, unpacked, and calendar and attendance.

    Args:
        folder: the folder.
        column_map: the map of calendar and attendance; `[oneroster] ids = "identifier"` says that they name students
            and schools by `identifier`, else by `sourcedId`.

    Raises:
        InputRefused: no folder, a file of the roster is missing, or the roster holds changes only.
        InvalidPolicy: the map cannot be read.
    """
    mapping, ids = _read_map(column_map)
    others = open_mapped(folder, mapping, _BROUGHT)
    names = [name for name in _COLUMNS if (folder / f"{name}.csv").exists()]
    for name in _REQUIRED:
        if name not in names:
            raise InputRefused(f"No {name}.csv in {folder}. Unpack the OneRoster ZIP into this folder.")
    roster = _Roster({name: inspect(folder / f"{name}.csv") for name in names}, ids)
    return Source(
        (*others.files, *roster.files.values()),
        f"oneroster {ids} {mapping.sha256}",
        lambda connection, progress: _stage(connection, others, roster, progress),
    )


def _read_map(path: Path | None) -> tuple[FlatMap, str]:
    if path is None:
        return OWN_WORDS, _IDS[0]
    text = map_text(path)
    said = parse_toml(text).get("oneroster", {})
    check_keys(said, ("ids",), "[oneroster]")
    ids = said.get("ids", _IDS[0])
    if ids not in _IDS:
        raise InvalidPolicy(f"ids in [oneroster] must be one of {', '.join(_IDS)}.")
    return parse_flat_map(text, ("oneroster",)), ids


def _stage(
    connection: duckdb.DuckDBPyConnection, others: Source, roster: _Roster, progress: Callable[[str], None]
) -> Staged:
    staged = others.stage(connection, progress)
    dropped = dict(staged.dropped_columns)
    for name, columns in _COLUMNS.items():
        if name in roster.files:
            progress(f"Reading {name}.csv")
            unread = stage(connection, roster.files[name], f"or_{name.lower()}", columns, columns[:1])
            dropped |= {f"{name}.csv": unread} if unread else {}
        else:
            cells = ", ".join(f"{column} varchar" for column in columns)
            connection.execute(f"create table or_{name.lower()} ({cells})")
    _refuse_delta(connection)
    by_role = _make_roster(connection, roster.ids)
    parts = {
        "schools": roster.part("orgs"),
        "students": roster.part("users"),
        "enrollments": roster.part("roles" if by_role else "enrollments"),
    }
    return Staged({**staged.parts, **parts}, dropped, left_out=staged.left_out, remarks=staged.remarks)


def _refuse_delta(connection: duckdb.DuckDBPyConnection) -> None:
    deltas = connection.execute(
        "select propertyName from or_manifest where propertyName like 'file.%' and lower(value) = 'delta' order by 1"
    ).fetchall()
    if deltas:
        raise InputRefused(
            f"The roster holds changes only ({', '.join(name for (name,) in deltas)} is delta in manifest.csv). "
            "Export the whole roster (bulk)."
        )


def _make_roster(connection: duckdb.DuckDBPyConnection, ids: str) -> bool:
    """Make `source_schools`, `source_students` and `source_enrollments`; whether stays are those of roles.csv."""
    active = "lower(coalesce(status, '')) <> 'tobedeleted'"
    grades = " ".join(f"when {quoted(said)} then {quoted(means)}" for said, means in _GRADES.items())
    connection.execute(
        f"""
        create table told_schools as
        select org.rowid as record, org.{ids} as school_id, org.name, parent.{ids} as district_id,
            null::varchar as level, org.sourcedId as key
        from or_orgs org left join (select sourcedId, any_value({ids}) as {ids} from or_orgs group by 1) parent
            on org.parentSourcedId = parent.sourcedId
        where lower(org.type) = 'school' and lower(coalesce(org.status, '')) <> 'tobedeleted' order by record;
        create table told_students as
        select rowid as record, users.{ids} as student_id, nullif(concat_ws(' ', givenName, familyName), '') as name,
            birthDate as birth_date, null::varchar as household_id, users.sourcedId as key,
            case grades {grades} else grades end as grade_level
        from or_users users left join (
            select sourcedId, any_value(birthDate) as birthDate from or_demographics where {active} group by 1
        ) born on users.sourcedId = born.sourcedId
        where {active} and (lower(role) = 'student' or users.sourcedId in (
            select userSourcedId from or_roles where lower(role) = 'student' and {active}
        )) order by record;
        create view source_schools as select rowid as row, * exclude (key) from told_schools;
        create view source_students as select rowid as row, * exclude (key, grade_level) from told_students;
        """
    )
    dated = f"lower(role) = 'student' and beginDate is not null and {active}"
    by_role = bool(connection.execute(f"select count(*) from or_roles where {dated}").fetchall()[0][0])
    spans = _spans_of_roles(dated) if by_role else _spans_of_classes(active)
    connection.execute(
        f"""
        create table told_enrollments as
        select span.record, coalesce(student_id, user_key) as student_id, coalesce(school_id, school_key) as school_id,
            entry_date, exit_date, grade_level
        from ({_stays(spans)}) span
        left join (select key, any_value(student_id) as student_id, any_value(grade_level) as grade_level
            from told_students group by 1) student on user_key = student.key
        left join (select key, any_value(school_id) as school_id from told_schools group by 1) school
            on school_key = school.key
        order by span.record;
        create view source_enrollments as select rowid as row, * from told_enrollments;
        """
    )
    return by_role


def _spans_of_roles(dated: str) -> str:
    return f"""
        select rowid as record, userSourcedId as user_key, orgSourcedId as school_key, beginDate as first_day,
            endDate as after_last
        from or_roles where {dated} and orgSourcedId in (select key from told_schools)
    """


def _spans_of_classes(active: str) -> str:
    # A class without dates of its own lasts as long as its terms.
    return f"""
        with terms as (
            select class.sourcedId as class_key, min(startDate) as first_day, max(endDate) as after_last
            from (select sourcedId, unnest(string_split(termSourcedIds, ',')) as term from or_classes) class
            join or_academicsessions session on trim(term) = session.sourcedId group by 1
        )
        select member.rowid as record, userSourcedId as user_key, schoolSourcedId as school_key,
            coalesce(beginDate, first_day) as first_day, coalesce(endDate, after_last) as after_last
        from or_enrollments member left join terms on classSourcedId = class_key
        where lower(role) = 'student' and {active}
    """


def _stays(spans: str) -> str:
    # Ends are exclusive in OneRoster. A text that is no date stays as it is, so that the validator can tell it.
    return f"""
        with spans as ({spans}), dated as (
            select *, try_cast(first_day as date) as begins,
                coalesce(try_cast(after_last as date), date '5000-01-01') as ends
            from spans
        ), begun as (
            select *, coalesce(begins > max(ends) over before + {_BETWEEN_TERMS}, true) as is_new from dated
            window before as (
                partition by user_key, school_key order by begins, ends
                rows between unbounded preceding and 1 preceding
            )
        ), numbered as (
            select *, sum(is_new::integer) over by_day as stay from begun
            window by_day as (partition by user_key, school_key order by begins, ends, record)
        )
        select min(record) as record, user_key, school_key,
            coalesce(min(begins)::varchar, min(first_day)) as entry_date,
            case when max(ends) < date '5000-01-01' then (max(ends) - 1)::varchar end as exit_date
        from numbered group by user_key, school_key, stay
    """
