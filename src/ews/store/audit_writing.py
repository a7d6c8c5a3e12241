"""How entries are added: at the end of the chain, in one transaction, with statements as the driver takes them.

The log is written before every answer, and SQLAlchemy takes longer to prepare an entry than the database to keep it.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Engine, Table

from ews.store.audit_chain import FIRST, Entry, Head, Named, Row, linked
from ews.store.audit_tables import APPENDING, ARCHIVES, ENTRIES, LIST_READS, LISTS, READ_STUDENTS, SCHEMA

_AT_ONCE = 40
"""Rows of one statement; databases take some thousand values in one."""

_MOST_KNOWN = 10_000


class Appender:
    """Adds to one log, for one thread at a time; other processes may add to the same one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._known: set[str] = set()
        self._archived = 0
        self._statements: dict[tuple[Table, int], tuple[list[str], str]] = {}

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; they are on disk when this returns. None at all asks whether the log may be written.

        Raises:
            Exception: whatever the driver raises; nothing was added.
        """
        named = [Named.of(entry.student_keys) for entry in entries]
        with closing(self._engine.raw_connection()) as connection:
            # Where this raises, the connection goes back to its pool, which takes the transaction back.
            cursor = connection.cursor()
            self._take_place(cursor)
            self._forget_archived(cursor)
            rows = linked(zip(entries, named, strict=True), self._head(cursor))
            self._put(cursor, rows, named)
            connection.commit()
        self._remember(named)

    def _take_place(self, cursor: Any) -> None:
        cursor.execute("begin immediate" if self._is_sqlite else f"select pg_advisory_xact_lock({APPENDING})")

    def _forget_archived(self, cursor: Any) -> None:
        """A list that was on disk may have gone into an archive since."""
        (archived,) = cursor.execute(f"select coalesce(max(seq), 0) from {self._name(ARCHIVES)}").fetchone()
        if archived != self._archived:
            self._known.clear()
            self._archived = archived

    def _head(self, cursor: Any) -> Head:
        found = cursor.execute(f"select seq, sha256 from {self._name(ENTRIES)} order by seq desc limit 1").fetchone()
        return Head(*found) if found else FIRST

    def _put(self, cursor: Any, rows: Sequence[Row], named: Sequence[Named]) -> None:
        lists = {one.list_sha256: one.list_text for one in named if one.list_sha256 not in self._known}
        lists.pop("", None)
        self._insert(cursor, ENTRIES, rows)
        self._insert(cursor, LISTS, [{"sha256": name, "student_keys": text} for name, text in lists.items()])
        self._insert(cursor, LIST_READS, _list_reads(rows, named))
        self._insert(cursor, READ_STUDENTS, _student_reads(rows, named))

    def _insert(self, cursor: Any, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, some at a time: each statement lets other threads go first, so one for each row would wait long."""
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            names, statement = self._statements.get((table, len(some))) or self._prepare(table, len(some))
            cursor.execute(statement, [row[name] for row in some for name in names])

    def _prepare(self, table: Table, rows: int) -> tuple[list[str], str]:
        names = table.columns.keys()
        mark = "?" if self._is_sqlite else "%s"
        values = ", ".join([f"({', '.join([mark] * len(names))})"] * rows)
        # A list may be there already, put there by another process or before this one began.
        once = " on conflict do nothing" if table is LISTS else ""
        statement = f"insert into {self._name(table)} ({', '.join(names)}) values {values}{once}"
        self._statements[table, rows] = (names, statement)
        return names, statement

    def _name(self, table: Table) -> str:
        return table.name if self._is_sqlite else f"{SCHEMA}.{table.name}"

    def _remember(self, named: Iterable[Named]) -> None:
        """Lists that are on disk are not handed over again."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(one.list_sha256 for one in named)


def _list_reads(rows: Sequence[Row], named: Sequence[Named]) -> list[Row]:
    return [
        {"seq": row["seq"], "sha256": one.list_sha256} for row, one in zip(rows, named, strict=True) if one.list_sha256
    ]


def _student_reads(rows: Sequence[Row], named: Sequence[Named]) -> list[Row]:
    return [{"student_key": key, "seq": row["seq"]} for row, one in zip(rows, named, strict=True) for key in one.keys]
