"""Acts of a district with too little memory: `python -m tests.starving HOME FEED ACT` prints how each try ended.

The process has imported everything; each try runs in a fork of it that may take some MiB more and no more, as a
container allows. The next try has more, until the act comes to its end.
"""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ews.home import Home, read_json
from ews.score import score
from ews.sis import ingest
from ews.store.checking import check
from ews.store.opening import open_store
from ews.store.reading import run_in_force
from tests.homes import TARGET
from tests.published import OCTOBER, published

MORE_MIB = (0, 16, 96, 384, 1_536, 8_192)
PATIENCE_SECONDS = 12
"""A try that cannot go on need not end: then it is killed, as the kernel does when the memory is gone."""


def main(home: str, feed: str, act: str) -> None:
    """Try an act with more memory each time, until it ends well; print how each ended (0 is well) and what was left."""
    place = Home(Path(home))
    acts = {
        "ingest": lambda: ingest_into(place, Path(feed)),
        "score": lambda: score(place, TARGET),
        "publish": lambda: published(open_store(place.path), place, OCTOBER),
    }
    tries: list[tuple[int, dict[str, object]]] = []
    for mib in MORE_MIB:
        if not tries or tries[-1][0] != 0:
            status = tried(acts[act], mib)
            tries.append((status, left(place)))
    sys.stdout.write(json.dumps(tries) + "\n")


def ingest_into(home: Home, feed: Path) -> None:
    with home.locked():
        ingest(feed, home)


def left(home: Home) -> dict[str, object]:
    """The records, the list and the publication that count, and what is wrong with the store."""
    store = open_store(home.path)
    with store.reading() as connection:
        run = run_in_force(connection)
    findings = check(store)
    store.close()
    return {
        "records": read_json(home.current_tables)["id"],
        "list": read_json(home.current_scoring_run)["run_id"],
        "publication": run.run_id if run else None,
        "findings": findings,
    }


def tried(act: Callable[[], object], mib: int) -> int:
    """How a try ended: 0 when well."""
    pid = os.fork()
    if not pid:
        _act_within(act, mib)
    for _ in range(PATIENCE_SECONDS * 20):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _act_within(act: Callable[[], object], mib: int) -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + mib * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        act()
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
