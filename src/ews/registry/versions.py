"""Registered versions: what was trained, when, on which question, and which bundle it is."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ews.errors import NotFound
from ews.home import Home
from ews.registry.store import MODEL_NAME, reaching

CHALLENGER = "challenger"
"""The alias of the newest registered version."""

TRAINED_BY = "trained_by"
"""The tag with the name of who trained a version."""


@dataclass(frozen=True)
class Version:
    """One registered model version: what it predicts and which bundle it is.

    Attributes:
        version: its number; later ones are higher.
        run_id: the MLflow run that trained it.
        bundle_sha256: hash of its bundle's manifest.
        target_year: school year it was trained for, named by its end.
        after_day: instructional days of the target year that are seen; 0 is before its first.
        trained_at: when it was registered, as ISO 8601 in UTC.
        promoted_by: who put it in force last; empty where nobody did.
        why: their reason.
        trained_by: who trained it; empty where nobody was named.
    """

    version: int
    run_id: str
    bundle_sha256: str
    target_year: int
    after_day: int
    trained_at: str = ""
    promoted_by: str = ""
    why: str = ""
    trained_by: str = ""


def register(home: Home, run_id: str, logged_model: Any, tags: Mapping[str, str]) -> int:
    """Make the version, with its tags, in one transaction: before it there is none, after it all of it.

    It gets the alias `challenger`, which the version before it loses.

    Returns:
        The number of the new version.
    """
    with reaching(home) as asked:
        if not asked.search_registered_models(filter_string=f"name = '{MODEL_NAME}'"):
            asked.create_registered_model(MODEL_NAME)
        made = asked.create_model_version(
            MODEL_NAME,
            source=logged_model.artifact_location,
            run_id=run_id,
            model_id=logged_model.model_id,
            tags=dict(tags),
        )
        asked.set_registered_model_alias(MODEL_NAME, CHALLENGER, made.version)
    return int(made.version)


def versions(home: Home) -> list[Version]:
    """All registered versions, newest first; none before the first training.

    Raises:
        RegistryUnavailable: the store is locked, damaged or of a newer mlflow.
    """
    with reaching(home) as asked:
        found = asked.search_model_versions(f"name = '{MODEL_NAME}'")
    return sorted((_version(entry) for entry in found), key=lambda version: -version.version)


def find_version(home: Home, version: int | Literal["latest"]) -> Version:
    """One registered version, by number or the latest.

    Raises:
        NotFound: there is none such.
        RegistryUnavailable: the store is locked, damaged or of a newer mlflow.
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


def measured(home: Home, run_ids: Iterable[str]) -> dict[str, dict[str, float]]:
    """What the runs measured: run to metric to value, named as `ews.train.flat` names them."""
    with reaching(home) as asked:
        return {run_id: dict(asked.get_run(run_id).data.metrics) for run_id in run_ids}


def _version(entry: Any) -> Version:
    tags = entry.tags
    return Version(
        version=int(entry.version),
        run_id=entry.run_id,
        bundle_sha256=tags["bundle_sha256"],
        target_year=int(tags["target_year"]),
        after_day=int(tags["after_day"]),
        trained_at=_iso(entry.creation_timestamp),
        promoted_by=tags.get("promoted_by", ""),
        why=tags.get("why", ""),
        trained_by=tags.get(TRAINED_BY, ""),
    )


def _iso(milliseconds: int) -> str:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).isoformat(timespec="seconds")
