"""The canonical tables of one ingest as Parquet: marks as one row per student's day, in student order."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import narwhals as nw

from ews.absence import ABSENCE_CATEGORIES, TEN_THOUSANDTHS, is_absent_day
from ews.engine import SOUND_PLANS
from ews.sis.placed import STAYS_IN_ORDER, make_placed_stays, with_tallies
from ews.sis.staging import quoted
from ews.tables import (
    ATTENDANCE_YEARS,
    DEMOGRAPHICS,
    MENTORING,
    SCHOOLS,
    STUDENTS,
    Table,
)

AS_INGEST_WRITES = "(format parquet, compression zstd, compression_level 1, preserve_order true)"
"""In the order given, so that what belongs to a student lies together."""
_CALENDAR = "select * from instructional_days order by school_id, date"
_STAYS = """
    select student_id, school_id, entry_date, exit_date, grade_level from stays order by student_id, entry_date
"""


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    present: list[str],
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the accepted rows of the tables that came in, with the calendar numbered and stays that share no day."""
    for table in (SCHOOLS, STUDENTS, ATTENDANCE_YEARS, DEMOGRAPHICS, MENTORING):
        if table.name in present:
            _copy(connection, _rows(table), folder / f"{table.name}.parquet")
    if "calendar" in present:
        _copy(connection, _CALENDAR, folder / "calendar.parquet")
    if "enrollments" in present:
        _copy(connection, _STAYS, folder / "enrollments.parquet")
    if {"calendar", "enrollments"} <= set(present):
        _write_stays(connection, folder / "stays")
    if "attendance" in present:
        _write_marks(connection, folder / "marks", progress)


def _rows(table: Table) -> str:
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    key = ", ".join(f'"{name}"' for name in table.key)
    return f"select {columns} from accepted_{table.name} order by {key}"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"copy ({query}) to {quoted(path)} {AS_INGEST_WRITES}")


