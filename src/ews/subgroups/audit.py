"""The audit's table: every quantity of every group, at the lists' own cut, with intervals.

The cut is the operational one: each school's slots go to the first of all its students, and a group's recall is the
share of its chronically absent students who were among them. Intervals come from resampling whole schools; within
one school, where nothing can be learned that way, from resampling parts of its students.
"""

import numpy as np
import pandas as pd

from ews import privacy
from ews.errors import NotEnoughData
from ews.evaluation import MODEL, clusters_of, interval, is_listed, resampled
from ews.policy import Policy
from ews.subgroups.groups import KEYS, MISSING_SHARE, tables_of
from ews.subgroups.quantities import Measured, bins, point_values, quantities

QUANTITIES = (
    "recall_at_k", "recall_ratio", "recall_within_schools", "fnr", "false_omission_rate", "precision_at_k",
    "selection_over_need", "calibration_in_the_large", "calibration_slope", "ece", "auc", "average_precision",
    "missing_share", "mentored_share",
)  # fmt: skip
"""Explained in docs/audit.md. `recall_ratio` is to the best-served group of the dimension; `recall_within_schools`
is to what the group would have if each school listed all its chronically absent students alike."""

FEWEST_POSITIVES = 30
"""Chronically absent students from which a group can be the measure of others, and from which the gate blocks."""

ALL = "all"
COLUMNS = ["dimension", "group", "quantity", "value", "low", "high", "students", "positives", "suppressed"]
_TOLD = ["value", "low", "high", "students", "positives"]
_PARTS_OF_A_SCHOOL = 40
_RELIABILITY_BINS = 5


def audit(
    predictions: pd.DataFrame,
    groups: pd.DataFrame,
    policy: Policy,
    *,
    method: str = MODEL,
    replicates: int = 400,
    seed: int = 1,
) -> pd.DataFrame:
    """How well each group was served by the lists of a later school year.

    Args:
        predictions: what a back-test predicted: one row a student and target year, with outcome, tie_key and a
            column of probabilities a method.
        groups: what `groups_of` makes, with a row for each of them.
        policy: its `slots_percent` is the list length of each school, its `min_n` hides small groups.
        method: whose probabilities.
        replicates: resamples of the schools.
        seed: of the resampling.

    Returns:
        One row a dimension, group and quantity: dimension, group, quantity, value, low, high (a 95 % interval),
        students, positives (chronically absent), suppressed. The first dimension is `all`. Dimensions with a single
        group are left out. Values are there for suppressed groups too, since the gate judges them as well:
        whatever is shown or kept goes through `published` first.

    Raises:
        NotEnoughData: no rows.
    """
    rows, tables = _rows(predictions, groups, policy, method)
    outcome = rows["outcome"].to_numpy(dtype="float64")
    dimensions = list(dict.fromkeys(name for table in tables for name in table))
    cells = privacy.cells(rows[dimensions], outcome, policy, tables)
    by_school = _measured(rows, clusters_of(rows), replicates, seed)
    in_schools = _measured(rows, _parts_of_schools(rows), replicates, seed)
    found = [_of_table(in_schools if "school_id" in table else by_school, rows, table, cells) for table in tables]
    return pd.concat(found, ignore_index=True)[COLUMNS]


def published(audited: pd.DataFrame) -> pd.DataFrame:
    """The audit as it may leave the home: nothing of a suppressed group but its name."""
    return privacy.without_hidden(audited, _TOLD)


def for_the_public(
    predictions: pd.DataFrame, groups: pd.DataFrame, policy: Policy, *, method: str = MODEL
) -> pd.DataFrame:
    """Whom the lists reached, as it may be put on a web page: counts rounded to five, shares of rounded counts.

    Arguments are those of `audit`.

    Returns:
        One row a dimension and group that is not hidden: dimension, group, students, chronically_absent, listed,
        listed_and_absent (counts; null up to seven), share_absent, recall_at_k and precision_at_k (null where a count
        is not told, or where it would say all or none).
    """
    rows, tables = _rows(predictions, groups, policy, method)
    dimensions = list(dict.fromkeys(name for table in tables for name in table))
    cells = privacy.cells(rows[dimensions], rows["outcome"].to_numpy(dtype="float64"), policy, tables)
    counts = pd.concat([_counts(rows, table) for table in tables], ignore_index=True)
    told = cells.loc[~cells["suppressed"], ["dimension", "group"]].merge(counts, on=["dimension", "group"])
    columns = told.columns[2:]
    told[columns] = privacy.rounded(told[columns].to_numpy())
    students, absent, listed, both = (told[name].to_numpy() for name in columns)
    return told.assign(
        share_absent=privacy.rounded_share(absent, students),
        recall_at_k=privacy.rounded_share(both, absent),
        precision_at_k=privacy.rounded_share(both, listed),
    )


def reliability(
    predictions: pd.DataFrame, groups: pd.DataFrame, policy: Policy, *, method: str = MODEL
) -> pd.DataFrame:
    """Mean probability and observed share over fifths of each group, for plots; groups too small for that are left out.

    Arguments are those of `audit`.

    Returns:
        dimension, group, fifth (1 the lowest probabilities), expected, observed, students. Of suppressed groups, and
        of those with fewer than five times `min_n` students, nothing.
    """
    rows, tables = _rows(predictions, groups, policy, method)
    dimensions = list(dict.fromkeys(name for table in tables for name in table))
    cells = privacy.cells(rows[dimensions], rows["outcome"].to_numpy(dtype="float64"), policy, tables)
    large = cells[~cells["suppressed"] & (cells["students"] >= _RELIABILITY_BINS * policy.min_n)]
    every = pd.concat([_fifths(rows, table) for table in tables], ignore_index=True)
    return every.merge(large[["dimension", "group"]], on=["dimension", "group"])


