"""What is deleted for good: runs that are too old, and students by request, from the store and from the home."""

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, delete, func, select, text, update

from ews import families, withheld
from ews.errors import InputRefused
from ews.home import Home, read_json
from ews.store.opening import Store
from ews.store.purges import Purge, instant, note
from ews.store.reading import student_keys
from ews.store.schema import IN_FORCE, RISK_ROWS, ROUNDS, RUNS, STUDENTS
from ews.store.sealing import stored_list_hash

_HOLDS_STUDENTS = ("students.parquet", "enrollments.parquet", "attendance_years.parquet")


def purge_runs(store: Store, home: Home, *, keep: int, by: str, at: dt.datetime) -> Purge | None:
    """Delete all but the last `keep` published runs, never the one in force nor one a round of mentors goes back to.

    A round is explained, drawn again and measured from the lists it was proposed from (PRV-14, MEN-2); a round that was
    withdrawn needs them no more.

    Returns:
        The purge, as it was noted; None where there was nothing to delete.

    Raises:
        Busy: another command changes what is published.
    """
    with store.alone(), store.writing() as connection:
        in_force = select(IN_FORCE.c.run_id)
        latest = select(RUNS.c.run_id).order_by(RUNS.c.published_at.desc(), RUNS.c.run_id).limit(max(keep, 0))
        of_rounds = select(ROUNDS.c.run_id).where(ROUNDS.c.state != "withdrawn")
        old = select(RUNS.c.run_id).where(
            RUNS.c.run_id.not_in(latest), RUNS.c.run_id.not_in(in_force), RUNS.c.run_id.not_in(of_rounds)
        )
        found = tuple(sorted(connection.scalars(old)))
        if not found:
            return None
        connection.execute(delete(ROUNDS).where(ROUNDS.c.run_id.in_(found)))
        connection.execute(delete(RISK_ROWS).where(RISK_ROWS.c.run_id.in_(found)))
        connection.execute(delete(RUNS).where(RUNS.c.run_id.in_(found)))
        purge = Purge(instant(at), by, f"runs before the last {keep}", runs=found)
        note(home, purge)
    empty_log(store)
    return purge


def purge_students(
    store: Store, home: Home, student_ids: Sequence[str], *, by: str, why: str, at: dt.datetime
) -> Purge:
    """Delete students from the store and from everything in the home that holds their rows (P06).

    Aggregates (model cards, evaluations) stay, and so does the log of reads. What was learned from the students stays
    in the model until it is trained again. The records in force must not hold the students any more: they would come
    back with the next publication.

    Args:
        store: the store.
        home: the home.
        student_ids: the district's ids.
        by: who asks for it.
        why: the reason, without a student's name.
        at: when, with its zone.

    Raises:
        InputRefused: the records in force, or the home's current scoring run, still hold one of the students.
        Busy: another command holds the home or the store.
    """
    with home.locked(), store.alone():
        _refuse_present(home, student_ids)
        with store.reading() as connection:
            keys = tuple(sorted(student_keys(connection, student_ids).values()))
        places = list(_places_of(home, student_ids))
        purge = Purge(instant(at), by, why, students=keys, removed=len(places))
        note(home, purge)  # first: what is noted is purged again from whatever is restored
        with store.writing() as connection:
            forget(connection, keys)
        for place in places:
            _remove(place)
        _forget_withdrawn(home, student_ids)
        families.forget(home, student_ids)
        withheld.forget(home, student_ids)
    empty_log(store)
    return purge


def forget(connection: Connection, keys: Sequence[str]) -> None:
    """Delete students by key, and seal the lists they were on anew."""
    affected = select(RISK_ROWS.c.run_id).where(RISK_ROWS.c.student_key.in_(keys)).distinct()
    runs = list(connection.scalars(affected))
    connection.execute(delete(STUDENTS).where(STUDENTS.c.student_key.in_(keys)))
    for run_id in runs:
        rows = connection.scalar(select(func.count()).select_from(RISK_ROWS).where(RISK_ROWS.c.run_id == run_id))
        sealed = update(RUNS).where(RUNS.c.run_id == run_id)
        connection.execute(sealed.values(list_sha256=stored_list_hash(connection, run_id), students=rows))


def empty_log(store: Store) -> None:
    """SQLite's log of writes keeps what was deleted until it is written anew, and PostgreSQL until it is vacuumed."""
    if store.is_sqlite:
        with store.engine.connect() as connection:
            connection.exec_driver_sql("commit")  # a checkpoint works outside a transaction
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
            connection.exec_driver_sql("begin")
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum"))


def _refuse_present(home: Home, student_ids: Sequence[str]) -> None:
    records = home.ingested()
    if any(_holds(records / name, student_ids) for name in _HOLDS_STUDENTS):
        raise InputRefused(
            "The records in force still hold a student of this request, who would be back with the next list. Take the "
            "student out of the student information system, ingest, score and publish; then purge."
        )
    current = _current_run(home)
    if current is not None and _holds(current / "risk_list.parquet", student_ids):
        raise InputRefused(
            "The current scoring run lists a student of this request. Score and publish again, then purge."
        )


def _places_of(home: Home, student_ids: Sequence[str]) -> Iterator[Path]:
    """Everything of the home that holds rows of the students, or may, and is not in force."""
    records = home.ingested()
    yield from (folder for folder in home.tables.iterdir() if folder.is_dir() and folder != records)
    if (home.path / "refused").exists():
        yield home.path / "refused"
    for run in home.scoring_runs.glob("*/"):
        if run != _current_run(home) and _holds(run / "risk_list.parquet", student_ids):
            yield run
    yield from (path for path in home.evidence.glob("*/*.parquet") if _holds(path, student_ids))


def _current_run(home: Home) -> Path | None:
    if not home.current_scoring_run.exists():
        return None
    return home.scoring_runs / str(read_json(home.current_scoring_run)["run_id"])


def _holds(path: Path, student_ids: Sequence[str]) -> bool:
    if not path.exists() or "student_id" not in pq.read_schema(path).names:
        return False
    found = pq.read_table(path, columns=["student_id"])["student_id"].cast(pa.string())
    return bool(pc.any(pc.is_in(found, pa.array(student_ids, pa.string()))).as_py())


def _forget_withdrawn(home: Home, student_ids: Sequence[str]) -> None:
    """Take the students out of the home's list of who is no longer in the records."""
    if not _holds(home.withdrawn, student_ids):
        return
    known = pq.read_table(home.withdrawn)
    others = known.filter(
        pc.invert(pc.is_in(known["student_id"].cast(pa.string()), pa.array(student_ids, pa.string())))
    )
    written = home.withdrawn.with_name(f".tmp-{home.withdrawn.name}")
    pq.write_table(others, written)
    written.replace(home.withdrawn)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
