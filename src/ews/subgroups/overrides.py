"""What people decided otherwise, group by group (M09): a round's students put in or out, and words on the lists.

Whoever edits a list usually knows more than it does. But where one group is put out clearly more often than the rest,
somebody should look at the reasons. Counts and rates are told with the audit's groups, and hidden as there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ews import privacy
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.subgroups.groups import tables_of

ALL = "all"


@dataclass(frozen=True)
class Act:
    """One thing that people do to a list.

    Attributes:
        of: the column of those it can be done to.
        text: what was done, as a heading.
        puts_out: whether it keeps a student from what the list proposed.
    """

    of: str
    text: str
    puts_out: bool = False


OF_ROUNDS: Mapping[str, Act] = MappingProxyType(
    {
        "proposed": Act("pool", "proposed by the rule"),
        "removed": Act("proposed", "taken off by people", puts_out=True),
        "added": Act("others", "put on by people"),
        "passed_over": Act("reserve", "next in line, passed over by people", puts_out=True),
    }
)
"""What becomes of the students of confirmed rounds; of the proposed, of all others of the pool, of the next in line."""

OF_LISTS: Mapping[str, Act] = MappingProxyType(
    {
        "put_on": Act("listed", "should be on the list, said by people"),
        "taken_off": Act("listed", "should not be on it, said by people", puts_out=True),
    }
)
"""What people who know more said of a student's place on a list."""

_TOLD = ["count", "of", "rate", "low", "high", "more", "more_low", "more_high", "students"]
COLUMNS = ["dimension", "group", "quantity", *_TOLD, "suppressed"]


def overrides(
    rows: pd.DataFrame, groups: pd.DataFrame, acts: Mapping[str, Act], policy: Policy, hidden_by: str | None = None
) -> pd.DataFrame:
    """How often people decided otherwise, of each group.

    Args:
        rows: one row a student (of a round); a bool column for each act and for each `Act.of`.
        groups: one column a dimension, in the order of `rows`, as `ews.subgroups.attributes_for` makes it.
        acts: what is counted.
        policy: its `min_n` hides small groups, and rates of fewer.
        hidden_by: the column of a fact that is told of the students, as who was proposed: groups of which it would tell
            (nearly) all or none are hidden as well. None: only the number of students decides.

    Returns:
        One row a dimension, group and quantity: dimension (the first is `all`), group, quantity, count, of (to how
        many it could be done), rate with its 95 % interval (Wilson's; null where `of` is less than `min_n`), more (the
        rate less that of all other students, with Newcombe's interval; null without others), students, suppressed.
        Values are there for hidden groups too, which are judged as well: what is shown goes through `shown` first.

    Raises:
        NotEnoughData: no rows.
    """
    if rows.empty:
        raise NotEnoughData("Nobody was in a confirmed round or on a list, so there is nothing to count.")
    known = groups.reset_index(drop=True).assign(all=ALL)
    tables = [(ALL,), *tables_of(known, list(groups))]
    outcome = rows[hidden_by].to_numpy(dtype="float64") if hidden_by else None
    cells = privacy.cells(known[[ALL, *groups]], outcome, policy, tables).drop(columns="positives")
    acted = rows.reset_index(drop=True)
    found = [_of_table(acted, privacy.group_of(known, table), cells, table, acts) for table in tables]
    return _with_rates(pd.concat(found, ignore_index=True), policy)[COLUMNS]


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """The same as it may leave the home: nothing of a hidden group but its name."""
    return privacy.without_hidden(found, _TOLD)


