"""How good the lists are: per group, at the length a school has mentors for, with intervals, beside the baselines.

Intervals come from resampling whole schools, since students of one school share its winters and its habits.
Every method meets the same resampled schools, so differences between methods are paired.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.privacy import is_telling
from ews.treatment import TREATED

MODEL = "LightGBM"
GROUPS = ("all", "not yet chronic", "already chronic", "no history")
"""`all` are the students with a known last year; those without one are a group of their own."""

BY_TREATMENT = ("without a mentor", "with a mentor")
"""Told apart where mentoring is recorded: a mentor changes the outcome, so fewer hits among the mentored are wanted."""

RANK_METRICS = ("auc", "average_precision")
LIST_METRICS = ("brier", "calibration_in_the_large", "precision_at_k", "recall_at_k", "lift_at_k")
METRICS = RANK_METRICS + LIST_METRICS
"""`calibration_in_the_large` is the mean probability minus the observed share; the rest are as named."""

NOT_METHODS = (
    "student_id", "school_id", "school_year", "grade_level", "lane", "fold", "was_chronic", TREATED, "outcome",
    "tie_key",
)  # fmt: skip
"""Columns of a predictions frame that describe the student; every other column is a method's probability, but for
those of single thresholds (`probability_08`, `outcome_reaches_08` …), which :mod:`ews.reliability` reads."""

_OF_THRESHOLDS = ("probability_", "outcome_reaches_")

_CELLS_AT_ONCE = 4_000_000
"""Cells of a (scores x replicates) matrix held at once: some 30 MB."""


def methods_of(predictions: pd.DataFrame) -> list[str]:
    """The methods in a predictions frame, in its order."""
    return [
        column for column in predictions.columns if column not in NOT_METHODS and not column.startswith(_OF_THRESHOLDS)
    ]


def groups_of(predictions: pd.DataFrame) -> dict[str, np.ndarray]:
    """Each group that has students: its name and mask, shape (rows,)."""
    chronic = predictions["was_chronic"].astype("boolean")
    unknown = chronic.isna().to_numpy()
    already = chronic.fillna(False).to_numpy(dtype=bool)
    masks = dict(zip(GROUPS, (~unknown, ~unknown & ~already, already, unknown), strict=True))
    return {name: mask for name, mask in masks.items() if mask.any()}


def _by_treatment(predictions: pd.DataFrame, policy: Policy) -> dict[str, np.ndarray]:
    """Students without and with a mentor; nothing where either are so few that their outcomes would be told."""
    if TREATED not in predictions or predictions[TREATED].isna().any():
        return {}
    treated, outcome = predictions[TREATED].to_numpy(dtype=bool), predictions["outcome"].to_numpy()
    masks = dict(zip(BY_TREATMENT, (~treated, treated), strict=True))
    counts = np.array([(mask.sum(), outcome[mask].sum()) for mask in masks.values()])
    return {} if is_telling(counts[:, 0], counts[:, 1], policy).any() else masks


def evaluate(predictions: pd.DataFrame, policy: Policy, *, replicates: int = 400, seed: int = 0) -> pd.DataFrame:
    """Measure every method in every group.

    Args:
        predictions: one row a student and target year with a known outcome: school_id, school_year, outcome (0 or
            1), was_chronic (null where the last year is unknown), tie_key (a stored random number that orders
            equal probabilities), and one column of probabilities a method.
        policy: its `slots_percent` is the list length k of each school and year, rounded up, within each group.
        replicates: resamples of the schools.
        seed: of the resampling.

    Returns:
        One row a group, method and metric: group, method, metric, value, low, high (a 95 % interval), students,
        positives. NaN where a metric has no meaning, as the AUC of a group with one outcome only.

    Raises:
        NotEnoughData: no rows.
    """
    measured = _measure_all(predictions, policy, replicates, seed)
    return pd.DataFrame(
        [
            {"group": one.group, "method": one.method, "metric": metric, **interval(values),
             "students": one.students, "positives": one.positives}
            for one in measured
            for metric, values in one.replicates.items()
        ]
    )  # fmt: skip


def differences(
    predictions: pd.DataFrame, policy: Policy, *, replicates: int = 400, seed: int = 0, of: str = MODEL
) -> pd.DataFrame:
    """The method `of` minus each other method, on the same resampled schools.

    Arguments are those of `evaluate`.

    Returns:
        One row a group, other method and metric: group, method, minus, metric, value, low, high (a 95 % interval).
    """
    measured = {(one.group, one.method): one.replicates for one in _measure_all(predictions, policy, replicates, seed)}
    return pd.DataFrame(
        [
            {"group": group, "method": of, "minus": method, "metric": metric,
             **interval(measured[group, of][metric] - values)}
            for (group, method), metrics in measured.items() if method != of
            for metric, values in metrics.items()
        ]
    )  # fmt: skip


def verdict(
    differences: pd.DataFrame, group: str = "all", metric: str = "recall_at_k", minus: str = "last year's rate"
) -> str:
    """Whether the model beats the rate at the lists' length, in one sentence: line one of a model card."""
    row = differences.query("group == @group and metric == @metric and minus == @minus").iloc[0]
    found = f"{row.value:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
    if row.low > 0:
        return f"{row.method} beats {minus} in {metric} for {group} students: {found}."
    if row.high < 0:
        return f"{row.method} is worse than {minus} in {metric} for {group} students: {found}. Use {minus}."
    return f"{row.method} is not shown to beat {minus} in {metric} for {group} students: {found}."


