"""The registry: what was trained, when, on which records, and which version is in force.

The only home of mlflow: a SQLite store and an artifact folder inside the home folder, nothing beside it.
Schools never depend on it. What is in force is the champion file, which pins a bundle by its hash; scoring and
serving read that file and the bundle, and work when the store is gone.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Literal

from ews.bundle import Bundle, load_bundle
from ews.errors import Busy, InputRefused, NotFound, NothingPromoted, UntrustedBundle
from ews.home import Home, read_json, remove_leftovers, to_json, write_atomically

MODEL_NAME = "ews"
CHAMPION = "champion"


@dataclass(frozen=True)
class Champion:
    """The model version in force, as `champion.json` of the home names it.

    Attributes:
        version: number of the registered version.
        run_id: the MLflow run that trained it.
        bundle_sha256: hash of the bundle's manifest; nothing else is ever loaded.
        promoted_by: the person who decided.
        why: their reason, in their words.
        promoted_at: when, as ISO 8601 with time zone.
    """

    version: int
    run_id: str
    bundle_sha256: str
    promoted_by: str
    why: str
    promoted_at: str


@dataclass(frozen=True)
class Version:
    """One registered model version: what it predicts and which bundle it is."""

    version: int
    run_id: str
    bundle_sha256: str
    target_year: int
    after_day: int


@dataclass(frozen=True)
class Run:
    """An open training run: where evidence is logged until it ends."""

    client: Any
    run_id: str
    experiment_id: str
    folder: Path

    def log(self, parameters: Mapping[str, object], metrics: Mapping[str, float]) -> None:
        """Record parameters and metrics in one write."""
        entities = _mlflow().entities
        self.client.log_batch(
            self.run_id,
            params=[entities.Param(name, str(value)) for name, value in parameters.items()],
            metrics=[entities.Metric(name, value, 0, 0) for name, value in metrics.items()],
        )

    def log_files(self, folder: Path, name: str) -> None:
        """Copy the files of a folder to the run, under `name`."""
        self.client.log_artifacts(self.run_id, str(folder), name)

    def log_model(self, booster: Any, feature_names: tuple[str, ...]) -> Any:
        """Log the booster as text in MLflow's own LightGBM flavour, for `mlflow.lightgbm.load_model`.

        Returns:
            MLflow's logged model, the source of the version registered later.
        """
        logged = self.client.create_logged_model(self.experiment_id, name=MODEL_NAME, source_run_id=self.run_id)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".tmp-") as temporary:
            place = Path(temporary) / "model"
            _save_booster(booster, place, feature_names, self.run_id, logged.model_id)
            self.client.log_model_artifacts(logged.model_id, str(place))
        return self.client.finalize_logged_model(logged.model_id, "READY")


@contextlib.contextmanager
def training_run(home: Home, *, name: str, tags: Mapping[str, str]) -> Iterator[Run]:
    """A training run that ends FINISHED, or FAILED with its artifacts removed when the block raises.

    Call it while holding the home. Runs that a killed command left open are closed first.
    """
    client, experiment_id = _client(home), _experiment(home)
    clean_up(home)
    created = client.create_run(experiment_id, run_name=name, tags=dict(tags))
    run = Run(client, created.info.run_id, experiment_id, home.path)
    try:
        yield run
    except BaseException as error:
        client.set_tag(run.run_id, "ews.error", type(error).__name__)
        _discard(home, run.run_id, "FAILED")
        raise
    client.set_terminated(run.run_id, "FINISHED")


def register(home: Home, run_id: str, logged_model: Any, tags: Mapping[str, str]) -> int:
    """Make the version, with its tags, in one transaction: before it there is none, after it all of it.

    Returns:
        The number of the new version.
    """
    client = _client(home)
    if not client.search_registered_models(filter_string=f"name = '{MODEL_NAME}'"):
        client.create_registered_model(MODEL_NAME)
    made = client.create_model_version(
        MODEL_NAME,
        source=logged_model.artifact_location,
        run_id=run_id,
        model_id=logged_model.model_id,
        tags=dict(tags),
    )
    return int(made.version)


def clean_up(home: Home) -> int:
    """Close what killed commands left open; only while holding the home, since then no run can be alive.

    Returns:
        How many dead runs were closed.
    """
    for folder in (home.path, home.bundles, home.scoring_runs, *_folders_in(home.tables)):
        remove_leftovers(folder)
    client = _client(home)
    dead = client.search_runs([_experiment(home)], filter_string="attributes.status = 'RUNNING'")
    for run in dead:
        _discard(home, run.info.run_id, "KILLED")
    return len(dead)


def versions(home: Home) -> list[Version]:
    """All registered versions, newest first; none before the first training."""
    found = _client(home).search_model_versions(f"name = '{MODEL_NAME}'")
    return sorted((_version(entry) for entry in found), key=lambda version: -version.version)


def find_version(home: Home, version: int | Literal["latest"]) -> Version:
    """One registered version, by number or the latest.

    Raises:
        NotFound: there is none such.
    """
    known = versions(home)
    if not known:
        raise NotFound(f"No model version in {home.path} yet. Make one with: ews train --target-year YEAR")
    if version == "latest":
        return known[0]
    matching = [entry for entry in known if entry.version == version]
    if not matching:
        raise NotFound(f"There is no version {version}. Known: {', '.join(str(entry.version) for entry in known)}.")
    return matching[0]


def champion(home: Home) -> Champion:
    """The version in force. Reads one file; works without MLflow.

    Raises:
        NothingPromoted: none was promoted yet.
    """
    if not home.champion.exists():
        raise NothingPromoted("No model is in force yet. Put one in force with: ews promote --by NAME --why REASON")
    return Champion(**read_json(home.champion))  # type: ignore[arg-type]  # the file is our own, written by promote


def champion_or_none(home: Home) -> Champion | None:
    """The version in force, or None before the first promotion."""
    return champion(home) if home.champion.exists() else None


def champion_bundle(home: Home) -> tuple[Champion, Bundle]:
    """The champion with its bundle, read once and checked against the pinned hash.

    Raises:
        NothingPromoted: none was promoted yet.
        UntrustedBundle: the bundle is not the one that was promoted.
    """
    current = champion(home)
    return current, load_bundle(bundle_folder(home, current.bundle_sha256), current.bundle_sha256)


def bundle_folder(home: Home, sha256: str) -> Path:
    """Where the bundle with this hash is kept: made from the hash alone, never from an address in a store.

    Raises:
        UntrustedBundle: this is no SHA-256.
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise UntrustedBundle("The bundle's hash is not 64 hex digits; the registry or champion.json was changed.")
    return home.bundles / sha256