def reasons(judged: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What people said they knew, counted over all students.

    Args:
        judged: category and adds (bool) of each word of theirs.
        policy: its `min_n` hides what few were said to be.

    Returns:
        dimension (category, or adds: `yes` or `no`), group, students, suppressed; no rows where nothing was said.
    """
    if judged.empty:
        return pd.DataFrame(columns=["dimension", "group", "students", "suppressed"])
    kinds = judged[["category", "adds"]].assign(adds=judged["adds"].map({True: "yes", False: "no"}))
    told = privacy.cells(kinds, None, policy, [("category",), ("adds",)])
    return privacy.without_hidden(told.drop(columns="positives"), ["students"])


def warnings(found: pd.DataFrame, acts: Mapping[str, Act]) -> list[str]:
    """A sentence for each group that is put out clearly more often than the rest; of hidden ones without numbers.

    Clearly: the whole 95 % interval of the difference lies above 0. Schools are not compared: teams differ.
    """
    out = [name for name, act in acts.items() if act.puts_out]
    stands_out = found[found["quantity"].isin(out) & (found["more_low"] > 0) & (found["dimension"] != "school_id")]
    return [_warning(row, acts[str(row["quantity"])]) for row in stands_out.to_dict("records")]


def all_of_one_group(found: pd.DataFrame) -> list[str]:
    """A sentence where everybody whom the rule proposed is of one group, though others are in the pool (M10)."""
    proposed = found[(found["quantity"] == "proposed") & ~found["dimension"].isin((ALL, "school_id"))]
    every = found[(found["dimension"] == ALL) & (found["quantity"] == "proposed")]
    total, pool = (int(every[name].sum()) for name in ("count", "of"))
    alone = proposed[(proposed["count"] == total) & (proposed["of"] < pool)] if total >= _ALL_ONE else proposed.head(0)
    return [
        f"{row.dimension}, {row.group}: all {total:,} students whom the rule proposed are of this group. "
        "Look at the rule."
        for row in alone.itertuples()
    ]


_ALL_ONE = 4
"""From so many slots on it is told when all of them go to one group; of fewer it says little."""


def _of_table(
    rows: pd.DataFrame, group: pd.Series, cells: pd.DataFrame, table: tuple[str, ...], acts: Mapping[str, Act]
) -> pd.DataFrame:
    """The counts of each act in each cell of a table; also of cells in which nobody is, since these are hidden."""
    here = cells[cells["dimension"] == privacy.name_of(table)]
    parts = []
    for name, act in acts.items():
        could = rows[act.of].to_numpy(dtype="int64")
        done = rows[name].to_numpy(dtype="int64") * could
        counts = pd.DataFrame({"count": done, "of": could}).groupby(group.to_numpy()).sum()
        of_cells = counts.reindex(here["group"], fill_value=0).reset_index(drop=True)
        of_acts = pd.concat([here.reset_index(drop=True), of_cells], axis=1)
        parts.append(of_acts.assign(quantity=name, all_done=done.sum(), all_could=could.sum()))
    return pd.concat(parts, ignore_index=True)


def _with_rates(counted: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    count, of = counted["count"].to_numpy(dtype="float64"), counted["of"].to_numpy(dtype="float64")
    rates = dict(zip(("rate", "low", "high"), _wilson(count, np.maximum(of, 1.0)), strict=True))
    told = {name: np.where(of >= policy.min_n, values, np.nan) for name, values in rates.items()}
    more = _more(count, of, counted["all_done"].to_numpy() - count, counted["all_could"].to_numpy() - of)
    return counted.assign(**told, **more)


def _more(count: np.ndarray, of: np.ndarray, others: np.ndarray, of_others: np.ndarray) -> dict[str, np.ndarray]:
    """The rate of each group less that of all others, with Newcombe's interval; NaN where one of them is nobody."""
    has_both = (of > 0) & (of_others > 0)
    here, low, high = _wilson(count, np.where(has_both, of, 1.0))
    there, low_there, high_there = _wilson(others, np.where(has_both, of_others, 1.0))
    below, above = np.hypot(here - low, high_there - there), np.hypot(high - here, there - low_there)
    values = {"more": here - there, "more_low": here - there - below, "more_high": here - there + above}
    return {name: np.where(has_both, value, np.nan) for name, value in values.items()}


def _wilson(count: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rate, and the ends of its 95 % interval."""
    done = np.minimum(count, of)
    low, high = proportion_confint(done, of, method="wilson")
    return done / of, np.maximum(low, 0.0), np.minimum(high, 1.0)


def _warning(row: Mapping[str, object], act: Act) -> str:
    who = f"{row['dimension']}, {row['group']}"
    if row["suppressed"]:
        return f"{who}: {act.text} clearly more often than the rest. The group is too small to be told of in numbers."
    more, low, high = (100 * float(str(row[name])) for name in ("more", "more_low", "more_high"))
    return (
        f"{who}: {act.text} {row['count']:,} of {row['of']:,} times, {more:.0f} points more often than the rest "
        f"({low:.0f} to {high:.0f}). Look at the reasons."
    )


def words_of(row: Mapping[str, object]) -> str:
    """A count with its rate as it reads in a table: `3 of 41: 7 % (3 to 19)`."""
    if row["suppressed"]:
        return privacy.HIDDEN
    told = f"{row['count']:,.0f} of {row['of']:,.0f}"
    rate, low, high = (100 * float(str(row[name])) for name in ("rate", "low", "high"))
    return told if np.isnan(rate) else f"{told}: {rate:.0f} % ({low:.0f} to {high:.0f})"


def grid(found: pd.DataFrame, acts: Mapping[str, Act]) -> Sequence[tuple[str, ...]]:
    """The rows of one dimension for a table: group, students, and each act in words."""
    rows = shown(found).to_dict("records")
    by_group: dict[str, list[str]] = {}
    for row in rows:
        students = privacy.HIDDEN if row["suppressed"] else f"{row['students']:,.0f}"
        by_group.setdefault(str(row["group"]), [students]).append(words_of(row))
    return [(group, *cells) for group, cells in by_group.items() if len(cells) == len(acts) + 1]
