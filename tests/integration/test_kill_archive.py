"""`ews audit-log archive`, killed at any point, loses no entry: each is in the database or in the files (O01, O18)."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ews.store.audit_log import open_audit_log
from tests.cast import ANA, JUN, KAI, NOON
from tests.docs.pages import ROOT
from tests.postgres import new_database
from tests.unit.store.test_audit_log import LIST, READ

POINTS = 5
ENTRIES = 2_400
AT_MOST = 100
"""Entries of one archive: a kill comes within one, or between two."""

TODAY = NOON + timedelta(days=900)

ARCHIVE = """
import sys
from pathlib import Path
from ews.store.audit_log import open_audit_log
from tests.integration.test_kill_archive import TODAY
where, folder, at_most = sys.argv[1:]
log = open_audit_log(where)
print("begins", flush=True)
log.archive(Path(folder), TODAY, by="tests", at=TODAY, at_most=int(at_most))
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_any_point_every_entry_is_in_one_place_and_the_chain_holds_O01_O18(database: str, tmp_path: Path):
    where = tmp_path if database == "sqlite" else new_database()
    folder = tmp_path / "archives"
    lists = [replace(LIST, student_keys=keys) for keys in ((ANA.key, JUN.key), (KAI.key, JUN.key))]
    with closing(open_audit_log(where)) as log:
        for _ in range(ENTRIES // 300):
            log.append([READ, lists[0], lists[1]] * 100)
        log.append([replace(READ, at=TODAY)])
        noted = log.head()
    stopped_midway = 0
    for point in range(POINTS):
        killed_after(where, folder, folders=point % 3, seconds=point / 200)
        with closing(open_audit_log(where, folder)) as log:
            assert log.verify(noted).problem is None
            found = [logged.seq for logged in log.between(NOON, TODAY)]
            stopped_midway += 0 < len(log.archived()) < ENTRIES // AT_MOST
        assert found == list(range(1, ENTRIES + 1))
    assert stopped_midway, "no kill came between two archives"
    with closing(open_audit_log(where, folder)) as log:
        log.archive(folder, TODAY, by="tests", at=TODAY, at_most=AT_MOST)
        assert len(log.archived()) == ENTRIES // AT_MOST
        assert log.verify(noted).problem is None
        assert len(list(log.of_student(KAI.key))) == ENTRIES // 3


def killed_after(where: str | Path, folder: Path, *, folders: int, seconds: float) -> None:
    """Archive in a process of its own, and kill it some time after so many more folders were written."""
    command = [sys.executable, "-c", ARCHIVE, str(where), str(folder), str(AT_MOST)]
    wanted = len(list(folder.glob("reads-*"))) + folders
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        while process.poll() is None and len(list(folder.glob("reads-*"))) < wanted:
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
