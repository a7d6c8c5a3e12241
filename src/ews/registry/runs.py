"""Training runs: evidence is logged while a run is open; one that fails or is killed leaves no artifact."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Literal

from ews.home import Home, remove_leftovers
from ews.registry.store import MODEL_NAME, client, experiment, mlflow, reaching


@dataclass(frozen=True)
class Run:
    """An open training run: where evidence is logged until it ends."""

    client: Any
    run_id: str
    experiment_id: str
    folder: Path

    def log(self, parameters: Mapping[str, object], metrics: Mapping[str, float]) -> None:
        """Record parameters and metrics in one write."""
        entities = mlflow().entities
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

    Raises:
        RegistryUnavailable: the store cannot be opened or written.
    """
    with reaching(home) as asked:
        experiment_id = experiment(home)
        clean_up(home)
        created = asked.create_run(experiment_id, run_name=name, tags=dict(tags))
    run = Run(asked, created.info.run_id, experiment_id, home.path)
    try:
        yield run
    except BaseException as error:
        asked.set_tag(run.run_id, "ews.error", type(error).__name__)
        _discard(home, run.run_id, "FAILED")
        raise
    asked.set_terminated(run.run_id, "FINISHED")


def clean_up(home: Home) -> int:
    """Close what killed commands left open; only while holding the home, since then no run can be alive.

    Returns:
        How many dead runs were closed.
    """
    for folder in (home.path, home.bundles, home.evidence, home.scoring_runs, *_folders_in(home.tables)):
        remove_leftovers(folder)
    dead = client(home).search_runs([experiment(home)], filter_string="attributes.status = 'RUNNING'")
    for run in dead:
        _discard(home, run.info.run_id, "KILLED")
    return len(dead)


def _discard(home: Home, run_id: str, status: Literal["FAILED", "KILLED"]) -> None:
    """End a run that made no version, and remove what it logged."""
    asked, experiment_id = client(home), experiment(home)
    _remove_artifacts(home, asked.get_run(run_id).info.artifact_uri)
    for logged in asked.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run_id}'"):
        _remove_artifacts(home, logged.artifact_location)
        asked.delete_logged_model(logged.model_id)
    asked.set_terminated(run_id, status)


def _folders_in(tables: Path) -> list[Path]:
    """The folder itself and all below, where closed school years are kept once computed."""
    return [tables, *(path for path in tables.rglob("*") if path.is_dir())]


def _remove_artifacts(home: Home, where: str) -> None:
    folder = Path(where).resolve().parent
    if folder != home.mlflow_artifacts and folder.is_relative_to(home.mlflow_artifacts):
        shutil.rmtree(folder, ignore_errors=True)


def _save_booster(booster: Any, place: Path, feature_names: tuple[str, ...], run_id: str, model_id: str) -> None:
    loaded = mlflow()
    schema, column = loaded.types.Schema, loaded.types.ColSpec
    loaded.lightgbm.save_model(
        booster,
        place,
        signature=loaded.models.ModelSignature(
            inputs=schema([column("double", name) for name in feature_names]), outputs=schema([column("double")])
        ),
        # Given, because inferring them starts a process that imports everything.
        pip_requirements=[f"lightgbm=={version_of('lightgbm')}"],
        mlflow_model=loaded.models.Model(run_id=run_id, model_id=model_id),
    )


def log_trials(run: Run, trials: Iterable[Mapping[str, object]]) -> None:
    """Keep the trials of a search as finished runs below an open one.

    Args:
        run: the search, from `training_run`.
        trials: one mapping a trial, with `trial`, `state` and `value`; all else are its parameters.
    """
    for entry in trials:
        tags = {"mlflow.parentRunId": run.run_id, "state": str(entry["state"])}
        made = run.client.create_run(run.experiment_id, run_name=f"trial {entry['trial']}", tags=tags)
        chosen = {name: value for name, value in entry.items() if name not in ("trial", "state", "value")}
        replace(run, run_id=made.info.run_id).log(chosen, {"value": float(str(entry["value"]))})
        run.client.set_terminated(made.info.run_id, "FINISHED")
