"""What the tables in force hold, per school and year, counted in SQL; no row is a student.

A school day on which a school sent no mark at all is not a day on which everybody was there: where five or more marks
were to be expected by the district's rate, that day is *missing*, and its enrolled days are unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from ews.engine import SOUND_PLANS
from ews.errors import NotEnoughData
from ews.home import read_json
from ews.policy import Policy

LEAST_EXPECTED = 5
"""Marks to be expected on a day from which none at all means that none were sent: by chance once in 150 such days."""

_EMPTY = {
    "calendar": "null::varchar as school_id, null::date as date, null::integer as school_year, "
    "null::integer as day_index",
    "stays": "null::varchar as student_id, null::varchar as school_id, null::integer as school_year, "
    "null::date as entry_date, null::varchar as grade_level, null::bigint as first_index, null::bigint as last_index",
    "marks": "null::varchar as student_id, null::varchar as school_id, null::date as date, "
    "null::integer as school_year, null::integer as day_index, null::boolean as is_absent, null::varchar as kind, "
    "null::boolean as is_tardy, null::boolean as is_early_departure, null::integer as missed_ten_thousandths",
    "attendance_years": "null::varchar as student_id, null::varchar as school_id, null::integer as school_year, "
    "null::varchar as grade_level, null::integer as days_enrolled, null::integer as days_absent",
}
_FILES = {
    "calendar": "calendar.parquet",
    "stays": "stays/*/stays.parquet",
    "marks": "marks/*/marks.parquet",
    "attendance_years": "attendance_years.parquet",
}


@dataclass(frozen=True, eq=False)
class Seen:
    """What the tables in force hold.

    Attributes:
        schools: one row per school and year: `days` (instructional), `first_day`, `last_day`, `longest_gap` (days
            without instruction between two instructional days), `gap_from`, `students`, `moved` (students of several
            stays in the year), `enrolled_days`, `marks`, `absent_days`, `with_status` and `chronic` (students with
            enough enrolled days, and those of them chronically absent, in this school alone), `without_marks` (school
            days without any mark), `missing` (those of them on which marks were to be expected), `missing_from`,
            `unknown_days` (enrolled days on missing days), `last_mark`.
        months: one row per school year and month: `enrolled_days`, `absent_days`, `unknown_days`.
        codes: one row per school year and kind of mark: `category`, `marks`.
        unknown_codes: codes of kinds of mark that no map explained, and how often.
        rejected: one row per file, rule and outcome: `rows`, and `what_to_do`.
        manifest: of the ingest.
    """

    schools: pd.DataFrame
    months: pd.DataFrame
    codes: pd.DataFrame
    unknown_codes: Mapping[str, int]
    rejected: pd.DataFrame
    manifest: Mapping[str, object]


def look(folder: Path, policy: Policy) -> Seen:
    """Look at the tables of one ingest.

    Args:
        folder: the tables in force (`Home.ingested`).
        policy: from how many enrolled days on a student has a status, and what is chronic.
    """
    with tables_of(folder) as connection:
        _make_days(connection)
        return Seen(
            connection.execute(f"{_SCHOOLS} union all by name {_SHEETS} {_ORDER}", _numbers(policy)).df(),
            connection.execute(_MONTHS).df(),
            connection.execute(_CODES).df(),
            dict(connection.execute(_UNKNOWN_CODES).fetchall()),
            connection.execute(_REJECTED).df(),
            read_json(folder / "manifest.json"),
        )


def tables_of(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection with views `calendar`, `stays`, `marks`, `attendance_years` and `rejects`; a missing table is empty.

    Raises:
        NotEnoughData: there is no ingest in the folder.
    """
    if not (folder / "manifest.json").exists():
        raise NotEnoughData(f"No ingest in {folder}. Bring records in with: ews ingest FOLDER")
    connection = duckdb.connect(config=SOUND_PLANS)
    for name, pattern in _FILES.items():
        there = any(folder.glob(pattern))
        rows = f"from read_parquet('{folder}/{pattern}', hive_partitioning=false)"
        connection.execute(f"create view {name} as {rows if there else f'select {_EMPTY[name]} where false'}")
    connection.execute(
        f"create view rejects as from read_csv('{folder}/rejects.csv', header=true, "
        "auto_detect=false, columns={'file': 'VARCHAR', 'line': 'VARCHAR', 'column': 'VARCHAR', 'rule': 'VARCHAR', "
        "'outcome': 'VARCHAR', 'what_to_do': 'VARCHAR', 'row': 'VARCHAR'}, delim=',', quote='\"', escape='\"', "
        "max_line_size=10000000)"
    )
    return connection


def _numbers(policy: Policy) -> dict[str, int]:
    return {"least": policy.min_days_enrolled, "percent": policy.chronic_percent}


