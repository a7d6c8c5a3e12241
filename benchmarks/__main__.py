"""Measure in one run, side by side: `python -m benchmarks --students 1000000`."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.student_years import write_ingest
from benchmarks.tasks import TASKS


def main() -> None:
    """Make the marks, run each task in a process of its own, print seconds, ratios to the scan, and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=1, help="the fastest of so many runs counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as place:
        folder, begin = Path(place) / "ingest", time.perf_counter()
        marks = write_ingest(folder, options.students)
        print(f"{options.students:,} students, {marks:,} marks, made in {time.perf_counter() - begin:.0f} s")
        _measure("scan", folder)  # so that every task finds its files in the cache
        found = {name: min((_measure(name, folder) for _ in range(options.repeat)), key=_seconds) for name in TASKS}
    _print(found)


def _measure(name: str, folder: Path) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.tasks", name, str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _seconds(measured: dict[str, float]) -> float:
    return measured["seconds"]


def _print(found: dict[str, dict[str, float]]) -> None:
    scan = found["scan"]["seconds"]
    print(f"{'task':<10}{'seconds':>9}{'of scan':>9}{'CPU s':>8}{'GiB':>7}{'rows':>12}")
    for name, one in found.items():
        ratio, rows = f"{one['seconds'] / scan:.1f}x", f"{one['rows']:,}"
        print(f"{name:<10}{one['seconds']:>9.2f}{ratio:>9}{one['processor']:>8.1f}{one['gib']:>7.2f}{rows:>12}")
    whole = found["features"]["seconds"]
    print(f"pandas takes {found['pandas']['seconds'] / whole:.1f} times as long as all features")
    print(f"a weekly refresh takes {found['refresh']['seconds'] / whole:.2f} of all features")


if __name__ == "__main__":
    main()
