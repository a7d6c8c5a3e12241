"""Entries of the log of reads that lie in archives: read, and proved to be what was archived."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import Connection, select

from ews.errors import AuditUnavailable
from ews.home import read_json, sha256
from ews.store.audit_chain import FIRST, Head, Named, first_problem, list_hash
from ews.store.audit_tables import ARCHIVES

ENTRIES_FILE = "entries.parquet"
LISTS_FILE = "lists.parquet"
MANIFEST = "manifest.json"

_AT_ONCE = 1_000

Row = Mapping[Any, Any]
Watch = Callable[[Iterable[Row]], Iterable[Row]]


@dataclass(frozen=True)
class Archive:
    """One archive, as the database points to it.

    Attributes:
        seq: number of its last entry.
        sha256: hash of its last entry.
        first_seq: number of its first entry.
        name: of its folder, beside the folders of the others.
        manifest_sha256: of the manifest in it, which holds the hashes of its files.
        archived_at: when, in UTC.
        archived_by: who.
    """

    seq: int
    sha256: str
    first_seq: int
    name: str
    manifest_sha256: str
    archived_at: str
    archived_by: str

    @property
    def head(self) -> Head:
        """Its last entry: where the chain goes on."""
        return Head(self.seq, self.sha256)


def archives(connection: Connection) -> list[Archive]:
    """The archives of a log, oldest first."""
    return [Archive(**row) for row in connection.execute(select(ARCHIVES).order_by(ARCHIVES.c.seq)).mappings()]


def beginning(connection: Connection) -> Head:
    """The last archived entry: what the first one in the database is linked to."""
    known = archives(connection)
    return known[-1].head if known else FIRST


def is_inside(kept: Head, known: Sequence[Archive]) -> bool:
    """Whether a head is of an entry that only the files of an archive still have."""
    return any(archive.first_seq <= kept.seq < archive.seq for archive in known)


def read_archives(
    folder: Path, known: Sequence[Archive], *, student_key: str = "", start: str = "", end: str = "~"
) -> Iterator[tuple[Row, str | None]]:
    """Entries in archives, oldest first, each with the text of the list it names.

    Args:
        folder: holds the archives' folders.
        known: the archives.
        student_key: only entries that name this student; empty: all.
        start: only entries from this instant on, as the log keeps it.
        end: only entries before this instant.

    Raises:
        AuditUnavailable: an archive is not in the folder, or is not as it was written.
    """
    for archive in known:
        problem = _files_problem(folder, archive)
        if problem:
            raise AuditUnavailable(f"The archives of the log of reads cannot be read: {problem}.")
        lists = {name: text for name, text in _lists(folder, archive) if not student_key or f'"{student_key}"' in text}
        for row in _entries(folder, archive):
            named = Named.read(row["student_keys"])
            is_meant = not student_key or student_key in named.keys or named.list_sha256 in lists
            if is_meant and start <= row["at"] < end:
                yield row, lists.get(named.list_sha256)


def problem_in(folder: Path, archive: Archive, after: Head, watch: Watch = iter) -> str | None:
    """What is wrong with an archive, in words; None: nothing.

    Args:
        folder: holds the archives' folders.
        archive: which one.
        after: the entry before its first.
        watch: is handed its entries as they are read, and hands them on.
    """
    problem = _files_problem(folder, archive)
    if problem:
        return problem
    named: set[str] = set()
    head, problem = first_problem(_noting(watch(_entries(folder, archive)), named), after)
    if problem:
        return f"in {archive.name} {problem}"
    if head != archive.head:
        return f"{archive.name} does not end with the entry it was archived up to"
    whole = {name for name, text in _lists(folder, archive) if list_hash(text) == name}
    return None if named <= whole else f"{archive.name} lacks a list of students that was shown"


def _files_problem(folder: Path, archive: Archive) -> str | None:
    place = folder / archive.name
    if not (place / MANIFEST).is_file():
        return f"{archive.name} is not in the folder of the archives"
    if sha256(place / MANIFEST) != archive.manifest_sha256:
        return f"the manifest of {archive.name} is not the one that was written"
    files: Any = read_json(place / MANIFEST)["files"]
    for name, expected in files.items():
        if not (place / name).is_file() or sha256(place / name) != expected:
            return f"{name} of {archive.name} is not as it was written"
    return None


def _noting(rows: Iterable[Row], named: set[str]) -> Iterator[Row]:
    """The rows; `named` gets the lists that they name."""
    for row in rows:
        named.add(Named.read(row["student_keys"]).list_sha256)
        named.discard("")
        yield row


def _entries(folder: Path, archive: Archive) -> Iterator[Row]:
    with pq.ParquetFile(folder / archive.name / ENTRIES_FILE) as file:
        for batch in file.iter_batches(_AT_ONCE, use_threads=False):
            yield from batch.to_pylist()


def _lists(folder: Path, archive: Archive) -> Iterator[tuple[str, str]]:
    with pq.ParquetFile(folder / archive.name / LISTS_FILE) as file:
        for batch in file.iter_batches(_AT_ONCE, use_threads=False):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
