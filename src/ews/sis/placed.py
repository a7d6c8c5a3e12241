"""Records put on the school's calendar once, at ingest, so that no later step joins the calendar to every record.

Works on DuckDB tables: `accepted_calendar` (school_id, date, school_year) and `stays` (student_id, school_id,
entry_date, exit_date, grade_level; no two of a student share a day).
"""

import duckdb
import narwhals as nw

from ews.tables import GRADES
from ews.tallies import BREAK_DAYS, OF_DAYS, mark_tallies, with_tallies_of_days

_GRADES = "[" + ", ".join(f"'{grade}'" for grade in GRADES) + "]"


def make_instructional_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `instructional_days` and `daily_years` of the accepted calendar.

    `instructional_days`: school, date, year, `day_index` 1, 2, … by date within school and year, `days_left` after
    it, `weekday` (Monday is 1), `month`, and `is_before_break`: the next one is at least four days later.
    `daily_years`: the years a school's calendar covers, and how many instructional days each has.
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
        select school_id, school_year, min(date) as first_day, max(date) as last_day, count(*) as instructional_days
        from accepted_calendar group by all;
        """
    )


_PLACED_SPANS = """
    with spans as (
        select distinct school_id, entry_date, exit_date from stays
    ), years as (
        select *, list(school_year) over (partition by school_id) as known_years from daily_years
    ), begun as (
        -- A stay belongs first to the year of its school's next instructional day; where the calendar lacks the year
        -- that the entry lies in by its date (a summer date, July onward, opens the next), to that year.
        select span.*, school_year, known_years, year(entry_date) + (month(entry_date) >= 7)::integer as by_date,
            min(school_year) over (partition by span.school_id, entry_date, exit_date) as by_calendar,
            first_day, instructional_days,
            greatest(entry_date, first_day) as since, least(coalesce(exit_date, last_day), last_day) as until
        from spans span join years using (school_id) where entry_date <= last_day
    ), of_year as (select * from begun where until >= first_day)
    select of_year.school_id, of_year.school_year, entry_date, exit_date,
        of_year.school_year - if(by_date in known_years, by_calendar, least(by_date, by_calendar)) as years_in_stay,
        first_day.day_index::bigint as first_index, last_day.day_index::bigint as last_index, instructional_days
    from of_year
    asof join instructional_days first_day on of_year.school_id = first_day.school_id
        and of_year.school_year = first_day.school_year and of_year.since <= first_day.date
    asof join instructional_days last_day on of_year.school_id = last_day.school_id
        and of_year.school_year = last_day.school_year and of_year.until >= last_day.date
    where first_day.day_index <= last_day.day_index
"""
"""The calendar's part of a stay, once for all students who came to a school and left it on the same days."""

_PLACED_STAYS = f"""
    create table placed_stays as
    select student_id, stay.school_id, school_year, stay.entry_date,
        {_GRADES}[least(list_position({_GRADES}, grade_level) + years_in_stay, {len(GRADES)})] as grade_level,
        first_index, last_index, instructional_days, count(*) over of_student = 1 as is_only_stay,
        stay.entry_date = min(stay.entry_date) over of_student as is_first_stay,
        stay.entry_date = max(stay.entry_date) over of_student as is_last_stay,
        stay.entry_date = min(stay.entry_date) over of_student_in_school as is_first_at_school,
        {", ".join(OF_DAYS)}
    from stays stay join placed_spans span on stay.school_id = span.school_id and stay.entry_date = span.entry_date
        and stay.exit_date is not distinct from span.exit_date
    window of_student as (partition by student_id, school_year),
        of_student_in_school as (partition by student_id, school_year, stay.school_id)
"""


STAYS_IN_ORDER = "order by is_only_stay, student_id, entry_date"
"""How stays are stored: those of several in a year together, so that who asks for them reads nothing else."""


def make_placed_stays(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `placed_stays`: one row per stay and school year with at least one instructional day in it.

    `first_index` and `last_index` are its first and last instructional day, `grade_level` is that of the year (a stay
    that goes on is promoted, to grade 12 at most), and the tallies are what its days add (`ews.tallies`). Of its place
    among the student's stays of the year it tells whether it is the only, the first, the last, the first at its school.
    """
    connection.execute(f"create view spans_of_years as {_PLACED_SPANS}")
    spans, days = (nw.from_native(connection.table(name)) for name in ("spans_of_years", "instructional_days"))
    with_tallies_of_days(spans, days).to_native().create("placed_spans")
    connection.execute(_PLACED_STAYS)


def with_tallies(marked_days: nw.LazyFrame) -> nw.LazyFrame:
    """Marks with what each adds to its student's counts (`ews.tallies`)."""
    return marked_days.with_columns(**mark_tallies())
