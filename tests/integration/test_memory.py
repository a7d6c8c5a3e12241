"""The memory is exhausted in the middle: what was begun is not there, and with more of it all is as ever (O05)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ews.home import Home
from ews.store.upgrading import create_or_upgrade
from tests.published import AUGUST, newer_records, published, scored, scored_again

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limit of a process's memory")

ACTS = {"ingest": "records", "score": "list", "publish": "publication"}
"""Each act, and what it changes of what counts."""


def test_an_act_out_of_memory_leaves_what_was_and_with_enough_all_is_as_ever_O05(tmp_path: Path):
    home, expected = scored(tmp_path / "home"), scored_again(tmp_path / "expected")
    store = create_or_upgrade(home.path)
    published(store, home, AUGUST)
    store.close()
    before = None
    for act, changes in ACTS.items():
        *failed, (status, after) = tries(home, act)
        assert status == 0, f"{act} failed with all the memory there is"
        assert len(failed) >= 2, f"{act} never ran out of memory"
        assert all(left == failed[0][1] for _, left in failed)
        assert before in (None, failed[0][1])
        assert [name for name in after if after[name] != failed[0][1][name]] == [changes]
        assert after["findings"] == []
        before = after
    assert before is not None
    assert before["publication"] == before["list"]
    assert files_of(home, str(before["list"])) == files_of(expected, str(before["list"]))


def tries(home: Home, act: str) -> list[tuple[int, dict[str, object]]]:
    """How each try ended, and what counted then; each had more memory than the one before."""
    command = [sys.executable, "-m", "tests.starving", str(home.path), str(newer_records()), act]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=root)
    assert done.returncode == 0, done.stderr
    return [(status, left) for status, left in json.loads(done.stdout)]


def files_of(home: Home, run_id: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (home.scoring_runs / run_id).iterdir()}
