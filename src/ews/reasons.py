"""Reasons: why an estimate is what it is, in sentences a counselor can check against the record.

The model's exact contributions (TreeSHAP) are summed by the catalogue's groups. A group that matters enough
speaks through one of its features: the fact that contributed most in the group's direction and can be told.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from ews.dataset import Dataset
from ews.features import FEATURES, GROUPS, Feature
from ews.features.phrases import Readers, Typical, feature_compared, features_named, is_tellable, sentences
from ews.policy import Policy

FOOTER = "These are patterns the model used, not causes. It does not know about health, family or transport. You do."
MOST_RAISING = 3
MATERIAL = 0.05
"""Log-odds below which a group is no reason: about one point of risk where the risk is a third."""

RAISING = tuple(f"reason_{number}" for number in range(1, MOST_RAISING + 1))
LOWERING = "lowering_reason"
RAISES, LOWERS = ". Raises the estimate.", ". Lowers the estimate."


class Explainable(Protocol):
    """A model whose raw score is a sum of contributions."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns it scores, in order."""

    def contributions(self, x: pd.DataFrame) -> np.ndarray:
        """Shape (rows, features + 1); the last column is the base, rows sum to the raw score."""


@dataclass(frozen=True, eq=False)
class Explanations:
    """One row per student, in the order given.

    Attributes:
        base: the raw score of a student of whom nothing is known, log-odds, shape (rows,).
        raw: the raw score, log-odds, shape (rows,): `base` and all groups together.
        groups: contribution of each group of the catalogue, log-odds, shape (rows, groups).
        sentences: reason_1 to reason_3 raise the estimate, lowering_reason lowers it; "" where there is none.
    """

    base: np.ndarray
    raw: np.ndarray
    groups: pd.DataFrame
    sentences: pd.DataFrame


def explain(
    model: Explainable,
    x: pd.DataFrame,
    grades: pd.Series,
    typical: Typical,
    policy: Policy,
    *,
    last_school_years: pd.Series | None = None,
) -> Explanations:
    """Why the model's estimates are what they are; the same rows always give the same text.

    Args:
        model: the model that was used.
        x: the features, one row per student, the model's columns in order.
        grades: the grade of each row in the target year.
        typical: medians of training rows (`typical_values`), to compare with.
        policy: names the threshold of a chronic year.
        last_school_years: the last known school year of each row, to name it; without it sentences say
            "the last known school year".
    """
    contributions = model.contributions(x)
    entries = [FEATURES[name] for name in model.feature_names]
    groups = _by_group(contributions[:, :-1], entries)
    readers = Readers(
        x.reset_index(drop=True),
        grades.reset_index(drop=True).astype("category"),  # a grade's words and medians are then looked up once
        _years(last_school_years, len(x)),
        typical,
        policy.chronic_percent,
        FEATURES,
    )
    told = _reasons(contributions[:, :-1], groups.to_numpy(), entries, readers)
    for frame in (groups, told):
        frame.index = x.index
    return Explanations(contributions[:, -1], contributions.sum(axis=1), groups, told)


def typical_values(dataset: Dataset) -> dict[str, dict[str, float | None]]:
    """The median of each feature in each grade of the target year; None where no student of the grade has a value."""
    medians = dataset.x.groupby(dataset.frame["grade_level"], sort=True).median()
    known = medians.astype(object).where(medians.notna(), None)
    return {str(name): {str(grade): value for grade, value in known[name].items()} for name in known.columns}


def _years(last_school_years: pd.Series | None, rows: int) -> pd.Series:
    if last_school_years is None:
        return pd.Series(np.full(rows, np.nan))
    return last_school_years.reset_index(drop=True).astype("Float64").astype("float64")


def _by_group(contributions: np.ndarray, entries: list[Feature]) -> pd.DataFrame:
    membership = np.array([[entry.group == group for group in GROUPS] for entry in entries], dtype="float64")
    return pd.DataFrame(contributions @ membership, columns=list(GROUPS))


@dataclass(frozen=True)
class _Telling:
    """One sentence of the catalogue and the features it speaks for, all of one group and direction."""

    entry: Feature
    group: int
    members: tuple[int, ...]
    direction: int


