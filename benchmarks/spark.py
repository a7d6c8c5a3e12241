"""Whether Spark gives what DuckDB gives, and what it costs: `python -m benchmarks.spark --students 100000`.

Each engine runs in a process of its own on the same pretend ingest, and keeps its own student years. Compared is
everything that is made: student years of all years and of the open one, what closed years tell, the dataset to learn
from seen through a day, a first list and a weekly one. From Spark's event log comes what was moved between tasks.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.student_years import write_ingest
from benchmarks.tasks import TARGET
from ews.dataset import dataset_for
from ews.engine import Engine, scan, to_pandas, use_spark
from ews.policy import Policy
from ews.student_years import kept_beside, open_records, opened, stored_student_years, student_years

ENGINES: tuple[Engine, ...] = ("duckdb", "spark")
RATIO = 1e-12
"""How far a ratio may be from DuckDB's; counts may not."""


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
        _print_moved(folder / "spark" / "events")
        differing = sum(_compare(name, *(of(folder / engine) for engine in ENGINES)) for name, of in COMPARED.items())
    sys.exit(1 if differing else 0)


def _measured(engine: Engine, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run one engine in a process and a folder of its own: student years are kept beside the ingest."""
    own = folder / engine
    (own / "events").mkdir(parents=True)
    (own / "ingest").symlink_to(folder / "ingest", target_is_directory=True)
    call = f"from benchmarks.spark import run; run({engine!r}, {str(own)!r}, {options.after_day}, {options.master!r})"
    log = f"--conf spark.eventLog.enabled=true --conf spark.eventLog.dir={(own / 'events').as_uri()}"
    submitted = f"{log} {os.environ.get('PYSPARK_SUBMIT_ARGS', 'pyspark-shell')}"
    env = {**os.environ, "SPARK_DRIVER_MEMORY": options.memory, "PYSPARK_SUBMIT_ARGS": submitted}
    done = subprocess.run([sys.executable, "-c", call], check=True, stdout=subprocess.PIPE, text=True, env=env)
    return json.loads(done.stdout.splitlines()[-1])


def run(engine: Engine, folder: str, after_day: int, master: str) -> None:
    """All that is compared, step by step on one engine; keeps what each made and prints what each took, as JSON."""
    begin, took = time.perf_counter(), {}
    spark = use_spark(master) if engine == "spark" else None
    took["start"] = {"seconds": time.perf_counter() - begin, **_used()}
    for step, make in _steps(engine, Path(folder), after_day).items():
        if spark:
            spark.sparkContext.setJobDescription(step)
            spark.catalog.clearCache()  # a command of its own would find nothing there
        begin, made = time.perf_counter(), make()
        took[step] = {"seconds": time.perf_counter() - begin, **_used()}
        if made is not None:
            made.to_parquet(Path(folder) / f"{step}.parquet")
    print(json.dumps(took))


def _steps(engine: Engine, folder: Path, after_day: int) -> dict[str, Callable[[], pd.DataFrame | None]]:
    """The first keeps the years before the target year, the second what they tell; the third finds both kept."""
    ingest, policy = folder / "ingest", Policy()
    records = open_records(ingest, engine)

    def dataset(day: int, *, with_outcomes: bool) -> pd.DataFrame:
        made = dataset_for(ingest, [TARGET], policy, after_day=day, engine=engine, with_outcomes=with_outcomes)
        return made.frame

    def keep_target_year() -> None:
        stored_student_years(kept_beside(ingest), records, policy)

    return {
        "to learn from": lambda: dataset(after_day, with_outcomes=True),
        "first list": lambda: dataset(0, with_outcomes=False),
        "weekly list": lambda: dataset(after_day, with_outcomes=False),
        "open year": lambda: to_pandas(student_years(records, TARGET, policy, through_day=after_day)),
        "target year": keep_target_year,
    }


def _used() -> dict[str, float]:
    """Peak memory in GiB and CPU seconds of this process and of Spark's, if it runs."""
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    used = [_used_by(Path("/proc") / pid) for pid in ("self", *pids)]
    return {"gib": sum(gib for gib, _ in used), "processor": sum(seconds for _, seconds in used)}


def _used_by(process: Path) -> tuple[float, float]:
    peak = (process / "status").read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]
    ticks = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return int(peak) / 1024**2, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _print_cost(engine: Engine, took: dict[str, dict[str, float]]) -> None:
    """What each step took, CPU seconds as the difference between two steps, and the peak of all."""
    before = 0.0
    for step, used in took.items():
        print(f"{engine}, {step}: {used['seconds']:.1f} s, CPU {used['processor'] - before:.1f} s", flush=True)
        before = used["processor"]
    print(f"{engine}: CPU {before:.1f} s, peak {max(used['gib'] for used in took.values()):.2f} GiB", flush=True)


