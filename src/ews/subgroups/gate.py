"""The gate: which findings of an audit keep a model from going in force, and which a named person must sign for.

A gap blocks where it is large, shown beyond chance, and the lists' own doing. Where the lists only pass on what slots
or missing records bring with them, or where the students are few, a person looks at it and signs.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

import pandas as pd

from ews.privacy import name_of
from ews.subgroups.audit import ALL, FEWEST_POSITIVES
from ews.subgroups.groups import ATTRIBUTES, TWO_WAY

LEAST_RATIO = 0.80
MOST_OFF = 0.05

_NOT_JUDGED = ("mentored",)
"""A mentor changes the outcome: fewer chronically absent students among the mentored is the aim, not a defect."""

_PAIRS = tuple(name_of(pair) for pair in TWO_WAY)
_NOT_COMPARED = ("school_id", *_PAIRS)
"""Of schools and pairs no comparison with the best-served one: each school lists the same share of its students, and
what holds for a pair was said of its parts, unless it is worse served within the schools."""

_SIGNED_FOR = {
    "school_id": "one school in one year; slots are the same share of every school, whatever its need",
    "grade_band": "slots are the same share of every school, whatever its need",
    "short_history": "the records tell little of these students before the school year starts",
    "moved_or_new": "the records tell little of these students before the school year starts",
}
"""Circumstances that make a gap by themselves: a finding there never blocks, and a person signs for it."""


@dataclass(frozen=True)
class Finding:
    """One thing the audit found that somebody must mend or sign for.

    Attributes:
        dimension: the audited dimension.
        group: the group within it; empty where the whole dimension is meant.
        quantity: what was measured; `not audited` where nothing could be.
        value: of the quantity; None where the group is too small to be told of.
        low: lower end of the 95 % interval, or None.
        high: upper end, or None.
        positives: chronically absent students of the group, or None.
        blocks: whether the model may not go in force; otherwise a named person signs.
        text: the same in a sentence.
    """

    dimension: str
    group: str
    quantity: str
    value: float | None
    low: float | None
    high: float | None
    positives: int | None
    blocks: bool
    text: str


def gate(audited: pd.DataFrame) -> list[Finding]:
    """What keeps a model from going in force, or needs a signature.

    A group with at least 30 chronically absent students blocks when

    - the lists reach these less than 0.80 times as often as others of the same schools, the interval wholly below 1;
    - or its probabilities are off by more than 5 points, the interval wholly on that side of 0.

    Where the probabilities of all students are off by more than 5 points, that is one finding, and groups are judged
    by how far they are from all: a level that is wrong for everybody is mended first, by recalibration.

    A named person signs for: the same of fewer students, or not beyond chance; a school, a grade band, short histories
    and moves; and a group that the lists reach less than 0.80 times as often as the best-served group of its
    dimension, interval wholly below 1, though no less often than others of the same schools.

    Args:
        audited: what `audit` returned, with the values of suppressed groups.

    Returns:
        Blocking findings first; of suppressed groups no number is told. Attributes that were not audited because no
        demographics are there are findings to sign for, too.
    """
    few = audited["positives"] < FEWEST_POSITIVES
    judged = audited[~audited["dimension"].isin(_NOT_JUDGED) & ~(audited["dimension"].isin(_PAIRS) & few)]
    groups = [
        _Group(dimension, name, rows.set_index("quantity"))
        for (dimension, name), rows in judged.groupby(["dimension", "group"], sort=False)
    ]
    everybody = next((float(group.rows.loc[_OFF, "value"]) for group in groups if group.dimension == ALL), 0.0)
    level = everybody if abs(everybody) > MOST_OFF else 0.0
    found = [finding for group in groups for finding in _of_group(group, level)]
    return [*sorted(found, key=lambda finding: not finding.blocks), *_not_audited(audited)]


def findings_frame(findings: list[Finding]) -> pd.DataFrame:
    """One row a finding, with the fields of `Finding` as columns."""
    return pd.DataFrame([asdict(finding) for finding in findings], columns=[field.name for field in fields(Finding)])


@dataclass(frozen=True, eq=False)
class _Group:
    """One group's rows of the audit, by quantity."""

    dimension: str
    name: str
    rows: pd.DataFrame

    @property
    def positives(self) -> int:
        return int(self.rows["positives"].iloc[0])

    @property
    def is_large(self) -> bool:
        return self.positives >= FEWEST_POSITIVES

    @property
    def can_block(self) -> bool:
        return self.is_large and self.dimension not in _SIGNED_FOR

    def finding(self, quantity: str, blocks: bool, what: str, why_signed: str) -> Finding:
        """A finding with its numbers, or without any where the group is suppressed."""
        row = self.rows.loc[quantity]
        hidden = bool(row["suppressed"])
        numbers = dict.fromkeys(("value", "low", "high")) if hidden else _rounded(row)
        end = "This blocks." if blocks else f"To be signed for: {why_signed}."
        return Finding(
            dimension=self.dimension,
            group=self.name,
            quantity=quantity,
            positives=None if hidden else self.positives,
            blocks=blocks,
            text=f"{self.dimension}, {self.name}: {_WITHOUT_NUMBERS[quantity] if hidden else what}. {end}",
            **numbers,
        )


