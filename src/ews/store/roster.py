"""The roster of a publication: who is where, as the records in force and the run's lists tell.

Works in a DuckDB database (`ews.store.bulk.workspace`), where it makes `roster_schools`, `roster_students`,
`roster_stays` (by student_id), `roster_days` (the schools' days with instruction) and `listed`: the run's list with its
explanations.
"""

from pathlib import Path

import duckdb

from ews.school_year import SchoolYear


def make_roster(work: duckdb.DuckDBPyConnection, records: Path, run: Path, target_year: SchoolYear) -> None:
    """Make the roster's tables.

    A yearly sheet has no stays: each of its years counts as one from July to June. Who is listed for a school year
    that no stay reaches yet is expected there: an open stay follows the last one, so that a school sees in August
    whom its list of August names.

    Args:
        work: the working database.
        records: the folder of one ingest.
        run: the folder of one scoring run.
        target_year: the school year the run predicts.
    """
    work.execute(
        f"create view listed as select * from read_parquet({_quoted(run / 'risk_list.parquet')}) list "
        f"join (select student_id, base, raw_score, columns('contribution_.*') "
        f"from read_parquet({_quoted(run / 'explanations.parquet')})) using (student_id)"
    )
    work.execute(
        f"""
        create table roster_schools as select school_id, district_id, name, level from {_file(records, "schools")};
        insert into roster_schools by name
            select distinct school_id from listed where school_id not in (select school_id from roster_schools);
        create table roster_students as select student_id, name from {_file(records, "students")};
        create table roster_stays as {_stays(records)};
        create table roster_days as {_days(records, target_year)}
        """
    )
    work.execute(
        _EXPECTED, {"since": _first_day(work, records, target_year), "july": f"{target_year.ending - 1}-07-01"}
    )


_EXPECTED = """
    insert into roster_stays by name
    with last as (select student_id, max(coalesce(exit_date, date '9999-12-31')) as exit_date
        from roster_stays group by student_id)
    select listed.student_id, listed.school_id, coalesce(last.exit_date + 1, $july::date) as entry_date,
        listed.grade_level
    from listed left join last using (student_id)
    where coalesce(last.exit_date < $since::date, true)
"""


def _first_day(work: duckdb.DuckDBPyConnection, records: Path, target_year: SchoolYear) -> str:
    """From when a stay reaches the target year: its first known instructional day, else the day after the last one."""
    july = f"{target_year.ending - 1}-07-01"
    if not (records / "calendar.parquet").exists():
        return july
    year = target_year.ending
    found = work.execute(
        f"select coalesce(min(date) filter (school_year = {year}), max(date) filter (school_year = {year - 1}) + 1) "
        f"from {_file(records, 'calendar')}"
    ).fetchone()
    return str(found[0]) if found and found[0] else july


def _days(records: Path, target_year: SchoolYear) -> str:
    """The days of the year predicted and of the one before, whose mentors may go on when the next list is out."""
    if not (records / "calendar.parquet").exists():
        return "select null::varchar as school_id, null::date as date limit 0"
    return f"""
        select distinct school_id, date from {_file(records, "calendar")}
        where school_year between {target_year.ending - 1} and {target_year.ending}
            and school_id in (select school_id from roster_schools)
    """


def _stays(records: Path) -> str:
    columns = "student_id, school_id, entry_date, exit_date, grade_level"
    daily = f"select {columns} from {_file(records, 'enrollments')}"
    yearly = f"""
        select student_id, school_id, make_date(school_year - 1, 7, 1) as entry_date,
            make_date(school_year, 6, 30) as exit_date, grade_level
        from {_file(records, "attendance_years")}
    """
    has = {name: (records / f"{name}.parquet").exists() for name in ("enrollments", "attendance_years")}
    if not has["attendance_years"]:
        return daily
    if not has["enrollments"]:
        return yearly
    return f"{daily} union all select * from ({yearly}) sheet where not exists (from ({daily}) stay where \
        stay.student_id = sheet.student_id and stay.entry_date <= sheet.exit_date \
        and coalesce(stay.exit_date, sheet.exit_date) >= sheet.entry_date)"


def _file(records: Path, name: str) -> str:
    return f"read_parquet({_quoted(records / f'{name}.parquet')})"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
