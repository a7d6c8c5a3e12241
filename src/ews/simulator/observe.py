"""What a report needs of any folder of records, simulated or real, flat or ingested: two frames of counts.

Everything is counted by one embedded query engine from the files as they are; nothing here knows who made them.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from ews.errors import InputRefused

_VIEWS = """
create table days as
select school_id, date, school_year,
       (row_number() over (partition by school_id, school_year order by date))::integer as day_index,
       isodow(date)::integer as weekday, month(date)::integer as month,
       (lead(date) over (partition by school_id, school_year order by date) - date)::integer as days_to_next
from calendar;

create table years as
select school_id, school_year, min(date) as first_date, max(date) as last_date, count(*)::integer as instructional_days
from days group by all;

create table stays as
with inside as (
  select e.student_id, e.school_id, y.school_year, e.grade_level, e.entry_date,
         greatest(e.entry_date, y.first_date) as from_date,
         least(coalesce(e.exit_date, y.last_date), y.last_date) as to_date
  from enrollments e join years y
  on e.school_id = y.school_id and e.entry_date <= y.last_date and coalesce(e.exit_date, y.last_date) >= y.first_date)
select i.student_id, i.school_id, i.school_year, i.grade_level, a.day_index as first_day, b.day_index as last_day
from inside i
asof join days a on i.school_id = a.school_id and i.school_year = a.school_year and i.from_date <= a.date
asof join days b on i.school_id = b.school_id and i.school_year = b.school_year and i.to_date >= b.date
where a.day_index <= b.day_index;

create table absent as
select a.student_id, a.school_id, a.date, d.school_year, d.day_index, d.weekday, d.month
from absent_days a join days d on a.school_id = d.school_id and a.date = d.date;

create table elementary as
select school_id, avg((grade_level in ('PK', 'KG', '01', '02', '03', '04', '05'))::integer) >= 0.9 as is_elementary
from stays group by school_id;
"""

_STUDENT_YEARS = """
with enrolled as (
  select student_id, school_year, sum(last_day - first_day + 1)::integer as days_enrolled, count(*)::integer as stays,
         min(first_day)::integer as first_day, arg_max(school_id, last_day) as school_id,
         arg_max(grade_level, last_day) as grade_level
  from stays group by all),
away as (
  select student_id, school_year, count(*)::integer as days_absent,
         count(*) filter (month = 9)::integer as absent_september,
         count(*) filter (day_index <= 20)::integer as absent_first_20
  from absent group by all)
select e.*, coalesce(days_absent, 0) as days_absent, coalesce(absent_september, 0) as absent_september,
       coalesce(absent_first_20, 0) as absent_first_20, y.instructional_days, s.household_id,
       n.* exclude (student_id, school_year)
from enrolled e left join away using (student_id, school_year)
join years y on e.school_id = y.school_id and e.school_year = y.school_year
left join students s on e.student_id = s.student_id
left join demographics n on e.student_id = n.student_id and e.school_year = n.school_year
order by e.student_id, e.school_year
"""

_SCHOOL_DAYS = """
with changes as (
  select school_id, school_year, first_day as day_index, 1 as change from stays
  union all select school_id, school_year, last_day + 1, -1 from stays),
net as (select school_id, school_year, day_index, sum(change) as change from changes group by all),
counts as (
  select d.*, sum(coalesce(change, 0)) over (partition by d.school_id, d.school_year order by d.day_index) as enrolled
  from days d left join net using (school_id, school_year, day_index)),
away as (select school_id, date, count(*) as absent from absent group by all)
select c.school_id, c.school_year, c.date, c.day_index, c.weekday, c.month, c.days_to_next, is_elementary,
       c.enrolled::integer as enrolled, coalesce(absent, 0)::integer as absent
