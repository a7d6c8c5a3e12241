"""Proxies: how well audited attributes can be told from the features, and what leaving the attributes out costs.

Both are measurements. What is fitted here ends with the figures: it is no `Model`, has no text and no calibration, so
it can neither be bundled nor registered, and training refuses a dataset with a protected attribute by itself (T16).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold

from ews.dataset import Dataset
from ews.evaluation import MODEL, differences
from ews.home import Home, write_atomically
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.subgroups import ATTRIBUTES

FEWEST = 30
"""Students of each kind below which an attribute's AUC says nothing."""

WITH_PROTECTED = "with protected attributes"
_ROUNDS = 100
_CARRIERS = 5
_PERMUTED_ROWS = 2000


@dataclass(frozen=True)
class Choices:
    """How the measuring trees learn; the same with and without the attributes.

    Attributes:
        folds: parts into which schools are dealt.
        rounds: trees.
        seed: of every random choice.
    """

    folds: int = 5
    rounds: int = _ROUNDS
    seed: int = 1


@dataclass(frozen=True, eq=False)
class OfAttributes:
    """What was measured of the protected attributes on the records of one ingest, for the model card.

    Attributes:
        school_year: the target year it was measured on.
        proxies: as `proxies` gives it; None where it was not measured.
        cost: as `cost_of_leaving_out` gives it; None where it was not measured.
    """

    school_year: SchoolYear
    proxies: pd.DataFrame | None
    cost: pd.DataFrame | None


def keep(home: Home, data_id: str, after_day: int, found: OfAttributes) -> None:
    """Keep it in the home, for the cards of all models of these records and this as-of day; what is None is left alone.

    Args:
        home: the home.
        data_id: the ingest's id.
        after_day: instructional days of each target year that were seen.
        found: what was measured.
    """
    folder = _folder(home, data_id, after_day)
    for name, told in (("proxies", found.proxies), ("cost", found.cost)):
        if told is not None:
            of_year = told.assign(school_year=found.school_year.ending)
            write_atomically(folder / f"{name}.csv", of_year.to_csv(index=False))


def kept(home: Home, data_id: str, after_day: int, school_year: SchoolYear) -> OfAttributes:
    """What `keep` kept of the target year."""
    folder = _folder(home, data_id, after_day)
    return OfAttributes(school_year, *(_read(folder / f"{name}.csv", school_year) for name in ("proxies", "cost")))


def proxies(
    dataset: Dataset,
    groups: pd.DataFrame,
    choices: Choices = Choices(),  # frozen, so one for all calls is safe
    progress: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """How well each audited attribute can be told from the features, in schools that were not learned from (FAIR-3).

    Args:
        dataset: rows of one target year; their outcome is not used.
        groups: what `ews.subgroups.groups_of` makes, in the order of the dataset.
        choices: how the measuring trees learn.
        progress: told which attribute is looked at.

    Returns:
        One row an attribute and group (of two groups the one that comes last, of more each against the rest):
        attribute, group, auc (0.5 tells nothing, 1 everything), students, carried_by (the features whose mixing up
        lowers the AUC most, at most five, with by how much). Groups with fewer than 30 students, or all but 30, are
        left out. `students` are those whose attribute is known.
    """
    found = []
    for attribute, group, mask, is_group in _questions(groups):
        progress(f"telling {attribute} from the features")
        rows = dataset.where(mask)
        auc, drops = _told(rows, is_group, choices)
        carriers = ", ".join(f"{name} {drop:.3f}" for name, drop in drops.items() if drop > 0)
        found.append((attribute, group, auc, int(mask.sum()), carriers))
    return pd.DataFrame(found, columns=["attribute", "group", "auc", "students", "carried_by"])


def cost_of_leaving_out(
    learn: Dataset, learn_groups: pd.DataFrame, test: Dataset, test_groups: pd.DataFrame, policy: Policy,
    choices: Choices = Choices(),  # frozen, so one for all calls is safe
) -> pd.DataFrame:  # fmt: skip
    """What the lists would gain by the protected attributes: the same trees with and without them (FAIR-2).

    Args:
        learn: rows of earlier target years with outcomes.
        learn_groups: their groups, in order.
        test: rows of a later target year with outcomes, on which both are measured.
        test_groups: their groups, in order.
        policy: the district's list length.
        choices: how the measuring trees learn.

    Returns:
        Paired differences, with minus without, on the same resampled schools: group, metric, value, low, high.
        A value near 0 means that leaving them out costs nothing.
    """
    codes = pd.concat([learn_groups[_known(learn_groups)], test_groups[_known(learn_groups)]])
    coded = codes.apply(lambda column: pd.Categorical(column).codes).astype("float64").replace(-1.0, np.nan)
    extra, extra_test = coded.iloc[: len(learn_groups)], coded.iloc[len(learn_groups) :]
    predictions = test.frame[["student_id", "school_id", "school_year", "was_chronic"]].reset_index(drop=True)
    predictions["outcome"] = test.y.astype("int8")
    hashes = pd.util.hash_array(predictions["student_id"].to_numpy(dtype=object), categorize=False)
    predictions["tie_key"] = hashes
    without = _fitted(learn.x.to_numpy(), learn.y, choices)
    together = _fitted(np.hstack([learn.x, extra]), learn.y, choices)
    predictions[MODEL] = without.predict_proba(test.x.to_numpy())[:, 1]
    predictions[WITH_PROTECTED] = together.predict_proba(np.hstack([test.x, extra_test]))[:, 1]
    paired = differences(predictions, policy, of=WITH_PROTECTED)
    return paired[["group", "metric", "value", "low", "high"]]


def _folder(home: Home, data_id: str, after_day: int) -> Path:
    return home.evidence / "attributes" / f"{data_id}-day-{after_day}"


def _read(path: Path, school_year: SchoolYear) -> pd.DataFrame | None:
    """A table as it was kept, where it is of that year: "None" may be the name of a group."""
    if not path.exists():
        return None
    told = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"group": "str"})
    told = told.fillna({"carried_by": ""}) if "carried_by" in told else told
    return told.drop(columns="school_year") if (told["school_year"] == school_year.ending).all() else None


