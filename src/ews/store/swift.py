"""The same statements on a connection with less ceremony, for what every request asks of a SQLite store.

SQLAlchemy spends a tenth of a millisecond on each statement and as much on each transaction, many times what SQLite
needs to find one student. Here a statement is compiled once, and its rows are given as they come. It understands just
what :mod:`ews.store.reading` and :mod:`ews.store.keys` ask of a connection, and a test holds its answers equal to
theirs; PostgreSQL, and whatever writes, goes the usual way.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from ews.errors import Busy, StoreUnavailable

WAIT_SECONDS = 1.0
"""Readers of a write-ahead log wait for nobody, except while a damaged one is mended."""

MAPPED_BYTES = 1 << 30
"""Of the file, read as memory instead of page by page: what is looked up is spread all over it."""

CACHED_KIB = 32 * 1024

MOST_PREPARED = 64
"""Statements kept; one that is made anew for every request would otherwise stay for ever."""

MOST_READ = 1_000
"""Values of a column kept as read."""

MOST_KEPT = 10_000
"""Findings kept while nothing is committed: everybody of a large district who works at the same hour."""

Processor = Callable[[Any], Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """Rows, with the words for taking them that the store's functions use."""

    rows: list[Any]

    def __iter__(self) -> Iterator[Any]:
        """The rows."""
        return iter(self.rows)

    def all(self) -> list[Any]:
        """The rows."""
        return self.rows

    def one_or_none(self) -> Any:
        """The only row; None without one."""
        return self.rows[0] if self.rows else None

    def mappings(self) -> "Answer":
        """The rows as mappings of their columns."""
        return Answer([row._asdict() for row in self.rows])


class _Prepared(NamedTuple):
    """A statement as SQLite takes it: its text, values that never change, and how others and its rows are turned.

    It holds the statement, so that no other one gets its identity, by which it is found.
    """

    statement: Any
    sql: str
    constants: Mapping[str, Any]
    binds: Mapping[str, Processor | None]
    processors: Sequence[tuple[int, Processor]]
    row: Any


class SwiftConnection:
    """One connection to a SQLite store, for reading, used by one thread at a time."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._raw: sqlite3.Connection | None = None
        self._prepared: dict[Any, _Prepared] = {}
        self._dialect = sqlite_dialect(paramstyle="named")
        self._version: tuple[int, ...] | None = None
        self._kept: dict[Hashable, Any] = {}

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """One transaction that sees one state of the store; gives what stands for a connection.

        Raises:
            StoreUnavailable: the database does not answer or is damaged.
            Busy: another connection mends it.
        """
        with self._told():
            raw = self._raw or self._open()
            raw.execute("begin")
            try:
                yield self
            finally:
                raw.execute("rollback")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self.close()
            if "locked" in str(error):
                raise Busy("Another writer holds the store. Wait until it ends, then try again.") from None
            raise StoreUnavailable("The store does not answer or is damaged. Look with: ews store check") from None

    def execute(self, statement: Any, values: Mapping[str, Any] | None = None) -> Answer:
        """The rows of a statement; one that is made once, as a constant of a module, is compiled once."""
        values = values or {}
        lengths = tuple(len(value) for value in values.values() if isinstance(value, list))
        prepared = self._prepared.get((id(statement), lengths)) or self._prepare(statement, values, lengths)
        assert self._raw is not None  # it is open within `reading`
        rows = self._raw.execute(prepared.sql, _bound(prepared, values)).fetchall()
        return Answer([_row(prepared, row) for row in rows])

    def kept(self, name: Hashable, look: Callable[[Any], Found | None]) -> Found | None:
        """What was found under a name in this state of the store: looked for again once anything was committed.

        Args:
            name: of the finding; the same name must always stand for the same question.
            look: finds it in a reading of its own, given the connection. None: there is nothing, which is not kept.

        Raises:
            StoreUnavailable: as :meth:`reading`.
            Busy: as there.
        """
        with self._told():
            self._note_version(self._raw or self._open())
        found: Found | None = self._kept.get(name)
        if found is None:
            # What is committed from here on is counted by the next call, so nothing is kept too long.
            with self.reading():
                found = look(self)
            if found is not None and len(self._kept) < MOST_KEPT:
                self._kept[name] = found
        return found

    def close(self) -> None:
        """Let go of the file; the next reading opens it again."""
        self._kept.clear()
        raw, self._raw = self._raw, None
        if raw:
            raw.close()

    def _open(self) -> sqlite3.Connection:
        uri = f"file:{self._file}?mode=rw"
        raw = sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        for pragma in ("query_only = on", f"mmap_size = {MAPPED_BYTES}", f"cache_size = -{CACHED_KIB}"):
            raw.execute(f"pragma {pragma}")
        self._raw = raw
        return raw

    def _note_version(self, raw: sqlite3.Connection) -> None:
        """SQLite's own count of what others committed; it is never the same after a commit."""
        version = raw.execute("pragma data_version").fetchone()
        if version != self._version:
            self._version = version
            self._kept.clear()

    def _prepare(self, statement: Any, values: Mapping[str, Any], lengths: tuple[int, ...]) -> _Prepared:
        compiled = statement.compile(dialect=self._dialect)
        expanded = compiled.construct_expanded_state(dict(values))
        names = set(_names(values))
        columns = list(statement.selected_columns)
        given = [column.type.dialect_impl(self._dialect).result_processor(self._dialect, None) for column in columns]
        prepared = _Prepared(
            statement=statement,
            sql=expanded.statement,
            constants={name: value for name, value in expanded.parameters.items() if name not in names},
            binds={name: bind.type.dialect_impl(self._dialect).bind_processor(self._dialect)
                   for name, bind in compiled.binds.items()},
            # Of dates and times there are few, and each takes longer to read than to look up.
            processors=[(place, lru_cache(MOST_READ)(each)) for place, each in enumerate(given) if each],
            row=namedtuple("Row", [column.key for column in columns], rename=True),
        )  # fmt: skip
        if len(self._prepared) >= MOST_PREPARED:
            self._prepared.clear()
        self._prepared[id(statement), lengths] = prepared
        return prepared


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    """The names under which values are bound: one for each of a list."""
    for name, value in values.items():
        if isinstance(value, list):
            yield from (f"{name}_{number}" for number, _ in enumerate(value, 1))
        else:
            yield name


def _bound(prepared: _Prepared, values: Mapping[str, Any]) -> dict[str, Any]:
    bound = dict(prepared.constants)
    for name, value in values.items():
        if isinstance(value, list):
            bound |= {f"{name}_{number}": one for number, one in enumerate(value, 1)}
        else:
            processor = prepared.binds.get(name)
            bound[name] = processor(value) if processor else value
    return bound


def _row(prepared: _Prepared, row: tuple[Any, ...]) -> Any:
    if not prepared.processors:
        return prepared.row._make(row)
    values = list(row)
    for place, processor in prepared.processors:
        if values[place] is not None:
            values[place] = processor(values[place])
    return prepared.row._make(values)
