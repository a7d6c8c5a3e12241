"""Days and stays: numbered instructional days, and enrolments of which no two own the same day."""

import duckdb

from ews.sis.placed import make_instructional_days
from ews.tables import CATEGORIES

_OPEN = "date '5000-01-01'"
"""A day after all others, for a stay without an exit."""


def make_known_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what later tables need of the accepted calendar.

    `instructional_days` and `daily_years` as in `ews.sis.placed`. `known_days`: every date between a school year's
    first and last instructional day; its numbers are null on days without instruction. `plausible_dates`: one row.
    """
    make_instructional_days(connection)
    connection.execute(
        """
        create table known_days as
        with spans as (
            select school_id, unnest(generate_series(first_day, last_day, interval 1 day))::date as date, school_year
            from daily_years
        ), dates as (select school_id, date, min(school_year) as school_year from spans group by all)
        select dates.school_id, dates.date, coalesce(day.school_year, dates.school_year) as school_year,
            day.day_index, day.days_left, day.is_before_break
        from dates left join instructional_days day on dates.school_id = day.school_id and dates.date = day.date;
        create view plausible_dates as
        select (min(date) - interval 30 year)::date as earliest, (max(date) + interval 1 year)::date as latest
        from accepted_calendar;
        """
    )


def make_stays(connection: duckdb.DuckDBPyConnection, without_days: int) -> None:
    """Make `stays`, in which no two stays of a student own the same day, and `trimmed`, the rows that gave days up.

    A day belongs to the stay that starts last among those that cover it; a stay without an exit ends
    where the next one starts. A row of which nothing is left gets the finding `without_days`.
    """
    connection.execute(
        f"""
        create table bounded_stays as
        select row, student_id, school_id, grade_level, entry_date,
            -- of stays that start on the same day, the longest counts as the later one
            row_number() over by_start as place,
            coalesce(exit_date, lead(entry_date) over by_start - 1, {_OPEN}) as last_day
        from accepted_enrollments
        window by_start as (partition by student_id order by entry_date, coalesce(exit_date, {_OPEN}), school_id);
        create table crowded_students as
        select distinct student_id from (
            select student_id, entry_date <= max(last_day) over (
                partition by student_id order by place rows between unbounded preceding and 1 preceding
            ) as shares_days, entry_date > last_day as has_none from bounded_stays
        ) where shares_days or has_none;
        create table stays as
        select row, student_id, school_id, entry_date, nullif(last_day, {_OPEN}) as exit_date, grade_level
        from bounded_stays where student_id not in (select student_id from crowded_students)
        union all {_SHARED_OUT};
        create table trimmed as
        select given.row from accepted_enrollments given left join stays kept on given.row = kept.row
        where given.student_id in (select student_id from crowded_students)
            or given.exit_date is distinct from kept.exit_date
        group by given.row
        having count(kept.row) > 1 or bool_or(given.entry_date <> kept.entry_date)
            or bool_or(kept.row is not null and given.exit_date is distinct from kept.exit_date);
        update judged_enrollments set broken = {without_days}
        where broken is null and row not in (select row from stays);
        drop table bounded_stays; drop table crowded_students;
        """
    )


def make_places(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what marks are held against, with students and schools by their places and categories as a type.

    `placed_days` are the known days. `enrolled_years`: of each stay and school year the first and last day, so that a
    mark is held against the stays of its own year, about one, and not against all of a student's.
    """
    connection.execute(
        f"""
        create type categories as enum ({", ".join(f"'{category}'" for category in CATEGORIES)});
        create table placed_days as
        select school.place as school_place, date, school_year::smallint as school_year, day_index, days_left,
            is_before_break
        from known_days join accepted_schools school using (school_id);
        create table enrolled_years as
        select student.place as student_place, school.place as school_place, year.school_year::smallint as school_year,
            greatest(entry_date, first_day) as since, least(coalesce(exit_date, last_day), last_day) as until
        from stays join daily_years year using (school_id)
        join accepted_students student using (student_id) join accepted_schools school using (school_id)
        where entry_date <= last_day and coalesce(exit_date, last_day) >= first_day
        """
    )


_SHARED_OUT = f"""
    select row, student_id, any_value(school_id), min(first_day), nullif(max(until), {_OPEN}), any_value(grade_level)
    from (
        select *, sum(case when first_day = before + 1 and row = row_before then 0 else 1 end)
            over (partition by student_id order by first_day) as island
        from (
            select *, lag(until) over by_day as before, lag(row) over by_day as row_before
            from (
                select cut.student_id, first_day, until, arg_max(stay.row, place) as row,
                    arg_max(school_id, place) as school_id, arg_max(grade_level, place) as grade_level
                from (
                    select student_id, day as first_day,
                        lead(day) over (partition by student_id order by day) - 1 as until
                    from (
                        select student_id, entry_date as day from bounded_stays
                        union select student_id, last_day + 1 from bounded_stays where last_day >= entry_date
                    ) where student_id in (select student_id from crowded_students)
                ) cut
                join bounded_stays stay on cut.student_id = stay.student_id
                    and cut.first_day >= stay.entry_date and cut.until <= stay.last_day
                where until is not null group by all
            ) window by_day as (partition by student_id order by first_day)
        )
    ) group by student_id, row, island
"""
"""Stretches between any two bounds of a student's stays, each given to the stay that starts last, then joined again."""
