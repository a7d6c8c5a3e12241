"""What is measured, each in a process of its own: `python -m benchmarks.tasks NAME FOLDER` prints what it took."""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.compute as pc

from benchmarks.by_pandas import by_pandas
from benchmarks.student_years import YEARS
from ews.dataset import dataset_for
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import open_records, student_years

TARGET = SchoolYear(YEARS[-1])


def export_scan(folder: Path) -> int:
    """The least anything can do with marks as a district exports them, by date: read all, count by student and year."""
    return _counted(f"{folder.parent}/export.parquet")


def scan(folder: Path) -> int:
    """The same of marks as ingest stores them, in student order."""
    return _counted(f"{folder}/marks/*/*.parquet")


def _counted(marks: str) -> int:
    """How many marks the counts add up to. They are handed out: DuckDB does not count what nobody reads."""
    counts = duckdb.sql(f"select student_id, school_year, count(*) as marks from '{marks}' group by all")
    return pc.sum(counts.to_arrow_table()["marks"]).as_py()


def features(folder: Path) -> int:
    """All student years, then features and outcomes of the last year's students, as `ews train` needs them."""
    shutil.rmtree(folder.parent / "student_years", ignore_errors=True)
    return len(dataset_for(folder, [TARGET], Policy()).frame)


def open_year(folder: Path) -> int:
    """What a weekly run computes anew: the student years of the open year through its 90th day."""
    frame = student_years(open_records(folder), TARGET, Policy(), through_day=90)
    return len(frame.collect("pyarrow").to_native())


def first_list(folder: Path) -> int:
    """All features at term start, with the student years stored: the first list of a target year keeps what stays."""
    shutil.rmtree(folder.parent / "features", ignore_errors=True)
    return len(dataset_for(folder, [TARGET], Policy(), with_outcomes=False).frame)


def refresh(folder: Path) -> int:
    """A weekly list to its end: all features of every student through the 90th day, after that first list."""
    return len(dataset_for(folder, [TARGET], Policy(), after_day=90, with_outcomes=False).frame)


def pandas(folder: Path) -> int:
    """The same features and outcomes by hand in pandas, without the tallies that ingest packs."""
    return len(by_pandas(folder))


TASKS: dict[str, Callable[[Path], int]] = {
    one.__name__: one for one in (export_scan, scan, features, open_year, first_list, refresh, pandas)
}
"""In the order they are run: the first list finds the years that the features stored, a refresh what it kept."""


def _peak() -> float:
    """GiB of memory at the most. Linux's `ru_maxrss` would be that of the parent too, where that was greater."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) / 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main(name: str, folder: str) -> None:
    """Run one task once; what is read is warm in the file cache, as a run before it read the same."""
    begin, used = time.perf_counter(), time.process_time()
    rows = TASKS[name](Path(folder))
    seconds, processor = time.perf_counter() - begin, time.process_time() - used
    print(json.dumps({"seconds": seconds, "processor": processor, "gib": _peak(), "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