def table(evaluation: pd.DataFrame) -> str:
    """The evaluation as text for a terminal: a block a group, a line a method, intervals in brackets."""
    return "\n\n".join(_block(rows) for _, rows in evaluation.groupby("group", sort=False))


def list_lengths(school: np.ndarray, policy: Policy) -> np.ndarray:
    """Slots of each row's school and year, shape (rows,): `slots_percent` of its rows, rounded up."""
    sizes = np.bincount(school)
    return -(-sizes * policy.slots_percent // 100)[school]


def is_listed(scores: np.ndarray, tie_key: np.ndarray, school: np.ndarray, policy: Policy) -> np.ndarray:
    """Whether a row is among the first k of its school and year, shape (rows,); equal scores go by `tie_key`."""
    order = np.lexsort((tie_key, -scores, school))
    first = np.r_[0, np.cumsum(np.bincount(school))[:-1]]
    place = np.empty(len(scores), dtype=np.int64)
    place[order] = np.arange(len(scores)) - first[school[order]]
    return place < list_lengths(school, policy)


def clusters_of(predictions: pd.DataFrame) -> np.ndarray:
    """What is resampled as a whole, shape (rows,), numbered from 0: schools, or students where there is one school."""
    one_school = len(predictions["school_id"].unique()) == 1 and "student_id" in predictions
    return pd.factorize(predictions["student_id" if one_school else "school_id"], sort=True)[0]


def resampled(clusters: int, replicates: int, seed: int) -> np.ndarray:
    """How often each cluster is drawn, shape (replicates + 1, clusters); the first row takes each once."""
    drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=replicates)
    return np.vstack([np.ones((1, clusters)), drawn])


