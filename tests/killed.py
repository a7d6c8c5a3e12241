"""A promotion in a process of its own that kills itself, for tests of what a kill leaves behind."""

import os
import signal
import sys
import threading
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from ews import registry
from ews.home import Home

STEPS = ("os.rename", "os.replace", "os.remove", "sqlite3.connect")
"""Events of the interpreter at which something is written; and opening for it, or a folder to flush it."""


def fork_server() -> ForkServerContext:
    """Processes that begin with everything imported."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "mlflow"])
    return context


def promote_and_die(home: Path, number: int, promoted_at: str, at_step: int, after_seconds: float) -> None:
    """Put a version in force, and be killed at a step or after some time, whichever comes first; 0 is never."""
    place = Home(home)
    chosen, seen = registry.find_version(place, number), registry.champion_or_none(place)
    if after_seconds:
        threading.Timer(after_seconds, _die).start()
    if at_step:
        _die_at(at_step, str(place.path))
    registry.promote(
        place, chosen, by="Ana Reyes", why="a test", promoted_at=promoted_at, replaces=seen.version if seen else None
    )


def _die_at(step: int, home: str) -> None:
    seen = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        is_step = event in STEPS or (event == "open" and (arguments[2] & os.O_ACCMODE or arguments[0] == home))
        if is_step and home in str(arguments[0]):
            seen += 1
            if seen == step:
                _die()

    sys.addaudithook(count)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
