"""The tables of the log of reads, and triggers that refuse to change an entry, and to delete one not archived."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, Text, create_engine, event
from sqlalchemy import text as sql

from ews.store.opening import postgresql_engine, store_url
from ews.store.places import refuse_network_folder

_METADATA = MetaData()
SCHEMA = "audit"
_MAKES = "ews_makes"
"""Execution option of who makes tables or archives: the writer's place is taken before anything is read."""

APPENDING = 7_305_312
"""PostgreSQL's advisory lock of whoever appends or archives: the chain has one end, and one beginning."""

_MAKING = 7_305_313
"""PostgreSQL's advisory lock of whoever makes the tables."""

ENTRIES = Table(
    "audit_entries",
    _METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True, doc="1, 2, 3 … without a gap."),
    Column("at", String(32), nullable=False, index=True, doc="UTC."),
    Column("staff_key", String(36), nullable=False),
    Column("login", Text, nullable=False),
    Column("role", String(32), nullable=False),
    Column("view", String(32), nullable=False),
    Column("result", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("student_keys", Text, nullable=False, doc="JSON list; of several, the hash of the list as JSON text."),
    Column("school_id", Text),
    Column("fields", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("viewing_as", Text),
    Column("run_id", String(32)),
    Column("model_version", Integer),
    Column("correlation_id", String(64), nullable=False),
    Column("party", Text),
    Column("legal_basis", Text),
    Column("previous_sha256", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    sqlite_autoincrement=True,  # the highest number ever given is remembered
)

READ_STUDENTS = Table(
    "audit_students",
    _METADATA,
    Column("student_key", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Finds a student's entries; it holds nothing that the entries do not."""

LISTS = Table(
    "audit_lists",
    _METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("student_keys", Text, nullable=False, doc="Sorted JSON list, whose SHA-256 names it."),
)
"""Each list of students that was ever shown, once; what was shown again next week with the same students is here."""

LIST_READS = Table(
    "audit_list_reads",
    _METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False, index=True),
)
"""Finds the entries that showed a list; it holds nothing that the entries do not."""

ARCHIVES = Table(
    "audit_archives",
    _METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False, doc="The last entry in it; the chain goes on here."),
    Column("sha256", String(64), nullable=False, doc="Of that entry."),
    Column("first_seq", Integer, nullable=False),
    Column("name", Text, nullable=False, doc="The folder of its files."),
    Column("manifest_sha256", String(64), nullable=False),
    Column("archived_at", String(32), nullable=False, doc="UTC."),
    Column("archived_by", Text, nullable=False),
)
"""Entries that lie in files and may therefore be deleted here, oldest first."""

_IS_ARCHIVED = "old.seq <= coalesce((select max(seq) from {schema}audit_archives), 0)"
_IS_UNUSED = "not exists (select 1 from {schema}audit_list_reads where sha256 = old.sha256)"
_MAY_GO = {ENTRIES: _IS_ARCHIVED, READ_STUDENTS: _IS_ARCHIVED, LIST_READS: _IS_ARCHIVED, LISTS: _IS_UNUSED}
"""When a row may be deleted: its entry lies in an archive, or it is a list that no entry here names."""

_REFUSE_SQLITE = """
create trigger if not exists {table}_no_{act} before {act} on {table}
begin select raise(abort, 'the log of reads is append-only'); end
"""
_KEEP_SQLITE = """
create trigger if not exists {table}_kept before delete on {table} when not ({may_go})
begin select raise(abort, 'the log of reads is append-only'); end
"""
_REFUSE_FUNCTION = """
create or replace function audit.refuse() returns trigger language plpgsql as
$$ begin raise exception 'the log of reads is append-only'; end $$
"""
_KEEP_FUNCTION = """
create or replace function audit.keep_{table}() returns trigger language plpgsql as
$$ begin if {may_go} then return old; end if; raise exception 'the log of reads is append-only'; end $$
"""
_REFUSE_POSTGRESQL = """
create or replace trigger {table}_append_only before {acts} on audit.{table}
for each statement execute function audit.refuse()
"""
_KEEP_POSTGRESQL = """
create or replace trigger {table}_kept before delete on audit.{table}
for each row execute function audit.keep_{table}()
"""


def audit_engine(where: str | Path) -> Engine:
    """An engine whose commits are on disk when they return.

    Raises:
        StoreUnavailable: neither SQLite nor PostgreSQL, or a file on a network folder.
    """
    url = store_url(where)
    if url.get_backend_name() == "postgresql":
        return postgresql_engine(url).execution_options(schema_translate_map={None: SCHEMA})
    file = Path(str(url.database))
    refuse_network_folder(file)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 10})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def make_tables(engine: Engine) -> None:
    """Make the tables and their triggers where they are missing; several processes may do so at once."""
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql("select pg_advisory_xact_lock(:key)"), {"key": _MAKING})
            connection.execute(sql(f"create schema if not exists {SCHEMA}"))
        _METADATA.create_all(connection)
        _refuse_changes(connection)


def writing(engine: Engine) -> Engine:
    """The same engine, whose transactions take the writer's place before they read."""
    return engine.execution_options(**{_MAKES: True})


def _refuse_changes(connection: Connection) -> None:
    refuse = _refuse_on_postgresql if connection.dialect.name == "postgresql" else _refuse_on_sqlite
    for statement in refuse():
        connection.execute(sql(statement))


def _refuse_on_sqlite() -> Iterator[str]:
    for table, may_go in _MAY_GO.items():
        yield _REFUSE_SQLITE.format(table=table.name, act="update")
        yield f"drop trigger if exists {table.name}_no_delete"  # of a log that was never archived
        yield _KEEP_SQLITE.format(table=table.name, may_go=may_go.format(schema=""))
    for act in ("update", "delete"):
        yield _REFUSE_SQLITE.format(table=ARCHIVES.name, act=act)


def _refuse_on_postgresql() -> Iterator[str]:
    yield _REFUSE_FUNCTION
    for table, may_go in _MAY_GO.items():
        yield _KEEP_FUNCTION.format(table=table.name, may_go=may_go.format(schema=f"{SCHEMA}."))
        yield _REFUSE_POSTGRESQL.format(table=table.name, acts="update or truncate")
        yield _KEEP_POSTGRESQL.format(table=table.name)
    yield _REFUSE_POSTGRESQL.format(table=ARCHIVES.name, acts="update or delete or truncate")


def _set_pragmas(connection: Any, _: object) -> None:
    connection.isolation_level = None  # else the driver, not we, decides when a transaction begins
    for pragma in ("journal_mode = wal", "synchronous = full"):
        connection.execute(f"pragma {pragma}")


def _begin(connection: Connection) -> None:
    makes = connection.get_execution_options().get(_MAKES)
    connection.exec_driver_sql("begin immediate" if makes else "begin")
