"""The store, opened: SQLite in the home or PostgreSQL by URL, at the version this code knows, or a clear refusal."""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from ews.errors import Busy, StoreUnavailable
from ews.store.places import refuse_network_folder
from ews.store.versions import Standing, standing

FILE = "store.db"
"""The store of a home that names no other."""

BUSY_SECONDS = 30
"""How long a writer (a sign-in) waits for another before it is told so. Reads, and their log, wait for nobody."""

_POSTGRESQL = "postgresql+psycopg"
_PUBLISHING = 7_305_311
"""PostgreSQL's advisory lock of whoever changes what is published."""

_WRITES = "ews_writes"


@dataclass(frozen=True)
class Store:
    """One store, open. Every read and every write goes through :meth:`reading` or :meth:`writing`.

    Attributes:
        engine: SQLAlchemy's engine.
        read_only: whether writing is refused.
    """

    engine: Engine
    read_only: bool = False

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None for PostgreSQL."""
        return Path(str(self.engine.url.database)) if self.is_sqlite else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one state of the store, whatever is written meanwhile.

        Raises:
            StoreUnavailable: the database does not answer or is damaged.
        """
        with _told(), self._reader.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that is kept whole when the block ends, and not at all when it raises.

        Raises:
            StoreUnavailable: opened for reading only, or the database does not answer, is full or is damaged.
            Busy: another writer held it all the time.
        """
        if self.read_only:
            raise StoreUnavailable("The store is open for reading only, so nothing was written.")
        with _told(), self._writer.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Held by whoever changes what is published, or the tables themselves; readers and sign-ins go on.

        Raises:
            Busy: another command holds it.
        """
        with _file_lock(self.file) if self.file else self._advisory_lock():
            yield

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @cached_property
    def _reader(self) -> Engine:
        if self.is_sqlite:
            return self.engine
        return self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @cached_property
    def _writer(self) -> Engine:
        return self.engine.execution_options(**{_WRITES: True})

    @contextlib.contextmanager
    def _advisory_lock(self) -> Iterator[None]:
        with _told(), self.engine.begin() as connection:
            taken = connection.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": _PUBLISHING})
            if not taken:
                raise Busy(_HELD)
            yield


_HELD = "Another command is changing what is published. Wait until it ends, then try again."


def open_store(where: str | Path, *, read_only: bool = False, at_head: bool = True) -> Store:
    """Open a store that exists.

    Args:
        where: a home's folder (its `store.db`), a file, or a URL: `sqlite:///…`, `postgresql://…`.
        read_only: refuse every write.
        at_head: refuse tables that another version of ews made; only what mends them leaves it out.

    Raises:
        StoreUnavailable: there is none, it does not answer, or its tables are older or newer than this code.
    """
    url = store_url(where)
    if url.database and url.drivername.startswith("sqlite") and not Path(url.database).exists():
        raise StoreUnavailable(f"There is no store at {url.database} yet. Make it with: ews store upgrade")
    store = Store(_engine(url, read_only), read_only)
    try:
        if at_head:
            _refuse_other_version(store)
    except BaseException:
        store.close()
        raise
    return store


def store_url(where: str | Path) -> URL:
    """The URL of a store named by a home's folder, a file or a URL.

    Raises:
        StoreUnavailable: neither SQLite nor PostgreSQL.
    """
    if isinstance(where, Path) or "://" not in where:
        place = Path(where).resolve()
        return URL.create("sqlite", database=str(place / FILE if place.suffix != ".db" else place))
    url = make_url(where)
    if url.get_backend_name() == "postgresql":
        return url.set(drivername=_POSTGRESQL)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise StoreUnavailable("A store is SQLite in a file (sqlite:////path/store.db) or PostgreSQL (postgresql://…).")


def postgresql_engine(url: URL) -> Engine:
    """An engine on PostgreSQL whose commits are on disk when they return, whatever the server's default is (REL-1)."""
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    event.listen(engine, "connect", _wait_for_disk)
    return engine


def _engine(url: URL, read_only: bool) -> Engine:
    if url.get_backend_name() == "postgresql":
        return postgresql_engine(url)
    refuse_network_folder(Path(str(url.database)))
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_pragmas_read_only if read_only else _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _: object) -> None:
    """Power may fail after any commit that was acknowledged (REL-1); what is deleted is overwritten with zeros."""
    connection.isolation_level = None  # else the driver, not we, decides when a transaction begins
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "secure_delete = on"):
        connection.execute(f"pragma {pragma}")


def _wait_for_disk(connection: Any, _: object) -> None:
    """Never weaker than the disk of the server itself; a server that waits for others goes on doing so."""
    connection.execute(
        "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def _set_pragmas_read_only(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("pragma query_only = on")


def _begin(connection: Connection) -> None:
    """A writer takes its place at once: one that read first could not become one when another was faster."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What a driver says may hold a student's value, so its own words are not passed on."""
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig):
            raise Busy("Another writer holds the store. Wait until it ends, then try again.") from None
        raise StoreUnavailable(
            f"The store does not answer, is full or may not be written ({type(error.orig).__name__}). Nothing was "
            "changed. Look at the disk and the database server, then: ews store check"
        ) from None
    except DatabaseError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            raise StoreUnavailable("The store's file is damaged. Restore a backup: ews store restore") from None
        raise


def _refuse_other_version(store: Store) -> None:
    with store.reading() as connection:
        found = standing(connection)
    if found is Standing.NEWER:
        raise StoreUnavailable(
            "The store was made by a newer ews and is not taken back. Install that version, or restore a backup that "
            "this one made."
        )
    if found is not Standing.AT_HEAD:
        raise StoreUnavailable("The store's tables are older than this ews. Bring them up with: ews store upgrade")


@contextlib.contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    with file.with_name(f".{file.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(_HELD) from error
        yield
