"""What may be told of groups: nothing of a few students, and nothing from which a few could be worked out.

A published table gives away its hidden cells wherever they are a sum or difference of what is shown: the total minus
the other groups, a school's row minus its other half. So a hidden cell takes others with it, until none can be
worked out from all the tables together.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, hstack

from ews.policy import Policy

UNKNOWN = "not known"
"""The group of those whose attribute is not recorded; a group as any other, since the groups add up to all."""

HIDDEN = "hidden"
"""Shown in a cell's place. One word for every reason: which cell is the small one is not told either."""

FEWEST_OF_EACH = 3
"""Students with, and without, the outcome below which a share tells (nearly) everybody's, or two of each other."""

ROUNDED_TO = 5
"""What counts for the public are rounded to, everywhere the same."""

MOST_REDACTED = 7
"""Counts up to this are not told to the public at all."""

_ALMOST_NOTHING = 1e-9
_WORKED_OUT = 1e-4
"""Share of a cell's squared length that what is shown leaves open, below which it counts as worked out."""

_TAKES_PART = 1e-6
"""Share with which a shown cell takes part in working out a hidden one, below which it is rounding."""

_TRIES = 30


def is_telling(students: np.ndarray, positives: np.ndarray, policy: Policy) -> np.ndarray:
    """Whether a cell by itself tells too much: fewer than `min_n` students, or (nearly) all or none with the outcome.

    Args:
        students: how many are in each cell, shape (cells,).
        positives: how many of them have the outcome, shape (cells,).
        policy: its `min_n`.
    """
    return (students < policy.min_n) | (np.minimum(positives, students - positives) < FEWEST_OF_EACH)


def cells(
    groups: pd.DataFrame, outcome: np.ndarray | None, policy: Policy, tables: Sequence[tuple[str, ...]]
) -> pd.DataFrame:
    """The cells of tables that are published together with the total of all rows, and which of them are hidden.

    Args:
        groups: one row a student, one column a dimension, values text, null = not known.
        outcome: 0 or 1, shape (rows,); None where nothing is told of the students themselves, so that only their number
            decides.
        policy: its `min_n`.
        tables: the dimensions of each table: one for a plain table, two for a two-way one.

    Returns:
        One row a cell, in the order of `tables` and then alphabetical, since an order by size would tell the size:
        dimension, group, students, positives, suppressed. Two-way cells in which nobody is are there, and hidden.
    """
    known = groups.astype("object").fillna(UNKNOWN)
    told = np.zeros(len(known)) if outcome is None else outcome
    every = pd.concat([_of_table(known, told, table) for table in tables], ignore_index=True)
    students = every["students"].to_numpy()
    is_few = students < policy.min_n
    telling = is_few if outcome is None else is_telling(students, every["positives"].to_numpy(), policy)
    every["suppressed"] = _with_partners(_gram(known, tables), telling, every)
    return every


def group_of(groups: pd.DataFrame, table: tuple[str, ...]) -> pd.Series:
    """The cell of each row in one table, as text: `Asian`, or `Asian, yes` in a two-way table."""
    known = groups[list(table)].astype("object").fillna(UNKNOWN).astype(str)
    first, *others = (known[name] for name in table)
    return first.str.cat(others, sep=", ") if others else first


def name_of(table: tuple[str, ...]) -> str:
    """A table's dimension in words: `gender`, or `race_ethnicity x disability`."""
    return " x ".join(table)