def _make_days(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"""
        create table school_days as
        with changes as (
            select school_id, school_year, first_index as day_index, 1 as change from stays
            union all select school_id, school_year, last_index + 1, -1 from stays
        ), changed as (
            select school_id, school_year, day_index, sum(change) as change from changes group by all
        ), marked as (
            select school_id, school_year, day_index, count(*) as marks,
                count(*) filter (is_absent) as absent_days, max(date) as marked_on
            from marks group by all
        )
        select day.school_id, day.school_year, day.date, day.day_index, coalesce(marks, 0) as marks,
            coalesce(absent_days, 0) as absent_days,
            coalesce(sum(change) over (
                partition by day.school_id, day.school_year order by day.day_index
            ), 0)::bigint as enrolled,
            date <= (select max(date) from marks) as is_known,
            lead(date) over (partition by day.school_id, day.school_year order by day.day_index) as next_date
        from calendar day left join changed using (school_id, school_year, day_index)
        left join marked using (school_id, school_year, day_index);
        create table judged_days as
        with rates as (
            select school_year, sum(marks) / nullif(sum(enrolled), 0) as rate
            from school_days where is_known group by all
        )
        select *, is_known and enrolled > 0 and marks = 0 as is_silent,
            is_silent and enrolled * coalesce(rate, 0) >= {LEAST_EXPECTED} as is_missing
        from school_days left join rates using (school_year)
        """
    )


_STATUS = """
    select school_id, school_year, student_id, days, coalesce(absent, 0) as absent, moved from (
        select school_id, school_year, student_id, sum(last_index - first_index + 1) as days,
            any_value(stays_in_year) > 1 as moved
        from (select *, count(*) over (partition by student_id, school_year) as stays_in_year from stays) group by all
    ) left join (
        select school_id, school_year, student_id, count(*) as absent from marks where is_absent group by all
    ) using (school_id, school_year, student_id)
"""

_SCHOOLS = f"""
    with of_days as (
        select school_id, school_year, count(*) as days, min(date) as first_day, max(date) as last_day,
            max(next_date - date - 1) as longest_gap, arg_max(date, next_date - date) as gap_from,
            sum(enrolled) filter (is_known) as enrolled_days, sum(marks) as marks, sum(absent_days) as absent_days,
            count(*) filter (is_silent) as without_marks, count(*) filter (is_missing) as missing,
            min(date) filter (is_missing) as missing_from,
            coalesce(sum(enrolled) filter (is_missing), 0) as unknown_days, max(date) filter (marks > 0) as last_mark
        from judged_days group by all
    ), of_students as (
        select school_id, school_year, count(*) as students, count(*) filter (moved) as moved,
            count(*) filter (days >= $least) as with_status,
            count(*) filter (days >= $least and absent * 100 >= days * $percent) as chronic
        from ({_STATUS}) group by all
    )
    select of_days.* replace (coalesce(enrolled_days, 0) as enrolled_days),
        coalesce(students, 0) as students, coalesce(moved, 0) as moved, coalesce(with_status, 0) as with_status,
        coalesce(chronic, 0) as chronic
    from of_days left join of_students using (school_id, school_year)
"""

_ORDER = "order by school_id, school_year"

_SHEETS = """
    select school_id, school_year, count(*) as students, sum(days_enrolled) as enrolled_days,
        sum(days_absent) as absent_days, count(*) filter (days_enrolled >= $least) as with_status,
        count(*) filter (days_enrolled >= $least and days_absent * 100 >= days_enrolled * $percent) as chronic
    from attendance_years group by all
"""

_MONTHS = """
    select school_year, month(date) as month, min(date) as first_day, sum(enrolled) as enrolled_days,
        sum(absent_days) as absent_days, coalesce(sum(enrolled) filter (is_missing), 0) as unknown_days
    from judged_days where is_known group by all order by first_day
"""

_CODES = """
    select school_year, category, count(*) as marks from (
        select school_year, kind as category from marks where kind is not null
        union all select school_year, 'part of a day' from marks where kind is null and missed_ten_thousandths > 0
            and not is_tardy and not is_early_departure
        union all select school_year, 'tardy' from marks where is_tardy
        union all select school_year, 'early_departure' from marks where is_early_departure
    ) group by all order by school_year, category
"""

_UNKNOWN_CODES = """
    select code, count(*) from (
        select split_part(row, ',', 4) as code from rejects where rule = 'unknown_value' and "column" = 'category'
    ) where length(code) <= 40 group by code order by count(*) desc, code limit 30
"""
"""The code is the fourth field of a mark as `rejects.csv` shows it; it says how a school marks, not who."""

_REJECTED = """
    select file, rule, outcome, count(*) as rows, any_value(what_to_do) as what_to_do
    from rejects group by all order by rows desc, file, rule
"""
