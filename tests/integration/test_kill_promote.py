"""`ews promote`, killed at any point, leaves exactly one whole champion and a history that agrees (O01, G10)."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ews import registry
from ews.home import Home
from ews.policy import Policy
from ews.registry import Champion
from ews.train import train
from tests.homes import FAST, TARGET, promoted_home
from tests.killed import fork_server, promote_and_die

CHANCES = 8
"""Kills at a random moment, beside one at every step."""

MOST_STEPS = 40


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    """Version 1 in force, and a version 2."""
    made = promoted_home(tmp_path_factory.mktemp("kill") / "home")
    train(made, TARGET, Policy(), replace(FAST, seed=4))
    return made


def test_a_promotion_killed_at_every_step_leaves_the_old_champion_or_the_new_one_O01_G10(home):
    outcomes = []
    for step in range(1, MOST_STEPS):
        was_killed, is_new = killed_once(home, at_step=step)
        if not was_killed:
            break
        outcomes.append(is_new)
    assert not was_killed, "the last one must have come to its end"
    assert is_new
    assert outcomes.count(False) >= 4, "before the new one is in force"
    assert outcomes.count(True) >= 1, "and after"


def test_a_promotion_killed_at_any_moment_leaves_the_old_champion_or_the_new_one_O01_G10(home):
    start = time.monotonic()
    assert killed_once(home) == (False, True)
    duration = time.monotonic() - start
    chance = random.Random(5)
    killed = [killed_once(home, after_seconds=duration * chance.uniform(0.02, 0.9))[0] for _ in range(CHANCES)]
    assert sum(killed) >= CHANCES // 3, "the kills came too late to show anything"
    assert killed_once(home) == (False, True)


def test_the_command_killed_while_it_compares_changes_nothing_and_then_promotes_O01(home):
    before, lines = registry.champion(home), registry.history(home)
    number = 3 - before.version
    process = started(home, number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1.5)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    assert registry.champion(home) == before
    assert registry.history(home) == lines
    assert started(home, number).wait(timeout=300) == 0
    assert registry.champion(home).version == number


def killed_once(home: Home, at_step: int = 0, after_seconds: float = 0.0) -> tuple[bool, bool]:
    """Promote the version that is not in force; whether it was killed, and whether the new one is in force."""
    before, lines = registry.champion(home), registry.history(home)
    number = 3 - before.version
    promoted_at = f"2026-08-{len(lines) // 24 + 4:02d}T{len(lines) % 24:02d}:00:00+00:00"
    asked = (home.path, number, promoted_at, at_step, after_seconds)
    process = fork_server().Process(target=promote_and_die, args=asked)
    process.start()
    process.join(timeout=120)
    assert process.exitcode in (0, -signal.SIGKILL)
    now = assert_whole(home)
    assert now in (before, Champion(number, now.run_id, now.bundle_sha256, "Ana Reyes", "a test", promoted_at))
    assert_history(home, lines, before, now, promoted_at)
    return process.exitcode != 0, now != before


def assert_whole(home: Home) -> Champion:
    """One champion, whose bundle loads; a registry that answers and knows both versions; nobody holds the home."""
    current, _ = registry.champion_bundle(home)
    assert registry.champions(home) == {0: current}
    assert [version.version for version in registry.versions(home)] == [2, 1]
    assert registry.find_version(home, current.version).bundle_sha256 == current.bundle_sha256
    with home.locked():
        return current


def assert_history(home: Home, lines: list[dict], before: Champion, now: Champion, promoted_at: str) -> None:
    """It only grew, by one line at most, which names what it replaced; whatever is in force has a line."""
    after = registry.history(home)
    assert after[: len(lines)] == lines
    for line in after[len(lines) :]:
        assert (line["promoted_at"], line["before"]) == (promoted_at, asdict(before))
    assert len(after) <= len(lines) + 1
    assert (now.version, now.promoted_at) in {(line["version"], line["promoted_at"]) for line in after}


def started(home: Home, number: int) -> subprocess.Popen:
    words = ["promote", "--version", str(number), "--by", "Ana Reyes", "--why", "a test", "--sign-off", "pretend"]
    return subprocess.Popen(
        [sys.executable, "-m", "ews.cli", *words, "--home", str(home.path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(home.path),
    )  # fmt: skip
