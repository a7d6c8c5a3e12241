"""The marks of a day become one row: what was missed, and whether the day counts as absent."""

from pathlib import Path

import duckdb
import pytest

from ews.tallies import TALLIES
from tests.unit.sis.feeds import good_lines, school_days, take, write_feed

DAY = school_days(2026)[5]

DAYS = """
marks                                    | absent | kind       | tardy | early | missed
excused                                  | true   | excused    | false | false | 10000
unexcused                                | true   | unexcused  | false | false | 10000
suspension                               | true   | suspension | false | false | 10000
tardy                                    | false  |            | true  | false | 0
early_departure                          | false  |            | false | true  | 0
excused 0.5                              | true   | excused    | false | false | 5000
excused 0.4999                           | false  |            | false | false | 4999
excused 0.25 + unexcused 0.25            | true   | unexcused  | false | false | 5000
excused 0.3 + unexcused 0.1              | false  |            | false | false | 4000
excused 0.6 + unexcused 0.4              | true   | excused    | false | false | 10000
unexcused 0.5 + suspension 0.5           | true   | suspension | false | false | 10000
unexcused 0.4 + tardy 0.4                | false  |            | true  | false | 8000
tardy 1                                  | false  |            | true  | false | 10000
excused + tardy + early_departure 0.5    | true   | excused    | true  | true  | 10000
excused 0.333333 + unexcused 0.333333    | true   | unexcused  | false | false | 6666
excused 0                                | false  |            | false | false | 0
"""

CASES = [[cell.strip() for cell in line.split("|")] for line in DAYS.strip().splitlines()[1:]]


def _lines(student: str, marks: str) -> list[str]:
    parts = (mark.split() for mark in marks.split(" + "))
    return [f"{student},ALDER,{DAY},{category},{''.join(share)}" for category, *share in parts]


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marks")
    lines = good_lines()
    for number, (text, *_) in enumerate(CASES, start=1):
        lines["attendance"] += _lines(f"{number:03d}", text)
    return take(write_feed(folder / "feed", lines), folder / "home").folder / "marks"


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES, start=1)), ids=[case[0] for case in CASES])
def test_the_marks_of_a_day_add_up_exactly_I20_I23(marks: Path, number: int, case: list[str]) -> None:
    _, absent, kind, tardy, early, missed = case
    rows = duckdb.sql(
        "select is_absent, kind, is_tardy, is_early_departure, missed_ten_thousandths "
        f"from '{marks}/*/*.parquet' where student_id = '{number:03d}' and date = date '{DAY}'"
    ).fetchall()
    assert rows == [(absent == "true", kind or None, tardy == "true", early == "true", int(missed))]


def test_marks_carry_the_day_of_the_calendar_and_stand_in_student_order(marks: Path) -> None:
    file = marks / "school_year=2026" / "marks.parquet"
    described = duckdb.sql(f"describe select * from read_parquet('{file}', hive_partitioning=false)").fetchall()
    assert [tuple(column[:2]) for column in described] == [
        ("student_id", "VARCHAR"), ("school_id", "VARCHAR"), ("date", "DATE"), ("school_year", "INTEGER"),
        ("day_index", "SMALLINT"), ("days_left", "SMALLINT"), ("is_before_break", "BOOLEAN"),
        ("spell_day", "SMALLINT"), ("month", "TINYINT"), ("weekday", "TINYINT"),
        ("is_absent", "BOOLEAN"), ("kind", "VARCHAR"), ("is_tardy", "BOOLEAN"), ("is_early_departure", "BOOLEAN"),
        ("missed_ten_thousandths", "INTEGER"), *((tally, "BIGINT") for tally in TALLIES),
    ]  # fmt: skip
    rows = duckdb.sql(f"select student_id, date, day_index, month, weekday from '{file}'").fetchall()
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    assert ("001", DAY, 6, DAY.month, DAY.isoweekday()) in rows


def test_a_spell_goes_on_over_a_weekend_and_ends_with_a_day_there_or_the_school_year(tmp_path: Path) -> None:
    lines = good_lines()  # who has an excused fourth day, a Thursday, in both years
    days, older = school_days(2026)[4:], school_days(2024)[8:]
    marks = ["unexcused,", "excused,0.5", "excused,0.4", "suspension,", "tardy,", "excused,"]
    lines["attendance"] += [f"007,ALDER,{day},excused," for day in older]
    lines["attendance"] += [f"007,ALDER,{day},{mark}" for day, mark in zip(days, marks, strict=True)]
    folder = take(write_feed(tmp_path / "feed", lines), tmp_path / "home").folder
    rows = duckdb.sql(f"select spell_day from '{folder}/marks/*/*.parquet' where student_id = '007' order by date")
    assert [place for (place,) in rows.fetchall()] == [1, 1, 2, 1, 2, 3, None, 1, None, 1]
