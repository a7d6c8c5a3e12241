"""Whether a store is whole: its pages, its references, and the lists it was given."""

from sqlalchemy import Connection, select

from ews.errors import StoreUnavailable
from ews.store.opening import Store
from ews.store.schema import IN_FORCE, RUNS
from ews.store.sealing import stored_list_hash


def check(store: Store) -> list[str]:
    """What is wrong with a store, in sentences; empty when it is whole (O07).

    SQLite's pages and references are read in full. On every database each run's lists are hashed anew and compared
    with the hash they were published with.
    """
    try:
        with store.reading() as connection:
            return [*_damaged_pages(connection), *_other_lists(connection), *_nothing_in_force(connection)]
    except StoreUnavailable as error:
        return [str(error)]


def refuse_damaged(store: Store) -> None:
    """Writing into damaged pages would spread the damage.

    Raises:
        StoreUnavailable: SQLite finds its file damaged.
    """
    with store.reading() as connection:
        found = _damaged_pages(connection, "quick_check(1)")
    if found:
        raise StoreUnavailable(f"{found[0]} Restore a backup: ews store restore FILE")


def _damaged_pages(connection: Connection, pragma: str = "integrity_check(10)") -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    words = connection.exec_driver_sql(f"pragma {pragma}").scalars().all()
    if words != ["ok"]:
        return ["The file of the store is damaged."]
    broken = connection.exec_driver_sql("pragma foreign_key_check").all() if pragma.startswith("integrity") else []
    tables = sorted({row[0] for row in broken})
    return [f"Rows of {table} refer to rows that are not there." for table in tables]


def _other_lists(connection: Connection) -> list[str]:
    published = connection.execute(select(RUNS.c.run_id, RUNS.c.list_sha256).order_by(RUNS.c.published_at)).all()
    return [
        f"The lists of run {run.run_id} are not those that were published."
        for run in published
        if stored_list_hash(connection, run.run_id) != run.list_sha256
    ]


def _nothing_in_force(connection: Connection) -> list[str]:
    has_runs = connection.scalar(select(RUNS.c.run_id).limit(1)) is not None
    if has_runs and connection.scalar(select(IN_FORCE.c.run_id)) is None:
        return ["Runs are published and none is in force."]
    return []
