"""What is measured of each group of one table, as arrays (replicates + 1, groups): the value first, then resampled.

The shares come from sums over schools, so all groups and all resamples are one product of matrices.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score, roc_auc_score

from ews.evaluation import rank_metrics

BINS = 10
_FINEST = 20
"""Steps of a unit of log-odds at which slopes are taken."""

_MOST_LEVELS = 10_000
"""Students above which intervals of rank metrics go by probabilities rounded to as many levels, for time."""

_MOST_STEPS = 12
_STEEPEST = 20.0
_SETTLED = 1e-6


@dataclass(frozen=True, eq=False)
class Measured:
    """The rows that are measured, as arrays of shape (rows,), and how they are resampled.

    Attributes:
        outcome: 1 chronically absent in the target year, else 0.
        probability: of that, as predicted.
        listed: 1 where the student is within the school's slots, else 0.
        school_recall: share of the chronically absent students of the row's school and year that are listed.
        others: further columns of which the mean of each group is told, by name.
        cluster: what is resampled as a whole, numbered from 0.
        weights: how often each cluster is drawn, shape (replicates + 1, clusters), ones first.
    """

    outcome: np.ndarray
    probability: np.ndarray
    listed: np.ndarray
    school_recall: np.ndarray
    others: dict[str, np.ndarray]
    cluster: np.ndarray
    weights: np.ndarray


def quantities(rows: Measured, group: np.ndarray, groups: int) -> dict[str, np.ndarray]:
    """Every quantity of every group of a table.

    Args:
        rows: what is measured.
        group: number of each row's group, shape (rows,).
        groups: how many there are; one without a row has NaN everywhere.

    Returns:
        Name to array of shape (replicates + 1, groups), NaN where a quantity has no meaning.
    """
    return {
        **_shares(rows, group, groups),
        "ece": expected_calibration_error(rows, group, groups),
        **_by_group(rows, group, groups),
    }


def point_values(rows: Measured, group: pd.Series) -> pd.DataFrame:
    """The quantities that follow from outcome, list and probability, by fairlearn: one row a group.

    fairlearn copies each column value by value, so one call measures all.
    """
    frame = MetricFrame(
        metrics=_of_group,
        y_true=rows.outcome,
        y_pred=rows.probability,
        sensitive_features=group.to_numpy(),
        sample_params={"listed": rows.listed},
    )
    return pd.DataFrame(frame.by_group.to_dict()).T.astype("float64")


def expected_calibration_error(rows: Measured, group: np.ndarray, groups: int) -> np.ndarray:
    """Mean distance of probability and observed share over tenths of each group, shape (replicates + 1, groups)."""
    off = _sums(rows, group * BINS + bins(rows.probability, group), groups * BINS, rows.probability - rows.outcome)
    students = _sums(rows, group, groups, np.ones_like(rows.outcome))
    return _ratio(np.abs(off).reshape(len(off), groups, BINS).sum(axis=2), students)


def bins(probability: np.ndarray, group: np.ndarray, number: int = BINS) -> np.ndarray:
    """The part of equal size of its group in which each row is, 0 the lowest probabilities; shape (rows,)."""
    ranks = pd.Series(probability).groupby(group).rank(method="first").to_numpy() - 1
    sizes = np.bincount(group)[group]
    return (ranks * number // sizes).astype(int)


def calibration_slopes(
    probability: np.ndarray, outcome: np.ndarray, cluster: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Slope of the outcome over the log-odds predicted, shape (replicates,): 1 is right, below 1 too sure.

    NaN where one outcome only is drawn, or where no finite slope fits best.
    """
    odds = np.clip(probability, 1e-6, 1 - 1e-6)
    levels, position = np.unique(np.round(np.log(odds / (1 - odds)) * _FINEST), return_inverse=True)
    shape = (len(levels), weights.shape[1])
    positive = csr_array((outcome, (position, cluster)), shape=shape) @ weights.T
    every = csr_array((np.ones_like(outcome), (position, cluster)), shape=shape) @ weights.T
    return _slopes(levels / _FINEST, positive, every)


