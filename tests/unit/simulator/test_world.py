"""The simulated folder: its shape, its determinism, its refusals."""

import hashlib
from pathlib import Path

import duckdb
import pytest

from ews.errors import InputRefused, InvalidPolicy
from ews.school_year import SchoolYear
from ews.simulator import Parameters, load_parameters, simulate
from ews.tables import CATEGORIES, GRADES, TABLES

ABSENT = {"attendance_years", "merges"}
"""Tables no pretend district needs: its marks are daily, and nobody there has two ids."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, quick: Parameters) -> Path:
    out = tmp_path_factory.mktemp("world") / "demo"
    simulate(out, parameters=quick, students=800, years=3, seed=5)
    return out


def hashes(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


def query(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        for file in folder.glob("*.csv"):
            connection.execute(f"create view {file.stem} as from read_csv('{file}', all_varchar=true)")
        return connection.execute(sql).fetchall()


def test_every_table_has_exactly_the_columns_of_the_data_contract(demo: Path) -> None:
    written = {table.name for table in TABLES if (demo / f"{table.name}.csv").exists()}
    assert written == {table.name for table in TABLES} - ABSENT
    for table in TABLES:
        if table.name in written:
            columns = [row[0] for row in query(demo, f"describe {table.name}")]
            assert columns == list(table.column_names), table.name


@pytest.mark.parametrize("table", [table for table in TABLES if table.name not in ABSENT], ids=lambda t: t.name)
def test_the_key_of_every_table_is_unique(demo: Path, table: object) -> None:
    keys = ", ".join(table.key)  # type: ignore[attr-defined]  # parametrised over tables
    name = table.name  # type: ignore[attr-defined]  # parametrised over tables
    assert query(demo, f"select 1 from {name} group by {keys} having count(*) > 1") == []


def test_every_mark_is_on_an_instructional_day_of_an_enrolled_stay(demo: Path) -> None:
    outside = """
        select count(*) from attendance a
        where not exists (from calendar c where c.school_id = a.school_id and c.date = a.date)
        or not exists (from enrollments e where e.student_id = a.student_id and e.school_id = a.school_id
                       and a.date between e.entry_date and e.exit_date)"""
    assert query(demo, outside) == [(0,)]


def test_stays_of_a_student_never_overlap(demo: Path) -> None:
    overlap = """
        select count(*) from enrollments a join enrollments b using (student_id)
        where a.entry_date < b.entry_date and a.exit_date >= b.entry_date"""
    assert query(demo, overlap) == [(0,)]


def test_those_who_stay_leave_on_the_last_instructional_day_and_come_back_a_grade_higher(demo: Path) -> None:
    grades = ", ".join(f"('{grade}', {position})" for position, grade in enumerate(GRADES))
    jumps = query(
        demo,
        f"""
        with grade(name, position) as (values {grades}),
        years as (select distinct student_id, year(entry_date::date + 140) as y, position
                  from enrollments join grade on grade_level = name)
        select b.position - a.position, count(*) from years a join years b
        on a.student_id = b.student_id and b.y = a.y + 1 group by 1""",
    )
    assert [jump for jump, _ in jumps] == [1]
    (share,) = query(
        demo,
        """
        select avg((exit_date in (select max(date) from calendar group by school_year))::int) from enrollments""",
    )
    assert 0.85 < float(str(share[0])) < 0.99


def test_every_level_of_school_every_grade_and_every_category_occurs(demo: Path) -> None:
    assert query(demo, "select distinct level from schools order by 1") == [
        ("elementary",), ("high",), ("middle",), ("other",),
    ]  # fmt: skip
    assert {row[0] for row in query(demo, "select distinct grade_level from enrollments")} == set(GRADES)
    assert {row[0] for row in query(demo, "select distinct category from attendance")} == set(CATEGORIES)


def test_a_year_has_about_178_instructional_days_and_none_on_a_weekend(demo: Path) -> None:
    days = query(demo, "select school_id, school_year, count(*) from calendar group by all")
    assert all(170 <= int(str(count)) <= 180 for *_, count in days)
    assert {int(str(year)) for _, year, _ in days} == {2024, 2025, 2026}
    assert query(demo, "select count(*) from calendar where isodow(date::date) > 5") == [(0,)]


def test_names_have_diacritics_and_two_surnames_and_siblings_share_theirs(demo: Path) -> None:
    names = [str(row[0]) for row in query(demo, "select name from students")]
    assert any(not name.isascii() for name in names)
    assert any(name.count(" ") >= 2 for name in names)
    shared = query(demo, "select count(*) from students group by household_id having count(*) > 1")
    assert len(shared) > 100


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, demo: Path, quick: Parameters
) -> None:
    simulate(tmp_path / "again", parameters=quick, students=800, years=3, seed=5)
    simulate(tmp_path / "other", parameters=quick, students=800, years=3, seed=6)
    assert hashes(tmp_path / "again") == hashes(demo)
    assert hashes(tmp_path / "other")["attendance.csv"] != hashes(demo)["attendance.csv"]


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(InputRefused, match="not empty"):
        simulate(tmp_path, students=200, years=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failed_simulation_leaves_no_folder_behind(tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "out", students=200, years=1, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_too_small_a_world_and_unknown_presets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="at least 100"):
        simulate(tmp_path / "out", students=10)
    with pytest.raises(InvalidPolicy, match="Known: .*demo"):
        load_parameters("nowhere")


def test_the_last_year_names_the_year_in_which_it_ends(tmp_path: Path, quick: Parameters) -> None:
    simulate(tmp_path / "out", parameters=quick, students=200, years=2, last_year=SchoolYear(2030))
    assert query(tmp_path / "out", "select distinct school_year from calendar order by 1") == [("2029",), ("2030",)]
