"""The peers: how others predict chronic absence, each with its usual recipe, on the same rows as ours.

A peer is fitted on some students and gives one probability a student for others. Except for the early warning
indicators they see exactly the features our trees may use. Libraries that only a peer needs are imported where it
is fitted: `make peers` installs them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ews.calibration import logistic_curve
from ews.dataset import Dataset
from ews.features import FEATURES

THREADS = 1
"""Of one fit; several fits run side by side."""

SEED = 20260
CHRONIC = 0.10

EARLY_WARNING = (
    "absence_rate_last_year", "days_suspended_last_year", "tardy_per_100_days_last_year", "schools_attended_last_year",
    "enters_new_level",
)  # fmt: skip
"""What early warning systems look at, as far as attendance records hold it; the flags are made of it."""

Settings = Mapping[str, Any]
Fit = Callable[[Dataset, Dataset], np.ndarray]
Make = Callable[..., Any]
"""Settings to an unfitted scikit-learn classifier."""


@dataclass(frozen=True)
class Peer:
    """One way to predict.

    Attributes:
        fit: from rows to learn from, and rows to predict, to the probabilities of the latter, shape (rows,).
        recipe: what it does and whose recipe that is, for the page.
        module: the library it needs beside those of ews; empty if none.
    """

    fit: Fit
    recipe: str
    module: str = ""


def columns(rows: Dataset, learn: Dataset) -> np.ndarray:
    """The features our trees may use, but for those never known in training; NaN = unknown; (rows, features)."""
    names = [name for name in rows.feature_names if name not in FEATURES or FEATURES[name].learned]
    known = learn.x[names].notna().any()
    return rows.x[known.index[known]].to_numpy(dtype="float64")


def early_warning_columns(rows: Dataset) -> pd.DataFrame:
    """Indicators and three flags; null where last year is unknown."""
    found = rows.x.reindex(columns=list(EARLY_WARNING))
    rate, suspended = found["absence_rate_last_year"], found["days_suspended_last_year"]
    return found.assign(
        is_chronic=(rate >= CHRONIC).where(rate.notna()),
        is_at_risk=(rate >= CHRONIC / 2).where(rate.notna()),
        was_suspended=(suspended > 0).where(suspended.notna()),
    ).astype("float64")


def fit_early_warning(learn: Dataset, test: Dataset) -> np.ndarray:
    """A logistic regression on indicators and flags, unweighted; unknown values take the median."""
    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    return probabilities(model.fit(early_warning_columns(learn), learn.y), early_warning_columns(test))


def fit_plain(make: Make, learn: Dataset, test: Dataset) -> np.ndarray:
    """One fit with the settings `make` has by itself, and its own probabilities."""
    return probabilities(make().fit(columns(learn, learn), learn.y), columns(test, learn))


def fit_chosen(make: Make, choices: Sequence[Settings], learn: Dataset, test: Dataset) -> np.ndarray:
    """The best of a few settings, with and without weight on recent years, and calibrated; as a careful user would.

    Chosen by average precision of the not yet chronic in the last year learned from, after learning from the years
    before it. A logistic curve through those predictions calibrates; then all years are learned from.
    """
    years = learn.frame["school_year"].to_numpy()
    before, last = learn.where(years < years.max()), learn.where(years == years.max())
    tried = [(settings, half_life) for settings in choices for half_life in (None, 1.0)]
    held_out = [_weighted(make(**settings), half_life, before, last) for settings, half_life in tried]
    best = int(np.argmax([_average_precision(last, scores) for scores in held_out]))
    intercept, slope = logistic_curve(log_odds(held_out[best]), last.y)
    settings, half_life = tried[best]
    return 1 / (1 + np.exp(-intercept - slope * log_odds(_weighted(make(**settings), half_life, learn, test))))


def log_odds(chances: np.ndarray) -> np.ndarray:
    """Of probabilities, kept away from 0 and 1, which a forest gives."""
    kept = np.clip(chances, 1e-4, 1 - 1e-4)
    return np.log(kept / (1 - kept))


def probabilities(model: Any, x: Any) -> np.ndarray:
    """The second class's, shape (rows,)."""
    return np.asarray(model.predict_proba(x))[:, 1]


def random_forest(**settings: Any) -> Any:
    """scikit-learn's, which takes unknown values as they are."""
    return RandomForestClassifier(**{"n_jobs": THREADS, "random_state": SEED, **settings})


def histogram_boosting(**settings: Any) -> Any:
    """scikit-learn's, which takes unknown values as they are."""
    return HistGradientBoostingClassifier(**{"random_state": SEED, **settings})