def _slopes(x: np.ndarray, positive: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Newton's steps for all replicates at once; counts of shape (levels, replicates)."""
    level, slope = np.zeros(every.shape[1]), np.ones(every.shape[1])
    for _ in range(_MOST_STEPS):
        share = 1 / (1 + np.exp(-np.clip(level + x[:, None] * slope, -500, 500)))
        left, spread = positive - every * share, every * share * (1 - share)
        g0, g1 = left.sum(axis=0), x @ left
        h0, h1, h2 = spread.sum(axis=0), x @ spread, x**2 @ spread
        determinant = h0 * h2 - h1**2 + 1e-9
        step = (h0 * g1 - h1 * g0) / determinant
        level = level + np.clip((h2 * g0 - h1 * g1) / determinant, -5, 5)
        slope = slope + np.clip(step, -1, 1)
        if np.abs(step).max() < _SETTLED:
            break
    positives = positive.sum(axis=0)
    settled = (
        (positives > 0) & (positives < every.sum(axis=0)) & (np.abs(step) < _SETTLED) & (np.abs(slope) < _STEEPEST)
    )
    return np.where(settled, slope, np.nan)


def _shares(rows: Measured, group: np.ndarray, groups: int) -> dict[str, np.ndarray]:
    def total(column: np.ndarray) -> np.ndarray:
        return _sums(rows, group, groups, column)

    students, positives = total(np.ones_like(rows.outcome)), total(rows.outcome)
    listed, hits = total(rows.listed), total(rows.listed * rows.outcome)
    return {
        "recall_at_k": _ratio(hits, positives),
        "recall_within_schools": _ratio(hits, total(rows.school_recall * rows.outcome)),
        "fnr": _ratio(positives - hits, positives),
        "false_omission_rate": _ratio(positives - hits, students - listed),
        "precision_at_k": _ratio(hits, listed),
        "selection_over_need": _ratio(listed, positives),
        "calibration_in_the_large": _ratio(total(rows.probability) - positives, students),
        **{name: _ratio(total(column), students) for name, column in rows.others.items()},
    }


def _by_group(rows: Measured, group: np.ndarray, groups: int) -> dict[str, np.ndarray]:
    """What needs the order of a group's rows, one group after the other."""
    found = {name: np.full((len(rows.weights), groups), np.nan) for name in ("calibration_slope", *_RANKS)}
    for number, here in pd.Series(group).groupby(group).indices.items():
        probability, others = rows.probability[here], (rows.outcome[here], rows.cluster[here], rows.weights)
        found["calibration_slope"][:, number] = calibration_slopes(probability, *others)
        for name, values in zip(_RANKS, rank_metrics(_levels(probability), *others), strict=True):
            found[name][:, number] = values
    return found


def _levels(probability: np.ndarray) -> np.ndarray:
    """The probabilities, rounded where they are many: the value told is fairlearn's, of the exact ones."""
    if len(probability) <= _MOST_LEVELS:
        return probability
    return np.round(probability * _MOST_LEVELS) / _MOST_LEVELS


def _sums(rows: Measured, group: np.ndarray, groups: int, column: np.ndarray) -> np.ndarray:
    """Sums of a column over each group, shape (replicates + 1, groups)."""
    clusters = rows.weights.shape[1]
    by_cluster = csr_array((column, (rows.cluster, group)), shape=(clusters, groups))
    return (by_cluster.T @ rows.weights.T).T


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


_RANKS = ("auc", "average_precision")


def _of_group(outcome: np.ndarray, probability: np.ndarray, listed: np.ndarray) -> dict[str, float]:
    return _of_lists(outcome, listed) | _of_probabilities(outcome, probability)


def _of_lists(outcome: np.ndarray, listed: np.ndarray) -> dict[str, float]:
    recall = _mean(listed[outcome == 1])
    return {
        "recall_at_k": recall,
        "fnr": 1 - recall,
        "false_omission_rate": _mean(outcome[listed == 0]),
        "precision_at_k": _mean(outcome[listed == 1]),
        "selection_over_need": float(listed.sum() / outcome.sum()) if outcome.any() else np.nan,
    }


def _of_probabilities(outcome: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    return {
        "calibration_in_the_large": float(probability.mean() - outcome.mean()),
        "auc": float(roc_auc_score(outcome, probability)) if 0 < outcome.mean() < 1 else np.nan,
        "average_precision": float(average_precision_score(outcome, probability)) if outcome.any() else np.nan,
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
