"""A worker that the kernel kills, as when the memory is gone, is replaced, and the others answer meanwhile (O05)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from ews.home import Home
from tests.functional.conftest import PATIENCE_SECONDS, address_of


def workers_of(pid: int) -> set[int]:
    """The process numbers of the workers; another child minds what they share."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
def test_a_worker_that_is_killed_is_replaced_and_lists_go_on_O05(scored_home: Home, tmp_path: Path):
    log = tmp_path / "log"
    command = [sys.executable, "-m", "ews_serve", "--home", scored_home.path, "--port", "0", "--workers", "2"]
    with log.open("w") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
        try:
            url = address_of(process, log)
            before = until(lambda: len(workers_of(process.pid)) == 2 and workers_of(process.pid))
            killed = min(before)
            os.kill(killed, signal.SIGKILL)
            after = until(lambda: killed not in workers_of(process.pid) and workers_of(process.pid) - before)
            assert len(after) == 1
            for _ in range(20):
                assert until(lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 200)
        finally:
            process.terminate()


def until(look):
    for _ in range(PATIENCE_SECONDS * 10):
        try:
            found = look()
        except httpx.TransportError:  # the connection was that worker's
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("waited in vain")