_RATIO, _WITHIN, _OFF = "recall_ratio", "recall_within_schools", "calibration_in_the_large"
_WITHOUT_NUMBERS = {
    _RATIO: "the lists reach its chronically absent students less often than those of the best-served group",
    _WITHIN: "the lists reach its chronically absent students less often than others of the same schools",
    _OFF: "its probabilities are off",
}


def _of_group(group: _Group, level: float) -> Iterator[Finding]:
    yield from _of_recall(group)
    than_all = level if group.dimension != ALL else 0.0
    off = group.rows.loc[_OFF, ["value", "low", "high"]].astype("float64") - than_all
    if abs(off["value"]) > MOST_OFF:
        shown = bool(off["low"] > 0 or off["high"] < 0)
        numbers = f"{_points(off['value'])} points ({_points(off['low'])} to {_points(off['high'])})"
        what = f"its probabilities are off by {numbers}{' more than those of all' if than_all else ''}"
        yield group.finding(_OFF, group.can_block and shown, what, _why(group, shown))


def _of_recall(group: _Group) -> Iterator[Finding]:
    within, ratio = group.rows.loc[_WITHIN], group.rows.loc[_RATIO]
    if _is_low(within, group):
        shown = bool(within["high"] < 1)
        what = (
            f"the lists reach its chronically absent students {_times(within)} as often as others of the same schools"
        )
        yield group.finding(_WITHIN, group.can_block and shown, what, _why(group, shown))
    elif group.dimension not in _NOT_COMPARED and _is_low(ratio, group):
        what = f"the lists reach its chronically absent students {_times(ratio)} as often as the best-served group's"
        yield group.finding(_RATIO, False, what, _why(group, group.is_large, _AS_OFTEN_IN_SCHOOLS))


def _is_low(row: pd.Series, group: _Group) -> bool:
    """Below 0.80 and shown below 1; of few students the interval shows little, so the value alone."""
    return bool(row["value"] < LEAST_RATIO and (row["high"] < 1 or not group.is_large))


_AS_OFTEN_IN_SCHOOLS = "not less often than others of the same schools, so slots or need differ rather than the ranking"


def _why(group: _Group, shown: bool, otherwise: str = "") -> str:
    """Why a finding does not block."""
    if not group.is_large:
        return f"fewer than {FEWEST_POSITIVES} chronically absent students"
    if group.dimension in _SIGNED_FOR:
        return _SIGNED_FOR[group.dimension]
    return otherwise if shown else "not shown beyond chance"


def _not_audited(audited: pd.DataFrame) -> list[Finding]:
    missing = [name for name in ATTRIBUTES if name not in set(audited["dimension"])]
    if not missing:
        return []
    names = ", ".join(missing)
    text = (
        f"Could not be audited, since the records do not tell: {names}. To be signed for: nobody knows how they fare."
    )
    return [Finding(names, "", "not audited", None, None, None, None, False, text)]


def _rounded(row: pd.Series) -> dict[str, float | None]:
    return {name: round(float(row[name]), 4) if pd.notna(row[name]) else None for name in ("value", "low", "high")}


def _times(row: pd.Series) -> str:
    return f"{row['value']:.2f} times ({row['low']:.2f} to {row['high']:.2f})"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
