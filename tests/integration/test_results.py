"""What `make results` and `make compare` measure on is made once, goes on after a kill, and is never stale."""

from pathlib import Path

import pytest

from benchmarks.frames import DISTRICT, ROWS, Wanted, fingerprint, make_rows, other_districts, records_of, rows_of
from ews.home import Home

STUDENTS = 300


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


def test_a_district_is_made_once_and_read_back_alike(work: Path) -> None:
    told: list[str] = []
    first = rows_of(work, 1, STUDENTS, 0, told.append)
    assert [message.split()[0] for message in told] == ["simulating", "300"]
    again = rows_of(work, 1, STUDENTS, 0, told.append)
    assert len(told) == 2
    assert again.feature_names == first.feature_names
    assert again.frame.equals(first.frame)
    assert set(first.frame["school_year"]) == {2022, 2023, 2024, 2025, 2026}


def test_a_kill_between_simulating_and_ingesting_is_gone_on_from(work: Path) -> None:
    records = records_of(work, 1, STUDENTS, lambda _: None)
    home = Home(records.parent / "home")
    home.current_tables.unlink()
    told: list[str] = []
    assert records_of(work, 1, STUDENTS, told.append) == records
    assert told == []
    assert home.current_tables.exists()


def test_other_districts_are_none_of_those_that_are_tested(work: Path) -> None:
    told: list[str] = []
    rows = next(other_districts(work, STUDENTS, told.append))
    assert told[0] == "simulating 300 students, district, seed 1000"
    make_rows(work, [Wanted(1, STUDENTS), Wanted(1000, STUDENTS)], 2, told.append)
    assert len(told) == 2, "both are kept"
    assert not rows.frame.equals(rows_of(work, 1, STUDENTS, 0, told.append).frame)


def test_what_was_made_lies_under_the_code_that_decides_it(work: Path, tmp_path: Path) -> None:
    assert {path.name for path in work.iterdir()} == {f"districts-{fingerprint(DISTRICT)}", f"rows-{fingerprint(ROWS)}"}
    recipe = tmp_path / "recipe.py"
    recipe.write_text("one = 1")
    before = fingerprint(ROWS, recipe)
    recipe.write_text("one = 2")
    assert len({before, fingerprint(ROWS, recipe), fingerprint(ROWS), fingerprint(DISTRICT)}) == 4
