"""Tuning: which parameters would have made the better lists of earlier years. The only home of optuna.

Each trial learns as of an inner year, predicts it, and goes on to the next: rolling origin, so no trial sees the
outcome of a later year, and none sees the target year or what the final back-test is measured on. A trial that falls
behind the others after an inner year is stopped there. The defaults are the first trial, so what is found is at least
as good on the inner years; whether it is better by enough to matter, the years outside tell.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import optuna
import pandas as pd
from sklearn.metrics import average_precision_score

from ews.dataset import Dataset
from ews.errors import NotEnoughData
from ews.model import Parameters, raw_scores_by
from ews.policy import Policy

INNER_YEARS = 2
"""Target years that a trial is judged on, the last ones: each needs one before it to learn from."""

GROUP = "not yet chronic"
"""Whose average precision is raised: the students for whom the lists exist."""

NEAR_ENOUGH = 0.002
"""A gain in average precision below which the defaults stay: it is within what chance does between two trainings."""

FIRST_TRIALS = 8
"""Trials that are drawn at random, and never stopped early: there is nothing yet to learn from."""

Fold = tuple[Dataset, Dataset]
"""Rows learned from, and the rows of one later target year."""


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        parameters: those of the best trial; the defaults where nothing was better.
        trials: one row a trial: trial, state (complete or stopped), value (mean average precision of the inner years;
            of those seen where it was stopped), and one column a parameter.
        inner_years: the target years trials were judged on.
        inner_gain: average precision gained there over the first trial; chosen by it, so it flatters.
        outer_year: the last target year, which no trial saw.
        outer_gain: average precision gained there, an honest figure with the noise of one year.
    """

    parameters: Parameters
    trials: pd.DataFrame
    inner_years: tuple[int, ...]
    inner_gain: float
    outer_year: int
    outer_gain: float


def tune(
    dataset: Dataset,
    policy: Policy,
    *,
    trials: int = 40,
    start: Parameters | None = None,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Search parameters on rolling origin over all target years of a dataset but the last, which judges the result.

    Args:
        dataset: rows of three or more target years with outcomes.
        policy: says where the line is.
        trials: the whole budget.
        start: parameters of the first trial, within the ranges searched; the defaults where none are given.
        seed: of the search; the same rows, budget and seed find the same parameters.
        progress: told of each trial.

    Raises:
        NotEnoughData: fewer than three target years, or a year nobody can be judged on.
    """
    first, folds = start or Parameters(), list(_folds(dataset.labelled()))
    if len(folds) < 2:
        raise NotEnoughData(
            "Tuning needs three target years with known outcomes: one to learn from, one to choose by, and one that "
            "judges what was chosen. Ingest earlier school years, or train with the defaults."
        )
    outer, inner = folds[0], folds[1:]
    study = _study(seed)
    study.enqueue_trial({name: value for name, value in asdict(first).items() if name in _SEARCHED})

    def judge(trial: optuna.Trial) -> float:
        return _judged(trial, replace(first, **_suggested(trial)), inner, policy)

    for number in range(trials):
        study.optimize(judge, n_trials=1)
        progress(_told(study, number, trials))
    best = replace(first, **_as_given(study.best_params))
    progress("judging what was chosen on the year left out")
    return Tuned(
        parameters=best,
        trials=_frame(study),
        inner_years=tuple(_year(test) for _, test in inner),
        inner_gain=study.best_value - float(study.trials[0].value or 0.0),
        outer_year=_year(outer[1]),
        outer_gain=_value(outer, best, policy) - _value(outer, first, policy),
    )


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    """The searched part of `Parameters`."""
    return _as_given({name: suggest(trial, name) for name, suggest in _SEARCHED.items()})


def _whole(low: int, high: int) -> Callable[[optuna.Trial, str], object]:
    return lambda trial, name: trial.suggest_int(name, low, high, log=True)


def _number(low: float, high: float, *, log: bool = True) -> Callable[[optuna.Trial, str], object]:
    return lambda trial, name: trial.suggest_float(name, low, high, log=log)


_SEARCHED: dict[str, Callable[[optuna.Trial, str], object]] = {
    "rounds": _whole(20, 1200),
    "learning_rate": _number(0.01, 0.1),
    "leaves": _whole(4, 31),
    "min_rows_in_leaf": _whole(20, 300),
    "l2": _number(1.0, 100.0),
    "feature_share": _number(0.2, 1.0, log=False),
    "row_share": _number(0.5, 1.0, log=False),
    "random_cuts": lambda trial, name: trial.suggest_categorical(name, [True, False]),
    "half_life_years": _number(0.25, 8.0),
    "recent_share": _number(0.0, 0.6, log=False),
    "recent_half_life_years": _number(0.15, 1.0),
}


def _as_given(found: dict[str, Any]) -> dict[str, Any]:
    """Values as a person would write them: three significant digits are finer than any difference seen."""
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in found.items()}


def _folds(rows: Dataset) -> Iterator[Fold]:
    """Rows learned from and rows judged on, one target year at a time, the latest first."""
    years = rows.frame["school_year"].to_numpy()
    for year in np.unique(years)[1:][-INNER_YEARS - 1 :][::-1]:
        yield rows.where(years < year), rows.where(years == year)


def _judged(trial: optuna.Trial, parameters: Parameters, folds: list[Fold], policy: Policy) -> float:
    values: list[float] = []
    for step, fold in enumerate(folds):
        values.append(_value(fold, parameters, policy))
        trial.report(float(np.mean(values)), step)
        if step + 1 < len(folds) and trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(values))


def _value(fold: Fold, parameters: Parameters, policy: Policy) -> float:
    """Average precision of `GROUP` in the year judged on."""
    learn, test = fold
    asked = (test.frame["was_chronic"] == False).fillna(False).to_numpy(dtype=bool)  # noqa: E712  # unknown is neither
    if len(np.unique(test.y[asked])) < 2:
        raise NotEnoughData(
            f"Nobody, or everybody, of the {GROUP} became so in {_year(test)}: trials cannot be told apart. "
            "Train with the defaults."
        )
    return float(average_precision_score(test.y[asked], raw_scores_by(learn, test, parameters, policy)[asked]))


def _year(rows: Dataset) -> int:
    return int(rows.frame["school_year"].iloc[0])


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(logging.ERROR)  # progress is told by us
    return optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=FIRST_TRIALS),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST_TRIALS),
    )


def _frame(study: optuna.Study) -> pd.DataFrame:
    states = {optuna.trial.TrialState.COMPLETE: "complete", optuna.trial.TrialState.PRUNED: "stopped"}
    return pd.DataFrame(
        [
            {"trial": trial.number, "state": states[trial.state], "value": trial.value, **_as_given(trial.params)}
            for trial in study.trials
        ]
    )


def _told(study: optuna.Study, number: int, trials: int) -> str:
    first = study.trials[0].value or 0.0
    gain = study.best_value - first
    return f"trial {number + 1} of {trials}: best {study.best_value:.4f}, {gain:+.4f} against the first"
