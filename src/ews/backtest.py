"""What would have been: predict years whose outcome is known from the years before them, or schools from other schools.

Every prediction is made by a model that had seen neither the student's outcome of that year nor any later one,
and beside it stand the baselines, fitted on the same rows.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import pandas as pd

from ews.baselines import BASELINES
from ews.dataset import Dataset
from ews.errors import NotEnoughData
from ews.evaluation import MODEL
from ews.model import Model, Parameters, fit
from ews.policy import Policy
from ews.reliability import probability_column, reached_column
from ews.treatment import TREATED

Split = Literal["school-years", "schools", "auto"]
METHODS = (MODEL, *BASELINES)

_ABOUT = ["student_id", "school_id", "school_year", "grade_level", "was_chronic"]


def backtest(
    dataset: Dataset,
    parameters: Parameters,
    policy: Policy,
    *,
    split: Split = "auto",
    folds: int = 5,
    seed: int = 1,
    only_last: bool = False,
    prior: Model | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Out-of-time (or out-of-school) predictions of the model and every baseline.

    Args:
        dataset: rows of the target years with outcomes; rows whose outcome is unknown are left out.
        parameters: how the booster learns.
        policy: the district's thresholds; its `treated_students` says what is learned from students with a mentor,
            who are predicted like everybody.
        split: `school-years` learns from earlier target years; `schools` predicts each target year's schools from
            the other schools of that year; `auto` takes school years where at least two target years ask the same
            question (as many years ahead), else schools.
        folds: parts into which schools are dealt.
        seed: of the dealing and of the tie keys.
        only_last: predict the last target year only.
        prior: a model of other districts that learning goes on from; it had not seen a year that is predicted.
        progress: told what is being predicted.

    Returns:
        One row per student and target year predicted: student_id, school_id, school_year, grade_level, was_chronic
        (null = no known last year), was_mentored in the target year (null = not recorded), outcome (0 or 1), tie_key,
        the probability by each of `METHODS`, and of each
        threshold of the policy the model's `probability_08` … and `outcome_reaches_08` … (0 or 1).

    Raises:
        NotEnoughData: no target year can be predicted that way.
    """
    rows = dataset.labelled()
    parts = []
    for year, learn, test in splits(rows, split, folds=folds, seed=seed, only_last=only_last):
        progress(f"predicting {int(test.sum()):,} students of {year}")
        parts.append(_predicted(rows.where(learn).to_learn_from(policy), rows.where(test), parameters, policy, prior))
    if not parts:
        raise NotEnoughData(
            "A back-test by school years needs two target years with known outcomes. "
            "Ingest one more school year, or test across schools with: --split schools"
        )
    return pd.concat(parts, ignore_index=True).assign(tie_key=lambda all_rows: _hashes(all_rows["student_id"], seed))


def chosen_split(dataset: Dataset, split: Split) -> Literal["school-years", "schools"]:
    """What `auto` means for these rows."""
    if split != "auto":
        return split
    gaps = dataset.frame["school_year"] - dataset.frame["last_school_year"]
    typical = gaps.groupby(dataset.frame["school_year"]).median().dropna()
    return "school-years" if len(typical) > 1 and typical.min() == typical.max() else "schools"


def splits(
    dataset: Dataset, split: Split, *, folds: int = 5, seed: int = 1, only_last: bool = False
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """What is learned from and what is predicted, one pair at a time.

    Yields:
        The target year predicted, and masks (learn from, predict), each of shape (rows,). By school years every
        row learned from is of an earlier target year; by schools it is of the same year and another school.
    """
    years = dataset.frame["school_year"].to_numpy()
    by_years = chosen_split(dataset, split) == "school-years"
    predictable = np.unique(years)[1:] if by_years else np.unique(years)
    fold = np.zeros(len(years), dtype=int) if by_years else school_folds(dataset, folds, seed)
    for year in predictable[-1:] if only_last else predictable:
        for number in np.unique(fold[years == year]):
            test = (years == year) & (fold == number)
            yield int(year), years < year if by_years else (years == year) & (fold != number), test


def school_folds(dataset: Dataset, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, shape (rows,): whole schools, dealt by a hash of their id; students where one school is.

    The same schools and seed give the same folds, whatever the order of the rows.
    """
    several = len(dataset.frame["school_id"].unique()) > 1
    unit = dataset.frame["school_id" if several else "student_id"]
    distinct = pd.Series(unit.unique())
    dealt = distinct.iloc[np.argsort(_hashes(distinct, seed), kind="stable")]
    place = pd.Series(np.arange(len(dealt)) % folds, index=dealt.to_numpy())
    return unit.map(place).to_numpy()


def _predicted(
    known: Dataset, unseen: Dataset, parameters: Parameters, policy: Policy, prior: Model | None
) -> pd.DataFrame:
    about = [*_ABOUT, *({TREATED} & set(unseen.frame.columns))]
    frame = unseen.frame[about].reset_index(drop=True)
    frame["outcome"] = np.asarray(unseen.y, dtype="int8")
    probabilities = fit(known, parameters, policy, prior=prior).probabilities(unseen.x).reset_index(drop=True)
    frame[MODEL] = probabilities[probability_column(policy.chronic_percent)]
    for name, fit_baseline in BASELINES.items():
        frame[name] = fit_baseline(known)(unseen)
    reached = unseen.frame[[reached_column(percent) for percent in policy.threshold_percents]].astype("int8")
    return pd.concat([frame, probabilities, reached.reset_index(drop=True)], axis=1)


def _hashes(ids: pd.Series, seed: int) -> np.ndarray:
    return pd.util.hash_array(ids.to_numpy(dtype=object), hash_key=f"{seed % 10**16:016d}", categorize=False)
