"""The power goes: what was acknowledged is on the disk, whatever was not flushed is lost (O06, REL-1)."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ews.store.audit_log import open_audit_log
from ews.store.audit_tables import audit_engine
from ews.store.opening import store_url
from ews.store.swift import SwiftConnection
from ews.store.upgrading import create_or_upgrade
from tests.postgres import new_database
from tests.preloaded import faulty_disk
from tests.stores import store_with_cast

FULL = 2
"""SQLite's number for `synchronous = FULL`: a commit that returned is on the disk."""

WRITE = """
import os
import shutil
import sys
import uuid
from pathlib import Path
from sqlalchemy import event
from ews.store.assignments import end_assignment, give
from tests.cast import CORA, LENA, RUBY, SOL, TODAY
from tests.services import run_service
from ews.store.mentors import mentors_in

running = run_service(Path(sys.argv[1]))
store = running.service.store
for file in running.service.settings.home.glob("*.db"):  # what the tests put there before
    shutil.copy(file, os.environ["EWS_FAULT_KEPT"])
if sys.argv[2] == "hasty":
    event.listen(store.engine, "connect", lambda raw, _: raw.execute("pragma synchronous = normal"))
    store.engine.dispose()
asked = running.client(CORA)
with store.reading() as connection:
    mentor = mentors_in(connection)[0].mentor_key
with store.writing() as connection:
    end_assignment(connection, RUBY.key, "other", CORA.login, TODAY, "goes on")
while True:
    key = str(uuid.uuid4())
    told = {"request_key": key, "on_date": TODAY.isoformat(), "kind": "call", "with_whom": "family"}
    answer = asked("POST", f"/v1/students/{LENA.key}/contacts", json=told)
    assert answer.status_code == 200, answer.text
    print("contact", key, flush=True)
    with store.writing() as connection:
        given = give(connection, RUBY.key, mentor, "asked", CORA.login, TODAY, key)
    print("assignment", given, flush=True)
    with store.writing() as connection:
        end_assignment(connection, RUBY.key, "other", CORA.login, TODAY, "goes on")
"""
ACKNOWLEDGED = 40
"""Acts that are answered before the power goes."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faulty_disk(tmp_path_factory.mktemp("disk"))


def power_goes(library: Path, folder: Path, how: str) -> tuple[Path, dict[str, set[str]]]:
    """What the disk surely holds when the power goes while people write, and what they were told is kept."""
    kept = folder / "kept"
    kept.mkdir()
    faults = {"EWS_FAULT": "power", "EWS_FAULT_FILE": str(folder / "home"), "EWS_FAULT_KEPT": str(kept)}
    command = [sys.executable, "-c", WRITE, str(folder), how]
    told: dict[str, set[str]] = {"contact": set(), "assignment": set()}
    with subprocess.Popen(
        command, env={**os.environ, **faults, "LD_PRELOAD": str(library)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(ACKNOWLEDGED):
            kind, key = process.stdout.readline().split()
            told[kind].add(key)
        os.kill(process.pid, signal.SIGKILL)
    return kept, told


def held(kept: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(kept / "store.db")) as raw:
        return {
            "contact": {key for (key,) in raw.execute("select request_key from contacts")},
            "assignment": {key for (key,) in raw.execute("select assignment_key from assignments")},
        }


def test_no_acknowledged_contact_or_assignment_is_lost_when_the_power_goes_O06(library: Path, tmp_path: Path):
    kept, told = power_goes(library, tmp_path, "as it is")
    assert all(told[kind] <= held(kept)[kind] for kind in told)
    with closing(sqlite3.connect(kept / "store.db")) as raw:
        assert raw.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert raw.execute("pragma foreign_key_check").fetchall() == []
    log = open_audit_log(kept)
    assert log.verify().problem is None
    assert log.head().seq >= len(told["contact"]), "what was written without its entry in the log of reads"
    log.close()


def test_a_store_that_does_not_flush_each_commit_would_lose_some_O06(library: Path, tmp_path: Path):
    """The test above can fail: with the setting that SQLite calls normal, acknowledged acts are not there."""
    kept, told = power_goes(library, tmp_path, "hasty")
    assert told["contact"] - held(kept)["contact"]
    assert told["assignment"] - held(kept)["assignment"]


def test_whatever_may_write_waits_for_the_disk_and_the_swift_connection_may_not_write_O06_REL_1(tmp_path: Path):
    store = store_with_cast("sqlite", tmp_path)
    for opened in (store.reading, store.writing):
        with opened() as connection, store.reading() as another:
            assert connection.scalar(text("pragma synchronous")) == another.scalar(text("pragma synchronous")) == FULL
    swift = SwiftConnection(str(store.file))
    with swift.reading():
        assert swift._raw.execute("pragma query_only").fetchone() == (1,)
    swift.close()
    store.close()
    log = audit_engine(tmp_path / "audit.db")
    with closing(log.raw_connection()) as raw:  # as entries are added
        assert raw.cursor().execute("pragma synchronous").fetchone() == (FULL,)
    log.dispose()


def test_on_postgresql_commits_wait_for_the_disk_though_the_server_would_not_O06_REL_1():
    asked, url = text("show synchronous_commit"), new_database()
    server = create_engine(store_url(url))
    with server.connect() as connection:
        assert connection.scalar(asked) == "off", "else this test could not fail"
    server.dispose()
    store, log = create_or_upgrade(url), audit_engine(url)
    for opened in (store.reading, store.writing, log.connect):
        with opened() as connection:
            assert connection.scalar(asked) == "on"
    with closing(log.raw_connection()) as raw:  # as entries are added
        assert raw.cursor().execute("show synchronous_commit").fetchone() == ("on",)
    store.close()
    log.dispose()