def promote(home: Home, version: Version, *, by: str, why: str, promoted_at: str, replaces: int | None) -> Champion:
    """Put a version in force: check its bundle, record who and why, move the alias, then write the champion file.

    Args:
        home: holds the store, the bundles and the champion file.
        version: the version to put in force.
        by: the person who decides.
        why: their reason; it stays with the version.
        promoted_at: when, as ISO 8601 with time zone.
        replaces: number of the champion the person saw when deciding, None for none.

    Raises:
        Busy: another promotion came first, or another command holds the home.
        InputRefused: no name or no reason.
        UntrustedBundle: the bundle is not the one that was registered.
    """
    if not by.strip() or not why.strip():
        raise InputRefused("A promotion needs a name (--by) and a reason (--why); both stay with the version.")
    with home.locked():
        _refuse_if_overtaken(home, replaces)
        load_bundle(bundle_folder(home, version.bundle_sha256), version.bundle_sha256)
        current = Champion(version.version, version.run_id, version.bundle_sha256, by, why, promoted_at)
        _record_promotion(_client(home), current)
        write_atomically(home.champion, to_json(asdict(current)))
    return current


def _refuse_if_overtaken(home: Home, replaces: int | None) -> None:
    now = champion_or_none(home)
    if (now and now.version) != replaces:
        raise Busy("Another promotion came first. Look at what is in force now, and promote again if still wanted.")


def _record_promotion(client: Any, current: Champion) -> None:
    number = str(current.version)
    for key in ("promoted_by", "why", "promoted_at"):
        client.set_model_version_tag(MODEL_NAME, number, key, getattr(current, key))
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, number)


def _version(entry: Any) -> Version:
    tags = entry.tags
    year, day = int(tags["target_year"]), int(tags["after_day"])
    return Version(int(entry.version), entry.run_id, tags["bundle_sha256"], year, day)


def _discard(home: Home, run_id: str, status: Literal["FAILED", "KILLED"]) -> None:
    """End a run that made no version, and remove what it logged."""
    client, experiment_id = _client(home), _experiment(home)
    _remove_artifacts(home, client.get_run(run_id).info.artifact_uri)
    for logged in client.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run_id}'"):
        _remove_artifacts(home, logged.artifact_location)
        client.delete_logged_model(logged.model_id)
    client.set_terminated(run_id, status)


def _folders_in(tables: Path) -> list[Path]:
    """The folder itself and all below, where closed school years are kept once computed."""
    return [tables, *(path for path in tables.rglob("*") if path.is_dir())]


def _remove_artifacts(home: Home, address: str) -> None:
    folder = Path(address).resolve().parent
    if folder != home.mlflow_artifacts and folder.is_relative_to(home.mlflow_artifacts):
        shutil.rmtree(folder, ignore_errors=True)


def _save_booster(booster: Any, place: Path, feature_names: tuple[str, ...], run_id: str, model_id: str) -> None:
    mlflow = _mlflow()
    schema, column = mlflow.types.Schema, mlflow.types.ColSpec
    mlflow.lightgbm.save_model(
        booster,
        place,
        signature=mlflow.models.ModelSignature(
            inputs=schema([column("double", name) for name in feature_names]), outputs=schema([column("double")])
        ),
        # Given, because inferring them starts a process that imports everything.
        pip_requirements=[f"lightgbm=={version_of('lightgbm')}"],
        mlflow_model=mlflow.models.Model(run_id=run_id, model_id=model_id),
    )


def _client(home: Home) -> Any:
    """A client of this home's store, told its addresses one by one: mlflow's global address stays untouched."""
    mlflow = _mlflow()
    if not home.mlflow_db.exists():
        _create_store(home)
    address = _address(home.mlflow_db)
    return mlflow.MlflowClient(tracking_uri=address, registry_uri=address)


def _create_store(home: Home) -> None:
    """Make the database beside its place and rename it: a kill amid its first migration leaves none."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".tmp-") as temporary:
        database = Path(temporary) / "mlflow.db"
        SqlAlchemyStore(_address(database), str(home.mlflow_artifacts)).engine.dispose()
        database.replace(home.mlflow_db)


def _experiment(home: Home) -> str:
    """The experiment that logs into this home; a new one after the home was moved, since mlflow keeps paths."""
    client, location = _client(home), str(home.mlflow_artifacts)
    known = client.search_experiments()
    for experiment in known:
        if experiment.artifact_location == location:
            return str(experiment.experiment_id)
    taken = any(experiment.name == MODEL_NAME for experiment in known)
    name = f"{MODEL_NAME} in {home.path}" if taken else MODEL_NAME
    return str(client.create_experiment(name, artifact_location=location))


def _address(database: Path) -> str:
    return f"sqlite:///{database}"


def _mlflow() -> Any:
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
    return mlflow
