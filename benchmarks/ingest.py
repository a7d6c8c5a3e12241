"""Ingest beside the least that could be done with the same files: `python -m benchmarks.ingest --marks 5000000`.

The least: DuckDB reads the same CSV files with the types given, sorts every table and writes it as Parquet; it checks
nothing, joins nothing and counts nothing. Each runs in a process of its own, with the files warm in the cache.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.student_years import write_ingest
from ews.home import Home
from ews.sis import ingest

MARKS_A_STUDENT = 53
MEMORY = "6GiB"
"""What both may use before they spill."""

EXPORTS = {
    "schools": "select distinct school_id from '{}/calendar.parquet' order by all",
    "calendar": "select school_id, date, school_year from '{}/calendar.parquet' order by date, school_id",
    "students": "select student_id, household_id from '{}/students.parquet'",
    "enrollments": "select student_id, school_id, entry_date, exit_date, grade_level from '{}/enrollments.parquet' "
    "order by entry_date, student_id",
    "attendance": "select student_id, school_id, date, coalesce(kind, 'tardy') as category, null as absent_share "
    "from '{}/marks/*/*.parquet' order by date",
}
SORTED = {
    "schools": "school_id",
    "calendar": "school_id, date",
    "students": "student_id",
    "enrollments": "student_id, entry_date",
    "attendance": "student_id, date",
}
TYPES = {"date": "DATE", "entry_date": "DATE", "exit_date": "DATE", "school_year": "INTEGER", "absent_share": "DOUBLE"}


def main() -> None:
    """Make the files, measure both, print seconds, CPU seconds, ratios and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", nargs="?", choices=TASKS)
    parser.add_argument("place", nargs="?", type=Path)
    parser.add_argument("--marks", type=int, default=1_000_000)
    options = parser.parse_args()
    if options.task:
        TASKS[options.task](options.place, options.marks)
        return
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as name:
        place = Path(name)
        _run("make", place, options.marks)
        size = sum(path.stat().st_size for path in (place / "feed").iterdir())
        print(f"{options.marks:,} marks asked for, {size / 2**30:.2f} GiB of CSV")
        _print({task: _run(task, place, options.marks) for task in ("least", "ingest")})


def make(place: Path, marks: int) -> None:
    """Write the feed as CSV files, marks by date as districts export them."""
    write_ingest(place / "made", max(1_000, marks // MARKS_A_STUDENT))
    (place / "feed").mkdir()
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(place / "spill")}) as connection:
        for table, rows in EXPORTS.items():
            connection.execute(f"copy ({rows.format(place / 'made')}) to '{place}/feed/{table}.csv' (format csv)")


def least(place: Path, _: int) -> None:
    """Read, sort and write the same files, and no more."""
    (place / "least").mkdir()
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(place / "spill")}) as connection:
        for table, order in SORTED.items():
            names = (place / "feed" / f"{table}.csv").open(encoding="utf-8").readline().strip().split(",")
            columns = ", ".join(f"'{name}': '{TYPES.get(name, 'VARCHAR')}'" for name in names)
            read = f"read_csv('{place}/feed/{table}.csv', auto_detect=false, header=true, columns={{{columns}}})"
            written = f"'{place}/least/{table}.parquet' (compression zstd)"
            connection.execute(f"copy (from {read} order by {order}) to {written}")


def bring_in(place: Path, _: int) -> None:
    """`ews ingest` of the same files."""
    home = Home(place / "home")
    with home.locked():
        report = ingest(place / "feed", home, progress=_tell)
    taken = report.counts["attendance"]
    print(f"{taken.read:,} marks read, {taken.accepted:,} taken")


TASKS: dict[str, Callable[[Path, int], None]] = {"make": make, "least": least, "ingest": bring_in}


def _tell(step: str) -> None:
    print(f"  {time.process_time():7.1f} CPU s  {step}", file=sys.stderr, flush=True)


def _run(task: str, place: Path, marks: int) -> dict[str, float]:
    begin = time.perf_counter()
    words = [sys.executable, "-m", "benchmarks.ingest", task, str(place), "--marks", str(marks)]
    process = subprocess.Popen(words)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{task} failed")
    return {
        "seconds": time.perf_counter() - begin,
        "CPU s": used.ru_utime + used.ru_stime,
        "GiB": used.ru_maxrss / 2**20,
    }


def _print(found: dict[str, dict[str, float]]) -> None:
    for task, measured in found.items():
        ratio = {what: value / found["least"][what] for what, value in measured.items()}
        print(
            f"{task:<8}{measured['seconds']:8.1f} s ({ratio['seconds']:.1f}x){measured['CPU s']:8.1f} CPU s "
            f"({ratio['CPU s']:.1f}x){measured['GiB']:6.2f} GiB"
        )


if __name__ == "__main__":
    main()
