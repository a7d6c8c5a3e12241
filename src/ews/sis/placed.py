"""Records put on the school's calendar once, at ingest, so that no later step joins the calendar to every record.

Works on DuckDB tables: `accepted_calendar` (school_id, date, school_year) and `stays` (student_id, school_id,
entry_date, exit_date, grade_level; no two of a student share a day).
"""

import duckdb
import narwhals as nw

from ews.tables import GRADES
from ews.tallies import BREAK_DAYS, mark_tallies, with_tallies_of_days

_GRADES = "[" + ", ".join(f"'{grade}'" for grade in GRADES) + "]"


def make_instructional_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `instructional_days` and `daily_years` of the accepted calendar.

    `instructional_days`: school, date, year, `day_index` 1, 2, … by date within school and year, `days_left` after
    it, `weekday` (Monday is 1), `month`, and `is_before_break`: the next one is at least four days later.
    `daily_years`: the years a school's calendar covers.
    """
    connection.execute(
        f"""
        create table instructional_days as
        select school_id, date, school_year, (row_number() over by_date)::smallint as day_index,
            (count(*) over (partition by school_id, school_year) - row_number() over by_date)::smallint as days_left,
            isodow(date)::tinyint as weekday, month(date)::tinyint as month,
            coalesce(lead(date) over by_date - date >= {BREAK_DAYS}, false) as is_before_break
        from accepted_calendar
        window by_date as (partition by school_id, school_year order by date);
        create table daily_years as
        select school_id, school_year, min(date) as first_day, max(date) as last_day
        from accepted_calendar group by all;
        """
    )


_PLACED_STAYS = f"""
    with years as (
        select *, min(first_day) over (partition by school_id) as known_since from daily_years
    ), begun as (
        -- A stay belongs first to the year of its school's next instructional day; where the entry is older than
        -- the calendar, to the year that a summer date (July onward) opens.
        select school_id, entry_date, min(school_year) as by_calendar, any_value(known_since) as known_since,
            year(entry_date) + (month(entry_date) >= 7)::integer as by_date
        from (select distinct school_id, entry_date from stays) join years using (school_id)
        where last_day >= entry_date group by all
    ), of_year as (
        select stay.student_id, stay.school_id, years.school_year, stay.entry_date, stay.grade_level,
            greatest(stay.entry_date, first_day) as since, least(coalesce(exit_date, last_day), last_day) as until,
            years.school_year - if(stay.entry_date < begun.known_since, least(by_date, by_calendar), by_calendar)
                as years_in_stay
        from stays stay join years using (school_id) join begun using (school_id, entry_date)
        where stay.entry_date <= last_day and coalesce(exit_date, last_day) >= first_day
    )
    select student_id, of_year.school_id, of_year.school_year, entry_date,
        {_GRADES}[least(list_position({_GRADES}, grade_level) + years_in_stay, {len(GRADES)})] as grade_level,
        first_day.day_index::bigint as first_index, last_day.day_index::bigint as last_index,
        count(*) over (partition by student_id, of_year.school_year) = 1 as is_only_stay
    from of_year
    asof join instructional_days first_day on of_year.school_id = first_day.school_id
        and of_year.school_year = first_day.school_year and of_year.since <= first_day.date
    asof join instructional_days last_day on of_year.school_id = last_day.school_id
        and of_year.school_year = last_day.school_year and of_year.until >= last_day.date
    where first_day.day_index <= last_day.day_index
"""


def make_placed_stays(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `placed_stays`: one row per stay and school year with at least one instructional day in it.

    `first_index` and `last_index` are its first and last instructional day, `grade_level` is that of the year (a stay
    that goes on is promoted, to grade 12 at most), and the tallies are what its days add (`ews.tallies`).
    """
    connection.execute(f"create view stays_of_years as {_PLACED_STAYS}")
    stays, days = (nw.from_native(connection.table(name)) for name in ("stays_of_years", "instructional_days"))
    with_tallies_of_days(stays, days).to_native().create("placed_stays")


def with_tallies(marked_days: nw.LazyFrame) -> nw.LazyFrame:
    """Marks with what each adds to its student's counts (`ews.tallies`)."""
    return marked_days.with_columns(**mark_tallies())
