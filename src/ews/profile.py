"""What training saw of each feature and of the score: shares between quantiles, to tell later whether inputs moved.

Only inner quantiles, shares of at least `min_n` students, and the share that is not known are kept: no lowest or
highest value, and nothing of few students.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ews.features import FEATURES
from ews.policy import Policy

BINS = 10

_SHARED_GROUPS = ("school and grade",)
"""Features that students of a school and grade share: there are as many independent values as different ones."""

_NO_DIFFERENCE = 0.1
"""Standard deviations by which two values must be apart to be told apart."""

_SMALL_SHARE = 1e-4
"""Put in place of an empty bin, so that a change from or to nothing counts for much and not for ever."""

Profile = Mapping[str, Any]
"""As `profile_of` makes it; plain values for JSON."""


def profile_of(x: pd.DataFrame, risk: np.ndarray, grade_level: pd.Series, policy: Policy) -> dict[str, Any]:
    """The distributions of one target year's rows.

    Args:
        x: the features, shape (rows, features), NaN = not known.
        risk: out-of-time probabilities of the same students or others of the same year, shape (any,).
        grade_level: of each row.
        policy: its `min_n`.

    Returns:
        students; features: by name edges, shares (one more than edges), independent (values behind them) and missing
        (share not known; null where that would tell of few), or null where fewer than `min_n` are known; score: the
        same; grades: the grades of at least `min_n` students.
    """
    grades = grade_level.value_counts()
    return {
        "students": len(x),
        "features": {name: _feature(name, x[name].to_numpy(dtype="float64"), policy) for name in x.columns},
        "score": _binned(np.asarray(risk, dtype="float64"), policy),
        "grades": sorted(str(grade) for grade in grades[grades >= policy.min_n].index),
    }


def stability(profile: Mapping[str, Any], values: np.ndarray, independent: int | None = None) -> tuple[float, float]:
    """Population stability index of some values beside a profile, and what chance alone makes of it at most.

    Args:
        profile: edges, shares and independent of one feature or of the score.
        values: of today, shape (rows,); those not known are left aside.
        independent: how many of the values are; by default all that are known.

    Returns:
        The index: 0 is no change, .1 some, .25 much; and its 99.9 % quantile if nothing changed, for so few students.
        NaN where there is nothing to compare.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    before = np.array(profile["shares"])
    now = np.bincount(np.searchsorted(profile["edges"], known, side="left"), minlength=len(before)) / len(known)
    old, new = np.maximum(before, _SMALL_SHARE), np.maximum(now, _SMALL_SHARE)
    chance = chi2.ppf(0.999, max(len(before) - 1, 1)) * (1 / profile["independent"] + 1 / (independent or len(known)))
    return float(((new - old) * np.log(new / old)).sum()), float(chance)


def independent_values(name: str, values: np.ndarray) -> int:
    """How many independent values a feature has: those of whole schools or grades count once."""
    known = values[~np.isnan(values)]
    is_shared = name in FEATURES and FEATURES[name].group in _SHARED_GROUPS
    return len(np.unique(known)) if is_shared else len(known)


def _feature(name: str, values: np.ndarray, policy: Policy) -> dict[str, Any] | None:
    found = _binned(values, policy)
    return found and found | {"independent": independent_values(name, values)}


def _binned(values: np.ndarray, policy: Policy) -> dict[str, Any] | None:
    """Bins of at least `min_n` students each between inner quantiles; None where too few are known, or unknown."""
    known = np.sort(values[~np.isnan(values)])
    missing = len(values) - len(known)
    if len(known) < policy.min_n:
        return None
    edges, shares = _merged(known, _candidates(known, policy), policy.min_n)
    told = missing / len(values) if missing == 0 or missing >= policy.min_n else None
    return {"edges": edges, "shares": shares, "missing": told, "independent": len(known)}


def _candidates(known: np.ndarray, policy: Policy) -> np.ndarray:
    """Edges of bins: half way between the middles of ten parts of the students, where those are apart.

    Five of 177 days and five of 176 are the same to a reader, and fall into the same bin.
    """
    bins = int(np.clip(len(known) // policy.min_n, 1, BINS))
    middles = np.unique(np.quantile(known, (np.arange(bins) + 0.5) / bins, method="lower"))
    apart = np.diff(middles) > _NO_DIFFERENCE * known.std()
    return ((middles[1:] + middles[:-1]) / 2)[apart]


def _merged(known: np.ndarray, edges: np.ndarray, min_n: int) -> tuple[list[float], list[float]]:
    """Edges kept so that every bin, the last one too, has at least `min_n`; at most ten are looked at."""
    kept: list[float] = []
    counts: list[int] = []
    for edge, through in zip(edges, np.searchsorted(known, edges, side="right"), strict=True):
        if through - sum(counts) >= min_n and len(known) - through >= min_n:
            kept.append(float(edge))
            counts.append(int(through - sum(counts)))
    counts.append(len(known) - sum(counts))
    return kept, [count / len(known) for count in counts]
