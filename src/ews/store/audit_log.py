"""The log of reads: who saw which student, when, in which view, and why; entries are only ever added.

It lies apart from the store (`audit.db` of the home, or the schema `audit` of a PostgreSQL database), so that reads can
be logged while the store may not be written, and refused when the log may not (REL-6, O18). Every entry carries the
SHA-256 of itself and of the entry before, so that what was changed or taken out later is found. Entries of many
requests that wait at the same moment are written together: one flush to disk serves all of them.
"""

import asyncio
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from ews.errors import AuditUnavailable, EwsError, InputRefused
from ews.store.audit_archive import MOST_ENTRIES, next_part, remove, write
from ews.store.audit_archived import Archive, archives, is_inside, read_archives
from ews.store.audit_chain import FIRST, Entry, Head, instant, read_back
from ews.store.audit_proof import Verdict, prove
from ews.store.audit_tables import ENTRIES, LIST_READS, LISTS, READ_STUDENTS, audit_engine, make_tables
from ews.store.audit_writing import Appender
from ews.store.opening import store_url

FILE = "audit.db"
"""The log of a home that names no other."""

WAIT_SECONDS = 10.0
"""A log that takes longer is taken for one that cannot be written."""

_TOGETHER = 500
"""Requests whose entries are written in one transaction, at most."""

_UNAVAILABLE = (
    "The log of reads cannot be written, so nothing is shown. Look at the disk and the database of the log, then try "
    "again."
)

Waiting = tuple[Sequence[Entry], "Future[None]"]


@dataclass(frozen=True)
class Logged:
    """An entry as it stands in the log."""

    seq: int
    entry: Entry
    sha256: str


