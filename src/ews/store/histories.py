"""Each student's attendance as JSON text, made in DuckDB: what a page or a mentor's view shows, without any score."""

from pathlib import Path

import duckdb

from ews.engine import write_parquet
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.store.bulk import folder_of
from ews.student_years import kept_beside, known_school_years, open_records, opened, stored_student_years

_MONTHS = (7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6)
_WEEKDAYS = (1, 2, 3, 4, 5)
_TOTALS = (
    "school_year", "school_id", "grade_level", "days_enrolled", "days_absent", "days_excused", "days_unexcused",
    "days_suspended", "days_tardy",
)  # fmt: skip
_PAIRS = {f"{month:02d}": f"month_{month:02d}" for month in _MONTHS} | {str(d): f"weekday_{d}" for d in _WEEKDAYS}


def make_histories(
    work: duckdb.DuckDBPyConnection,
    records: Path,
    policy: Policy,
    target_year: SchoolYear,
    data_through: str | None,
) -> None:
    """Make the table `roster_histories` (student_id, attendance, fingerprint) in the working database.

    `attendance` has `years` (oldest first; counts, and pairs of days absent and enrolled by month and weekday, none
    from a yearly sheet), `days` (the marks of the two last known years: date and kind), `days_enrolled_so_far` in the
    target year, and `data_through`.

    Args:
        work: the working database.
        records: the folder of one ingest.
        policy: tells when a year is complete.
        target_year: the school year predicted.
        data_through: ISO date of the last mark; None where it is not known.
    """
    opened_records = open_records(records)
    years = stored_student_years(kept_beside(records), opened_records, policy)
    pairs = (f"days_{what}_{of}" for of in _PAIRS.values() for what in ("absent", "enrolled"))
    path = folder_of(work) / "student_years.parquet"
    write_parquet(opened(years).select("student_id", *_TOTALS, *pairs), path)
    latest = max(known_school_years(opened_records)).ending
    work.execute(f"create view known_years as from read_parquet('{_escaped(path)}')")
    work.execute(f"create view marked_days as {_marked_days(records, latest - 1)}")
    work.execute(_histories(), {"target_year": target_year.ending, "data_through": data_through})


def _marked_days(records: Path, since: int) -> str:
    if not any((records / "marks").glob("*/*.parquet")):
        return "select null::varchar as student_id, null::date as date, null::varchar as kind where false"
    return f"""
        select student_id, date,
            case when is_absent then kind when is_tardy then 'tardy' when is_early_departure then 'early_departure'
                else 'part_of_day' end as kind
        from read_parquet('{_escaped(records)}/marks/*/*.parquet', hive_partitioning = true)
        where school_year >= {since}
    """


def _histories() -> str:
    totals = ", ".join(f"{name}: {name}" for name in _TOTALS)
    months, weekdays = (_pairs(kind) for kind in ("month", "weekday"))
    return f"""
        create table roster_histories as
        with years as (
            select student_id,
                list({{{totals}, months: {months}, weekdays: {weekdays}}} order by school_year) as years,
                coalesce(sum(days_enrolled) filter (school_year = $target_year), 0) as so_far
            from known_years group by student_id
        ), days as (
            select student_id, list([strftime(date, '%Y-%m-%d'), kind] order by date, kind) as days
            from marked_days group by student_id
        )
        select student_id, attendance, md5(attendance) as fingerprint from (
            select student_id, to_json({{
                years: years, days: coalesce(days, []), days_enrolled_so_far: so_far::bigint,
                data_through: $data_through::varchar
            }})::varchar as attendance
            from years left join days using (student_id)
        )
    """


def _pairs(kind: str) -> str:
    """SQL of a map from month or weekday to days absent and enrolled, without those on which nobody was enrolled."""
    entries = ", ".join(
        f"{{k: '{name}', v: [days_absent_{of}, days_enrolled_{of}]}}"
        for name, of in _PAIRS.items()
        if of.startswith(kind)
    )
    return f"map_from_entries(list_filter([{entries}], lambda entry: entry.v[2] > 0))"


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
