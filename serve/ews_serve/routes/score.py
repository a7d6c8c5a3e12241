"""A live estimate for feature rows that are sent."""

from fastapi import APIRouter

from ews.access import View
from ews.reasons import FOOTER
from ews_serve.asked import Asking, of_run
from ews_serve.estimates import estimates
from ews_serve.models import model_in_force
from ews_serve.requests import StrictJsonRoute
from ews_serve.schemas import ScoreRequest, ScoreResponse

router = APIRouter(prefix="/v1/score", tags=["score"], route_class=StrictJsonRoute)


@router.post("")
def score(request: ScoreRequest, asked: Asking) -> ScoreResponse:
    """Estimates and reasons by the model that made the lists in force, in the order of the rows; nothing is kept."""
    decision = asked.may(View.SCORE)
    run, live = model_in_force(asked)
    answer = ScoreResponse(
        model_version=live.version,
        bundle_sha256=live.bundle.sha256,
        estimates=estimates(live, request.rows),
        footer=FOOTER,
    )
    asked.log(View.SCORE, decision, **of_run(run))
    return answer
