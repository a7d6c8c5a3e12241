"""What a training kept of how good its model was, read for pages; nothing of a single student leaves it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from ews.bundle import bundle_folder
from ews.home import Home
from ews.policy import Policy
from ews.reliability import EVERYBODY, reliability_bins
from ews.result_tables import may_be_told

EVALUATION, DIFFERENCES, AUDIT, PREDICTIONS = "evaluation.csv", "differences.csv", "audit.csv", "predictions.parquet"
CARD = "model-card.md"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one model.

    Attributes:
        evaluation: one row a group, method and metric; groups of few students are left out.
        differences: the model minus each other method, for the same groups.
        audit: one row a dimension, group and quantity; None where no groups were audited.
        bins: probability said, share that came and students, in tenths of the students, of the last school year.
        school_year: that year, by its end.
        policy: of the model.
        has_card: whether its card was made.
    """

    evaluation: pd.DataFrame
    differences: pd.DataFrame
    audit: pd.DataFrame | None
    bins: tuple[tuple[float, float, int], ...]
    school_year: int
    policy: Policy
    has_card: bool


def evidence_of(home: Home, bundle_sha256: str) -> Evidence | None:
    """The evidence of a bundle; None where this machine does not hold it."""
    folder = home.evidence / bundle_sha256
    if not all((folder / name).is_file() for name in (EVALUATION, DIFFERENCES, PREDICTIONS)):
        return None
    written = tuple((folder / name).stat().st_mtime_ns for name in (EVALUATION, AUDIT) if (folder / name).exists())
    return _read(folder, bundle_folder(home, bundle_sha256) / "policy.toml", written)


# An audit may be made anew for the same bundle, so what was read holds for these times of writing only.
@lru_cache(maxsize=4)
def _read(folder: Path, policy_file: Path, _: tuple[int, ...]) -> Evidence:
    policy = Policy.read(policy_file if policy_file.is_file() else None)
    evaluation = may_be_told(pd.read_csv(folder / EVALUATION), policy)
    differences = pd.read_csv(folder / DIFFERENCES)
    predictions = pd.read_parquet(folder / PREDICTIONS)
    bins = reliability_bins(predictions, policy)
    year = int(bins["school_year"].max())
    is_shown = (
        (bins["group"] == EVERYBODY) & (bins["school_year"] == year) & (bins["percent"] == policy.chronic_percent)
    )
    shown = bins[is_shown]
    return Evidence(
        evaluation,
        differences[differences["group"].isin(set(evaluation["group"]))],
        pd.read_csv(folder / AUDIT) if (folder / AUDIT).is_file() else None,
        tuple(zip(shown["expected"], shown["observed"], shown["students"].astype(int), strict=True)),
        year,
        policy,
        (folder / CARD).is_file(),
    )
