"""Whether Spark gives what DuckDB gives, and what it costs: `python -m benchmarks.spark --students 100000`.

Every column of all student years, and every feature and outcome of the last year's students, seen through a day of it.
Each engine runs in a process of its own on the same pretend ingest, and keeps its own student years.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.student_years import write_ingest
from benchmarks.tasks import TARGET
from ews.dataset import dataset_for
from ews.engine import Engine, scan, to_pandas, use_spark
from ews.policy import Policy
from ews.student_years import opened

ENGINES: tuple[Engine, ...] = ("duckdb", "spark")
RATIO = 1e-12
"""How far a ratio may be from DuckDB's; counts may not."""
_KEYS = ["student_id", "school_year"]


def main() -> None:
    """Make the marks, run both engines, compare, and print what each took; exit 1 where a value differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--after-day", type=int, default=90)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="3g", help="of Spark's driver, which on a local master does all the work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as place:
        folder, begin = Path(place), time.perf_counter()
        marks = write_ingest(folder / "ingest", options.students)
        print(
            f"{options.students:,} students, {marks:,} marks, made in {time.perf_counter() - begin:.0f} s", flush=True
        )
        for engine in ENGINES:
            _print_cost(engine, _measured(engine, folder, options))
        differing = _compare_student_years(folder) + _compare_datasets(folder)
    sys.exit(1 if differing else 0)


def _measured(engine: Engine, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run one engine in a process and a folder of its own: student years are kept beside the ingest."""
    own = folder / engine
    own.mkdir()
    (own / "ingest").symlink_to(folder / "ingest", target_is_directory=True)
    call = f"from benchmarks.spark import run; run({engine!r}, {str(own)!r}, {options.after_day}, {options.master!r})"
    env = {**os.environ, "SPARK_DRIVER_MEMORY": options.memory}
    done = subprocess.run([sys.executable, "-c", call], check=True, stdout=subprocess.PIPE, text=True, env=env)
    return json.loads(done.stdout.splitlines()[-1])


def run(engine: Engine, folder: str, after_day: int, master: str) -> None:
    """Marks to student years, features and outcomes on one engine; prints seconds and GiB, keeps the dataset."""
    begin = time.perf_counter()
    if engine == "spark":
        use_spark(master)
    started, ingest = time.perf_counter(), Path(folder) / "ingest"
    dataset = dataset_for(ingest, [TARGET], Policy(), after_day=after_day, engine=engine)
    whole = time.perf_counter()
    dataset_for(ingest, [TARGET], Policy(), after_day=after_day, engine=engine, with_outcomes=False)
    took = {"start": started - begin, "all": whole - started, "kept": time.perf_counter() - whole, **_used()}
    dataset.frame.to_parquet(Path(folder) / "dataset.parquet")
    print(json.dumps({**took, "megabytes": dataset.x.to_numpy().nbytes / 1e6}))


def _used() -> dict[str, float]:
    """Peak memory in GiB and CPU seconds of this process and of Spark's, if it runs."""
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    used = [_used_by(Path("/proc") / pid) for pid in ("self", *pids)]
    return {"gib": sum(gib for gib, _ in used), "processor": sum(seconds for _, seconds in used)}


def _used_by(process: Path) -> tuple[float, float]:
    peak = (process / "status").read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]
    ticks = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return int(peak) / 1024**2, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _print_cost(engine: Engine, took: dict[str, float]) -> None:
    seconds = f"{took['all']:.0f} s, with closed years kept {took['kept']:.0f} s"
    rest = f"CPU {took['processor']:.0f} s, peak {took['gib']:.2f} GiB, features {took['megabytes']:.0f} MB"
    print(f"{engine}: {seconds} (start {took['start']:.0f} s), {rest}", flush=True)


def _compare_student_years(folder: Path) -> int:
    def of(engine: Engine) -> pd.DataFrame:
        files = sorted((folder / engine).glob("student_years/*/*"))
        return to_pandas(opened(scan(files))).sort_values(_KEYS, ignore_index=True)

    return _report("student years", *(of(engine) for engine in ENGINES))


def _compare_datasets(folder: Path) -> int:
    return _report("dataset", *(pd.read_parquet(folder / engine / "dataset.parquet") for engine in ENGINES))


def _report(name: str, expected: pd.DataFrame, found: pd.DataFrame) -> int:
    """Print how many rows, columns and values there are, and how many values differ; returns the latter."""
    if list(expected.columns) != list(found.columns) or len(expected) != len(found):
        print(f"{name}: {expected.shape} and {found.shape}, or other columns")
        return 1
    apart = {column: differences(expected[column], found[column]) for column in expected}
    wrong = {column: count for column, (count, _) in apart.items() if count}
    farthest = max(distance for _, distance in apart.values())
    size = f"{len(expected):,} rows, {expected.shape[1]} columns, {expected.size:,} values"
    print(f"{name}: {size}, {sum(wrong.values()):,} differ; the farthest ratio is {farthest:.1e} apart", wrong or "")
    return sum(wrong.values())


def differences(expected: pd.Series, found: pd.Series) -> tuple[int, float]:
    """How many values of a column differ, and how far apart the farthest two numbers are.

    Whole numbers are counts and have to be equal; others may be `RATIO` apart. Null equals null only.
    """
    nulls = expected.isna().to_numpy(), found.isna().to_numpy()
    known = ~(nulls[0] | nulls[1])
    unlike = int((nulls[0] != nulls[1]).sum())
    if not pd.api.types.is_numeric_dtype(expected):
        return unlike + int((expected[known] != found[known]).sum()), 0.0
    numbers = [column[known].to_numpy(dtype="float64") for column in (expected, found)]
    apart = np.abs(numbers[0] - numbers[1])
    is_count = numbers[0] == np.floor(numbers[0])
    return unlike + int((apart > np.where(is_count, 0.0, RATIO)).sum()), float(apart.max(initial=0.0))


if __name__ == "__main__":
    main()
