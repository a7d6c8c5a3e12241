"""From a folder of exports with unfamiliar names to a first risk list, by docs/your-data.md alone."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import duckdb
import pytest

from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import flat_map
from ews.sis.files import ENCODINGS
from tests.docs.pages import blocks, read

PAGE = "docs/your-data.md"
CODES = {"excused": "EXC", "unexcused": "UNX", "suspension": "OSS", "tardy": "TDY", "early_departure": "DIS"}

EXPORTS = {
    "Buildings": 'select school_id as "Bldg No", name as "Bldg Name", \'x\' as "Fax" from schools',
    "CalendarDays": """
        select school_id as "Bldg No", strftime(day, '%-m/%-d/%Y') as "Day", (date is not null)::int as "In Session"
        from (select school_id, unnest(generate_series(min(date::date), max(date::date), interval 1 day)) as day
              from calendar group by school_id) every
        left join calendar using (school_id) where true and (calendar.date is null or calendar.date::date = every.day)
    """,
    "Enrollments": """
        select student_id || ' ' as "Pupil No", coalesce(name, 'Nobody') as "Pupil", school_id as "Bldg No",
            strftime(entry_date::date, '%-m/%-d/%Y') as "Entered",
            strftime(exit_date::date + 1, '%-m/%-d/%Y') as "Withdrawn",
            case grade_level when 'KG' then 'K' else ltrim(grade_level, '0') end as "Gr"
        from enrollments left join students using (student_id)
    """,
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretend district as a system with words of its own would export it."""
    folder = tmp_path_factory.mktemp("your-data")
    simulate(folder / "records", students=500, years=4, last_year=SchoolYear(2026), seed=11)
    (folder / "exports").mkdir()
    with duckdb.connect() as connection:
        for path in (folder / "records").glob("*.csv"):
            connection.execute(f"create view {path.stem} as from read_csv('{path}', all_varchar=true)")
        for name, rows in EXPORTS.items():
            _write(connection, rows, folder / "exports" / f"{name}.txt")
        codes = " ".join(f"when '{ours}' then '{theirs}'" for ours, theirs in CODES.items())
        marks = (
            'select student_id as "Pupil No", school_id as "Bldg No", strftime(date::date, \'%-m/%-d/%Y\') as "Day", '
            f'case category {codes} end as "Code" from attendance where date between '
        )
        for year in range(2023, 2027):
            rows = f"{marks} '{year - 1}-07-01' and '{year}-06-30'"
            _write(connection, rows, folder / "exports" / f"Attendance_{year}.txt")
    return folder


def _write(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    connection.execute(f"copy ({rows}) to '{path}' (format csv, delimiter '\t', header true)")


def test_the_map_written_by_hand_has_under_thirty_lines() -> None:
    (text,) = blocks(read(PAGE), "toml")
    assert len([line for line in text.splitlines() if line.strip()]) < 30
    assert tomllib.loads(text)


@pytest.mark.timeout(1200)
def test_a_new_user_comes_from_exports_to_a_list_by_the_page_alone(exports: Path) -> None:
    page = read(PAGE)
    (exports / "map.toml").write_text(blocks(page, "toml")[0], encoding="utf-8")
    script = "set -eo pipefail\n" + "\n".join(blocks(page.split("## 6.")[0], "bash"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=exports, capture_output=True, text=True, check=False, timeout=1100,
        env={**os.environ, "PATH": path, "COLUMNS": "200"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    marks = next(line.split() for line in done.stdout.splitlines() if line.startswith("attendance "))
    assert marks[1] == marks[2], "every mark was taken"
    assert list((exports / "lists").glob("*.csv"))
    proposed = (exports / "proposed.toml").read_text(encoding="utf-8")
    assert 'file = "Attendance_202*.txt"' in proposed
    assert 'grade_level = "usual"' in proposed
    assert '"UNX" = "unexcused"' in proposed


def test_every_key_of_a_map_is_on_the_page() -> None:
    section = read(PAGE).split("## What a map says")[1]
    keys = (*flat_map._SETTINGS, *flat_map._TABLE_KEYS, *ENCODINGS, *flat_map._FROM.values(), "add_days", "divide_by")
    assert [key for key in keys if key not in section] == []
    assert [word for word in flat_map._DATE_WORDS if word not in section] == []
