"""Phrases: how a feature's value becomes a sentence a counselor reads.

The grammar, small enough to review as a table:

- ``{name}`` is the student's own value of a feature, written by its unit: a share as a number out of 100,
  days and counts whole, other numbers with one decimal;
- ``{name:# day;# days}`` chooses by the number written, one and more; with three choices none, one and more;
  ``#`` is the number;
- ``{grade}``, ``{year}`` and ``{chronic_percent}`` are the student's grade, the last known school year, and
  the district's threshold; ``{typical:name}`` is the median of that grade in training;
- ``[ …]`` is left out where something in it is not known;
- ``|`` separates ways of saying it: the first of which everything is known is used.

No sentence is written where nothing is known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from string import Formatter

import numpy as np
import pandas as pd

from ews.features.catalogue import Feature
from ews.school_year import SchoolYear
from ews.tables import GRADES

Typical = Mapping[str, Mapping[str, float | None]]
"""Feature to grade to the median in training."""

GRADE_WORDS = {
    "PK": "pre-kindergarten",
    "KG": "kindergarten",
    **{grade: f"grade {int(grade)}" for grade in GRADES if grade.isdecimal()},
}
UNKNOWN_YEAR = "the last known school year"
_PARTS = re.compile(r"\[([^\]]*)\]|([^\[\]]+)")
_OPTIONAL = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Readers:
    """What phrases are filled with: one row per student.

    Attributes:
        x: the features.
        grades: the grade of each row, as in `ews.tables.GRADES`.
        last_school_years: the last known school year of each row as a number, missing where unknown.
        typical: medians of training rows.
        chronic_percent: the district's threshold.
        features: the catalogue.
    """

    x: pd.DataFrame
    grades: pd.Series
    last_school_years: pd.Series
    typical: Typical
    chronic_percent: int
    features: Mapping[str, Feature]

    def rows(self, positions: np.ndarray) -> "Readers":
        """Some of the rows."""
        return Readers(
            self.x.iloc[positions],
            self.grades.iloc[positions],
            self.last_school_years.iloc[positions],
            self.typical,
            self.chronic_percent,
            self.features,
        )

    @cached_property
    def grade_words(self) -> np.ndarray:
        """Each row's grade in words, shape (rows,)."""
        return self.grades.map(GRADE_WORDS).to_numpy(dtype=object)

    @cached_property
    def year_words(self) -> np.ndarray:
        """Each row's last known school year in words, shape (rows,)."""
        labels = {year: SchoolYear(int(year)).label for year in self.last_school_years.dropna().unique()}
        return self.last_school_years.map(labels).astype(object).fillna(UNKNOWN_YEAR).to_numpy(dtype=object)

    def value(self, name: str) -> np.ndarray:
        """A feature of each row, shape (rows,), NaN where unknown or not among the model's features."""
        if name not in self.x:
            return np.full(len(self.x), np.nan)
        return self.x[name].to_numpy(dtype="float64")

    def typical_value(self, name: str) -> np.ndarray:
        """The median of each row's grade, shape (rows,), NaN where unknown."""
        return self.grades.map(dict(self.typical.get(name, {}))).astype("float64").to_numpy()


def sentences(feature: Feature, readers: Readers) -> np.ndarray:
    """What is said of a feature, one text per row, shape (rows,), without the full stop; "" where nothing can be."""
    texts = np.full(len(readers.x), "", dtype=object)
    waiting = _is_told(feature, readers)
    for way in _ways(feature):
        now = np.flatnonzero(waiting & _is_known(way, feature, readers))
        texts[now] = _written(way, readers.rows(now))
        waiting[now] = False
    return texts


def is_tellable(feature: Feature, readers: Readers) -> np.ndarray:
    """Whether a feature has a sentence, per row, shape (rows,), without writing it."""
    known = [_is_known(way, feature, readers) for way in _ways(feature)]
    return np.logical_or.reduce([*known, np.zeros(len(readers.x), dtype=bool)]) & _is_told(feature, readers)


def features_named(phrase: str) -> set[str]:
    """The features whose values or typical values a phrase writes."""
    names = {spec if name == "typical" else name for name, spec in _fields(phrase)}
    return names - {"grade", "year", "chronic_percent"}


def feature_compared(phrase: str) -> str | None:
    """The feature that a phrase sets beside its typical value; None where it compares nothing."""
    return next((spec for name, spec in _fields(phrase) if name == "typical"), None)


def _ways(feature: Feature) -> list[str]:
    return feature.phrase.split("|") if feature.phrase else []


def _is_told(feature: Feature, readers: Readers) -> np.ndarray:
    """A flag is told only where it is true."""
    if feature.unit != "flag":
        return np.ones(len(readers.x), dtype=bool)
    return readers.value(feature.name) == 1


def _is_known(way: str, feature: Feature, readers: Readers) -> np.ndarray:
    """Whether all that a way of saying it needs is known: the feature itself, and what is written of it."""
    written = features_named(_OPTIONAL.sub("", way))
    required = sorted({feature.name, *written} if written else written)
    return np.logical_and.reduce(
        [np.ones(len(readers.x), dtype=bool), *(~np.isnan(readers.value(n)) for n in required)]
    )


def _written(way: str, readers: Readers) -> np.ndarray:
    """One text per row; a part in brackets is left out where something in it is not known."""
    texts = np.full(len(readers.x), "", dtype=object)
    for optional, required in _PARTS.findall(way):
        part, known = _filled(optional or required, readers)
        texts = texts + (np.where(known, part, "") if optional else part)
    return texts


def _filled(part: str, readers: Readers) -> tuple[np.ndarray, np.ndarray]:
    """One text per row, and whether all of it is known."""
    texts, known = np.full(len(readers.x), "", dtype=object), np.ones(len(readers.x), dtype=bool)
    for literal, name, spec, _ in Formatter().parse(part):
        texts = texts + literal
        if name is not None:
            words, words_known = _words(name, spec or "", readers)
            texts, known = texts + words, known & words_known
    return texts, known


def _words(name: str, spec: str, readers: Readers) -> tuple[np.ndarray, np.ndarray]:
    always = np.ones(len(readers.x), dtype=bool)
    if name == "grade":
        return readers.grade_words, always
    if name == "year":
        return readers.year_words, always
    if name == "chronic_percent":
        return np.full(len(readers.x), str(readers.chronic_percent), dtype=object), always
    if name == "typical":
        return _numbers(readers.typical_value(spec), readers.features[spec].unit)
    numbers, known = _numbers(readers.value(name), readers.features[name].unit)
    return (_chosen(numbers, spec) if spec else numbers), known


def _numbers(values: np.ndarray, unit: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers as people write them, halves upward, and whether they are known."""
    known = ~np.isnan(values)
    steps = 10 if unit == "number" else 1
    scaled = np.where(known, values, 0) * (100 if unit == "share" else 1)
    rounded = np.floor(scaled * steps + 0.5) / steps
    return pd.Series(rounded).map(_plain).to_numpy(dtype=object), known


@lru_cache(maxsize=4096)
def _plain(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _chosen(numbers: np.ndarray, spec: str) -> np.ndarray:
    """The wording for none, one or more, with the number in the place of `#`."""
    *zero, one, many = spec.split(";")
    wordings = {number: {"0": zero[0] if zero else many, "1": one}.get(number, many) for number in set(numbers)}
    return pd.Series(numbers, dtype=object).map({n: w.replace("#", n) for n, w in wordings.items()}).to_numpy(object)


def _fields(phrase: str) -> Iterator[tuple[str, str]]:
    return ((name, spec or "") for _, name, spec, _ in Formatter().parse(phrase) if name is not None)
