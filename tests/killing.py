"""Kill `publish` at many points: `python -m tests.killing STORE HOME POINTS` prints what the store held after each.

The process that does it has imported everything and computed nothing; each publication runs in a fork of it, which is
killed after a random time, half of them after the writing began. So two hundred kills cost the time of the work, not of
two hundred starts.
"""

import json
import os
import random
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import text

from ews.home import Home
from ews.store.checking import check
from ews.store.opening import open_store
from tests.postgres import copied_database
from tests.published import OCTOBER

WRITING = b"w"
WHOLE = """
    select in_force.run_id,
        (select count(*) from risk_rows where risk_rows.run_id = in_force.run_id) as listed,
        (select students from runs where runs.run_id = in_force.run_id) as told,
        (select count(*) from students where withdrawn_on is null) as students,
        (select count(*) from histories) as histories,
        (select count(*) from stays) as stays,
        (select count(*) from runs) as runs
    from in_force
"""


def main(store: str, home: str, points: int) -> None:
    """Publish the home's current run into copies of the store, killing each; then once without killing."""
    place = Home(Path(home))
    seconds = _measured(_copy(store, 0), place)
    rng = random.Random(7)
    found = []
    for point in range(points):
        where = _copy(store, point + 1)
        after_writing = point % 2 == 1
        found.append(_killed(where, place, rng.random() * seconds[after_writing], after_writing=after_writing))
    sys.stdout.write(json.dumps({"seconds": seconds, "found": found, "leftovers": _leftovers(place)}) + "\n")


def _copy(store: str, number: int) -> str:
    """A copy of the store as it was before, so that every publication has everything to do."""
    if "://" in store:
        return copied_database(store)
    folder = Path(store).parent / "copies"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return shutil.copy(store, folder / f"{number}.db")


def _measured(where: str, home: Home) -> tuple[float, float]:
    """How long a publication takes, and its writing."""
    reads, pid = _started(where, home)
    begun = time.monotonic()
    writing = begun
    while data := os.read(reads, 1):
        assert data == WRITING
        writing = time.monotonic()
    assert os.waitpid(pid, 0)[1] == 0
    os.close(reads)
    return time.monotonic() - begun, time.monotonic() - writing


def _killed(where: str, home: Home, seconds: float, *, after_writing: bool) -> dict:
    reads, pid = _started(where, home)
    if after_writing:
        os.read(reads, 1)
    select.select([], [], [], seconds)
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(reads)
    return {"was_killed": os.WIFSIGNALED(status), "after_writing": after_writing, **_state(where)}


def _started(where: str, home: Home) -> tuple[int, int]:
    """A fork that publishes; its pipe tells when the writing begins, and ends with it."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return reads, pid
    from ews.store.publishing import publish

    def tell(step: str) -> None:
        if step.startswith("writing"):
            os.write(writes, WRITING)

    try:
        publish(open_store(where), home, by="tests", at=OCTOBER, progress=tell)
        os._exit(0)
    finally:
        os._exit(1)


def _state(where: str) -> dict:
    store = open_store(where)
    with store.reading() as connection:
        row = dict(connection.execute(text(WHOLE)).mappings().one())
    findings = check(store)
    store.close()
    return {**row, "findings": findings}


def _leftovers(home: Home) -> int:
    return len(list(home.path.glob(".tmp-*")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