def _known(groups: pd.DataFrame) -> list[str]:
    return [name for name in ATTRIBUTES if name in groups]


def _questions(groups: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Attribute, group, the rows whose attribute is known, and which of those are of the group."""
    for attribute in _known(groups):
        mask = groups[attribute].notna().to_numpy()
        known = groups.loc[mask, attribute]
        names = sorted(known.unique())
        for group in names[1:] if len(names) == 2 else names:
            is_group = (known == group).to_numpy()
            if min(is_group.sum(), (~is_group).sum()) >= FEWEST:
                yield attribute, str(group), mask, is_group


def _told(rows: Dataset, is_group: np.ndarray, choices: Choices) -> tuple[float, pd.Series]:
    """Out-of-school AUC, and by how much that of the first schools held out falls when a feature is mixed up."""
    x, school = rows.x.to_numpy(), pd.factorize(rows.frame["school_id"])[0]
    scores, falls = np.full(len(x), np.nan), None
    for learn, test in _folds(school, choices):
        if min(is_group[learn].sum(), (~is_group[learn]).sum()) == 0:
            continue
        fitted = _fitted(x[learn], is_group[learn], choices)
        scores[test] = fitted.predict_proba(x[test])[:, 1]
        falls = _falls(fitted, x[test], is_group[test], choices) if falls is None else falls
    known = ~np.isnan(scores)
    drops = (
        pd.Series(falls, index=rows.x.columns, dtype="float64").fillna(0.0).sort_values(ascending=False, kind="stable")
    )
    return float(roc_auc_score(is_group[known], scores[known])), drops.head(_CARRIERS)


def _folds(school: np.ndarray, choices: Choices) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Whole schools are held out; students where there is one school."""
    schools = int(school.max()) + 1
    if schools == 1:
        return KFold(choices.folds, shuffle=True, random_state=choices.seed).split(school)
    return GroupKFold(min(choices.folds, schools)).split(school, groups=school)


def _falls(fitted: "_Trees", x: np.ndarray, is_group: np.ndarray, choices: Choices) -> np.ndarray:
    """Permutation importances of the features that were used; 0 of the others, and where one kind only is there."""
    falls = np.zeros(x.shape[1])
    if 0 < is_group.sum() < len(is_group):
        some = np.random.default_rng(choices.seed).permutation(len(x))[:_PERMUTED_ROWS]
        if 0 < is_group[some].sum() < len(some):
            mixed = permutation_importance(
                fitted.trees, x[np.ix_(some, fitted.used)], is_group[some], scoring="roc_auc", n_repeats=1,
                random_state=choices.seed,
            )  # fmt: skip
            falls[fitted.used] = mixed.importances_mean
    return falls


@dataclass(frozen=True, eq=False)
class _Trees:
    """scikit-learn's trees and the columns they look at: those with at least two known values."""

    trees: HistGradientBoostingClassifier
    used: np.ndarray

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return self.trees.predict_proba(x[:, self.used])


def _fitted(x: np.ndarray, y: np.ndarray, choices: Choices) -> _Trees:
    low, high = (edge(np.where(np.isnan(x), other, x), axis=0) for edge, other in ((np.min, np.inf), (np.max, -np.inf)))
    used = np.flatnonzero(low < high)
    trees = HistGradientBoostingClassifier(
        max_iter=choices.rounds, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=40, l2_regularization=5.0,
        early_stopping=False, random_state=choices.seed,
    )  # fmt: skip
    return _Trees(trees.fit(x[:, used], y), used)
