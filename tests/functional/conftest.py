"""A pretend district brought all the way to a scoring run, and the service on it: made once a test run."""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from ews.home import Home, read_json
from ews.store.keys import SCOPES
from ews_serve.client import Client
from tests.preloaded import without_network

STARTED = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Service:
    """A running service.

    Attributes:
        url: where it listens.
        token: of the demo's program, with every scope.
        home: what it answers from.
        log: everything it wrote.
    """

    url: str
    token: str
    home: Home
    log: Path

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)

    def typed(self, token: str | None = None, purpose: str = "") -> Client:
        return Client(self.url, self.token if token is None else token, purpose=purpose, seconds=PATIENCE_SECONDS)


def ews(*words: object) -> str:
    """What one command of `ews` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ews.cli", *map(str, words)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def token_of(login: str, home: Home, *scopes: str) -> str:
    """A new token of one of the demo's accounts; whoever makes several at once holds the home `alone`."""
    return ews(
        "token", "make", login, *(word for scope in scopes for word in ("--scope", scope)), "--home", home.path
    ).strip()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Parallel test processes share one home, and only one of them may write to it at a time."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def scored_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with records of a pretend district, a promoted model and a scoring run of 2026-27, made by the demo."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "pretend_district"
    folder.mkdir(exist_ok=True)
    with alone(folder):
        if not (folder / "made").exists():
            _make(folder)
            (folder / "made").touch()
    return Home(folder / "home")


@pytest.fixture(scope="session")
def service(scored_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on the pretend district, as `make serve` starts it, on a free port and without a network (O20)."""
    with alone(scored_home.path.parent):
        scopes = [word for scope in sorted(SCOPES) for word in ("--scope", scope)]
        token = ews("token", "make", "dashboard", *scopes, "--home", scored_home.path).strip()
    log = tmp_path_factory.mktemp("service") / "log"
    command = [sys.executable, "-W", "error", "-m", "ews_serve", "--home", scored_home.path, "--port", "0"]
    cut_off = {**os.environ, **without_network(log.parent)}
    with log.open("w") as sink, subprocess.Popen(command, stdout=sink, stderr=sink, env=cut_off) as process:
        try:
            yield Service(address_of(process, log), token, scored_home, log)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def keys(service: Service) -> dict[str, str]:
    """The random key of every listed student, by the district's id."""
    with service.typed() as client:
        lines = [line for school in client.schools() for line in client.risk_list(school.school_id)]
    return {str(line.student_id): line.student_key for line in lines}


@pytest.fixture(scope="session")
def places(scored_home: Home) -> dict[str, list[str]]:
    """Students of each school in the scoring run, first place first."""
    run = scored_home.scoring_runs / str(read_json(scored_home.current_scoring_run)["run_id"])
    rows = pq.read_table(run / "risk_list.parquet").sort_by("rank").to_pylist()
    schools = {row["school_id"] for row in rows}
    return {school: [row["student_id"] for row in rows if row["school_id"] == school] for school in sorted(schools)}


def _make(folder: Path) -> None:
    """The demo itself, on a smaller district and without a network (O20); what it printed stays in `demo.txt`."""
    words = ("--home", folder / "home", "--target-year", "2027", "--students", "400", "--years", "3")
    done = subprocess.run(
        [sys.executable, "-m", "ews.cli.demo", *map(str, words)],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, **without_network(folder), "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "demo.txt").write_text(done.stdout, encoding="utf-8")


def address_of(process: subprocess.Popen, log: Path) -> str:
    for _ in range(PATIENCE_SECONDS * 10):
        found = STARTED.search(log.read_text(encoding="utf-8"))
        if found:
            return found[1]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.1)
    raise AssertionError("the service did not start in time")
