"""Old entries of the log of reads go into files, are read back from there, and only then leave the database.

An archive holds the entries from one number to another in a folder of its own: `entries.parquet`, `lists.parquet` (the
students of the lists they name) and `manifest.json` with the hashes of both. The database keeps a row for each archive,
with the hash of its last entry, at which the chain goes on, and the manifest's own. Whatever stops this, no entry is
in neither place: an archive that nothing points to yet is taken up by the next try.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, Integer, Table, delete, func, insert, select, text

from ews.errors import AuditUnavailable, Busy
from ews.home import new_folder, sha256, to_json
from ews.store.audit_archived import ENTRIES_FILE, LISTS_FILE, MANIFEST, Archive, beginning, problem_in
from ews.store.audit_chain import Head, instant
from ews.store.audit_tables import APPENDING, ARCHIVES, ENTRIES, LIST_READS, LISTS, READ_STUDENTS, writing

MOST_ENTRIES = 50_000
"""Entries of one archive: while they are removed, whoever adds an entry waits."""

_AT_ONCE = 1_000


@dataclass(frozen=True)
class Part:
    """Entries that may be archived together: those after `after` through `last`."""

    after: Head
    last: Head

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"reads-{self.after.seq + 1:09}-{self.last.seq:09}"


def next_part(engine: Engine, before: datetime, at_most: int = MOST_ENTRIES) -> Part | None:
    """The oldest entries that are all older than a moment and in no archive; None: there are none.

    An entry that is not older, as after a clock was set back, keeps those after it here, too.
    """
    with engine.connect() as connection:
        after = beginning(connection)
        young = connection.scalar(select(func.min(ENTRIES.c.seq)).where(ENTRIES.c.at >= instant(before)))
        newest = connection.scalar(select(func.max(ENTRIES.c.seq))) or 0
        last = min(young or newest + 1, newest, after.seq + at_most + 1) - 1  # the newest one stays in any case
        found = connection.execute(select(ENTRIES.c.seq, ENTRIES.c.sha256).where(ENTRIES.c.seq == last)).first()
    return Part(after, Head(found.seq, found.sha256)) if found and found.seq > after.seq else None


def write(engine: Engine, folder: Path, part: Part, *, by: str, at: datetime) -> Archive:
    """Write a part into its folder, and read it back from there.

    Raises:
        AuditUnavailable: the entries are not as they were written, or the files are not what the entries are.
    """
    place = folder / part.name
    if not place.exists():
        with new_folder(place) as fresh, engine.connect() as connection:
            _fill(fresh, connection, part)
    archive = Archive(
        seq=part.last.seq,
        sha256=part.last.sha256,
        first_seq=part.after.seq + 1,
        name=part.name,
        manifest_sha256=sha256(place / MANIFEST),
        archived_at=instant(at),
        archived_by=by,
    )
    problem = problem_in(folder, archive, part.after)
    if problem:
        raise AuditUnavailable(f"Nothing was removed: {problem}. Look with: ews audit-log verify")
    return archive


def remove(engine: Engine, archive: Archive) -> None:
    """Take the entries of an archive out of the database, in one transaction with the row that points to it.

    Raises:
        Busy: another command archived them meanwhile.
    """
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": APPENDING})
        if beginning(connection).seq != archive.first_seq - 1:
            raise Busy("Another command archives the log of reads. Look what is left with the same command.")
        connection.execute(insert(ARCHIVES).values(vars(archive)))
        for table in (READ_STUDENTS, LIST_READS, ENTRIES):
            connection.execute(delete(table).where(table.c.seq <= archive.seq))
        named = select(LIST_READS.c.seq).where(LIST_READS.c.sha256 == LISTS.c.sha256)
        connection.execute(delete(LISTS).where(~named.exists()))


def _fill(folder: Path, connection: Connection, part: Part) -> None:
    mine = ENTRIES.c.seq.between(part.after.seq + 1, part.last.seq)
    _write_rows(
        folder / ENTRIES_FILE, ENTRIES, _streamed(connection, select(ENTRIES).where(mine).order_by(ENTRIES.c.seq))
    )
    named = select(LIST_READS.c.sha256).where(LIST_READS.c.seq.between(part.after.seq + 1, part.last.seq))
    lists = select(LISTS).where(LISTS.c.sha256.in_(named)).order_by(LISTS.c.sha256)
    _write_rows(folder / LISTS_FILE, LISTS, _streamed(connection, lists))
    files = {name: sha256(folder / name) for name in (ENTRIES_FILE, LISTS_FILE)}
    about = {"format": 1, "after": str(part.after), "last": str(part.last), "files": files}
    (folder / MANIFEST).write_text(to_json(about), encoding="utf-8")


def _streamed(connection: Connection, query: Any) -> Iterator[Sequence[Mapping[Any, Any]]]:
    with connection.execution_options(yield_per=_AT_ONCE).execute(query) as rows:
        yield from rows.mappings().partitions(_AT_ONCE)


def _write_rows(file: Path, table: Table, parts: Iterator[Sequence[Mapping[Any, Any]]]) -> None:
    schema = pa.schema(
        [(column.name, pa.int64() if isinstance(column.type, Integer) else pa.string()) for column in table.columns]
    )
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in parts:
            writer.write_batch(pa.RecordBatch.from_pylist([dict(row) for row in rows], schema))
