"""The tables of the log of reads, and triggers that refuse to change or delete an entry."""

from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, Text, create_engine, event
from sqlalchemy import text as sql

from ews.store.opening import store_url
from ews.store.places import refuse_network_folder

_METADATA = MetaData()
SCHEMA = "audit"
_MAKES = "ews_makes"
"""Execution option of who makes tables: the writer's place is taken before anything is read."""

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

_REFUSE_SQLITE = """
create trigger if not exists {table}_no_{act} before {act} on {table}
begin select raise(abort, 'the log of reads is append-only'); end
"""
_REFUSE_FUNCTION = """
create or replace function audit.refuse() returns trigger language plpgsql as
$$ begin raise exception 'the log of reads is append-only'; end $$
"""
_REFUSE_POSTGRESQL = """
create or replace trigger {table}_append_only before update or delete or truncate on audit.{table}
for each statement execute function audit.refuse()
"""


def audit_engine(where: str | Path) -> Engine:
    """An engine whose commits are on disk when they return.

    Raises:
        StoreUnavailable: neither SQLite nor PostgreSQL, or a file on a network folder.
    """
    url = store_url(where)
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10})
        return engine.execution_options(schema_translate_map={None: SCHEMA})
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
    with engine.execution_options(**{_MAKES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql("select pg_advisory_xact_lock(:key)"), {"key": _MAKING})
            connection.execute(sql(f"create schema if not exists {SCHEMA}"))
        _METADATA.create_all(connection)
        _refuse_changes(connection)


def _refuse_changes(connection: Connection) -> None:
    tables = [table.name for table in (ENTRIES, READ_STUDENTS, LISTS, LIST_READS)]
    if connection.dialect.name == "postgresql":
        connection.execute(sql(_REFUSE_FUNCTION))
        statements = [_REFUSE_POSTGRESQL.format(table=table) for table in tables]
    else:
        statements = [_REFUSE_SQLITE.format(table=table, act=act) for table in tables for act in ("update", "delete")]
    for statement in statements:
        connection.execute(sql(statement))


def _set_pragmas(connection: Any, _: object) -> None:
    connection.isolation_level = None  # else the driver, not we, decides when a transaction begins
    for pragma in ("journal_mode = wal", "synchronous = full"):
        connection.execute(f"pragma {pragma}")


def _begin(connection: Connection) -> None:
    makes = connection.get_execution_options().get(_MAKES)
    connection.exec_driver_sql("begin immediate" if makes else "begin")
