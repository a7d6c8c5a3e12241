"""A disk that fails under SQLite: what was not flushed or written was not kept, and the old state is whole (O03)."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ews.home import Home
from ews.store.audit_log import open_audit_log
from ews.store.checking import check
from ews.store.opening import open_store
from ews.store.reading import run_in_force
from ews.store.sealing import stored_list_hash
from tests.preloaded import faulty_disk
from tests.published import AUGUST, OCTOBER, published, scored, scored_again
from tests.stores import new_store

POINTS = (1, 2, 3, 10, 40)
"""At which call of its kind the disk begins to fail."""

PUBLISH = """
import sys
from pathlib import Path
from ews.errors import StoreUnavailable
from ews.home import Home
from ews.store.opening import open_store
from tests.published import OCTOBER, published
try:
    store = open_store(Path(sys.argv[1]))
    published(store, Home(Path(sys.argv[2])), OCTOBER)
except StoreUnavailable:
    raise SystemExit(3)
"""
APPEND = """
import os
import sys
from ews.errors import AuditUnavailable
from ews.store.audit_log import open_audit_log
from tests.unit.store.test_audit_log import READ
log = open_audit_log(sys.argv[1])
os.environ["EWS_FAULT_FILE"] = "audit.db"
refused = 0
for _ in range(3):
    try:
        log.append([READ])
    except AuditUnavailable:
        refused += 1
raise SystemExit(refused)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faulty_disk(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Home]:
    """A folder whose store has a run in force, and a home with the next one."""
    folder = tmp_path_factory.mktemp("faulty")
    store = new_store("sqlite", folder)
    published(store, scored(folder / "home"), AUGUST)
    store.close()
    return folder / "store.db", scored_again(folder / "later")


def run(library: Path, kind: str, at: int, file: str, code: str, *words: object) -> int:
    """The exit code of Python code on a disk that fails from the `at`-th call on."""
    faults = {"EWS_FAULT": kind, "EWS_FAULT_AT": str(at), "EWS_FAULT_FILE": file, "LD_PRELOAD": str(library)}
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, env={**os.environ, **faults}, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1, 2, 3}, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


@pytest.mark.parametrize("kind", ["flush", "write"])
def test_a_publication_on_a_failing_disk_is_refused_and_the_old_run_is_whole_O03(
    library: Path, before: tuple[Path, Home], tmp_path: Path, kind: str
):
    refused = 0
    for at in POINTS:
        place = tmp_path / f"{at}.db"
        shutil.copy(before[0], place)
        outcome = run(library, kind, at, place.name, PUBLISH, place, before[1].path)
        assert outcome in {0, 3}
        store = open_store(place)
        with store.reading() as connection:
            found = run_in_force(connection)
            assert found is not None
            assert (found.published_at == AUGUST) is (outcome == 3)
            assert stored_list_hash(connection, found.run_id) == found.list_sha256
        assert check(store) == []
        if outcome == 3:
            assert published(store, before[1], OCTOBER).changed
        store.close()
        refused += outcome == 3
    assert refused >= 2


@pytest.mark.parametrize("kind", ["flush", "write"])
def test_an_entry_that_could_not_be_flushed_was_not_written_and_the_log_goes_on_O03_O18(
    library: Path, tmp_path: Path, kind: str
):
    log = open_audit_log(tmp_path)
    log.close()
    assert run(library, kind, 1, "not yet", APPEND, tmp_path / "audit.db") == 3
    log = open_audit_log(tmp_path)
    assert (log.head().seq, log.verify().problem) == (0, None)
    log.close()
    assert run(library, kind, 10**6, "not yet", APPEND, tmp_path / "audit.db") == 0
    log = open_audit_log(tmp_path)
    assert (log.head().seq, log.verify().problem) == (3, None)
    log.close()
    with sqlite3.connect(tmp_path / "audit.db") as raw:
        assert raw.execute("pragma integrity_check").fetchone() == ("ok",)
    raw.close()
