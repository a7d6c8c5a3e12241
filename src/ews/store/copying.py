"""Backups: a store copied into one SQLite file, whichever database it is on, and put back, proven by its lists."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, delete, insert, select

from ews.errors import InputRefused, StoreUnavailable
from ews.home import Home
from ews.store.bulk import BATCH
from ews.store.checking import check
from ews.store.opening import Store, open_store, store_url
from ews.store.purges import purged_students
from ews.store.purging import empty_log, forget
from ews.store.schema import (
    FAILED_SIGN_INS,
    IN_FORCE,
    KNOWN_BROWSERS,
    METADATA,
    OIDC_FLOWS,
    RUNS,
    SESSIONS,
    SETUP_LINKS,
)
from ews.store.sealing import stored_list_hash
from ews.store.upgrading import create_or_upgrade

LEFT_OUT = frozenset(table.name for table in (SESSIONS, SETUP_LINKS, OIDC_FLOWS, KNOWN_BROWSERS, FAILED_SIGN_INS))
"""What no backup brings back: a session or link that was ended since would open again."""


@dataclass(frozen=True)
class Copied:
    """What was copied.

    Attributes:
        run_id: the run in force; None where none was published.
        list_sha256: of that run's lists, computed from the copy.
        rows: of all tables.
        purged: students deleted from it again, since they were purged after the backup.
    """

    run_id: str | None
    list_sha256: str | None
    rows: int
    purged: int = 0


def backup(store: Store, target: Path) -> Copied:
    """Copy a store, as of one moment and while others use it, into a new SQLite file.

    Raises:
        InputRefused: there is a file already.
        StoreUnavailable: the store is damaged, or the disk is full.
    """
    if target.exists():
        raise InputRefused(f"{target} exists already. Name a new file.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tmp-backup-") as folder:
        file = Path(folder) / "store.db"
        copy = create_or_upgrade(file)
        with store.reading() as origin, copy.writing() as into:
            rows = _copy_tables(origin, into)
        done = _proven(copy, rows)
        empty_log(copy)
        copy.close()
        file.replace(target)
    return done


def restore(source: Path, where: str | Path, home: Home) -> Copied:
    """Put a backup in the place of what a store holds, whole or not at all; who was purged since stays purged (O19).

    A SQLite file that is damaged is set aside under another name first. Everybody has to sign in again.

    Raises:
        InputRefused: there is no such backup, or it is not whole.
        StoreUnavailable: the store does not answer, or the restored lists are not those of the backup.
        Busy: another command holds the store.
    """
    with _opened(source) as kept:
        _set_aside_damaged(where)
        store = create_or_upgrade(where)
        keys = purged_students(home)
        with store.alone(), kept.reading() as origin, store.writing() as into:
            for table in reversed(METADATA.sorted_tables):
                into.execute(delete(table))
            rows = _copy_tables(origin, into)
            _refuse_other_lists(into)
            forget(into, keys)
        done = _proven(store, rows, len(keys))
        empty_log(store)
        store.close()
    return done


def _copy_tables(origin: Connection, into: Connection) -> int:
    rows = 0
    for table in METADATA.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        found = origin.execute(select(table).execution_options(stream_results=True))
        for batch in found.mappings().partitions(BATCH):
            into.execute(insert(table), cast(list[Mapping[str, Any]], batch))
            rows += len(batch)
    return rows


def _proven(store: Store, rows: int, purged: int = 0) -> Copied:
    with store.reading() as connection:
        run_id = connection.scalar(select(IN_FORCE.c.run_id))
        return Copied(run_id, stored_list_hash(connection, run_id) if run_id else None, rows, purged)


def _refuse_other_lists(connection: Connection) -> None:
    for run in connection.execute(select(RUNS.c.run_id, RUNS.c.list_sha256)).all():
        if stored_list_hash(connection, run.run_id) != run.list_sha256:
            raise StoreUnavailable("The restored lists are not those of the backup. Nothing was changed.")


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[Store]:
    """A backup, whole and with this version's tables; an older one is brought up in a copy."""
    if not source.exists():
        raise InputRefused(f"There is no backup at {source}.")
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".tmp-restore-") as folder:
        file = Path(folder) / "store.db"
        shutil.copyfile(source, file)
        create_or_upgrade(file).close()
        kept = open_store(file)
        if check(kept):
            raise InputRefused(f"The backup {source} is not whole: {check(kept)[0]} Take another one.")
        yield kept
        kept.close()


def _set_aside_damaged(where: str | Path) -> None:
    url = store_url(where)
    file = Path(str(url.database))
    if url.get_backend_name() != "sqlite" or not file.exists() or not _is_damaged(file):
        return
    for ending in ("", "-wal", "-shm"):
        part = file.with_name(file.name + ending)
        if part.exists():
            part.replace(part.with_name(f"{file.stem}.damaged{file.suffix}{ending}"))


def _is_damaged(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute("pragma quick_check(1)").fetchone() != ("ok",)
    except sqlite3.DatabaseError:
        return True
