"""The application: routes on a home, behind the edge."""

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers

from ews_serve.edge import Edge
from ews_serve.measures import Measures
from ews_serve.problems import MEDIA_TYPE, answer_with_problems
from ews_serve.published import Published
from ews_serve.routes import health, schools, score, students
from ews_serve.schemas import Problem
from ews_serve.settings import Settings
from ews_serve.tokens import Tokens

OPEN_PATHS = frozenset({"/livez"})
"""Addresses that answer without a token; they hold nothing of students."""

NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
"""Paths hold ids of students, and the framework would put them into spans wherever OpenTelemetry is set up."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": sentence, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, sentence in {
        401: "No valid token.",
        404: "Unknown, or nothing that may be seen; both look the same.",
        413: "The body is too large.",
        422: "Missing, unknown, non-finite or otherwise refused; the input is not repeated.",
        503: "Nothing promoted or scored yet.",
    }.items()
}


def create_app(settings: Settings) -> FastAPI:
    """The service on one home.

    The token is asked for by :class:`ews_serve.edge.Edge` on every address but ``/livez``; the bearer scheme on the
    routes only tells readers of ``/openapi.json`` about it. There is no ``/docs``: its page loads scripts from
    elsewhere, which no page that holds records of children may do.
    """
    app = FastAPI(
        title="ews",
        summary="Risk lists for schools and explanations for counselors, for voluntary mentoring only.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry=NO_TELEMETRY,
    )
    app.state.published = Published(settings.home)
    app.state.measures = Measures()
    tokens = Tokens(settings.home)
    app.add_middleware(
        Edge,
        settings=settings,
        measures=app.state.measures,
        admits=lambda scope: scope["path"] in OPEN_PATHS or tokens.admits(Headers(scope=scope).get("authorization")),
    )
    answer_with_problems(app)
    app.include_router(health.router)
    behind_token = [Depends(HTTPBearer(auto_error=False, description="A token made by `ews token`."))]
    for router in (schools.router, students.router, score.router):
        app.include_router(router, dependencies=behind_token, responses=PROBLEMS)
    return app
