"""The registry: what was trained, when, on which records, and which version is in force.

The only home of mlflow: a SQLite store and an artifact folder inside the home folder, nothing beside it.
Schools never depend on it. What is in force is a champion file, which pins a bundle by its hash; scoring and
serving read that file and the bundle, and work when the store is gone.
"""

from ews.bundle import bundle_folder
from ews.registry.champions import (
    CHAMPION,
    Champion,
    alias_of,
    champion,
    champion_bundle,
    champion_or_none,
    champions,
    history,
    promote,
    roll_back,
)
from ews.registry.runs import Run, clean_up, log_trials, training_run
from ews.registry.store import MODEL_NAME, client, experiment
from ews.registry.versions import CHALLENGER, TRAINED_BY, Version, find_version, measured, register, versions

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MODEL_NAME",
    "TRAINED_BY",
    "Champion",
    "Run",
    "Version",
    "alias_of",
    "bundle_folder",
    "champion",
    "champion_bundle",
    "champion_or_none",
    "champions",
    "clean_up",
    "client",
    "experiment",
    "find_version",
    "history",
    "log_trials",
    "measured",
    "promote",
    "register",
    "roll_back",
    "training_run",
    "versions",
]
