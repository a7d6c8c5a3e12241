"""What a card is made from: the bundle, the evidence kept with it, the records' manifest and who put it in force."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.errors import NotEnoughData
from ews.home import Home, read_json
from ews.model_card.steward import Steward
from ews.proxies import OfAttributes, kept
from ews.registry import Version, history
from ews.school_year import SchoolYear
from ews.subgroups import Finding

EVIDENCE_FILES = ("predictions.parquet", "evaluation.csv", "differences.csv", "audit.csv", "gate.json")
"""What a training keeps in `evidence/<bundle_sha256>/` of the home."""


@dataclass(frozen=True, eq=False)
class Training:
    """A training and what became of it.

    Attributes:
        bundle: the verified model.
        version: its registered version; None while it is being trained.
        predictions: of the last target year with outcomes, out of time; stays in the home.
        evaluation: what was measured of them.
        differences: the model minus each rule.
        audited: by group, without what is hidden.
        findings: what the gate found.
        manifest: of the ingest it learned from.
        promotions: of this version, oldest first.
        steward: what only people know.
        of_attributes: what `ews audit --proxies --with-protected` measured on these records; None while it is being
            trained.
    """

    bundle: Bundle
    version: Version | None
    predictions: pd.DataFrame
    evaluation: pd.DataFrame
    differences: pd.DataFrame
    audited: pd.DataFrame
    findings: list[Finding]
    manifest: dict[str, Any]
    promotions: list[dict[str, Any]]
    steward: Steward
    of_attributes: OfAttributes | None = None

    @property
    def made(self) -> dict[str, Any]:
        """The bundle's provenance."""
        return self.bundle.manifest["provenance"]

    @property
    def target_year(self) -> SchoolYear:
        """The school year it is for."""
        return SchoolYear.parse(str(self.made["target_year"]))

    @property
    def as_of(self) -> str:
        """The day its estimates are made for, in words."""
        day = int(self.made["after_day"])
        return f"after {day} instructional days" if day else "before the first day of school"


def training_of(home: Home, version: Version, steward: Steward) -> Training:
    """A registered version with all that was kept of it.

    Raises:
        NotEnoughData: its evidence, or the records it learned from, are no longer in the home.
        UntrustedBundle: its bundle was changed.
    """
    bundle = load_bundle(bundle_folder(home, version.bundle_sha256), version.bundle_sha256)
    folder = home.evidence / version.bundle_sha256
    missing = [name for name in EVIDENCE_FILES if not (folder / name).exists()]
    if missing:
        raise NotEnoughData(
            f"{folder} does not hold {', '.join(missing)}, which training keeps there. Train this version again: "
            f"ews train --target-year {version.target_year}"
        )
    evaluation, differences, audited = (_frame(folder / name) for name in EVIDENCE_FILES[1:4])
    made: dict[str, Any] = bundle.manifest["provenance"]
    predictions = pd.read_parquet(folder / EVIDENCE_FILES[0])
    measured_on = SchoolYear(int(predictions["school_year"].max()))
    return Training(
        bundle,
        version,
        predictions,
        evaluation,
        differences,
        audited,
        [Finding(**one) for one in read_json(folder / "gate.json")["findings"]],  # type: ignore[attr-defined]  # ours
        manifest_of(home, str(made["data_id"])),
        [line for line in history(home) if line["version"] == version.version],
        steward,
        kept(home, str(made["data_id"]), int(made["after_day"]), measured_on),
    )


def manifest_of(home: Home, data_id: str) -> dict[str, Any]:
    """The manifest of the ingest with this id.

    Raises:
        NotEnoughData: it is no longer in the home.
    """
    path = home.tables / data_id / "manifest.json"
    if not path.exists():
        raise NotEnoughData(f"The records {data_id} are no longer in {home.path}. Train on those in force.")
    return read_json(path)


def _frame(path: Path) -> pd.DataFrame:
    """A table as training wrote it: "None" and "NA" may be names of groups, only an empty cell is not known."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])
