"""Whether the log of reads is as it was written."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from ews.store.audit_chain import FIRST, Head, first_problem
from ews.store.audit_tables import ENTRIES, READ_STUDENTS


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
    """What goes by while the chain is read: whether the kept head was there, and which students were named."""

    kept: Head | None
    met_kept: bool = False
    named: int = 0

    def watch(self, rows: Iterable[Mapping[Any, Any]]) -> Iterator[Mapping[Any, Any]]:
        for row in rows:
            self.met_kept |= self.kept == Head(row["seq"], row["sha256"])
            self.named += sum(_mark(key, row["seq"]) for key in json.loads(row["student_keys"]))
            yield row


def prove(connection: Connection, kept: Head | None) -> Verdict:
    """Read the whole log and compare it with itself, with the numbers given, and with a head noted elsewhere."""
    seen = _Seen(kept, met_kept=kept in (None, FIRST))
    stream = connection.execution_options(yield_per=1_000)
    with stream.execute(select(ENTRIES).order_by(ENTRIES.c.seq)) as rows:
        head, problem = first_problem(seen.watch(rows.mappings()))
    if problem is None and _highest_given(connection) > head.seq:
        problem = f"entries after {head.seq} were taken out"
    if problem is None and not seen.met_kept:
        problem = f"the head {kept} that was noted is not in it: the log was cut or rewritten"
    if problem is None and seen.named != _indexed(stream):
        problem = "the index of students is not that of the entries"
    return Verdict(head, problem)


def _indexed(connection: Connection) -> int:
    return sum(_mark(row.student_key, row.seq) for row in connection.execute(select(READ_STUDENTS)))


def _mark(student_key: str, seq: int) -> int:
    """A number whose sum over all pairs tells two sets of pairs apart in whatever order they come."""
    return int.from_bytes(hashlib.blake2b(f"{seq}:{student_key}".encode(), digest_size=16).digest(), "big")


def _highest_given(connection: Connection) -> int:
    """The highest number SQLite ever gave, also when its entry is gone; 0 where the database does not keep it."""
    if connection.dialect.name != "sqlite":
        return 0
    query = text("select seq from sqlite_sequence where name = :name")
    return int(connection.scalar(query, {"name": ENTRIES.name}) or 0)
