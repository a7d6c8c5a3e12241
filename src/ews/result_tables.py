"""What was measured, as tables that people read: used by the model card and by the report alike.

Nothing of a group that is too small to be told of gets into one.
"""

import numpy as np
import pandas as pd

from ews.document import Table
from ews.evaluation import verdict
from ews.policy import Policy
from ews.privacy import HIDDEN, is_telling
from ews.reliability import EVERYBODY
from ews.school_year import SchoolYear

NO_MEANING = "n/a"
Rows = tuple[tuple[str, ...], ...]

METRIC_NAMES = {
    "auc": "AUC", "average_precision": "average precision", "brier": "Brier", "precision_at_k": "precision at k",
    "recall_at_k": "recall at k", "calibration_in_the_large": "said minus came",
}  # fmt: skip
"""Metrics of a table of results, and their heads."""

AUDIT_NAMES = {
    "recall_at_k": "recall at k", "recall_ratio": "to the best served", "recall_within_schools": "within schools",
    "selection_over_need": "listed over need", "precision_at_k": "precision at k",
    "false_omission_rate": "missed among the unlisted", "calibration_in_the_large": "said minus came",
    "auc": "AUC", "missing_share": "features unknown",
}  # fmt: skip
"""Quantities of the audit that a page shows; its CSV has all of them."""

_PARTS = ("not yet chronic", "already chronic")
_SIGNED = ("calibration_in_the_large",)


def in_a_sentence(differences: pd.DataFrame, group: str = "all") -> str:
    """Whether the model beats last year's rate at the lists' length (FAIR-8): line one of a card and of a report."""
    return verdict(differences, group=group).replace("recall_at_k", METRIC_NAMES["recall_at_k"])


