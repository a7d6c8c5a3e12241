"""What a positive feed is silent about: days without any row are not days on which everybody was there."""

import duckdb

from ews.sis.mapped import FIRST_MONTH

_LEAST_SHARE = 10
"""Without a calendar, a date is a school's day if at least one in this many of its usual students has a row."""


def make_calendar(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `source_calendar` of the rows themselves, where a feed has no calendar."""
    connection.execute(
        f"""
        create table told_calendar as
        select record, school_id, date, (year(date::date) + (month(date::date) >= {FIRST_MONTH})::integer)::varchar
            as school_year
        from (
            select school_id, date, min(record) as record, count(distinct student_id) as students
            from attendance_days group by all
        ) qualify students * {_LEAST_SHARE} >= median(students) over (partition by school_id) order by record;
        create view source_calendar as select rowid as row, * from told_calendar;
        """
    )


def without_silent_days(connection: duckdb.DuckDBPyConnection) -> int:
    """Leave days out of `source_calendar` on which a school sent nothing, between its first and its last row.

    Returns:
        How many.
    """
    # Later days are left in: nothing was sent of them because they have not come yet.
    connection.execute(
        """
        alter view source_calendar rename to whole_calendar;
        create table silent_days as
        select distinct given.school_id, given.date from whole_calendar given
        join (select school_id, min(date) as first_day, max(date) as last_day from attendance_days group by 1) sent
            using (school_id)
        where given.date > first_day and given.date < last_day
            and (given.school_id, given.date) not in (select school_id, date from attendance_days);
        create view source_calendar as
        select given.* from whole_calendar given anti join silent_days using (school_id, date);
        """
    )
    return _count(connection, "silent_days")


def remarks_on_coverage(connection: duckdb.DuckDBPyConnection, *, has_calendar: bool) -> list[str]:
    """What is not known, in sentences."""
    silent = _silent_schools(connection) if has_calendar else ["The calendar is made of the days that have rows."]
    return [*silent, *_unknown_days(connection)]


def _silent_schools(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("select school_id, count(*) from silent_days group by 1 order by 2 desc, 1").fetchall()
    more = [f"So it is in {len(found) - 5} more schools."] if len(found) > 5 else []
    return [
        f"School {school} sent no row on {days} of its instructional days; nothing is known of them, "
        "and they are not counted."
        for school, days in found[:5]
    ] + more


def _unknown_days(connection: duckdb.DuckDBPyConnection) -> list[str]:
    stays = "(select *, coalesce(exit_date, '9999-12-31') as last_day from source_enrollments) stay"
    enrolled = connection.execute(
        f"""
        select count(*) from {stays} join (
            select distinct school_id, date from source_calendar
            semi join attendance_days using (school_id, date)
        ) day on stay.school_id = day.school_id and day.date between entry_date and last_day
        """
    ).fetchall()[0][0]
    known = connection.execute(
        f"""
        select count(*) from attendance_days day semi join source_calendar using (school_id, date)
        semi join {stays} on stay.student_id = day.student_id and stay.school_id = day.school_id
            and day.date between entry_date and last_day
        """
    ).fetchall()[0][0]
    if enrolled <= known:
        return []
    return [
        f"{enrolled - known:,} of {enrolled:,} enrolled days have no row though their school sent rows on that day; "
        "nothing is known of them, and they count as attended."
    ]


def remarks_on_years(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Which rows name a school year that their dates do not lie in."""
    found = connection.execute(
        f"""
        with told as (
            select case when regexp_full_match(said_year, '\\d{{4}}') then said_year::integer
                    when regexp_full_match(said_year, '\\d{{4}}-\\d{{2,4}}') then left(said_year, 4)::integer + 1
                end as said,
                year(date::date) + (month(date::date) >= {FIRST_MONTH})::integer as lies_in
            from attendance_rows_by_cells where broken is null and said_year is not null
        )
        select said, lies_in, count(*) from told where said is distinct from lies_in group by all order by all limit 5
        """
    ).fetchall()
    return [
        f"{rows:,} rows say school year {said or 'of a form that is not known'}, and their dates lie in {year}; "
        "the dates are believed."
        for said, year, rows in found
    ]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