def fingerprints(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    """For each school year a hash of all its records that `student_years` reads: equal hash, equal student years."""
    texts: dict[str, list[str]] = {}
    for rows in (_FINGERPRINTED_CALENDAR, _FINGERPRINTED_SHEET):
        for year, text in connection.execute(rows).fetchall():
            texts.setdefault(str(year), []).append(text)
    for path in sorted(folder.glob("*/school_year=*/*.parquet")):
        with path.open("rb") as file:
            texts.setdefault(path.parent.name[-4:], []).append(hashlib.file_digest(file, "sha256").hexdigest())
    return {year: hashlib.sha256(" ".join(found).encode()).hexdigest()[:16] for year, found in sorted(texts.items())}


_FINGERPRINTED_CALENDAR = """
    select school_year, md5(string_agg(concat_ws(' ', school_id, date), ',' order by school_id, date))
    from accepted_calendar group by school_year
"""
_FINGERPRINTED_SHEET = f"""
    select school_year, md5(string_agg(({", ".join(ATTENDANCE_YEARS.column_names)})::varchar, ','
        order by {", ".join(ATTENDANCE_YEARS.key)}))
    from accepted_attendance_years group by school_year
"""


def _write_stays(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    make_placed_stays(connection)
    for year in _years(connection, "placed_stays"):
        rows = f"select * from placed_stays where school_year = {year} {STAYS_IN_ORDER}"
        _copy(connection, rows, _part_of(folder, year) / "stays.parquet")


def _write_marks(connection: duckdb.DuckDBPyConnection, folder: Path, progress: Callable[[str], None]) -> None:
    # Marks look their ids up as they pass, in their order; left free, the engine may let ids look for their marks.
    sound = SOUND_PLANS["disabled_optimizers"]
    connection.execute(f"set disabled_optimizers = 'join_order,build_side_probe_side,{sound}'")
    for year in _years(connection, "accepted_attendance"):
        progress(f"Writing marks of {year}")
        marked = nw.from_native(connection.sql(_marked_days(year)))
        marked = marked.with_columns(is_absent=is_absent_day(nw.col("absent_ten_thousandths")))
        marked.to_native().create_view("marked_days", replace=True)
        connection.execute(f"create or replace table placed_marks as {_PLACED_MARKS}")
        tallied = with_tallies(nw.from_native(connection.sql(_marks(year))))
        _copy(connection, tallied.to_native().sql_query(), _part_of(folder, year) / "marks.parquet")
    connection.execute(f"set disabled_optimizers = '{sound}'")


def _years(connection: duckdb.DuckDBPyConnection, table: str) -> list[int]:
    return [year for (year,) in connection.execute(f"select distinct school_year from {table} order by 1").fetchall()]


def _part_of(folder: Path, year: int) -> Path:
    part = folder / f"school_year={year}"
    part.mkdir(parents=True)
    return part


def _marked_days(year: int) -> str:
    absent = ", ".join(map(quoted, ABSENCE_CATEGORIES))
    of_kinds = {kind: f"case when category = {quoted(kind)} then share else 0 end" for kind in ABSENCE_CATEGORIES}
    counted = {
        **of_kinds,
        "absent_ten_thousandths": f"case when category in ({absent}) then share else 0 end",
        "missed_ten_thousandths": "share",
        "is_tardy": "category = 'tardy'",
        "is_early_departure": "category = 'early_departure'",
    }
    alone = ", ".join(f"{value} as {name}" for name, value in counted.items())
    together = {name: f"{'bool_or' if name.startswith('is_') else 'sum'}({value})" for name, value in counted.items()}
    together["missed_ten_thousandths"] = f"least(sum(share), {TEN_THOUSANDTHS})"
    several = ", ".join(
        f"{value}{'' if name.startswith('is_') else '::integer'} as {name}" for name, value in together.items()
    )
    day = "day_index, days_left, is_before_break"
    any_day = ", ".join(f"any_value({name})" for name in day.split(", "))
    return f"""
        with marked as not materialized (
            select student_place, school_place, date, category, {day}, coalesce(
                absent_share, case when category in ({absent}) then {TEN_THOUSANDTHS} else 0 end
            )::integer as share, mark in (select mark from suspects_attendance) as is_one_of_several
            from accepted_attendance where school_year = {year}
        )
        select student_place, school_place, date, {day}, {alone} from marked where not is_one_of_several
        union all
        select student_place, school_place, date, {any_day}, {several}
        from marked where is_one_of_several group by student_place, school_place, date
    """


_IN_STUDENT_ORDER = """
    select student_place, school_place, date, day_index, days_left, is_before_break, is_absent,
        case when is_absent then
            case when suspension >= greatest(excused, unexcused) then 'suspension'
                when unexcused >= excused then 'unexcused' else 'excused' end
        end::categories as kind,
        is_tardy, is_early_departure, missed_ten_thousandths::smallint as missed_ten_thousandths
    from marked_days order by student_place, school_place, date
"""
"""Places of students and schools are in the order of their ids, and sorts over numbers are cheap."""

_PLACED_MARKS = f"""
    select * exclude (number, begins), case when is_absent then
        (1 + number - max(case when begins then number end) over (rows unbounded preceding))::smallint
    end as spell_day
    from (
        select *, row_number() over () as number, is_absent and not coalesce(
            lag(is_absent) over () and lag(student_place) over () = student_place
            and lag(school_place) over () = school_place and lag(day_index) over () = day_index - 1, false
        ) as begins from ({_IN_STUDENT_ORDER})
    )
"""
"""In student order a spell of absent days stands row below row: a day's place in it is counted from where it begins."""


def _marks(year: int) -> str:
    return f"""
        select student_id, school_id, date, {year} as school_year, day_index, days_left, is_before_break,
            spell_day, month(date)::tinyint as month, isodow(date)::tinyint as weekday, is_absent,
            kind::varchar as kind, is_tardy, is_early_departure,
            missed_ten_thousandths::integer as missed_ten_thousandths
        from placed_marks join accepted_students student on student_place = student.place
        join accepted_schools school on school_place = school.place
    """