def xgboost_smote(**settings: Any) -> Any:
    """XGBoost on classes made equal by SMOTE, which needs every value known."""
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline as make_resampled
    from xgboost import XGBClassifier

    booster = XGBClassifier(**{"n_jobs": THREADS, "random_state": SEED, **settings})
    return make_resampled(SimpleImputer(strategy="median", add_indicator=True), SMOTE(random_state=SEED), booster)


def xgboost(**settings: Any) -> Any:
    """XGBoost without resampling, which takes unknown values as they are."""
    from xgboost import XGBClassifier

    return XGBClassifier(**{"n_jobs": THREADS, "random_state": SEED, **settings})


def fit_explainable(learn: Dataset, test: Dataset) -> np.ndarray:
    """An explainable boosting machine that learns from the last two years only."""
    years = learn.frame["school_year"].to_numpy()
    return fit_plain(explainable_boosting, learn.where(years > years.max() - 2), test)


def explainable_boosting(**settings: Any) -> Any:
    """InterpretML's; fewer bags and pairs than its defaults, for time; its second job would be a process."""
    from interpret.glassbox import ExplainableBoostingClassifier

    bounded = {"interactions": 5, "outer_bags": 2, "n_jobs": 1, "random_state": SEED}
    return ExplainableBoostingClassifier(**{**bounded, **settings})


FOREST_CHOICES: Sequence[Settings] = (
    {"min_samples_leaf": 5, "max_samples": 0.3},
    {"min_samples_leaf": 20, "max_samples": 0.3},
)
BOOSTING_CHOICES: Sequence[Settings] = (
    {},
    {"learning_rate": 0.05, "max_leaf_nodes": 15, "max_iter": 200, "l2_regularization": 10.0},
    {"learning_rate": 0.05, "max_leaf_nodes": 6, "max_iter": 300, "l2_regularization": 20.0, "max_features": 0.6},
)

_OWN = "The features of ours"
PEERS: dict[str, Peer] = {
    "EWS-like logistic": Peer(
        fit_early_warning,
        "What early warning systems flag, of last year: attendance, suspension, tardiness and mobility as rates, with "
        "flags (missed 5 %, missed 10 %, ever suspended), and a new level of schooling. Median where unknown; logistic "
        "regression, decided at .5. After the model that Wu and Weiland call closest to such systems. Course grades, "
        "which these use too, are not in the records.",
    ),
    "XGBoost + SMOTE": Peer(
        partial(fit_plain, xgboost_smote),
        "Wu and Weiland (EdWorkingPaper 24-1081, 2024): classes made equal by SMOTE, then XGBoost, decided at .5. "
        f"{_OWN}, median and an indicator where unknown. Read from the abstract, which gives no settings: defaults.",
        "xgboost",
    ),
    "XGBoost": Peer(
        partial(fit_plain, xgboost), f"The same without SMOTE, to tell what SMOTE does. {_OWN}; defaults.", "xgboost"
    ),
    "random forest": Peer(partial(fit_plain, random_forest), f"scikit-learn's defaults. {_OWN}."),
    "random forest (chosen)": Peer(
        partial(fit_chosen, random_forest, FOREST_CHOICES),
        f"{_OWN}; least leaf 5 or 20 with a third of the rows a tree, for time; years alike or each year back half as "
        "much: the best of four by average precision of the not yet chronic in the last year learned from, which also "
        "calibrates it by a logistic curve.",
    ),
    "HistGradientBoosting": Peer(partial(fit_plain, histogram_boosting), f"scikit-learn's defaults. {_OWN}."),
    "HistGradientBoosting (chosen)": Peer(
        partial(fit_chosen, histogram_boosting, BOOSTING_CHOICES),
        f"{_OWN}; defaults, 200 trees of 15 leaves, or 300 of 6 with shrinkage and shares of features, which is near "
        "ours; years alike or weighted: the best of six, chosen and calibrated as the forest.",
    ),
    "EBM": Peer(
        partial(fit_plain, explainable_boosting),
        f"InterpretML's explainable boosting machine. {_OWN}. 5 pairs of features and 2 bags, for "
        "time; its defaults are more of both.",
        "interpret",
    ),
    "EBM (last two years)": Peer(
        fit_explainable,
        "The same, from the last two target years only, 2024 and 2025; the shock is the outcome of an earlier one.",
        "interpret",
    ),
}


def _weighted(model: Any, half_life: float | None, learn: Dataset, test: Dataset) -> np.ndarray:
    years = learn.frame["school_year"].to_numpy()
    weights = None if half_life is None else 0.5 ** ((years.max() - years) / half_life)
    return probabilities(model.fit(columns(learn, learn), learn.y, sample_weight=weights), columns(test, learn))


def _average_precision(rows: Dataset, scores: np.ndarray) -> float:
    not_yet = (~rows.frame["was_chronic"].astype("boolean")).fillna(False).to_numpy(dtype=bool)
    return float(average_precision_score(rows.y[not_yet], scores[not_yet]))