def may_be_told(evaluation: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The evaluation without groups of few students; where one of the two parts of all is small, without both."""
    sizes = evaluation.drop_duplicates("group").set_index("group")
    telling = is_telling(sizes["students"].to_numpy(), sizes["positives"].to_numpy(), policy)
    hidden = set(sizes.index[telling])
    hidden |= set(_PARTS) if hidden & set(_PARTS) else set()
    return evaluation[~evaluation["group"].isin(hidden)]


def result_tables(evaluation: pd.DataFrame, policy: Policy) -> list[Table]:
    """One table a group: a row a method, values with their 95 % intervals."""
    told = may_be_told(evaluation, policy)
    return [_results(name, told[told["group"] == name]) for name in told["group"].unique()]


def difference_tables(differences: pd.DataFrame, evaluation: pd.DataFrame, policy: Policy) -> list[Table]:
    """One table a group: the model minus each other method, on the same resampled schools."""
    return [
        Table(
            f"{name}: LightGBM minus each other method, with 95 % intervals; an interval around 0 shows no difference",
            ("minus", *(METRIC_NAMES[metric] for metric in _SHOWN_DIFFERENCES)),
            _wide(differences[differences["group"] == name], "minus", _SHOWN_DIFFERENCES, signed=_SHOWN_DIFFERENCES),
        )
        for name in may_be_told(evaluation, policy)["group"].unique()
    ]


def audit_tables(told: pd.DataFrame) -> list[Table]:
    """One table a dimension of a published audit: a row a group, hidden groups named and nothing else of them."""
    tables = []
    for dimension, rows in told.groupby("dimension", sort=False):
        counts = rows.drop_duplicates("group").set_index("group")["students"]
        cells = _wide(rows, "group", tuple(AUDIT_NAMES), signed=_SIGNED)
        with_counts = tuple((cell[0], _count(counts[cell[0]]), *cell[1:]) for cell in cells)
        tables.append(Table(_of_dimension(str(dimension)), ("group", "students", *AUDIT_NAMES.values()), with_counts))
    return tables


def proxies_table(told: pd.DataFrame) -> Table:
    """What `ews.proxies.proxies` found: a row an attribute and group."""
    return Table(
        "How well each attribute can be told from the features, in schools not learned from: AUC, 0.5 not at all, 1 "
        "always; and the features whose mixing up lowers it most, with by how much",
        ("attribute", "group", "AUC", "students", "carried by"),
        tuple(
            (
                row.attribute.replace("_", " "),
                row.group,
                f"{row.auc:.2f}",
                f"{row.students:,}",
                row.carried_by.replace("_", " ") or "no single feature",
            )
            for row in told.itertuples()
        ),
    )


def cost_table(cost: pd.DataFrame, evaluation: pd.DataFrame, policy: Policy) -> Table:
    """What `ews.proxies.cost_of_leaving_out` found: a row a group of students that may be told of."""
    return Table(
        "What the lists would gain by the protected attributes: the same trees with them minus without, 95 % "
        "intervals; an interval around 0 shows no gain",
        ("group", *(METRIC_NAMES[metric] for metric in _COSTS)),
        _wide(_may_be_told_of(cost, evaluation, policy), "group", _COSTS, signed=_COSTS),
    )


def cost_sentences(cost: pd.DataFrame, evaluation: pd.DataFrame, policy: Policy) -> list[str]:
    """The same in words, a sentence a group."""
    rows = _may_be_told_of(cost, evaluation, policy)
    shown = rows[rows["metric"].isin(_COSTS)]
    found = []
    for group, of_group in shown.groupby("group", sort=False):
        gains = [METRIC_NAMES[name] for name in of_group.loc[of_group["low"] > 0, "metric"]]
        told = f"cost {' and '.join(gains)}" if gains else "are not shown to cost anything"
        found.append(f"For {group} students the attributes left out {told}.")
    return found


def calibration_facts(table: pd.DataFrame) -> Table:
    """The facts of `ews.reliability.calibration_table`, a row a school year, group and threshold."""
    return Table(
        "Probability said and share that came: difference in points (0 is right), slope (1 is right, below it too "
        "sure) and mean distance over tenths",
        ("school year and group", "threshold", "students", "said", "came", "difference", "slope", "ECE"),
        tuple(
            (
                f"{SchoolYear(int(row.school_year)).label}, {row.group}",
                f"{row.percent} % of days",
                f"{row.students:,}",
                _percent(row.expected),
                _percent(row.observed),
                f"{100 * row.in_the_large:+.1f}",
                _number(row.slope, 2),
                _number(row.ece, 3),
            )
            for row in table.itertuples()
        ),
    )  # fmt: skip


def of_everybody(calibration: pd.DataFrame) -> pd.DataFrame:
    """The rows of all students."""
    return calibration[calibration["group"] == EVERYBODY]


def _may_be_told_of(rows: pd.DataFrame, evaluation: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    return rows[rows["group"].isin(set(may_be_told(evaluation, policy)["group"]))]


_COSTS = ("auc", "average_precision", "recall_at_k")
_SHOWN_DIFFERENCES = ("auc", "average_precision", "brier", "precision_at_k", "recall_at_k")


def _results(group: str, rows: pd.DataFrame) -> Table:
    students, positives = int(rows["students"].iloc[0]), int(rows["positives"].iloc[0])
    return Table(
        f"{group}: {students:,} students, {_percent(positives / students)} chronically absent; 95 % intervals",
        ("method", *METRIC_NAMES.values()),
        _wide(rows, "method", tuple(METRIC_NAMES), signed=_SIGNED),
    )


def _wide(
    rows: pd.DataFrame, by: str, columns: tuple[str, ...], signed: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    """One row of text each value of `by`, in its order; the metric or quantity names the column."""
    what = "metric" if "metric" in rows else "quantity"
    suppressed = rows["suppressed"].to_numpy(dtype=bool) if "suppressed" in rows else np.zeros(len(rows), dtype=bool)
    texts = [
        HIDDEN if hidden else _with_interval(row.value, row.low, row.high, "+" if getattr(row, what) in signed else "")
        for row, hidden in zip(rows.itertuples(), suppressed, strict=True)
    ]
    wide = rows.assign(text=texts).pivot_table(values="text", index=by, columns=what, aggfunc="first", sort=False)
    wide = wide.reindex(columns=list(columns)).fillna(NO_MEANING)
    return tuple((str(name), *cells) for name, cells in zip(wide.index, wide.to_numpy().tolist(), strict=True))


def _with_interval(value: float, low: float, high: float, sign: str) -> str:
    if np.isnan(value):
        return NO_MEANING
    ends = "" if np.isnan(low) else f" ({low:{sign}.3f} to {high:{sign}.3f})"
    return f"{value:{sign}.3f}{ends}"


def _of_dimension(dimension: str) -> str:
    names = {"all": "All students", "school_id": "By school"}
    return names.get(dimension, f"By {dimension.replace('race_ethnicity', 'race/ethnicity').replace('_', ' ')}")


def _count(students: float) -> str:
    return HIDDEN if np.isnan(students) else f"{int(students):,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(value: float, digits: int) -> str:
    return NO_MEANING if np.isnan(value) else f"{value:.{digits}f}"
