"""A live estimate for feature rows that are sent."""

import pandas as pd
from fastapi import APIRouter

from ews.bundle import Bundle
from ews.reasons import FOOTER, explain
from ews_serve.answers import estimates_of
from ews_serve.problems import Refused
from ews_serve.requests import InForce, StrictJsonRoute
from ews_serve.schemas import Estimate, FeatureRow, ScoreRequest, ScoreResponse

router = APIRouter(prefix="/v1/score", tags=["score"], route_class=StrictJsonRoute)


@router.post("")
def score(request: ScoreRequest, published: InForce) -> ScoreResponse:
    """Estimates and reasons by the promoted model, in the order of the rows; nothing is kept."""
    champion = published.champion()
    bundle = champion.bundle
    x = feature_frame(request.rows, bundle.model.feature_names)
    return ScoreResponse(
        model_version=champion.version,
        bundle_sha256=bundle.sha256,
        estimates=estimates(bundle, x, request.rows),
        footer=FOOTER,
    )


def feature_frame(rows: list[FeatureRow], names: tuple[str, ...]) -> pd.DataFrame:
    """The rows as the model takes them: its columns in its order, NaN where a feature is unknown.

    Raises:
        Refused: 422, a row lacks features or has others; only the model's own names are in the sentence.
    """
    for number, row in enumerate(rows):
        missing = [name for name in names if name not in row.features]
        unknown = len(row.features) + len(missing) - len(names)
        if missing:
            raise Refused(422, f"Row {number} lacks features of the model: {', '.join(missing)}. Send null if unknown.")
        if unknown:
            raise Refused(422, f"Row {number} holds {unknown} names that are no feature of the model.")
    return pd.DataFrame([row.features for row in rows], columns=list(names), dtype="float64")


def estimates(bundle: Bundle, x: pd.DataFrame, rows: list[FeatureRow]) -> list[Estimate]:
    """One estimate per row of `x`.

    Raises:
        InvalidFeatures: a value no record can give.
    """
    explained = explain(
        bundle.model,
        x,
        pd.Series([row.grade_level for row in rows]),
        bundle.typical,
        bundle.policy,
        last_school_years=pd.Series([row.last_school_year for row in rows], dtype="Float64"),
    )
    return estimates_of(bundle.model.probabilities(x), explained, bundle.policy.chronic_percent)