def without_hidden(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The same rows with nothing in `columns` where `suppressed`: what may leave the home."""
    shown = rows.copy()
    for name in columns:
        shown[name] = shown[name].mask(shown["suppressed"].to_numpy(dtype=bool))
    return shown


def rounded(counts: np.ndarray) -> np.ndarray:
    """Counts as the public may see them: to the nearest five, and NaN up to seven; float64, same shape.

    One student more or less leaves a rounded count as it is or moves it by five, so two publications that differ by one
    student do not tell who that is.
    """
    known = np.asarray(counts, dtype="float64")
    return np.where(known > MOST_REDACTED, np.floor(known / ROUNDED_TO + 0.5) * ROUNDED_TO, np.nan)


def rounded_share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A share of two rounded counts; NaN where it would say all or none, or one of them is not told."""
    share = np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
    return np.where((share > 0) & (share < 1), share, np.nan)


def _of_table(known: pd.DataFrame, outcome: np.ndarray, table: tuple[str, ...]) -> pd.DataFrame:
    every = _every_group(known, table)
    group = pd.Categorical(group_of(known, table), categories=every)
    counts = pd.DataFrame({"group": group, "positives": outcome}).groupby("group", observed=False)["positives"]
    return pd.DataFrame(
        {
            "dimension": name_of(table),
            "group": every,
            "students": counts.size().to_numpy(dtype="int64"),
            "positives": counts.sum().to_numpy().astype("int64"),
        }
    )


def _every_group(known: pd.DataFrame, table: tuple[str, ...]) -> list[str]:
    return [", ".join(parts) for parts in product(*(sorted(map(str, known[name].unique())) for name in table))]


def _gram(known: pd.DataFrame, tables: Sequence[tuple[str, ...]]) -> np.ndarray:
    """How cells overlap, shape (cells + 1, cells + 1), each scaled to length 1; the last one is the total.

    A two-way cell in which nobody is gets one imagined student: that nobody is there is not known to a reader.
    """
    kinds = pd.concat([known.drop_duplicates(), *(_imagined(known, table) for table in tables)], ignore_index=True)
    members = hstack([*(_members(kinds, known, table) for table in tables), np.ones((len(kinds), 1))]).tocsc()
    gram = (members.T @ members).toarray()
    length = np.sqrt(gram.diagonal())
    return gram / np.outer(length, length)


def _imagined(known: pd.DataFrame, table: tuple[str, ...]) -> pd.DataFrame:
    columns = list(table)
    all_cells = pd.MultiIndex.from_product([sorted(map(str, known[name].unique())) for name in table], names=columns)
    nobody = all_cells.difference(pd.MultiIndex.from_frame(known[columns].astype(str).drop_duplicates()))
    rows = known.iloc[[0] * len(nobody)].reset_index(drop=True)
    rows[columns] = nobody.to_frame(index=False)[columns].astype("object")
    return rows


def _members(kinds: pd.DataFrame, known: pd.DataFrame, table: tuple[str, ...]) -> csr_array:
    every = _every_group(known, table)
    place = pd.Categorical(group_of(kinds, table), categories=every).codes
    return csr_array((np.ones(len(kinds)), (np.arange(len(kinds)), place)), shape=(len(kinds), len(every)))


def _with_partners(gram: np.ndarray, telling: np.ndarray, every: pd.DataFrame) -> np.ndarray:
    """The hidden cells, shape (cells,): the telling ones, and as many as it takes to keep every hidden one unknown."""
    hidden = np.append(telling, False)
    order = np.argsort(every["students"].to_numpy(), kind="stable")
    dimension = every["dimension"].to_numpy()
    while len(exposed := _exposed(gram, hidden)):
        takes_part = _taking_part(gram, hidden, exposed[0])
        tellers = [cell for cell in order if takes_part[cell]]
        if not tellers:
            break
        beside = [cell for cell in tellers if dimension[cell] == dimension[exposed[0]]]
        hidden[_partner(gram, hidden, beside or tellers, len(exposed))] = True
    return hidden[:-1]


def _partner(gram: np.ndarray, hidden: np.ndarray, candidates: list[int], exposed: int) -> int:
    """The smallest cell that, hidden too, leaves fewer exposed; the smallest of all where none of the first does."""
    for cell in candidates[:_TRIES]:
        tried = hidden.copy()
        tried[cell] = True
        if len(_exposed(gram, tried)) < exposed:
            return cell
    return candidates[0]


def _exposed(gram: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Hidden cells that are a sum or difference of shown ones and the total: numbers of cells."""
    unseen = np.flatnonzero(hidden)
    if not len(unseen):
        return unseen
    across = gram[np.ix_(np.flatnonzero(~hidden), unseen)]
    left_open = 1 - (across * _told(gram, hidden, unseen)).sum(axis=0)
    return unseen[left_open < _WORKED_OUT]


def _taking_part(gram: np.ndarray, hidden: np.ndarray, exposed: int) -> np.ndarray:
    """Whether each cell is shown and needed to work out the exposed one, shape (cells,).

    Only these can be its partners: of a thousand schools hardly any are in the sums that give one of them away.
    """
    needed = np.zeros(len(hidden), dtype=bool)
    needed[~hidden] = np.abs(_told(gram, hidden, np.array([exposed]))[:, 0]) > _TAKES_PART
    return needed[:-1]


def _told(gram: np.ndarray, hidden: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """How much of each shown cell goes into the nearest sum to each unseen one, shape (shown, unseen)."""
    shown = np.flatnonzero(~hidden)
    among = gram[np.ix_(shown, shown)] + _ALMOST_NOTHING * np.eye(len(shown))
    return cho_solve(cho_factor(among), gram[np.ix_(shown, unseen)])
