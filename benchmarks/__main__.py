"""Measure in one run, side by side: `python -m benchmarks --students 1000000`."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.student_years import size, write_export, write_ingest
from benchmarks.tasks import TASKS


def main() -> None:
    """Make the marks, run each task in a process of its own, print seconds, ratios to the scan, and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--ingest", type=Path, help="measure the folder of an ingest instead of pretend marks")
    parser.add_argument("--repeat", type=int, default=1, help="so many rounds of all tasks; the fastest of each counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as place:
        folder = Path(place) / "ingest"
        if options.ingest:
            folder.symlink_to(options.ingest.resolve(), target_is_directory=True)
        else:
            write_ingest(folder, options.students)
        write_export(folder)
        print("{:,} students, {:,} marks".format(*size(folder)))
        for name in ("export_scan", "scan"):  # so that every task finds its files in the cache
            _measure(name, folder)
        rounds = [{name: _measure(name, folder) for name in TASKS} for _ in range(options.repeat)]
    _print({name: min((one[name] for one in rounds), key=_seconds) for name in TASKS})


def _measure(name: str, folder: Path) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.tasks", name, str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _seconds(measured: dict[str, float]) -> float:
    return measured["seconds"]


def _print(found: dict[str, dict[str, float]]) -> None:
    export, scan = found["export_scan"], found["scan"]
    heads = ("seconds", "of export", "of scan", "CPU s", "of export", "of scan", "GiB")
    print(f"{'task':<12}" + "".join(f"{head:>11}" for head in heads))
    for name, one in found.items():
        ratios = [f"{one[what] / least[what]:.1f}x" for what in ("seconds", "processor") for least in (export, scan)]
        print(
            f"{name:<12}{one['seconds']:>11.2f}{ratios[0]:>11}{ratios[1]:>11}"
            f"{one['processor']:>11.1f}{ratios[2]:>11}{ratios[3]:>11}{one['gib']:>11.2f}"
        )
    whole = found["features"]
    for name, of_what in (
        ("pandas", "pandas takes"),
        ("open_year", "the open year takes"),
        ("first_list", "a first list takes"),
        ("refresh", "a weekly list after it takes"),
    ):
        seconds, processor = (found[name][what] / whole[what] for what in ("seconds", "processor"))
        print(f"{of_what} {seconds:.2f} of the time of all features ({processor:.2f} in CPU seconds)")


if __name__ == "__main__":
    main()
