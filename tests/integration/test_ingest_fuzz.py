"""Damaged inputs are refused in words or taken whole: never a traceback, a hang, or a home that is half one thing.

Here some of them; `python -m benchmarks.fuzz` does ten thousand.
"""

from pathlib import Path

import pytest

from benchmarks.fuzz import Tally, good_feed, mutated, try_one

SEEDS = 200


@pytest.fixture(scope="module")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Tally:
    folder = tmp_path_factory.mktemp("fuzz")
    feed, home = good_feed(folder)
    found = Tally()
    for seed in range(SEEDS):
        try_one(feed, home, folder / "tried", seed, found)
    return found


def test_every_damaged_feed_is_refused_in_words_or_taken_with_counts_that_add_up(tally: Tally) -> None:
    assert tally.failures == []
    assert tally.refused + tally.taken + tally.unchanged == SEEDS


def test_both_happen_so_that_the_damage_is_neither_too_small_nor_too_great(tally: Tally) -> None:
    assert tally.refused > SEEDS / 5
    assert tally.taken > SEEDS / 10


def test_the_same_seed_damages_the_same_way(tmp_path: Path) -> None:
    feed, _ = good_feed(tmp_path)
    first, second = (mutated(feed, tmp_path / name, 7) for name in ("one", "two"))
    assert first == second
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()
    }


def test_a_failure_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed, home = good_feed(tmp_path)
    monkeypatch.setattr("benchmarks.fuzz.ingest", lambda *_, **__: 1 / 0)
    found = Tally()
    try_one(feed, home, tmp_path / "tried", 3, found)
    assert [(seed, kind) for seed, _, kind in found.failures] == [(3, "ZeroDivisionError: division by zero")]
