"""The published runs, the model in force and its card."""

from fastapi import APIRouter, Response

from ews.access import View
from ews.home import Home
from ews.store import reading
from ews_serve.answers import run_of
from ews_serve.asked import Asking
from ews_serve.models import model_in_force
from ews_serve.problems import Refused
from ews_serve.schemas import ModelFeature, ModelInForce, Run, Runs

router = APIRouter(prefix="/v1", tags=["runs and model"])

CARD = "model-card.md"
MARKDOWN = "text/markdown; charset=utf-8"


@router.get("/runs")
def runs(asked: Asking) -> Runs:
    """The published scoring runs, newest first."""
    asked.may(View.RUNS)
    with asked.service.store.reading() as connection:
        found = reading.runs(connection)
    in_force = next((run.run_id for run in found if run.is_in_force), None)
    return Runs(in_force=in_force, runs=[run_of(run) for run in found])


@router.get("/runs/{run_id}")
def run(run_id: str, asked: Asking) -> Run:
    """One published scoring run."""
    asked.may(View.RUNS)
    with asked.service.store.reading() as connection:
        found = [run for run in reading.runs(connection) if run.run_id == run_id]
    if not found:
        raise Refused(404)
    return run_of(found[0])


@router.get("/model")
def model(asked: Asking) -> ModelInForce:
    """The model that made the lists in force: its features, as `POST /v1/score` takes them."""
    asked.may(View.RUNS)
    run, live = model_in_force(asked)
    bundle = live.bundle
    return ModelInForce(
        model_version=live.version,
        bundle_sha256=bundle.sha256,
        target_year=run.target_year,
        after_day=run.after_day,
        chronic_percent=bundle.policy.chronic_percent,
        features=[
            ModelFeature(
                name=str(entry["name"]),
                group=str(entry["group"]),
                meaning=str(entry["meaning"]),
                typical=dict(bundle.typical.get(str(entry["name"]), {})),
            )
            for entry in bundle.features
        ],
    )


@router.get("/model/card", response_class=Response, responses={200: {"content": {"text/markdown": {}}}})
def model_card(asked: Asking) -> Response:
    """The card of the model in force, as Markdown: what it is for, how good it was, for whom, what it cannot know."""
    asked.may(View.RUNS)
    with asked.service.store.reading() as connection:
        run = asked.run_in_force(connection)
    card = Home(asked.service.settings.home).evidence / run.bundle_sha256 / CARD
    if not card.is_file():
        raise Refused(404)
    return Response(card.read_text(encoding="utf-8"), media_type=MARKDOWN)
