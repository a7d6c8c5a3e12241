"""Rows of a scoring run, and estimates made live, as the schemas of the answers."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ews.reasons import Explanations
from ews_serve.schemas import Estimate, FeatureRow, ListedStudent, Run

Row = Mapping[str, Any]

PROBABILITY = "probability_"
CONTRIBUTION = "contribution_"
REASONS = ("reason_1", "reason_2", "reason_3")
LOWERING = "lowering_reason"

_SAME = (
    "rank", "student_id", "grade_level", "risk", "lane", "band_last_year", "last_school_year",
    "days_absent_last_year", "days_enrolled_last_year",
)  # fmt: skip
_NOT_FEATURES = frozenset({"student_id", "school_id", "base", "raw_score", LOWERING, *REASONS})


def run_of(provenance: Row) -> Run:
    """Where the answer comes from."""
    return Run(**{name: provenance[name] for name in Run.model_fields})


def listed_student(row: Row) -> ListedStudent:
    """One line of a list; a number that is not known is null."""
    return ListedStudent(
        **{name: _known(row[name]) for name in _SAME},
        probabilities=_starting(row, PROBABILITY),
        reasons=_reasons(row),
        lowering_reason=row[LOWERING] or None,
    )


def contributions_of(row: Row) -> dict[str, float]:
    """What each group of features adds to the raw score, by the group's name."""
    return {name.replace("_", " "): value for name, value in _starting(row, CONTRIBUTION).items()}


def feature_row(line: Row, explained: Row) -> FeatureRow:
    """The features of one student, as a live estimate takes them."""
    names = (name for name in explained if name not in _NOT_FEATURES and not name.startswith(CONTRIBUTION))
    return FeatureRow(
        grade_level=line["grade_level"],
        last_school_year=_known(line["last_school_year"]),
        features={name: _known(explained[name]) for name in names},
    )


def estimates_of(probabilities: pd.DataFrame, explained: Explanations, chronic_percent: int) -> list[Estimate]:
    """One estimate per row; the risk is the probability of reaching `chronic_percent`."""
    risk = f"{PROBABILITY}{chronic_percent:02d}"
    columns = zip(
        probabilities.to_dict("records"),
        explained.groups.to_dict("records"),
        explained.sentences.to_dict("records"),
        explained.base,
        explained.raw,
        strict=True,
    )
    return [
        Estimate(
            risk=chances[risk],
            probabilities=_starting(chances, PROBABILITY),
            base=float(base),
            raw_score=float(raw),
            contributions={name: float(value) for name, value in groups.items()},
            reasons=_reasons(sentences),
            lowering_reason=sentences[LOWERING] or None,
        )
        for chances, groups, sentences, base, raw in columns
    ]


def _reasons(row: Row) -> list[str]:
    return [row[name] for name in REASONS if row[name]]


def _starting(row: Row, prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): float(value) for name, value in row.items() if name.startswith(prefix)}


def _known(value: object) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