from counts c left join away using (school_id, date) left join elementary using (school_id)
order by c.school_id, c.date
"""

_MENTORED = """
select m.student_id, m.accepted, y.school_year from mentoring m
join (select school_year, min(first_date) as first_date, max(last_date) as last_date from years group by all) y
on m.start_date between y.first_date and y.last_date
"""


@dataclass(frozen=True)
class Observed:
    """Counts of one folder.

    Attributes:
        student_years: one row per student and school year.
        school_days: one row per school and instructional day.
        mentored: one row per assignment: student, school year, accepted.
        causes: the simulator's student-days by cause, where the folder is simulated; else empty.
    """

    student_years: pd.DataFrame
    school_days: pd.DataFrame
    mentored: pd.DataFrame
    causes: pd.DataFrame


def observe(folder: Path) -> Observed:
    """Count a canonical flat folder (CSV or Parquet) or the folder of one ingest.

    Raises:
        InputRefused: there are no calendar, enrollments and attendance in the folder.
    """
    with duckdb.connect() as connection:
        for name, columns in (_NEEDED | _OPTIONAL).items():
            _load(connection, folder, name, columns)
        _load_absent_days(connection, folder)
        connection.execute(_VIEWS)
        return Observed(*(_frame(connection, sql) for sql in (_STUDENT_YEARS, _SCHOOL_DAYS, _MENTORED, "from causes")))


_NEEDED = {"calendar": ("school_id", "date", "school_year"),
           "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "grade_level")}  # fmt: skip
_OPTIONAL = {
    "students": ("student_id", "household_id"),
    "demographics": (
        "student_id", "school_year", "race_ethnicity", "english_learner", "disability", "economically_disadvantaged",
        "homeless",
    ),
    "mentoring": ("student_id", "start_date", "accepted"),
    "truth/causes": (
        "school_year", "grade_level", "cause", "days_enrolled", "days", "spells", "one_day_spells", "length_sum",
        "length_square_sum",
    ),
}  # fmt: skip
_KINDS = (
    dict.fromkeys(("date", "entry_date", "exit_date", "start_date"), "date")
    | dict.fromkeys(("offered", "accepted"), "boolean")
    | dict.fromkeys(("days_enrolled", "days", "spells", "one_day_spells", "length_sum", "length_square_sum"), "bigint")
    | {"school_year": "integer", "absent_share": "double"}
)
"""How columns are read; all others are text."""


def _load(connection: duckdb.DuckDBPyConnection, folder: Path, name: str, columns: tuple[str, ...]) -> None:
    """Make a table of the file, or an empty one where an optional file or column is not there."""
    source = _source(folder, name)
    if source is None and name in _NEEDED:
        raise InputRefused(f"{folder} has no {name}.csv or {name}.parquet. Name a canonical flat folder or an ingest.")
    there = [row[0] for row in connection.execute(f"describe from {source}").fetchall()] if source else []
    chosen = [
        f"cast({column if column in there else 'null'} as {_KINDS.get(column, 'varchar')}) as {column}"
        for column in columns
    ]
    rows = f"from {source}" if source else "where false"
    connection.execute(f"create table {name.rsplit('/', 1)[-1]} as select {', '.join(chosen)} {rows}")


def _load_absent_days(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    if (folder / "marks").is_dir():
        marks = f"read_parquet('{_quoted(folder / 'marks' / '**' / '*.parquet')}', hive_partitioning=true)"
        kept = f"select student_id, school_id, date from {marks} where is_absent"
        connection.execute(f"create table absent_days as {kept}")
        return
    source = _source(folder, "attendance")
    if source is None:
        raise InputRefused(f"{folder} has no attendance.csv, attendance.parquet or marks. Name a folder of records.")
    connection.execute(
        f"""create table absent_days as select student_id, school_id, date::date as date from {source}
        where category in ('excused', 'unexcused', 'suspension') group by all
        having sum(coalesce(round(absent_share::double * 10000), 10000)) * 2 >= 10000"""
    )


def _source(folder: Path, name: str) -> str | None:
    if (folder / f"{name}.parquet").exists():
        return f"read_parquet('{_quoted(folder / name)}.parquet')"
    if (folder / f"{name}.csv").exists():
        return f"read_csv('{_quoted(folder / name)}.csv', header=true, all_varchar=true)"
    return None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _frame(connection: duckdb.DuckDBPyConnection, sql: str) -> pd.DataFrame:
    return connection.execute(sql).df()
