"""One student's estimate with its reasons, in the time of the model's own contributions.

:func:`ews.reasons.explain` explains a hundred thousand students column by column; for one student, the columns would
cost a hundred times the model. Here the phrases are taken apart once a model, and one student is told with plain
numbers. Both say the same: a test holds them equal, sentence by sentence.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

import numpy as np

from ews.errors import InvalidFeatures
from ews.features import FEATURES, GROUPS, Feature
from ews.features.phrases import GRADE_WORDS, UNKNOWN_YEAR, Typical, feature_compared, features_named
from ews.model import Model
from ews.policy import Policy
from ews.reasons import LOWERS, MATERIAL, MOST_RAISING, RAISES
from ews.school_year import SchoolYear

_PARTS = re.compile(r"\[([^\]]*)\]|([^\[\]]+)")
_OPTIONAL = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Explained:
    """One student.

    Attributes:
        base: the raw score of a student of whom nothing is known, log-odds.
        raw: the raw score, log-odds: `base` and all groups together.
        probabilities: of missing at least each percent of the days, by percent in two digits.
        groups: contribution of each group of the catalogue, log-odds.
        reasons: at most three sentences that raise the estimate, strongest first.
        lowering: the sentence that lowers it most; empty where none does.
    """

    base: float
    raw: float
    probabilities: dict[str, float]
    groups: dict[str, float]
    reasons: list[str]
    lowering: str


_Pieces = tuple[tuple[str, str | None, str], ...]
"""Literal text, then the name in braces after it (None: there is none) and what stands behind its colon."""


@dataclass(frozen=True)
class _Way:
    """One way of saying a phrase: the features it needs, and its parts, of which the optional may be left out."""

    needs: tuple[str, ...]
    parts: tuple[tuple[bool, _Pieces], ...]


@dataclass(frozen=True)
class _Telling:
    """One phrase and the features it speaks for, all of one group; `compared` is what it sets beside the typical."""

    entry: Feature
    group: int
    members: tuple[int, ...]
    direction: int
    compared: str | None
    ways: tuple[_Way, ...]


@dataclass(frozen=True)
class _Student:
    """What a phrase is filled with; a value that is not known is left out of `values`."""

    values: Mapping[str, float]
    grade: str
    last_school_year: int | None


@dataclass(frozen=True)
class Explainer:
    """A model, ready to explain one student after the other.

    Attributes:
        model: scores and gives contributions.
        typical: medians of training rows, to compare with.
        policy: names the threshold of a chronic year.
    """

    model: Model
    typical: Typical
    policy: Policy

    def explain(self, values: Mapping[str, float | None], grade: str, last_school_year: int | None) -> Explained:
        """Explain one student.

        Args:
            values: every feature of the model by name, and no other; None is unknown.
            grade: in the target year, as in `ews.tables.GRADES`.
            last_school_year: the last known school year, to name it; None: it is not named.

        Raises:
            InvalidFeatures: another set of features, or a value no record can give.
        """
        row = self._row(values)
        contributions = self.model.booster.predict(row[None, :], pred_contrib=True, num_threads=1)[0]
        groups = contributions[:-1] @ self._membership
        known = {name: value for name, value in values.items() if value is not None}
        student = _Student(known, grade, last_school_year)
        raised, lowering = self._sentences(contributions.tolist(), groups.tolist(), student)
        raw = float(contributions.sum())
        return Explained(
            base=float(contributions[-1]),
            raw=raw,
            probabilities=self._probabilities(raw),
            groups=dict(zip(GROUPS, groups.tolist(), strict=True)),
            reasons=raised,
            lowering=lowering,
        )

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.model.feature_names

    @cached_property
    def _percents(self) -> tuple[str, ...]:
        return tuple(f"{percent:02d}" for percent in self.model.calibrator.percents)

    @cached_property
    def _membership(self) -> np.ndarray:
        return np.array([[FEATURES[name].group == group for group in GROUPS] for name in self._names], dtype="float64")

    @cached_property
    def _may_be_negative(self) -> np.ndarray:
        return np.array([FEATURES[name].unit == "number" for name in self._names])

    @cached_property
    def _tellings(self) -> tuple[_Telling, ...]:
        """In catalogue order; features with the same phrase speak as one."""
        members: dict[tuple[str, str], list[int]] = {}
        for position, name in enumerate(self._names):
            entry = FEATURES[name]
            if entry.phrase:
                members.setdefault((entry.group, entry.phrase), []).append(position)
        return tuple(self._telling(phrase, positions) for (_, phrase), positions in members.items())

    def _telling(self, phrase: str, positions: list[int]) -> _Telling:
        entries = [FEATURES[self._names[position]] for position in positions]
        return _Telling(
            entries[0],
            GROUPS.index(entries[0].group),
            tuple(positions),
            sum({entry.direction for entry in entries}),
            feature_compared(phrase),
            tuple(_way(words, entries[0].name) for words in phrase.split("|")),
        )

    def _row(self, values: Mapping[str, float | None]) -> np.ndarray:
        try:
            told = [values[name] for name in self._names]
        except KeyError as error:
            raise InvalidFeatures(f"Features missing: {error.args[0]}. A feature not known is sent as empty.") from None
        if len(values) != len(told):
            raise InvalidFeatures(f"{len(values) - len(told)} names are no feature of the model.")
        row = np.array(told, dtype="float64")  # None becomes NaN
        self._refuse("Infinite values", np.isinf(row))
        self._refuse("Values below 0, which no record gives,", (row < 0) & ~self._may_be_negative)
        return row

    def _refuse(self, what: str, where: np.ndarray) -> None:
        if where.any():
            names = ", ".join(self._names[position] for position in np.flatnonzero(where))
            raise InvalidFeatures(f"{what} in: {names}. Leave a value empty where it is not known.")

    def _probabilities(self, raw: float) -> dict[str, float]:
        chances = self.model.calibrator.probabilities(np.array([raw]))[0].tolist()
        return dict(zip(self._percents, chances, strict=True))

    def _sentences(self, contributions: list[float], groups: list[float], student: _Student) -> tuple[list[str], str]:
        tellable = [telling for telling in self._tellings if _is_tellable(telling, student)]
        told = [sum(contributions[position] for position in telling.members) for telling in tellable]
        up = self._strongest(1, tellable, told, groups, student)
        down = self._strongest(-1, tellable, told, groups, student)[:1]
        raised = [self._sentence(telling, student) + RAISES for telling in up]
        return raised, "".join(self._sentence(telling, student) + LOWERS for telling in down)

    def _strongest(
        self, sign: int, tellable: list[_Telling], told: list[float], groups: list[float], student: _Student
    ) -> list[_Telling]:
        """The phrases that speak for the groups that matter most in one direction, strongest group first."""
        leads: dict[int, tuple[float, _Telling]] = {}
        for telling, amount in zip(tellable, told, strict=True):
            enough = sign * amount >= MATERIAL and sign * groups[telling.group] >= MATERIAL
            if enough and self._agrees(sign * telling.direction, telling, student):
                lead = leads.get(telling.group)
                if lead is None or sign * amount > lead[0]:
                    leads[telling.group] = (sign * amount, telling)
        order = sorted(leads, key=lambda group: (-sign * groups[group], group))
        return [leads[group][1] for group in order[:MOST_RAISING]]

    def _agrees(self, direction: int, telling: _Telling, student: _Student) -> bool:
        """Whether what a sentence compares with does not speak against it (see `ews.reasons`)."""
        if telling.compared is None:
            return True
        value, typical = student.values.get(telling.compared), self._typical(telling.compared, student)
        return value is None or typical is None or not direction * (value - typical) < 0

    def _typical(self, name: str, student: _Student) -> float | None:
        return self.typical.get(name, {}).get(student.grade)

    def _sentence(self, telling: _Telling, student: _Student) -> str:
        """The first way of saying it of which everything is known."""
        way = next(way for way in telling.ways if _is_known(way, student))
        return "".join(self._part(is_optional, pieces, student) for is_optional, pieces in way.parts)

    def _part(self, is_optional: bool, pieces: _Pieces, student: _Student) -> str:
        words = [self._words(name, spec, student) if name is not None else "" for _, name, spec in pieces]
        if is_optional and None in words:
            return ""
        return "".join(literal + (word or "") for (literal, _, _), word in zip(pieces, words, strict=True))

    def _words(self, name: str, spec: str, student: _Student) -> str | None:
        """What stands in the place of a name in braces; None: it is not known."""
        if name == "grade":
            return GRADE_WORDS[student.grade]
        if name == "year":
            return UNKNOWN_YEAR if student.last_school_year is None else SchoolYear(student.last_school_year).label
        if name == "chronic_percent":
            return str(self.policy.chronic_percent)
        value = self._typical(spec, student) if name == "typical" else student.values.get(name)
        if value is None:
            return None
        number = _written(value, FEATURES[spec if name == "typical" else name].unit)
        return _chosen(number, spec) if spec and name != "typical" else number


def _way(words: str, name: str) -> _Way:
    written = features_named(_OPTIONAL.sub("", words))
    needs = tuple(sorted({name, *written})) if written else ()
    parts = tuple((bool(optional), _pieces(optional or required)) for optional, required in _PARTS.findall(words))
    return _Way(needs, parts)


def _pieces(part: str) -> _Pieces:
    return tuple((literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(part))


def _is_tellable(telling: _Telling, student: _Student) -> bool:
    """A flag is told only where it is true, and nothing where what a sentence needs is not known."""
    if telling.entry.unit == "flag" and student.values.get(telling.entry.name) != 1:
        return False
    return any(_is_known(way, student) for way in telling.ways)


def _is_known(way: _Way, student: _Student) -> bool:
    return all(name in student.values for name in way.needs)


def _written(value: float, unit: str) -> str:
    """A number as people write it, halves upward."""
    steps = 10 if unit == "number" else 1
    scaled = value * (100 if unit == "share" else 1)
    rounded = math.floor(scaled * steps + 0.5) / steps
    return f"{rounded:.1f}".removesuffix(".0")


def _chosen(number: str, spec: str) -> str:
    """The wording for none, one or more, with the number in the place of `#`."""
    *zero, one, many = spec.split(";")
    return {"0": zero[0] if zero else many, "1": one}.get(number, many).replace("#", number)
