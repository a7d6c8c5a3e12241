"""Whether the log of reads is as it was written."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from ews.store.audit_archived import Archive, archives, problem_in
from ews.store.audit_chain import FIRST, Head, Named, first_problem, list_hash
from ews.store.audit_tables import ENTRIES, LIST_READS, LISTS, READ_STUDENTS


@dataclass(frozen=True)
class Verdict:
    """What a check of the whole log found.

    Attributes:
        head: the newest entry up to which the chain holds.
        problem: what is wrong, in words; None: nothing.
    """

    head: Head
    problem: str | None


@dataclass
class _Seen:
    """What goes by while the chain is read: whether the kept head was there, and who and which lists were named."""

    kept: Head | None
    met_kept: bool = False
    named: int = 0
    lists: set[str] = field(default_factory=set)

    def meet(self, rows: Iterable[Mapping[Any, Any]]) -> Iterator[Mapping[Any, Any]]:
        for row in rows:
            self.met_kept |= self.kept == Head(row["seq"], row["sha256"])
            yield row

    def watch(self, rows: Iterable[Mapping[Any, Any]]) -> Iterator[Mapping[Any, Any]]:
        for row in self.meet(rows):
            named = Named.read(row["student_keys"])
            self.named += sum(_mark(key, row["seq"]) for key in named.keys)
            if named.list_sha256:
                self.named += _mark(named.list_sha256, row["seq"])
                self.lists.add(named.list_sha256)
            yield row


def prove(connection: Connection, kept: Head | None, folder: Path | None = None) -> Verdict:
    """Read the whole log and compare it with itself, with the numbers given, and with a head noted elsewhere.

    Args:
        connection: of the log.
        kept: the head; None: none was noted.
        folder: of the archives, which are then read, too.
    """
    known = archives(connection)
    seen = _Seen(kept, met_kept=kept in (None, FIRST, *(archive.head for archive in known)))
    problem = next(_problems_of_archives(folder, known, seen), None) if folder else None
    if problem:
        return Verdict(FIRST, problem)
    stream = connection.execution_options(yield_per=1_000)
    with stream.execute(select(ENTRIES).order_by(ENTRIES.c.seq)) as rows:
        head, problem = first_problem(seen.watch(rows.mappings()), known[-1].head if known else FIRST)
    if problem is None and _highest_given(connection) > head.seq:
        problem = f"entries after {head.seq} were taken out"
    if problem is None and not seen.met_kept:
        problem = f"the head {kept} that was noted is not in it: the log was cut or rewritten"
    if problem is None and seen.named != _indexed(stream):
        problem = "the index of students is not that of the entries"
    if problem is None and not seen.lists <= _whole_lists(stream):
        problem = "a list of students that was shown was changed or taken out"
    return Verdict(head, problem)


def _problems_of_archives(folder: Path, known: Sequence[Archive], seen: _Seen) -> Iterator[str]:
    after = FIRST
    for archive in known:
        problem = problem_in(folder, archive, after, seen.meet)
        after = archive.head
        if problem:
            yield problem


def _indexed(connection: Connection) -> int:
    alone = sum(_mark(row.student_key, row.seq) for row in connection.execute(select(READ_STUDENTS)))
    return alone + sum(_mark(row.sha256, row.seq) for row in connection.execute(select(LIST_READS)))


def _whole_lists(connection: Connection) -> set[str]:
    """The lists whose students are those they had when they were shown."""
    return {row.sha256 for row in connection.execute(select(LISTS)) if list_hash(row.student_keys) == row.sha256}


def _mark(student_key: str, seq: int) -> int:
    """A number whose sum over all pairs tells two sets of pairs apart in whatever order they come."""
    return int.from_bytes(hashlib.blake2b(f"{seq}:{student_key}".encode(), digest_size=16).digest(), "big")


def _highest_given(connection: Connection) -> int:
    """The highest number SQLite ever gave, also when its entry is gone; 0 where the database does not keep it."""
    if connection.dialect.name != "sqlite":
        return 0
    query = text("select seq from sqlite_sequence where name = :name")
    return int(connection.scalar(query, {"name": ENTRIES.name}) or 0)
