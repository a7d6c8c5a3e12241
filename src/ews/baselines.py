"""What a school could do without a model: rank by last year. Always fitted and printed beside it.

Each baseline is a name and a function `fit(dataset)` that returns a predictor `predict(dataset)` of
probabilities, shape (rows,). The first three rank exactly as the quantity they are named after; where that is
not known the probability is the training mean.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ews.calibration import logistic_curve
from ews.dataset import Dataset

Predictor = Callable[[Dataset], np.ndarray]
_Rates = TypeVar("_Rates", np.ndarray, pd.DataFrame)

FEW_FEATURES = (
    "absence_rate_last_year",
    "absence_rate_all_years",
    "absence_rate_last_60_days",
    "spells_per_100_days_last_year",
    "days_enrolled_last_year",
    "school_grade_rate",
    "classmates_rate",
    "grade_number",
    "enters_new_level",
)
"""What the logistic regression sees, beside the chronic flag and whether any year is known."""

_SURROUNDINGS = ("school_grade_rate", "classmates_rate", "school_rate")
"""The rate of the grade a student enters, else of the student's own grade, else of the school, whichever is known."""

_ALMOST_ALWAYS_THERE = 0.05
"""Added to a rate before its logarithm: of the simple curves the one that fits chronic absence on Project STAR best."""


def last_years_rate(dataset: Dataset) -> np.ndarray:
    """Days absent over days enrolled in the last known year, shape (rows,); NaN where none is known."""
    absent, enrolled = (_column(dataset, name) for name in ("days_absent_last_year", "days_enrolled_last_year"))
    return np.divide(absent, enrolled, out=np.full(len(absent), np.nan), where=enrolled > 0)


def school_grade_rate(dataset: Dataset) -> np.ndarray:
    """Share of days missed by the other students around, in the last known year, shape (rows,); NaN unknown."""
    rates = pd.DataFrame({name: _column(dataset, name) for name in _SURROUNDINGS})
    return rates.bfill(axis=1).iloc[:, 0].to_numpy()


def fit_rate(dataset: Dataset) -> Predictor:
    """Last year's absence rate."""
    return _along(last_years_rate, dataset)


def fit_flag(dataset: Dataset) -> Predictor:
    """Whether the last known year was chronic."""
    flags = pd.Series(_column(dataset, "was_chronic"))
    outcomes = pd.Series(dataset.y)
    shares = outcomes.groupby(flags).mean()
    return lambda rows: pd.Series(_column(rows, "was_chronic")).map(shares).fillna(outcomes.mean()).to_numpy()


def fit_school_grade(dataset: Dataset) -> Predictor:
    """The absence rate of the students around, which is all that is known of a child new to school."""
    return _along(school_grade_rate, dataset)


def fit_logistic(dataset: Dataset) -> Predictor:
    """Logistic regression on a few features; those not known take the training median."""
    columns = _few_features(dataset)
    medians = columns.median().fillna(0.0)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(columns.fillna(medians).to_numpy(), dataset.y)
    return lambda rows: model.predict_proba(_few_features(rows).fillna(medians).to_numpy())[:, 1]


BASELINES: dict[str, Callable[[Dataset], Predictor]] = {
    "last year's rate": fit_rate,
    "chronic flag": fit_flag,
    "school x grade rate": fit_school_grade,
    "logistic": fit_logistic,
}


def _along(rate_of: Callable[[Dataset], np.ndarray], dataset: Dataset) -> Predictor:
    """Probabilities along one rising curve of a rate."""
    rates, y = rate_of(dataset), dataset.y
    mean, known = float(y.mean()), ~np.isnan(rates)
    if len(np.unique(y[known])) < 2:
        return lambda rows: np.full(len(rows.frame), mean)
    intercept, slope = logistic_curve(_curved(rates[known]), y[known])

    def predict(rows: Dataset) -> np.ndarray:
        log_odds = intercept + slope * _curved(rate_of(rows))
        return np.where(np.isnan(log_odds), mean, 1 / (1 + np.exp(-log_odds)))

    return predict


def _curved(rates: _Rates) -> _Rates:
    return np.log(rates + _ALMOST_ALWAYS_THERE)


def _few_features(rows: Dataset) -> pd.DataFrame:
    columns = pd.DataFrame({name: _column(rows, name) for name in (*FEW_FEATURES, "was_chronic")})
    rates = [name for name in columns if "_rate" in str(name)]
    columns[rates] = _curved(columns[rates])
    return columns.assign(no_history=np.isnan(last_years_rate(rows)))


def _column(dataset: Dataset, name: str) -> np.ndarray:
    """A column as float64, NaN where unknown, and everywhere where the dataset has no such column."""
    if name not in dataset.frame:
        return np.full(len(dataset.frame), np.nan)
    return dataset.frame[name].astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
