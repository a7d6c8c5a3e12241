"""Ed-Fi records in force, in our words: `source_<table>` for each canonical table, for the one validator."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ews import tables
from ews.sis.edfi.descriptors import INSTRUCTION, NO_INSTRUCTION, PARTIAL, PRESENT
from ews.sis.edfi.resources import ATTENDANCE, CALENDAR_DATES, DEMOGRAPHICS, ENROLLMENTS, SCHOOLS, STUDENTS, Resource
from ews.sis.staging import quoted
from ews.tables import Table


@dataclass(frozen=True)
class Made:
    """How one canonical table comes of one resource.

    Attributes:
        table: the canonical table.
        resource: the Ed-Fi resource.
        rows: SQL with `document`, `number` and the table's columns.
    """

    table: Table
    resource: Resource
    rows: str


def _code(said: str, kind: str) -> str:
    # A code that no table knows goes on as it is, so that the validator can show it.
    means = f"(select any_value(means) from edfi_meanings where kind = {quoted(kind)} and said = {said})"
    return f"coalesce({means}, {_code_value(said)})"


def _code_value(said: str) -> str:
    return f"split_part({said}, '#', -1)"


_SCHOOLS = f"""
    select document, number, school_id, name, district_id, level
    from {SCHOOLS.table}_now left join (
        -- A school of several levels is of none of them.
        select document, number, case when count(distinct means) = 1 then any_value(means) else 'other' end as level
        from (select document, number, unnest(categories) as said from {SCHOOLS.table}_now)
        join edfi_meanings using (said) where kind = 'SchoolCategoryDescriptor' group by all
    ) using (document, number)
"""

_CALENDAR = """
    select document, number, school_id, date, school_year from edfi_instructional
    join edfi_calendars using (school_id, school_year) where calendar_code is not distinct from chosen
"""

_STUDENTS = f"""
    select document, number, student_id, nullif(concat_ws(' ', first_name, last_name), '') as name, birth_date,
        null::varchar as household_id
    from {STUDENTS.table}_now
"""

_ENROLLMENTS = f"""
    select document, number, student_id, school_id, entry_date, exit_date,
        {_code("grade", "GradeLevelDescriptor")} as grade_level
    from {ENROLLMENTS.table}_now
"""

_ATTENDANCE = f"""
    select document, number, student_id, school_id, date,
        case when means = {quoted(PARTIAL)} and duration is null then 'early_departure'
            when means = {quoted(PARTIAL)} then 'unexcused'
            else coalesce(means, {_code_value("category")}) end as category,
        duration as absent_share
    from {ATTENDANCE.table}_now left join edfi_meanings
        on kind = 'AttendanceEventCategoryDescriptor' and said = category
    where means is distinct from {quoted(PRESENT)}
"""

_EVER = f"(select count(*) > 0 from {DEMOGRAPHICS.table}_now where {{}})"


def _yes_no(condition: str) -> str:
    # What a feed says of no student at all is not known of any.
    return f"case when coalesce({condition}, false) then 'yes' when {_EVER.format(condition)} then 'no' end"


_DEMOGRAPHICS = f"""
    select min(document) as document, arg_min(number, document) as number, student_id, year as school_year,
        max(race) as race_ethnicity, max(gender) as gender, max(english_learner) as english_learner,
        max(disability) as disability, max(economically_disadvantaged) as economically_disadvantaged,
        max(homeless) as homeless
    from (
        select document, number, student_id,
            case when hispanic = 'true' then 'Hispanic or Latino' when len(races) > 1 then 'Two or more races'
                else {_code_value("races[1]")} end as race,
            {_code_value("sex")} as gender,
            {_code("proficiency", "LimitedEnglishProficiencyDescriptor")} as english_learner,
            {_yes_no("len(disabilities) > 0")} as disability,
            {_yes_no("array_to_string(characteristics, ' ') ilike '%#Economic%Disadvantaged%'")}
                as economically_disadvantaged,
            {_yes_no("array_to_string(characteristics, ' ') ilike '%#Homeless%'")} as homeless
        from {DEMOGRAPHICS.table}_now
    ), (select max(school_year) as year from edfi_instructional) group by student_id, year
"""

MADE = (
    Made(tables.SCHOOLS, SCHOOLS, _SCHOOLS),
    Made(tables.CALENDAR, CALENDAR_DATES, _CALENDAR),
    Made(tables.STUDENTS, STUDENTS, _STUDENTS),
    Made(tables.ENROLLMENTS, ENROLLMENTS, _ENROLLMENTS),
    Made(tables.ATTENDANCE, ATTENDANCE, _ATTENDANCE),
    Made(tables.DEMOGRAPHICS, DEMOGRAPHICS, _DEMOGRAPHICS),
)
"""Every canonical table an Ed-Fi feed brings."""


def make_sources(connection: duckdb.DuckDBPyConnection, brought: Sequence[Made]) -> dict[str, int]:
    """Make `source_<table>` and `edfi_first_<table>` (`document`, `first_record`: where its records begin).

    Returns:
        By table, records in force that are no row of it: present all day, no instructional day, another calendar.
    """
    _make_calendars(connection)
    return {made.table.name: _make_source(connection, made) for made in brought}


def _make_source(connection: duckdb.DuckDBPyConnection, made: Made) -> int:
    name, columns = made.table.name, ", ".join(made.table.column_names)
    connection.execute(
        f"""
        create table edfi_first_{name} as
        select document, (sum(records) over (order by document) - records)::bigint as first_record
        from (select document, max(number) + 1 as records from {made.resource.table} group by document);
        create table told_{name} as
        select first_record + number as record, {columns}
        from ({made.rows}) join edfi_first_{name} using (document) order by record;
        create view source_{name} as select rowid as row, * from told_{name};
        """
    )
    counted = connection.execute(
        f"select (select count(*) from {made.resource.table}_now) - (select count(*) from told_{name})"
    )
    return int(counted.fetchall()[0][0])


def _make_calendars(connection: duckdb.DuckDBPyConnection) -> None:
    # Where a school has several calendars in a year, the one most of its students follow is the school's.
    connection.execute(
        f"""
        create table edfi_instructional as
        select document, number, calendar_code, school_id, date, right(school_year, 4) as school_year
        from {CALENDAR_DATES.table}_now join (
            select document, number
            from (select document, number, unnest(events) as said from {CALENDAR_DATES.table}_now)
            join edfi_meanings using (said) where kind = 'CalendarEventDescriptor'
            group by all having bool_or(means = {quoted(INSTRUCTION)}) and not bool_or(means = {quoted(NO_INSTRUCTION)})
        ) using (document, number);
        create table edfi_calendars as
        select school_id, school_year, arg_max(calendar_code, (coalesce(students, 0), days, calendar_code)) as chosen
        from (
            select school_id, school_year, calendar_code, count(*) as days from edfi_instructional group by all
        ) left join (
            select school_id, calendar_code, count(*) as students from {ENROLLMENTS.table}_now group by all
        ) using (school_id, calendar_code) group by all
        """
    )