def _rows(
    predictions: pd.DataFrame, groups: pd.DataFrame, policy: Policy, method: str
) -> tuple[pd.DataFrame, list[tuple[str, ...]]]:
    """Predictions with their groups, lists and `all`, and the tables that have more than one group."""
    if predictions.empty:
        raise NotEnoughData("There are no predictions with a known outcome to audit.")
    about = predictions[[*KEYS, "outcome", "tie_key"]].assign(probability=predictions[method].to_numpy(dtype="float64"))
    rows = about.merge(groups, on=KEYS, how="left", validate="one_to_one").assign(all=ALL)
    rows["school_id"] = predictions["school_id"].to_numpy()
    school = rows.groupby(["school_id", "school_year"]).ngroup().to_numpy()
    scores, tie_key = rows["probability"].to_numpy(), rows["tie_key"].to_numpy()
    rows["listed"] = is_listed(scores, tie_key, school, policy).astype("float64")
    needs = pd.DataFrame({"hits": rows["listed"] * rows["outcome"], "outcome": rows["outcome"]}).groupby(school)
    sums = needs.transform("sum")
    rows["school_recall"] = np.divide(sums["hits"], sums["outcome"].where(sums["outcome"] > 0)).fillna(0.0)
    return rows, [(ALL,), *tables_of(rows, [name for name in groups if name not in (*KEYS, MISSING_SHARE)])]


def _measured(rows: pd.DataFrame, cluster: np.ndarray, replicates: int, seed: int) -> Measured:
    others = {MISSING_SHARE: rows[MISSING_SHARE].to_numpy(dtype="float64")}
    if "mentored" in rows:
        others["mentored_share"] = (rows["mentored"] == "yes").to_numpy(dtype="float64")
    return Measured(
        outcome=rows["outcome"].to_numpy(dtype="float64"),
        probability=rows["probability"].to_numpy(),
        listed=rows["listed"].to_numpy(),
        school_recall=rows["school_recall"].to_numpy(dtype="float64"),
        others=others,
        cluster=cluster,
        weights=resampled(int(cluster.max()) + 1, replicates, seed),
    )


def _parts_of_schools(rows: pd.DataFrame) -> np.ndarray:
    """Random parts of about equal size in which each school's students are, shape (rows,)."""
    order = rows.groupby("school_id")["tie_key"].rank(method="first").astype(int)
    return (order % _PARTS_OF_A_SCHOOL).to_numpy()


def _of_table(measured: Measured, rows: pd.DataFrame, table: tuple[str, ...], cells: pd.DataFrame) -> pd.DataFrame:
    here = cells[cells["dimension"] == privacy.name_of(table)].reset_index(drop=True)
    group = privacy.group_of(rows, table)
    place = pd.Categorical(group, categories=here["group"]).codes.astype(int)
    found = quantities(measured, place, len(here))
    found["recall_ratio"] = _to_the_best_served(found["recall_at_k"], here)
    points = point_values(measured, group).reindex(here["group"])
    parts = [_tidy(here, name, found[name], points.get(name)) for name in QUANTITIES if name in found]
    order = pd.concat(parts).sort_index(kind="stable")
    return order.reset_index(drop=True)


def _tidy(cells: pd.DataFrame, name: str, values: np.ndarray, points: pd.Series | None) -> pd.DataFrame:
    """A quantity of every cell; where fairlearn gives it, the value is fairlearn's."""
    ends = pd.DataFrame([interval(column) for column in values.T])
    if points is not None:
        ends["value"] = points.to_numpy()
    return pd.concat([cells, ends], axis=1).assign(quantity=name)


def _to_the_best_served(recall: np.ndarray, cells: pd.DataFrame) -> np.ndarray:
    """Recall over that of the best-served group: a shown, known one with enough chronically absent students."""
    fit = (~cells["suppressed"] & (cells["group"] != privacy.UNKNOWN)).to_numpy()
    enough = fit & (cells["positives"] >= FEWEST_POSITIVES).to_numpy()
    candidates = np.flatnonzero(enough if enough.any() else fit)
    if not len(candidates):
        return np.full_like(recall, np.nan)
    best = recall[:, [candidates[np.argmax(recall[0, candidates])]]]
    return np.divide(recall, best, out=np.full_like(recall, np.nan), where=best > 0)


def _counts(rows: pd.DataFrame, table: tuple[str, ...]) -> pd.DataFrame:
    about = pd.DataFrame(
        {
            "group": privacy.group_of(rows, table).to_numpy(),
            "students": 1.0,
            "chronically_absent": rows["outcome"].to_numpy(dtype="float64"),
            "listed": rows["listed"].to_numpy(),
            "listed_and_absent": rows["listed"].to_numpy() * rows["outcome"].to_numpy(dtype="float64"),
        }
    )
    sums = about.groupby("group", as_index=False).sum()
    return sums.assign(dimension=privacy.name_of(table))


def _fifths(rows: pd.DataFrame, table: tuple[str, ...]) -> pd.DataFrame:
    group = privacy.group_of(rows, table)
    fifth = bins(rows["probability"].to_numpy(), pd.factorize(group)[0], _RELIABILITY_BINS) + 1
    parts = rows.assign(group=group.to_numpy(), fifth=fifth).groupby(["group", "fifth"], as_index=False)
    means = parts.agg(expected=("probability", "mean"), observed=("outcome", "mean"), students=("outcome", "size"))
    return means.assign(dimension=privacy.name_of(table))[
        ["dimension", "group", "fifth", "expected", "observed", "students"]
    ]
