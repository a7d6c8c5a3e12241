"""The model that made the lists in force, for live estimates: verified by its hash, loaded once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.explainer import Explainer
from ews.home import Home
from ews.recalibration import Recalibration, as_recalibrated

NO_MODEL = "The model's files cannot be read, so there are no live estimates; lists are as published."


@dataclass(frozen=True)
class LiveModel:
    """The model that live estimates are made with, recalibrated as the lists were, so that live and listed agree.

    Attributes:
        version: of the registry.
        bundle: its verified files.
        explainer: the same, ready to explain one student after the other.
    """

    version: int
    bundle: Bundle
    explainer: Explainer


class LiveModels:
    """The model of the run in force; a run by another model loads that one, who holds the earlier keeps it whole.

    Attributes:
        trouble: what lists say while the model cannot be read; empty when it could, or was not asked for yet.
    """

    def __init__(self, home: Path) -> None:
        self._home = Home(home)
        self._lock = Lock()
        self._made_from = ""
        self._model: LiveModel | None = None
        self.trouble = ""

    def of(self, provenance: Mapping[str, Any]) -> LiveModel:
        """The model of a run.

        Args:
            provenance: of the run, as the store keeps it.

        Raises:
            UntrustedBundle: the bundle's files are missing, or are not the ones that were promoted.
        """
        parts = {name: provenance.get(name) for name in ("model_version", "bundle_sha256", "recalibration")}
        made_from = json.dumps(parts, sort_keys=True)
        with self._lock:
            if self._model is None or self._made_from != made_from:
                self._model, self._made_from = self._tried(parts), made_from
            return self._model

    def _tried(self, parts: Mapping[str, Any]) -> LiveModel:
        self.trouble = NO_MODEL
        model = self._load(parts)
        self.trouble = ""
        return model

    def _load(self, parts: Mapping[str, Any]) -> LiveModel:
        sha256 = str(parts["bundle_sha256"])
        bundle = load_bundle(bundle_folder(self._home, sha256), sha256)
        shifted = parts["recalibration"]
        used = as_recalibrated(bundle, Recalibration.from_values(shifted) if shifted else None)
        return LiveModel(int(parts["model_version"]), used, Explainer(used.model, used.typical, used.policy))
