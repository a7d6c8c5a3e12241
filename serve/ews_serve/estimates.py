"""Live estimates of feature rows that were sent."""

from collections.abc import Sequence

import pandas as pd

from ews.bundle import Bundle
from ews.reasons import explain
from ews_serve.answers import estimates_of
from ews_serve.live import LiveModel
from ews_serve.problems import Refused
from ews_serve.schemas import Estimate, FeatureRow

ONE_BY_ONE = 50
"""Rows up to which one student after the other is faster than column by column; both say the same."""


def estimates(live: LiveModel, rows: Sequence[FeatureRow]) -> list[Estimate]:
    """One estimate per row.

    Raises:
        Refused: 422, a row lacks features of the model or has others.
        InvalidFeatures: a value no record can give.
    """
    for number, row in enumerate(rows):
        refuse_other_names(number, row, live.bundle.model.feature_names)
    if len(rows) <= ONE_BY_ONE:
        return [_estimate(live, row) for row in rows]
    return _together(live.bundle, rows)


def _estimate(live: LiveModel, row: FeatureRow) -> Estimate:
    one = live.explainer.explain(row.features, row.grade_level, row.last_school_year)
    return Estimate(
        risk=one.probabilities[f"{live.bundle.policy.chronic_percent:02d}"],
        probabilities=one.probabilities,
        base=one.base,
        raw_score=one.raw,
        contributions=one.groups,
        reasons=one.reasons,
        lowering_reason=one.lowering or None,
    )


def _together(bundle: Bundle, rows: Sequence[FeatureRow]) -> list[Estimate]:
    x = pd.DataFrame([row.features for row in rows], columns=list(bundle.model.feature_names), dtype="float64")
    explained = explain(
        bundle.model,
        x,
        pd.Series([row.grade_level for row in rows]),
        bundle.typical,
        bundle.policy,
        last_school_years=pd.Series([row.last_school_year for row in rows], dtype="Float64"),
    )
    return estimates_of(bundle.model.probabilities(x), explained, bundle.policy.chronic_percent)


def refuse_other_names(number: int, row: FeatureRow, names: tuple[str, ...]) -> None:
    """A row has exactly the model's features (T10, T11).

    Raises:
        Refused: 422, it lacks features or has others; only the model's own names are in the sentence.
    """
    missing = [name for name in names if name not in row.features]
    unknown = len(row.features) + len(missing) - len(names)
    if missing:
        raise Refused(422, f"Row {number} lacks features of the model: {', '.join(missing)}. Send null if unknown.")
    if unknown:
        raise Refused(422, f"Row {number} holds {unknown} names that are no feature of the model.")
