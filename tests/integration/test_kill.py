"""`ews train`, killed at any point, leaves no version and nothing half written; run again, it works (T13, REL-2)."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from ews.bundle import load_bundle
from ews.home import Home, sha256
from tests.homes import ingested_home

SHARES = (0.98, 0.04, 0.9, 0.12, 0.81, 0.21, 0.73, 0.3, 0.64, 0.38, 0.55, 0.47)
"""Points of a training's duration at which it is killed; late and early ones in turn."""

PARAMETERS = "rounds = 12\nleaves = 7\nmin_rows_in_leaf = 10\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = ingested_home(tmp_path_factory.mktemp("kill") / "home")
    (made.path.parent / "fast.toml").write_text(PARAMETERS)
    return made


def test_a_training_killed_at_any_point_leaves_nothing_and_the_next_one_works(home, tmp_path_factory):
    rehearsal = ingested_home(tmp_path_factory.mktemp("rehearsal") / "home")
    (rehearsal.path.parent / "fast.toml").write_text(PARAMETERS)
    duration = seconds_taken(rehearsal)
    fruitless = 0
    for share in SHARES:
        before = len(version_hashes(home))
        start = time.monotonic()
        was_killed = killed_after(started(home), duration * share)
        if not was_killed:  # faster than before: the machine is less busy now, or closed years are already kept
            duration = time.monotonic() - start
        assert_whole(home)
        made = len(version_hashes(home)) - before
        # A kill between the commit of the version and the end of the process leaves a whole version.
        assert made in ({0, 1} if was_killed else {1})
        fruitless += was_killed and not made
    assert fruitless >= len(SHARES) // 2, "the kills came too late to show anything"
    before = len(version_hashes(home))
    assert started(home).wait(timeout=300) == 0
    assert_whole(home)
    assert len(version_hashes(home)) == before + 1
    assert run_statuses(home) <= {"FINISHED", "KILLED", "FAILED"}
    assert leftovers(home) == []


def seconds_taken(home: Home) -> float:
    start = time.monotonic()
    assert started(home).wait(timeout=300) == 0
    return time.monotonic() - start


def started(home: Home) -> subprocess.Popen:
    words = ["train", "--target-year", "2027", "--home", str(home.path)]
    words += ["--parameters", str(home.path.parent / "fast.toml")]
    return subprocess.Popen(
        [sys.executable, "-m", "ews.cli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home.path
    )


def killed_after(process: subprocess.Popen, seconds: float) -> bool:
    """Whether it was still running when it was killed; one that ended by itself has registered its version."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    # It may end between the last look and the kill, which then reaches nobody.
    process.send_signal(signal.SIGKILL)
    ended = process.wait(timeout=30)
    assert ended in {0, -signal.SIGKILL}
    return ended != 0


def assert_whole(home: Home) -> None:
    """What stands under a final name is whole, and nothing is in force."""
    for kept in home.bundles.glob("[!.]*"):
        load_bundle(kept, kept.name)
    for registered in version_hashes(home):
        assert sha256(home.bundles / registered / "manifest.json") == registered
    for table in home.tables.rglob("[!.]*.parquet"):
        if ".tmp-" not in str(table):
            pd.read_parquet(table)
    assert not home.champion.exists()


def version_hashes(home: Home) -> list[str]:
    query = "select value from model_version_tags where key = 'bundle_sha256'"
    return [value for (value,) in rows_of(home, query)]


def run_statuses(home: Home) -> set[str]:
    return {status for (status,) in rows_of(home, "select status from runs")}


def rows_of(home: Home, query: str) -> list[tuple]:
    """Rows of the store, read without mlflow; none before there is a store."""
    if not home.mlflow_db.exists():
        return []
    with sqlite3.connect(home.mlflow_db) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def leftovers(home: Home) -> list[Path]:
    return sorted(home.path.rglob(".tmp-*"))