class AuditLog:
    """One log, open for adding and reading. Several processes may add to the same one."""

    def __init__(self, engine: Engine, archives: Path | None = None) -> None:
        self._engine = engine
        # One state of the log for whoever reads it in several steps, whatever is added or archived meanwhile.
        on_postgresql = engine.dialect.name == "postgresql"
        self._reader = engine.execution_options(isolation_level="REPEATABLE READ") if on_postgresql else engine
        self._archives = archives
        self._appender = Appender(engine)
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; they are on disk when this returns.

        Raises:
            AuditUnavailable: they could not be written; whatever was to be shown must not be.
        """
        try:
            self._hand_over(entries).result(WAIT_SECONDS)
        except TookTooLong:
            raise AuditUnavailable(_UNAVAILABLE) from None

    async def appended(self, entries: Sequence[Entry]) -> None:
        """:meth:`append` for code that must not block.

        Raises:
            AuditUnavailable: as there.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.wrap_future(self._hand_over(entries))
        except TimeoutError:
            raise AuditUnavailable(_UNAVAILABLE) from None

    def of_student(self, student_key: str) -> Iterator[Logged]:
        """Every entry that names a student, oldest first (PRV-4); those in archives where their folder was told."""
        alone = select(READ_STUDENTS.c.seq).where(READ_STUDENTS.c.student_key == student_key)
        lists = select(LISTS.c.sha256).where(LISTS.c.student_keys.contains(f'"{student_key}"', autoescape=True))
        listed = select(LIST_READS.c.seq).where(LIST_READS.c.sha256.in_(lists))
        yield from self._read(or_(ENTRIES.c.seq.in_(alone), ENTRIES.c.seq.in_(listed)), student_key=student_key)

    def between(self, start: datetime, end: datetime) -> Iterator[Logged]:
        """Every entry from `start` until before `end`, oldest first (PRV-9); those in archives as above."""
        first, after = instant(start), instant(end)
        yield from self._read((ENTRIES.c.at >= first) & (ENTRIES.c.at < after), start=first, end=after)

    def head(self) -> Head:
        """The newest entry's number and hash; kept elsewhere, it later proves that nothing before it was changed."""
        with self._connected() as connection:
            return _head(connection)

    def verify(self, kept: Head | None = None) -> Verdict:
        """Look whether the log is as it was written (O18).

        Args:
            kept: a head that was noted elsewhere before; without it a log that was rewritten whole is not found.

        Raises:
            InputRefused: the head is of an archived entry, and the folder of the archives was not told.
        """
        with self._connected() as connection:
            if kept and self._archives is None and is_inside(kept, archives(connection)):
                raise InputRefused("The head is of an entry that is archived. Name the archives' folder: --archives")
            return prove(connection, kept, self._archives)

    def archived(self) -> list[Archive]:
        """The archives that older entries are in, oldest first."""
        with self._connected() as connection:
            return archives(connection)

    def archive(self, folder: Path, before: datetime, *, by: str, at: datetime, at_most: int = MOST_ENTRIES) -> int:
        """Move entries into files, and out of the database once they are there; gives how many (the log says so).

        Args:
            folder: gets a folder for each archive.
            before: entries older than this.
            by: who does it.
            at: now.
            at_most: entries of one archive.

        Raises:
            AuditUnavailable: the entries are not as they were written, or the log does not answer; nothing was lost.
            Busy: another command archives them.
        """
        entries = 0
        with self._told():
            while part := next_part(self._engine, before, at_most):
                archive = write(self._engine, folder, part, by=by, at=at)
                words = f"{archive.name} {archive.head} {archive.manifest_sha256}"
                self.append([Entry(at, "", by, "", "audit-log archive", "done", "operator", fields=words)])
                remove(self._engine, archive)
                entries += archive.seq - part.after.seq
        return entries

    def can_be_written(self) -> bool:
        """Whether an entry could be added now; nothing is."""
        try:
            self.append(())
        except AuditUnavailable:
            return False
        return True

    def close(self) -> None:
        """Write what waits, then let go of the database."""
        with self._starting:
            writer, self._writer = self._writer, None
        if writer:
            self._waiting.put(None)
            writer.join()
        self._engine.dispose()

    def _hand_over(self, entries: Sequence[Entry]) -> "Future[None]":
        if self._writer is None:
            self._start()
        done: Future[None] = Future()
        self._waiting.put((entries, done))
        return done

    def _start(self) -> None:
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_until_closed, name="audit log", daemon=True)
                self._writer.start()

    def _write_until_closed(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, is_last = self._with_more(first)
            self._write(batch)
            if is_last:
                return

    def _with_more(self, first: Waiting) -> tuple[list[Waiting], bool]:
        """Whatever else waits by now; True beside it when the log is being closed."""
        batch = [first]
        while len(batch) < _TOGETHER:
            try:
                more = self._waiting.get_nowait()
            except queue.Empty:
                return batch, False
            if more is None:
                return batch, True
            batch.append(more)
        return batch, False

    def _write(self, batch: Sequence[Waiting]) -> None:
        try:
            self._appender.append([entry for entries, _ in batch for entry in entries])
        except Exception:
            # Whatever it was, nobody may be shown anything; the driver's words may hold a student's key.
            for _, done in batch:
                _settle(done, AuditUnavailable(_UNAVAILABLE))
        else:
            for _, done in batch:
                _settle(done)

    def _read(self, condition: ColumnElement[bool], **in_archives: str) -> Iterator[Logged]:
        query = _WITH_LISTS.where(condition).order_by(ENTRIES.c.seq)
        with self._connected() as connection:
            if self._archives is not None:
                for row, list_text in read_archives(self._archives, archives(connection), **in_archives):
                    yield _logged(row, list_text)
            with _streaming(connection).execute(query) as rows:
                for row in rows.mappings():
                    yield _logged(row, row["list_text"])

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._told(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError:
            raise AuditUnavailable("The log of reads does not answer. Look at its disk and database.") from None


def open_audit_log(where: str | Path, archives: Path | None = None) -> AuditLog:
    """Open a log, and make it where there is none.

    Args:
        where: a home's folder (its `audit.db`), a file that ends in `.db`, or a URL of SQLite or PostgreSQL.
        archives: the folder of its archives, to be read, too; None: only the database is.

    Raises:
        AuditUnavailable: it does not answer, or its folder may not be written.
    """
    try:
        engine = audit_engine(log_file(where) or where)
        make_tables(engine)
    except (SQLAlchemyError, OSError, EwsError):
        raise AuditUnavailable("The log of reads cannot be opened. Look at its disk, folder and database.") from None
    return AuditLog(engine, archives)


def log_place(home: Path, store: str = "", audit: str = "") -> str | Path:
    """Where the log is: as told; else with a PostgreSQL store, in a schema of its own; else in the home."""
    if audit:
        return audit
    return store if store and store_url(store).get_backend_name() == "postgresql" else home


def log_file(where: str | Path) -> Path | None:
    """The file of a log on SQLite; None where it is named by a URL."""
    if isinstance(where, str) and "://" in where:
        return None
    return Path(where) if Path(where).suffix == ".db" else Path(where) / FILE


_WITH_LISTS = select(ENTRIES, LISTS.c.student_keys.label("list_text")).select_from(
    # An entry that names a list holds its hash as JSON text.
    ENTRIES.outerjoin(LISTS, LISTS.c.sha256 == func.substr(ENTRIES.c.student_keys, 2, 64))
)


def _head(connection: Connection) -> Head:
    found = connection.execute(select(ENTRIES.c.seq, ENTRIES.c.sha256).order_by(ENTRIES.c.seq.desc()).limit(1)).first()
    return Head(found.seq, found.sha256) if found else FIRST


def _logged(row: Mapping[Any, Any], list_text: str | None) -> Logged:
    return Logged(row["seq"], read_back(row, list_text), row["sha256"])


def _streaming(connection: Connection) -> Connection:
    """The same, giving rows as they are read: the log of years does not fit into memory."""
    return connection.execution_options(yield_per=1_000)


def _settle(done: "Future[None]", refusal: AuditUnavailable | None = None) -> None:
    """Tell who waits; whoever gave up waiting was refused already."""
    if not done.set_running_or_notify_cancel():
        return
    if refusal:
        done.set_exception(refusal)
    else:
        done.set_result(None)
