"""What the model learns from and predicts for: one row per student and target year, as pandas.

Each target year is built as it was at its own as-of point: the cohort then, the features known then, and,
where the year has ended, what came of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from ews.cohort import cohort
from ews.engine import Engine, once, side_by_side
from ews.errors import NotEnoughData
from ews.features import (
    CONTEXT_COLUMNS,
    KEYS,
    features_for,
    kept_of_closed_years,
    of_closed_years,
    of_list,
    totals_of_past,
)
from ews.labels import labels
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import (
    Records,
    history_as_of,
    is_complete,
    kept_beside,
    known_school_years,
    one_student_year,
    open_records,
)
from ews.treatment import TREATED, learning_weights, mentored_students, was_mentored

_WEIGHT = "learning_weight"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Students of one or more target years.

    Attributes:
        frame: one row per student and target year, sorted by both: `KEYS`, the context columns of
            `ews.features`, the features (float64, NaN = not known), and the `outcome_…` columns
            (missing where the target year has not ended, or the stay was too short); `was_mentored` in the target
            year, as little known at the as-of point as outcomes are (missing: mentoring is not recorded).
        feature_names: the model's columns, in order.
        after_day: instructional days of each target year that were already seen; 0 before its first.
    """

    frame: pd.DataFrame
    feature_names: tuple[str, ...]
    after_day: int

    @property
    def x(self) -> pd.DataFrame:
        """The features, shape (rows, features), float64, NaN = not known."""
        return self.frame[list(self.feature_names)]

    @property
    def y(self) -> np.ndarray:
        """1.0 chronically absent in the target year, 0.0 not, NaN unknown; shape (rows,)."""
        return self.frame["outcome_is_chronic"].to_numpy(dtype="float64", na_value=np.nan)

    @property
    def weights(self) -> np.ndarray:
        """How many students a row stands for where something is learned, shape (rows,); 1 but after `to_learn_from`."""
        return self.frame[_WEIGHT].to_numpy() if _WEIGHT in self.frame else np.ones(len(self.frame))

    def to_learn_from(self, policy: Policy) -> "Dataset":
        """The rows training may learn from, with their weights: what the policy says of students with a mentor."""
        weights = learning_weights(self.frame, policy)
        return replace(self, frame=self.frame.assign(**{_WEIGHT: weights})).where(weights > 0)

    def labelled(self) -> "Dataset":
        """The rows whose outcome is known."""
        return self.where(~np.isnan(self.y))

    def where(self, mask: np.ndarray) -> "Dataset":
        """The rows where `mask`, shape (rows,), is true."""
        return replace(self, frame=self.frame[np.asarray(mask, dtype=bool)].reset_index(drop=True))


def target_years_with_outcomes(folder: Path, policy: Policy, engine: Engine = "duckdb") -> list[SchoolYear]:
    """The years that can be learned from: complete, not flagged by the policy, an earlier year known; in order."""
    records = open_records(folder, engine)
    usual = [year for year in known_school_years(records)[1:] if year.ending not in policy.flagged_years]
    return [year for year in usual if is_complete(records, year, policy)]


def dataset_for(
    folder: Path,
    target_years: Sequence[SchoolYear],
    policy: Policy,
    *,
    after_day: int = 0,
    engine: Engine = "duckdb",
    with_outcomes: bool = True,
) -> Dataset:
    """The students of some target years, each as known at its own as-of point.

    Args:
        folder: the folder of one ingest.
        target_years: the school years predicted.
        policy: what counts as chronic, and who is listed.
        after_day: instructional days of each target year already seen; 0 for its term start. A day that nothing
            is recorded of yet counts as one of presence: ask `reaches_day` of an open year first.
        engine: where the expressions run.
        with_outcomes: whether to look up what came of the target years that have ended.

    Raises:
        NotEnoughData: no target year is given, or one has no earlier known year.
    """
    if not target_years:
        raise NotEnoughData("No target year to build. Two known school years are needed: one to look back on.")
    records = open_records(folder, engine)
    latest_first = sorted(set(target_years), reverse=True)  # it has the years kept whose outcomes the others ask for
    years = [_one_year(records, year, policy, after_day, with_outcomes) for year in latest_first][::-1]
    names = tuple(entry.name for entry in features_for(after_day))
    rows = pd.concat(years, ignore_index=True)
    rows[TREATED] = was_mentored(rows, mentored_students(folder) if with_outcomes else None)
    return Dataset(rows, names, after_day)


def outcome_columns(policy: Policy) -> tuple[str, ...]:
    """The columns that tell what came of a target year."""
    reaches = (f"outcome_reaches_{percent:02d}" for percent in policy.threshold_percents)
    return ("outcome_days_enrolled", "outcome_days_absent", "outcome_rate", "outcome_is_chronic", *reaches)


def _one_year(
    records: Records, target_year: SchoolYear, policy: Policy, after_day: int, with_outcomes: bool
) -> pd.DataFrame:
    history = history_as_of(records, kept_beside(records.folder), target_year, after_day, policy)
    students = cohort(records, target_year, policy, after_day=after_day)
    names = [entry.name for entry in features_for(after_day)]
    if with_outcomes:
        everyone = totals_of_past(history, policy)
        known = once(of_closed_years(history, policy, everyone, students))
    else:
        everyone = known = kept_of_closed_years(_lists(records.folder), history, policy, records.engine)
    rows = of_list(students, history, policy, known, everyone)
    outcomes = _outcomes(records, target_year, policy) if with_outcomes else None
    if outcomes is not None:
        rows = rows.join(outcomes.drop("school_year"), on="student_id", how="left")
    return _typed(side_by_side(rows, known, "student_id", names), names, policy)


def _lists(folder: Path) -> Path:
    """Where what closed years tell is kept for later lists: beside the ingests, so that the next one finds it."""
    return folder.parent / "features"


def _outcomes(records: Records, target_year: SchoolYear, policy: Policy) -> nw.LazyFrame | None:
    """What came of the target year; None where it has not ended, or was never recorded."""
    if target_year not in known_school_years(records) or not is_complete(records, target_year, policy):
        return None
    return labels(one_student_year(kept_beside(records.folder), records, target_year, policy), policy)


def _typed(rows: pd.DataFrame, feature_names: Sequence[str], policy: Policy) -> pd.DataFrame:
    """The columns in order and of the same types for every target year; outcomes are missing where there are none."""
    outcomes = outcome_columns(policy)
    flags = [name for name in outcomes if "is_" in name or "reaches_" in name]
    numbers = dict.fromkeys((name for name in outcomes if name not in flags), "float64")
    rows = rows.reindex(columns=[*KEYS, *CONTEXT_COLUMNS, *feature_names, *outcomes])
    kinds = {"school_year": "int64", "last_school_year": "Int64", **numbers, **dict.fromkeys(flags, "boolean")}
    return rows.astype(kinds)