def _print_moved(log: Path) -> None:
    """What Spark moved between tasks in each step, by key: from the plans as they ended, and their metrics."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for step, node in _exchanges(log):
        if "number of partitions" in node:
            key = node["what"].removeprefix("Exchange ").partition(", ENSURE")[0]
            sums.setdefault((step, key), Counter()).update(
                times=1, rows=node["shuffle records written"], size=node["data size"], put=node["shuffle bytes written"]
            )
        else:  # a hash table's room is taken in powers of two, so its rows say more than its size
            sums.setdefault((step, "broadcast"), Counter()).update(times=1, rows=node["number of output rows"])
    for (step, key), of in sums.items():
        size = f", {of['size'] / 1e6:.2f} MB, {of['put'] / 1e6:.2f} MB compressed" if of["size"] else ""
        print(f"moved, {step}: {key}, {of['times']} times, {of['rows']:,} rows{size}")


def _exchanges(log: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The step, and `what` with its metrics by name, of every exchange that ran; a reused one is told once."""
    plans: dict[int, dict[str, Any]] = {}
    steps: dict[int, str] = {}
    values: dict[int, Any] = {}
    told: set[int] = set()
    for file in sorted(log.glob("**/events_*")):
        for line in pa.input_stream(str(file), compression="zstd").read().splitlines():
            event = json.loads(line)
            if "sparkPlanInfo" in event:  # the last one of a query is the plan as it was carried out
                plans[event["executionId"]] = event["sparkPlanInfo"]
                steps.setdefault(event["executionId"], event.get("description"))
            values.update(event.get("accumUpdates", []))
            values.update((one["ID"], one.get("Value")) for one in event.get("Stage Info", {}).get("Accumulables", []))
    for query, plan in plans.items():
        for node in _nodes(plan):
            metrics = {one["name"]: one["accumulatorId"] for one in node["metrics"]}
            if node["nodeName"].endswith("Exchange") and "data size" in metrics and metrics["data size"] not in told:
                told.add(metrics["data size"])
                if metrics["data size"] in values:
                    what = re.sub(r"#\d+L?", "", node["simpleString"])
                    yield (
                        steps[query],
                        {"what": what} | {name: int(values.get(of) or 0) for name, of in metrics.items()},
                    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan["children"]:
        yield from _nodes(child)


def _made_by(step: str) -> Callable[[Path], pd.DataFrame]:
    return lambda folder: pd.read_parquet(folder / f"{step}.parquet")


def _kept_years(folder: Path) -> pd.DataFrame:
    return to_pandas(opened(scan(sorted(folder.glob("student_years/*/*")))))


def _told_by_closed_years(folder: Path) -> pd.DataFrame:
    return to_pandas(scan(sorted(folder.glob("features/*"))))


COMPARED: dict[str, Callable[[Path], pd.DataFrame]] = {
    "kept student years": _kept_years,
    "what closed years tell": _told_by_closed_years,
    **{step: _made_by(step) for step in ("to learn from", "first list", "weekly list", "open year")},
}
"""What one engine made, from its folder."""


def _compare(name: str, expected: pd.DataFrame, found: pd.DataFrame) -> int:
    """Print how many rows, columns and values there are, and how many values differ; returns the latter."""
    keys = [key for key in ("student_id", "school_year") if key in expected]
    if list(expected.columns) != list(found.columns) or len(expected) != len(found):
        print(f"{name}: {expected.shape} and {found.shape}, or other columns")
        return 1
    expected, found = (frame.sort_values(keys, ignore_index=True) for frame in (expected, found))
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
