"""The model: one LightGBM booster with calibrated probabilities, as plain text. The only home of lightgbm.

Same rows, same parameters, same bytes, on one thread or two.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import lightgbm
import numpy as np
import pandas as pd

from ews.booster_text import joined, ranges_seen, stretched, without_threads
from ews.calibration import Calibrator, fit_calibrator, held_out_splits, scored, years_and_slope
from ews.dataset import Dataset
from ews.errors import InvalidFeatures, NotEnoughData
from ews.features import FEATURES
from ews.parameters import Parameters
from ews.policy import Policy
from ews.tables import PROTECTED

__all__ = ["FEWEST_OF_EACH", "LIGHTGBM_VERSION", "Model", "Parameters", "fit", "graded_outcome", "raw_scores_by"]

LIGHTGBM_VERSION = str(lightgbm.__version__)

FEWEST_OF_EACH = 10
"""Students with, and without, chronic absence below which nothing can be learned or checked."""

_TOLD_ONLY = frozenset(name for name, feature in FEATURES.items() if not feature.learned)
"""Features that sentences need and the trees may not use: their gain counts for nothing."""

_DIRECTIONS = {name: feature.direction for name, feature in FEATURES.items()}

HISTORY = "known_years"
"""How many years are known of a student, the one feature of the last steps (see `_steps_of_history`)."""

_STEPS = {"num_leaves": 2, "learning_rate": 0.5, "lambda_l2": 5.0, "extra_trees": False, "feature_fraction": 1.0}
_STEP_ROUNDS = 10

_OWN_SHARE = 0.3
"""Share of the trees that are grown where a prior says most of it already; all of them only learned small districts by
heart (docs/experiments.md)."""

_SMALL_BATCH = 256
_SMALL_TRAINING = 20_000
"""Rows up to which a second thread costs more than it brings, in scoring and in training."""


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        booster_text: LightGBM's own text form; scores come from this text and nothing else.
        calibrator: turns its raw scores into probabilities.
    """

    booster_text: str
    calibrator: Calibrator

    @classmethod
    def from_text(cls, booster_text: str, calibrator: Calibrator) -> "Model":
        """A model from its two texts.

        A damaged booster text kills the process, so callers check its hash first, as `ews.bundle` does.
        """
        return cls(booster_text, calibrator)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The booster, read from its text once."""
        return lightgbm.Booster(model_str=self.booster_text)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The columns it scores, in order."""
        return tuple(self.booster.feature_name())

    @cached_property
    def constant_features(self) -> tuple[str, ...]:
        """Features that were the same or unknown for every student in training; the trees do not use them."""
        return tuple(name for name, seen in self._ranges.items() if seen is None)

    def raw_scores(self, x: pd.DataFrame) -> np.ndarray:
        """Raw scores in log-odds, before calibration; shape (rows,).

        Raises:
            InvalidFeatures: `x` does not have exactly the model's columns in order, or holds an infinity, a
                value that is no number, or a negative share, count or number of days. NaN is unknown, and allowed.
        """
        return self._predict(x, raw_score=True)

    def contributions(self, x: pd.DataFrame) -> np.ndarray:
        """Exact TreeSHAP values, shape (rows, features + 1); the last column is the base, rows sum to the raw score.

        Raises:
            InvalidFeatures: as `raw_scores`.
        """
        return self._predict(x, pred_contrib=True)

    def probabilities(self, x: pd.DataFrame) -> pd.DataFrame:
        """Probability of missing at least each percent of the days: columns `probability_08` … by policy.

        Raises:
            InvalidFeatures: as `raw_scores`.
        """
        columns = [f"probability_{percent:02d}" for percent in self.calibrator.percents]
        return pd.DataFrame(self.calibrator.probabilities(self.raw_scores(x)), columns=columns, index=x.index)

    def risk(self, x: pd.DataFrame) -> np.ndarray:
        """The probability of being chronically absent, shape (rows,).

        Raises:
            InvalidFeatures: as `raw_scores`.
        """
        return self.calibrator.risk(self.raw_scores(x))

    def _predict(self, x: pd.DataFrame, **what: bool) -> np.ndarray:
        self._check(x)
        if x.empty:
            return np.zeros((0, len(self.feature_names) + 1) if what.get("pred_contrib") else 0)
        threads = 1 if len(x) <= _SMALL_BATCH else 0
        return self.booster.predict(x.astype("float64"), validate_features=True, num_threads=threads, **what)

    def _check(self, x: pd.DataFrame) -> None:
        columns = list(x.columns)
        if columns != list(self.feature_names):
            raise InvalidFeatures(_what_differs(columns, self.feature_names))
        words = [name for name, kind in x.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
        if words:
            raise InvalidFeatures(f"Features must be numbers: {', '.join(map(str, words))}.")
        values = x.to_numpy(dtype="float64", na_value=np.nan)
        self._refuse("Infinite values", np.isinf(values))
        signed = np.array([name not in FEATURES or FEATURES[name].unit == "number" for name in self.feature_names])
        self._refuse("Values below 0, which no record gives,", (values < 0) & ~signed)

    def _refuse(self, what: str, where: np.ndarray) -> None:
        names = [self.feature_names[column] for column in np.flatnonzero(where.any(axis=0))]
        if names:
            raise InvalidFeatures(f"{what} in: {', '.join(names)}. Leave a value empty where it is not known.")

    @cached_property
    def _ranges(self) -> dict[str, tuple[float, float] | None]:
        """What training saw of each feature: (lowest, highest), or None where it was constant."""
        return dict(zip(self.feature_names, ranges_seen(self.booster_text), strict=True))


def fit(
    dataset: Dataset,
    parameters: Parameters,
    policy: Policy,
    directions: Mapping[str, int] | None = None,
    *,
    prior: Model | None = None,
) -> Model:
    """Learn from every row with a known outcome, and calibrate on years (or schools) held out.

    Args:
        dataset: one row a student and target year; rows without a known outcome are left aside.
        parameters: how the booster learns.
        policy: names the thresholds that get a probability.
        directions: -1, 0 or +1 a feature; by default those of the feature catalogue.
        prior: a model of other districts, where one is trusted: its trees come first, stretched to fit these rows, and
            boosting goes on from there. The result is one booster like any other.

    Raises:
        NotEnoughData: fewer than ten students with, or without, chronic absence in any of the parts learned from.
        InvalidFeatures: a protected attribute or an infinity is among the features, or the prior has others.
    """
    rows = dataset.labelled()
    _check_learnable(rows, prior)
    recipe = _Recipe(parameters, _DIRECTIONS if directions is None else directions, policy, prior)
    learned = _train(rows, recipe)
    held_out = np.full(len(rows.frame), np.nan)
    for learn, predict in held_out_splits(rows, parameters.seed):
        held_out[predict] = _train(rows.where(learn), recipe).raw(rows.x[predict])
    unseen, last = ~np.isnan(held_out), (rows.frame["school_year"] == rows.frame["school_year"].max()).to_numpy()
    steps = _steps_of_history(rows.where(unseen), held_out[unseen], parameters)
    text = joined(steps.model_to_string(), learned.text)
    calibrator = fit_calibrator(
        scored(rows.where(unseen), held_out[unseen] + _raw(steps, rows.x[unseen]), policy),
        scored(rows.where(last), learned.raw(rows.x[last]) + _raw(steps, rows.x[last]), policy),
        policy,
    )
    return _in_log_odds(text, calibrator)


def raw_scores_by(learn: Dataset, rows: Dataset, parameters: Parameters, policy: Policy) -> np.ndarray:
    """Scores of some rows by a booster that learned from others, for where only their order counts: no calibration.

    Args:
        learn: rows with a known outcome.
        rows: scored; shape (rows,) is returned.
        parameters: how the booster learns.
        policy: says where the line is.

    Raises:
        NotEnoughData: fewer than ten students with, or without, chronic absence among those learned from.
    """
    return _train(learn, _Recipe(parameters, _DIRECTIONS, policy)).raw(rows.x)


def graded_outcome(rows: Dataset, policy: Policy) -> np.ndarray:
    """What trees learn: how much of the target year was missed, beside the line; 0 to below 1, shape (rows,).

    Half at the line, a third at half of it, two thirds at twice it. Whether the line was crossed says nothing of two
    students who missed 11 and 40 percent; how far past it they came does, and in a small district each row must tell
    all it can.
    """
    rate = rows.frame["outcome_rate"].to_numpy(dtype="float64", na_value=np.nan)
    return rate / (rate + policy.chronic_percent / 100)


@dataclass(frozen=True)
class _Recipe:
    """How each of the boosters of one training learns."""

    parameters: Parameters
    directions: Mapping[str, int]
    policy: Policy
    prior: Model | None = None

    def phases(self) -> list[tuple[int, float]]:
        """Trees and the half-life by which they learn, the one after the other; fewer where there is a prior."""
        share = _OWN_SHARE if self.prior else 1.0
        return replace(self.parameters, rounds=math.ceil(self.parameters.rounds * share)).phases()


@dataclass(frozen=True)
class _Learned:
    """Trees that learned the graded outcome, and the prior they began from, if any, stretched to their rows."""

    own: lightgbm.Booster
    prior: Model | None
    stretch: float

    def raw(self, x: pd.DataFrame) -> np.ndarray:
        """Log-odds of the graded outcome, shape (rows,), without the level of a year."""
        own = _raw(self.own, x)
        return own if self.prior is None else own + self.stretch * self.prior.raw_scores(x)

    @property
    def text(self) -> str:
        """Both as one booster."""
        own = self.own.model_to_string()
        return own if self.prior is None else joined(stretched(self.prior.booster_text, self.stretch), own)


def _train(rows: Dataset, recipe: _Recipe) -> _Learned:
    _check_enough(rows.y)
    graded = graded_outcome(rows, recipe.policy)
    start, stretch = _start(rows, graded, recipe.prior)
    texts = []
    for rounds, half_life in recipe.phases():
        trees = _trees(rows, graded, start, recipe, rounds, half_life)
        start = start + _raw(trees, rows.x)
        texts.append(trees.model_to_string())
    return _Learned(lightgbm.Booster(model_str=reduce(joined, texts)), recipe.prior, stretch)


def _trees(
    rows: Dataset, graded: np.ndarray, start: np.ndarray, recipe: _Recipe, rounds: int, half_life: float
) -> lightgbm.Booster:
    """So many trees that go on from where each row is, with rows that count half after so many school years."""
    parameters = recipe.parameters
    threads = parameters.threads if len(graded) > _SMALL_TRAINING else 1
    settings = parameters.for_lightgbm([recipe.directions.get(name, 0) for name in rows.feature_names], threads)
    settings["feature_contri"] = [float(name not in _TOLD_ONLY) for name in rows.feature_names]
    age = rows.frame["school_year"].max() - rows.frame["school_year"].to_numpy()
    weights = rows.weights * 0.5 ** (age / half_life)
    data = lightgbm.Dataset(rows.x.astype("float64"), graded, weight=weights, init_score=start, params=settings)
    return lightgbm.train(settings, data, num_boost_round=rounds)


def _steps_of_history(rows: Dataset, held_out: np.ndarray, parameters: Parameters) -> lightgbm.Booster:
    """A few steps over the years that are known of a student, from rows the trees had not learned from.

    Two students with the same graded estimate do not cross the line as often where one of them is known for years and
    the other for none: what may come of the second spreads wider, and the graded outcome alone cannot tell it.
    """
    levels, slope = years_and_slope(held_out, rows.y, rows.frame["school_year"].to_numpy())
    settings = parameters.for_lightgbm([0] * len(rows.feature_names), 1) | _STEPS
    settings["feature_contri"] = [float(name == HISTORY) for name in rows.feature_names]
    start = levels + slope * held_out
    data = lightgbm.Dataset(rows.x.astype("float64"), rows.y, init_score=start, params=settings)
    text = lightgbm.train(settings, data, num_boost_round=_STEP_ROUNDS).model_to_string()
    return lightgbm.Booster(model_str=stretched(text, 1 / slope))


def _raw(booster: lightgbm.Booster, x: pd.DataFrame) -> np.ndarray:
    return booster.predict(x, raw_score=True, validate_features=True)


def _start(rows: Dataset, graded: np.ndarray, prior: Model | None) -> tuple[np.ndarray, float]:
    """Where each row's boosting begins, shape (rows,), and what the prior is stretched by.

    It is the level of the row's target year, and above it what the prior says. How much was missed in a year by all
    tells the year and not its students: so trees learn what differs between students of one year, and the calibrator
    how many to expect.
    """
    known = np.zeros(len(graded)) if prior is None else prior.raw_scores(rows.x)
    levels, stretch = years_and_slope(known, graded, rows.frame["school_year"].to_numpy())
    return levels + stretch * known, stretch


def _in_log_odds(text: str, calibrator: Calibrator) -> Model:
    """The same model with leaves stretched by the slope at the line: raw scores are log-odds of being chronic."""
    slope = calibrator.slopes[calibrator.percents.index(calibrator.chronic_percent)]
    booster = lightgbm.Booster(model_str=stretched(text, slope))
    slopes = tuple(each / slope for each in calibrator.slopes)
    return Model(without_threads(booster.model_to_string()), replace(calibrator, slopes=slopes))


def _check_enough(y: np.ndarray) -> None:
    fewest = int(min(y.sum(), (1 - y).sum()))
    if fewest < FEWEST_OF_EACH:
        raise NotEnoughData(
            f"Training needs at least {FEWEST_OF_EACH} students with and {FEWEST_OF_EACH} without chronic absence "
            f"in the years (or schools) learned from; the smaller group has {fewest}. Ingest more school years."
        )


def _check_learnable(rows: Dataset, prior: Model | None) -> None:
    if prior and prior.feature_names != rows.feature_names:
        differs = _what_differs(list(rows.x.columns), prior.feature_names)
        raise InvalidFeatures(f"The prior was trained on other features. {differs}")
    protected = sorted(set(rows.feature_names) & set(PROTECTED))
    if protected:
        raise InvalidFeatures(f"Protected attributes are audited and never features: {', '.join(protected)}.")
    infinite = [name for name in rows.feature_names if np.isinf(rows.x[name].to_numpy(dtype="float64")).any()]
    if infinite:
        raise InvalidFeatures(f"Infinite values in: {', '.join(infinite)}. A feature is a number or unknown.")


def _what_differs(columns: list[object], expected: tuple[str, ...]) -> str:
    missing = [name for name in expected if name not in columns]
    if missing:
        return f"Features missing: {', '.join(missing)}. A feature that is not known is sent as empty."
    if len(columns) > len(expected):
        return f"{len(columns) - len(expected)} columns too many. Send the model's {len(expected)} features only."
    return "Features are not in the model's order. Select them by the model's feature_names."
