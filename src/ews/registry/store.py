"""The store of the registry: mlflow's SQLite database in the home, opened with care. The only home of mlflow.

It is made under a lock and appears whole; one written by an older mlflow is migrated as a copy, and the old file is
kept; one that is locked, damaged or of a newer mlflow is told in a sentence, within seconds.
"""

import contextlib
import fcntl
import logging
import os
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ews.errors import Busy, RegistryUnavailable
from ews.home import Home

MODEL_NAME = "ews"

_PATIENCE_SECONDS = 5.0
"""How long a locked database is waited for before anything is asked of it."""

_MAKING_SECONDS = 120.0
"""How long another process may take to make or migrate the store: some seconds, a minute on a busy machine."""

_STILL_IN_FORCE = (
    "What is in force stays in force: scoring and the service read the champion's file and its bundle, never the "
    "registry. See docs/retraining.md, section 'When the registry cannot be read'."
)


def client(home: Home) -> Any:
    """A client of this home's store, told its addresses one by one: mlflow's global address stays untouched.

    Raises:
        RegistryUnavailable: the store is locked, damaged or of a newer mlflow.
    """
    loaded = mlflow()
    _open(home)
    where = address(home.mlflow_db)
    return loaded.MlflowClient(tracking_uri=where, registry_uri=where)


def experiment(home: Home) -> str:
    """The experiment that logs into this home; a new one after the home was moved, since mlflow keeps paths."""
    asked, location = client(home), str(home.mlflow_artifacts)
    known = asked.search_experiments()
    for entry in known:
        if entry.artifact_location == location:
            return str(entry.experiment_id)
    taken = any(entry.name == MODEL_NAME for entry in known)
    name = f"{MODEL_NAME} in {home.path}" if taken else MODEL_NAME
    return str(asked.create_experiment(name, artifact_location=location))


@contextlib.contextmanager
def reaching(home: Home) -> Iterator[Any]:
    """A client for a few requests; what fails in the store is told as one sentence.

    Raises:
        RegistryUnavailable: the store cannot be opened, or a request was not answered.
    """
    asked = client(home)
    import sqlalchemy

    try:
        yield asked
    except (mlflow().exceptions.MlflowException, sqlalchemy.exc.SQLAlchemyError) as error:
        raise _unavailable(home, f"did not answer ({type(error).__name__})") from error


def address(database: Path) -> str:
    """The address of a SQLite file as SQLAlchemy takes it."""
    return f"sqlite:///{database}"


def mlflow() -> Any:
    """Mlflow, imported on first need (it takes 2 s) and only after its telemetry and pickles are switched off."""
    # mlflow reads these from the environment alone. Records of children: nothing reports home, nothing unpickles.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its own use of SQLAlchemy and type hints
        import mlflow
        import mlflow.lightgbm
        import mlflow.pyfunc
        import mlflow.store.tracking.sqlalchemy_store
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It prints the trace of every error it raises, and what it raises is told by us.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    return mlflow


def _open(home: Home) -> None:
    """Make the store where there is none, and migrate one of an older mlflow."""
    newest = _newest_revision()
    if _revision(home) == newest:
        return
    with _alone(home):
        found = _revision(home)  # another process may have made or migrated it meanwhile
        if found is None:
            _create(home)
        elif found != newest:
            _migrate(home, found)


@contextlib.contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One process at a time makes or migrates the store, whoever holds the home; the others wait for it.

    Raises:
        Busy: the other one takes too long.
    """
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = os.open(home.path, os.O_RDONLY)
    try:
        _lock_patiently(folder, home)
        yield
    finally:
        os.close(folder)


def _lock_patiently(folder: int, home: Home) -> None:
    until = time.monotonic() + _MAKING_SECONDS
    while True:
        try:
            return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise Busy(
                    f"Another command has been making the registry in {home.path} for long. Try later."
                ) from error
            time.sleep(0.05)


def _create(home: Home) -> None:
    """Make the database beside its place and rename it: a kill amid its first migration leaves none."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with tempfile.TemporaryDirectory(dir=home.path, prefix=".tmp-") as temporary:
        database = Path(temporary) / "mlflow.db"
        SqlAlchemyStore(address(database), str(home.mlflow_artifacts)).engine.dispose()
        database.replace(home.mlflow_db)


def _migrate(home: Home, revision: str) -> None:
    """Bring a copy up to date and put it in place; the old file stays beside it under the name of its revision."""
    utils = mlflow().store.db.utils
    if revision not in _known_revisions():
        raise _unavailable(home, "was written by a newer MLflow than this one")
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".tmp-") as temporary:
        copy = Path(temporary) / "mlflow.db"
        _copy(home.mlflow_db, copy)
        engine = utils.create_sqlalchemy_engine(address(copy))
        utils._upgrade_db(engine)
        engine.dispose()
        _copy(home.mlflow_db, home.path / f"mlflow.db.{revision}")
        copy.replace(home.mlflow_db)


def _copy(source: Path, target: Path) -> None:
    """A whole copy even of a database that is written to at this moment."""
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _revision(home: Home) -> str | None:
    """The schema of the store, asked of SQLite itself, since that is quick to say no; None where there is no store.

    Raises:
        RegistryUnavailable: it is locked or no store of mlflow.
    """
    if not home.mlflow_db.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(home.mlflow_db, timeout=_PATIENCE_SECONDS)) as connection:
            return str(connection.execute("select version_num from alembic_version").fetchone()[0])
    except sqlite3.OperationalError as error:
        locked = error.sqlite_errorname in {"SQLITE_BUSY", "SQLITE_LOCKED"}
        raise _unavailable(home, "is locked by another program" if locked else f"cannot be read: {error}") from error
    except (sqlite3.DatabaseError, TypeError) as error:
        raise _unavailable(home, "is damaged, or no database of MLflow") from error


@cache
def _newest_revision() -> str:
    return str(mlflow().store.db.utils._get_latest_schema_revision())


def _known_revisions() -> set[str]:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(mlflow().store.db.utils._get_alembic_config(""))
    return {script.revision for script in scripts.walk_revisions()}


def _unavailable(home: Home, what: str) -> RegistryUnavailable:
    return RegistryUnavailable(f"The registry {home.mlflow_db} {what}. {_STILL_IN_FORCE}")
