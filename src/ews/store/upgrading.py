"""Make a store, or bring an older one to this version's tables: backed up first, whole or not at all (O09)."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ews.errors import StoreUnavailable
from ews.store.opening import Store, open_store, store_url
from ews.store.versions import Standing, bring_to_head, revision, standing


def create_or_upgrade(where: str | Path, progress: Callable[[str], None] = lambda _: None) -> Store:
    """Open a store with the tables of this version; makes it where there is none.

    One command at a time does it (G15). Where SQLite holds tables already, a copy named after their version is put
    beside the file first; on PostgreSQL make a dump before. An interrupted upgrade changed nothing.

    Raises:
        StoreUnavailable: the database does not answer, or a newer ews made its tables (O10).
        Busy: another command holds the store.
    """
    url = store_url(where)
    if url.get_backend_name() == "sqlite":
        _make_file(Path(str(url.database)))
    store = open_store(where, at_head=False)
    try:
        with store.alone():
            _to_head(store, progress)
    except BaseException:
        store.close()
        raise
    return store


def open_or_make(where: str | Path) -> Store:
    """Open a store for writing; one without tables is made, one with other versions' tables is left as it is.

    Raises:
        StoreUnavailable: the database does not answer, or its tables are older or newer than this code.
        Busy: another command makes it at this moment.
    """
    url = store_url(where)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return create_or_upgrade(where)
    store = open_store(where, at_head=False)
    with store.reading() as connection:
        found = standing(connection)
    store.close()
    return create_or_upgrade(where) if found is Standing.EMPTY else open_store(where)


def _make_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)


def _to_head(store: Store, progress: Callable[[str], None]) -> None:
    with store.reading() as connection:
        found, before = standing(connection), revision(connection)
    if found is Standing.NEWER:
        raise StoreUnavailable(
            "The store was made by a newer ews and is not taken back (a downgrade would lose what it holds). Install "
            "that version, or restore a backup that this one made."
        )
    if found is Standing.OLDER and store.file:
        progress(f"copying the store of version {before}")
        copy_sqlite(store.file, store.file.with_name(f"{store.file.stem}.before-{before}.db"))
    if found is not Standing.AT_HEAD:
        progress("making tables" if found is Standing.EMPTY else "upgrading tables")
        with store.writing() as connection:
            bring_to_head(connection)


def copy_sqlite(source: Path, target: Path) -> None:
    """A whole copy of a SQLite file as of one moment, while others read and write it."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
