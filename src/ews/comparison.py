"""A version beside the champion: on the same students of an out-of-time year, and on the same resampled schools.

Neither had learned from that year: a champion that had is learned again by its recipe on the years before.
"""

from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from ews.backtest import backtest
from ews.bundle import Bundle, bundle_folder, load_bundle, verified_manifest
from ews.dataset import Dataset, dataset_for
from ews.engine import Engine
from ews.errors import NotEnoughData, UntrustedBundle
from ews.evaluation import MODEL, differences, evaluate
from ews.home import Home
from ews.model import Parameters
from ews.policy import Policy
from ews.prior import kept_prior
from ews.registry import Champion, Version
from ews.school_year import SchoolYear
from ews.train import PREDICTIONS, learnable

CHAMPION = "champion"
"""The column of the champion's probabilities, beside the version's."""

WATCHED = ("average_precision", "recall_at_k")
"""What may not get worse for the students not yet chronic: they are why there are lists."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The version beside the champion.

    Attributes:
        how: what of the champion was compared: its bundle, or its recipe learned again.
        school_year: the out-of-time year, which neither had learned from.
        students: students both gave a probability.
        left_out: students of the version's own back-test whom the champion does not know.
        table: one row a group and metric: group, metric, version, champion, difference, low, high (95 % interval).
    """

    how: str
    school_year: SchoolYear
    students: int
    left_out: int
    table: pd.DataFrame


def evidence(home: Home, version: Version, bundle: Bundle) -> pd.DataFrame:
    """The out-of-time predictions of a version's training, checked against what its bundle was measured with.

    Returns:
        A predictions frame (see `ews.backtest.backtest`) of the last target year it could be tested on.

    Raises:
        NotEnoughData: they are not in this home.
        UntrustedBundle: they are others than the bundle's metrics were measured with.
    """
    path = home.evidence / version.bundle_sha256 / PREDICTIONS
    if not path.exists():
        raise NotEnoughData(
            f"The out-of-time predictions of version {version.version} are not in this home, so it cannot be compared. "
            f"Train it again: ews train --target-year {version.target_year} --after-day {version.after_day}"
        )
    predictions = pd.read_parquet(path)
    again = evaluate(predictions[about_and(predictions, MODEL)], bundle.policy, replicates=0)
    if not _agree(again, pd.DataFrame(bundle.metrics["evaluation"])):
        raise UntrustedBundle(
            f"The predictions in {path.parent} are not those that the bundle was measured with. Train it again."
        )
    return predictions


def _agree(again: pd.DataFrame, recorded: pd.DataFrame) -> bool:
    """Whether predictions measure as the bundle, which is pinned by its hash, says they did."""
    both = again.merge(recorded, on=["group", "method", "metric"], suffixes=("", "_recorded"))
    both = both[both["metric"].isin([*WATCHED, "brier"])].astype({"value_recorded": "float64"})
    known = both.dropna(subset=["value", "value_recorded"])
    return not known.empty and bool((known["value"] - known["value_recorded"]).abs().max() < 1e-9)


def rows_of(home: Home, predictions: pd.DataFrame, policy: Policy, after_day: int, engine: Engine) -> Dataset:
    """The cohort and features of the year that predictions are of; call it while holding the home."""
    year = SchoolYear(int(predictions["school_year"].max()))
    return dataset_for(home.ingested(), [year], policy, after_day=after_day, engine=engine, with_outcomes=False)


def compare(
    home: Home, current: Champion, predictions: pd.DataFrame, measured_on: Dataset, policy: Policy, engine: Engine
) -> Comparison:
    """A version beside the champion, on the version's own out-of-time rows; call it while holding the home.

    Args:
        home: holds records and bundles.
        current: the champion.
        predictions: what `evidence` gave.
        measured_on: what `rows_of` gave.
        policy: the version's, under which `measured_on` was made; names the list length.
        engine: where features are computed.

    Raises:
        NotEnoughData: the champion knows none of these students.
        UntrustedBundle: not even the champion's manifest is the one that was promoted.
    """
    year = SchoolYear(int(predictions["school_year"].max()))
    made = _provenance(home, current)
    others, how = None, "its recipe on the years before, since its bundle had learned from that year"
    if year.ending not in made["learned_from"]:
        others, how = _by_bundle(home, current, measured_on, policy, engine)
    if others is None:
        others = _by_recipe(home, made, year, measured_on.after_day, policy, engine)
    rows = predictions[about_and(predictions, MODEL)].merge(others, on=["student_id", "school_year"])
    if rows.empty:
        raise NotEnoughData(f"Version {current.version} knows none of the students of {year.label}: train both again.")
    return Comparison(how, year, len(rows), len(predictions) - len(rows), _side_by_side(rows, policy))


def about_and(predictions: pd.DataFrame, *methods: str) -> list[str]:
    """The columns of a predictions frame that describe the student, and those of some methods."""
    about = ("student_id", "school_id", "school_year", "was_chronic", "outcome", "tie_key")
    return [name for name in (*about, *methods) if name in predictions]


def _provenance(home: Home, current: Champion) -> dict[str, Any]:
    manifest = verified_manifest(bundle_folder(home, current.bundle_sha256), current.bundle_sha256)
    return dict(manifest["provenance"])  # type: ignore[call-overload]  # written by `ews.train`


def _by_bundle(
    home: Home, current: Champion, measured_on: Dataset, policy: Policy, engine: Engine
) -> tuple[pd.DataFrame | None, str]:
    """The champion's own probabilities; None where its bundle does not fit this version of ews any more."""
    try:
        bundle = load_bundle(bundle_folder(home, current.bundle_sha256), current.bundle_sha256)
    except UntrustedBundle:
        return None, "its recipe on the years before, since its bundle cannot be loaded here"
    frame = measured_on.frame
    if bundle.policy != policy:  # features count by the policy the model learned under
        years = [SchoolYear(int(year)) for year in frame["school_year"].unique()]
        day = measured_on.after_day
        frame = dataset_for(home.ingested(), years, bundle.policy, after_day=day, engine=engine).frame
    risk = bundle.model.risk(frame[list(bundle.model.feature_names)])
    return frame[["student_id", "school_year"]].assign(**{CHAMPION: risk}), "its bundle, which had not seen that year"


def _by_recipe(
    home: Home, made: dict[str, Any], year: SchoolYear, after_day: int, policy: Policy, engine: Engine
) -> pd.DataFrame:
    """Probabilities of a model with the champion's parameters, learned from the years before only."""
    recipe = Parameters(**{field.name: made[field.name] for field in fields(Parameters) if field.name in made})
    dataset = learnable(home, year.next, policy, after_day=after_day, engine=engine)
    prior = kept_prior(home, made)
    predicted = backtest(dataset, recipe, policy, only_last=True, prior=prior.model if prior else None)
    return predicted[["student_id", "school_year", MODEL]].rename(columns={MODEL: CHAMPION})


def _side_by_side(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    values = evaluate(rows, policy, replicates=0).pivot_table(
        "value", ["group", "metric"], "method", sort=False, dropna=False
    )
    values = values.rename(columns={MODEL: "version"}).reset_index()
    paired = differences(rows, policy)[["group", "metric", "value", "low", "high"]]
    return values[["group", "metric", "version", CHAMPION]].merge(
        paired.rename(columns={"value": "difference"}), on=["group", "metric"]
    )
