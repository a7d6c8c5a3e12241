"""`ews publish`, killed at any point, leaves one run whole: the one before or the new one (O01, REL-1, REL-3)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ews.home import Home
from ews.score import current_run
from ews.store.upgrading import create_or_upgrade
from tests.postgres import new_database
from tests.published import published, scored, scored_again

POINTS = {"sqlite": 200, "postgresql": 30}
KEYS = ("listed", "students", "histories", "stays", "runs")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    folder = tmp_path_factory.mktemp("kill")
    return scored(folder / "before"), scored_again(folder / "after")


@pytest.mark.parametrize("database", POINTS)
def test_killed_at_any_point_the_store_holds_one_whole_run_O01_REL_1(database, homes, tmp_path):
    before, after = homes
    where = str(tmp_path / "store.db") if database == "sqlite" else new_database()
    store = create_or_upgrade(where)
    first = published(store, before)
    store.close()
    told = killed(where, after, POINTS[database])
    runs = {first.run_id: "old", current_run(after).run_id: "new"}
    states = {}
    for found in told["found"]:
        assert found["findings"] == []
        assert found["listed"] == found["told"]
        states.setdefault(runs[found["run_id"]], set()).add(tuple(found[key] for key in KEYS))
    assert set(states) == {"old", "new"}, "every kill came too early, or every one too late"
    assert all(len(seen) == 1 for seen in states.values()), states
    assert states["old"] != states["new"]
    fruitless = [found for found in told["found"] if found["was_killed"] and runs[found["run_id"]] == "old"]
    assert len(fruitless) >= POINTS[database] // 4, "the kills came too late to show anything"
    assert any(found["after_writing"] for found in fruitless), "no kill came while rows were written"
    assert told["leftovers"] <= 1, "what one kill leaves, the next publication removes"


def killed(where: str, home: Home, points: int) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.killing", where, str(home.path), str(points)],
        capture_output=True, text=True, check=False, timeout=1_500, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