def _tellings(entries: list[Feature]) -> list[_Telling]:
    """The sentences of the model's features, in catalogue order; features with the same phrase speak as one."""
    members: dict[tuple[str, str], list[int]] = {}
    for position, entry in enumerate(entries):
        if entry.phrase:
            members.setdefault((entry.group, entry.phrase), []).append(position)
    return [
        _Telling(
            entries[positions[0]],
            GROUPS.index(group),
            tuple(positions),
            sum({entries[position].direction for position in positions}),
        )
        for (group, _), positions in members.items()
    ]


def _reasons(contributions: np.ndarray, groups: np.ndarray, entries: list[Feature], readers: Readers) -> pd.DataFrame:
    tellings = _tellings(entries)
    tellable = np.column_stack([is_tellable(telling.entry, readers) for telling in tellings])
    told = np.column_stack([contributions[:, telling.members].sum(axis=1) for telling in tellings])
    above = np.column_stack([_above_typical(telling.entry, readers) for telling in tellings])
    up, down = (
        _leads(sign * told, sign * groups, tellings, tellable & _agree(sign, tellings, above)) for sign in (1, -1)
    )
    texts = [_texts(lead, tellings, readers, RAISES) for lead in _ranked(up, groups)]
    lowering = _texts(_ranked(down, -groups)[0], tellings, readers, LOWERS)
    return pd.DataFrame(dict(zip((*RAISING, LOWERING), (*texts, lowering), strict=True)))


def _above_typical(entry: Feature, readers: Readers) -> np.ndarray:
    """By how much what a sentence compares is above its typical value, shape (rows,); NaN where it compares nothing."""
    compared = feature_compared(entry.phrase or "")
    if compared is None:
        return np.full(len(readers.x), np.nan)
    return readers.value(compared) - readers.typical_value(compared)


def _agree(sign: int, tellings: list[_Telling], above: np.ndarray) -> np.ndarray:
    """Whether what a sentence compares with does not speak against it, shape (rows, tellings).

    The estimate starts from the mean student and a sentence compares with the median one: a count between
    the two lowers the estimate and is more than typical. Said to a counselor, that would read as a mistake.
    """
    directions = np.array([sign * telling.direction for telling in tellings], dtype="float64")
    return ~(directions * above < 0)


def _leads(told: np.ndarray, groups: np.ndarray, tellings: list[_Telling], tellable: np.ndarray) -> np.ndarray:
    """The sentence that speaks for each group, shape (rows, groups); -1 where the group is no reason.

    Both the group and what is told of it must matter: a sentence never stands in for what cannot be told.
    """
    usable = np.where(tellable, told, -np.inf)
    leads = np.full(groups.shape, -1)
    for group in {telling.group for telling in tellings}:
        of_group = np.flatnonzero([telling.group == group for telling in tellings])
        strength = usable[:, of_group]
        speaks = (strength.max(axis=1) >= MATERIAL) & (groups[:, group] >= MATERIAL)
        leads[:, group] = np.where(speaks, of_group[strength.argmax(axis=1)], -1)
    return leads


def _ranked(leads: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """The leads of the strongest groups, strongest first, each shape (rows,); equal groups in catalogue order."""
    strength = np.where(leads >= 0, groups, -np.inf)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :MOST_RAISING]
    return list(np.take_along_axis(leads, order, axis=1).T)


def _texts(leads: np.ndarray, tellings: list[_Telling], readers: Readers, direction: str) -> np.ndarray:
    """The sentence of each row's lead, shape (rows,)."""
    texts = np.full(len(leads), "", dtype=object)
    for number in np.unique(leads[leads >= 0]):
        entry, rows = tellings[number].entry, np.flatnonzero(leads == number)
        texts[rows] = sentences(entry, _of(entry, readers).rows(rows)) + direction
    return texts


def _of(entry: Feature, readers: Readers) -> Readers:
    """Only the columns that a sentence reads: to take its rows out of all of them costs more than to write it."""
    names = features_named(entry.phrase or "") | {entry.name}
    return replace(readers, x=readers.x[[name for name in readers.x if name in names]])
