"""A feed of more marks than one part of a file holds, in no order, with rows that came twice: taken as a small one."""

from pathlib import Path

import duckdb
import pytest

from ews.sis import IngestReport, staging
from tests.unit.sis.feeds import take

STUDENTS, DAYS = 6_000, 100
_LITTLE_MEMORY = 48 << 20

_CALENDAR = f"""
    select day, '2025-09-01'::date + (day + day // 5 * 2)::integer as date from range({DAYS}) calendar(day)
"""
_STUDENTS = f"select 'S' || (n * 7919 % 100000) as student_id, 'H' || n % 4 as school_id from range({STUDENTS}) s(n)"
_MARKS = f"""
    select student_id, school_id, date,
        ['excused', 'unexcused', 'tardy'][(1 + hash(student_id, day) % 3)::integer] as category
    from ({_STUDENTS}), ({_CALENDAR}) where hash(day, student_id) % 10 < 6
"""
_TABLES = {
    "schools": "select distinct school_id from students",
    "calendar": "select school_id, date, 2026 as school_year from (select distinct school_id from students), "
    f"({_CALENDAR})",
    "students": "select student_id from students",
    "enrollments": "select *, '2025-09-01' as entry_date, null as exit_date, '03' as grade_level from students",
    "attendance": "from (from marks union all from marks where hash(date, student_id) % 1000 = 0) "
    "order by hash(student_id, date)",
}  # fmt: skip


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    with duckdb.connect() as connection:
        connection.execute(f"create table students as {_STUDENTS}; create table marks as {_MARKS}")
        for name, rows in _TABLES.items():
            connection.execute(f"copy ({rows}) to '{folder / name}.csv' (format csv)")
    return folder


@pytest.fixture(scope="module")
def report(feed: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestReport:
    return take(feed, tmp_path_factory.mktemp("home"))


def test_every_row_is_counted_and_one_that_came_twice_is_taken_once(feed: Path, report: IngestReport) -> None:
    rows, marks = duckdb.sql(
        f"select count(*), count(distinct (student_id, date)) from '{feed}/attendance.csv'"
    ).fetchall()[0]
    counts = report.counts["attendance"]
    assert (counts.read, counts.accepted, counts.rejected, counts.duplicates) == (rows, marks, 0, rows - marks)
    assert rows > marks > 2 * 122_880  # rows of one part of a Parquet file


def test_marks_stand_in_student_order_over_all_parts_of_the_file(report: IngestReport) -> None:
    file = report.folder / "marks" / "school_year=2026" / "marks.parquet"
    rows = duckdb.sql(
        f"select student_id, date from read_parquet('{file}', file_row_number=true) order by file_row_number"
    )
    stored = rows.fetchnumpy()
    keys = list(zip(stored["student_id"], stored["date"], strict=True))
    assert keys == sorted(keys)


def test_spells_are_runs_of_absent_days(report: IngestReport) -> None:
    marks = f"'{report.folder}/marks/*/*.parquet'"
    told = f"select student_id, day_index, spell_day::bigint from {marks} where is_absent"
    counted = f"""
        select student_id, day_index, row_number() over (partition by student_id, run order by day_index) from (
            select student_id, day_index,
                day_index - row_number() over (partition by student_id order by day_index) as run
            from {marks} where is_absent
        )
    """
    assert duckdb.sql(f"from ({told}) except from ({counted})").fetchall() == []
    assert duckdb.sql(f"select max(spell_day) > 3 from {marks}").fetchall() == [(True,)]


def test_little_memory_gives_the_same_records(
    feed: Path, report: IngestReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_MEMORY_BYTES", _LITTLE_MEMORY)
    again = take(feed, tmp_path / "home")
    for file in sorted(report.folder.rglob("*.parquet")):
        assert (again.folder / file.relative_to(report.folder)).read_bytes() == file.read_bytes(), file.name
    assert not list((tmp_path / "home").rglob("spill*"))
