"""A list killed at any point leaves what closed years tell whole or not there; the next list is the same (T13)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from ews.dataset import dataset_for
from ews.home import Home
from ews.policy import Policy
from tests.homes import TARGET, ingested_home

SHARES = (0.97, 0.35, 0.9, 0.55, 0.8, 0.7)
"""Points of a list's duration at which it is killed."""

LIST = """
import sys
from pathlib import Path
from ews.dataset import dataset_for
from ews.policy import Policy
from ews.school_year import SchoolYear
dataset_for(Path(sys.argv[1]), [SchoolYear(int(sys.argv[2]))], Policy(), with_outcomes=False)
"""


def test_a_list_killed_at_any_point_leaves_nothing_half_kept_and_the_next_one_is_the_same(tmp_path: Path) -> None:
    home = ingested_home(tmp_path / "home")
    expected = dataset_for(home.ingested(), [TARGET], Policy()).x
    begin = time.monotonic()
    assert started(home).wait(timeout=120) == 0
    duration = time.monotonic() - begin
    for share in SHARES:
        for file in kept(home):
            file.unlink()
        process = started(home)
        time.sleep(duration * share)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
        assert len(kept(home)) <= 1
        for file in kept(home):
            assert len(pd.read_parquet(file)) > 0
        found = dataset_for(home.ingested(), [TARGET], Policy(), with_outcomes=False).x
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def kept(home: Home) -> list[Path]:
    return list((home.tables / "features").glob("[!.]*.parquet"))


def started(home: Home) -> subprocess.Popen:
    words = [sys.executable, "-c", LIST, str(home.ingested()), str(TARGET)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