def interval(values: np.ndarray) -> dict[str, float]:
    """Value, low and high (95 %) of a metric whose first entry is its value and the others its resampled values."""
    known = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def rank_metrics(scores: np.ndarray, outcome: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC and average precision under many weightings of the clusters at once.

    Agrees with scikit-learn's `roc_auc_score` and `average_precision_score`, ties included.

    Args:
        scores: shape (rows,).
        outcome: 0 or 1, shape (rows,).
        cluster: whole numbers from 0, shape (rows,).
        weights: shape (replicates, clusters).

    Returns:
        Shape (2, replicates); NaN where a replicate holds one outcome only.
    """
    levels, position = np.unique(-scores, return_inverse=True)
    shape = (len(levels), weights.shape[1])
    positive = csr_array((outcome, (position, cluster)), shape=shape)
    negative = csr_array((1.0 - outcome, (position, cluster)), shape=shape)
    at_once = max(1, _CELLS_AT_ONCE // len(levels))
    parts = [weights[start : start + at_once].T for start in range(0, len(weights), at_once)]
    return np.hstack([_rank_metrics(positive @ part, negative @ part) for part in parts])


def _rank_metrics(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """From weighted counts at each score, highest first, shape (scores, replicates)."""
    found = np.cumsum(positive, axis=0)
    false = np.cumsum(negative, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = (negative * (found - positive / 2)).sum(axis=0) / (found[-1] * false[-1])
        precision = np.where(found > 0, found / (found + false), 0.0)
        return np.vstack([auc, np.where(found[-1] > 0, (positive * precision).sum(axis=0) / found[-1], np.nan)])


@dataclass(frozen=True)
class _Measured:
    """One method in one group; `replicates` has a metric's value first and its resampled values behind."""

    group: str
    method: str
    students: int
    positives: int
    replicates: dict[str, np.ndarray]


def _measure_all(predictions: pd.DataFrame, policy: Policy, replicates: int, seed: int) -> list[_Measured]:
    if predictions.empty:
        raise NotEnoughData("There are no predictions with a known outcome to evaluate.")
    cluster = clusters_of(predictions)
    weights = resampled(int(cluster.max()) + 1, replicates, seed)
    return [
        _measure(predictions[mask], name, method, policy, cluster[mask], weights)
        for name, mask in {**groups_of(predictions), **_by_treatment(predictions, policy)}.items()
        for method in methods_of(predictions)
    ]


def _measure(
    rows: pd.DataFrame, group: str, method: str, policy: Policy, cluster: np.ndarray, weights: np.ndarray
) -> _Measured:
    scores, outcome = (rows[name].to_numpy(dtype="float64") for name in (method, "outcome"))
    school = rows.groupby(["school_id", "school_year"]).ngroup().to_numpy()
    listed = is_listed(scores, rows["tie_key"].to_numpy(), school, policy).astype(float)
    ranked = rank_metrics(scores, outcome, cluster, weights)
    per_row = np.column_stack(
        [np.ones_like(scores), outcome, scores, (scores - outcome) ** 2, listed, listed * outcome]
    )
    sums = weights @ _sum_by(cluster, per_row, weights.shape[1])
    values = dict(zip(METRICS, [*ranked, *_list_metrics(*sums.T)], strict=True))
    return _Measured(group, method, len(rows), int(outcome.sum()), values)


def _sum_by(cluster: np.ndarray, per_row: np.ndarray, clusters: int) -> np.ndarray:
    return np.column_stack([np.bincount(cluster, column, minlength=clusters) for column in per_row.T])


def _list_metrics(
    students: np.ndarray, positives: np.ndarray, expected: np.ndarray, squares: np.ndarray, slots: np.ndarray,
    hits: np.ndarray,
) -> list[np.ndarray]:  # fmt: skip
    """In the order of LIST_METRICS, from weighted sums, each of shape (replicates,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = hits / slots
        share = positives / students
        return [squares / students, expected / students - share, precision, hits / positives, precision / share]


_HEADS = {
    "auc": "AUC", "average_precision": "AP", "brier": "Brier", "precision_at_k": "precision@k",
    "recall_at_k": "recall@k",
}  # fmt: skip
"""The columns that fit a terminal; all metrics are in the frame."""


def _block(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    title = f"{first.group}: {first.students:,} students, {first.positives / first.students:.1%} chronically absent"
    numbers = rows[["value", "low", "high"]].to_numpy()
    text = [f"{_short(value)} ({_short(low)}-{_short(high)})" for value, low, high in numbers]
    cells = rows.assign(text=text).pivot_table(index="method", columns="metric", values="text", aggfunc="first")
    shown = cells.loc[rows["method"].unique(), [metric for metric in _HEADS if metric in cells]].rename(columns=_HEADS)
    return title + "\n" + shown.rename_axis(index=None, columns=None).to_string()


def _short(value: float) -> str:
    """Three digits without the zero before the point: .804."""
    return "n/a" if np.isnan(value) else f"{value:.3f}".removeprefix("0")
