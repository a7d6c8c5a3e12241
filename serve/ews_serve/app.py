"""The application: routes on a store, behind the edge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from ews_serve.directly import Directly
from ews_serve.edge import Edge
from ews_serve.identity import SignInFirst, to_sign_in
from ews_serve.problems import MEDIA_TYPE, answer_with_problems
from ews_serve.provider import Provider
from ews_serve.routes import follow_up as follow_up_api
from ews_serve.routes import health, me, provider, rounds, runs, schools, score, sign_in, static, students
from ews_serve.schemas import Problem
from ews_serve.service import Service
from ews_serve.web import (
    about,
    district,
    effect,
    family,
    follow_up,
    mentor,
    model,
    numbers,
    purpose,
    school,
    slots,
    start,
    student,
    team,
)
from ews_serve.web import round as slot_round
from ews_serve.web.refusals import answer_pages_with_pages

OPEN_PATHS = health.OPEN_PATHS | sign_in.OPEN_PATHS | static.OPEN_PATHS
"""Addresses that answer without sign-in; they hold nothing of students."""

NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
"""Paths hold keys of students, and the framework would put them into spans wherever OpenTelemetry is set up."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": sentence, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, sentence in {
        400: "The body cannot be read, as where it is nested too deeply.",
        401: "Nobody is signed in, and there is no valid token.",
        403: "A second factor, or a stated purpose, would open it.",
        404: "Unknown, or nothing that may be seen; both look the same.",
        408: "The body took too long.",
        409: "Somebody else was faster; it says who and when. Nothing was changed.",
        413: "The body is too large.",
        422: "Missing, unknown, non-finite or otherwise refused; the input is not repeated.",
        503: "Nothing published yet, or the store, the log of reads or the model cannot be used.",
    }.items()
}


def create_app(service: Service, identity_provider: Provider | None = None) -> FastAPI:
    """The service on what was opened; it is closed with the application.

    Without an identity provider people sign in with local accounts only.

    There is no ``/docs``: its page loads scripts from elsewhere, which no page that holds records of children may do.
    """
    app = FastAPI(
        title="ews",
        summary="Risk lists for schools and explanations for counselors, for voluntary mentoring only.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry=NO_TELEMETRY,
        lifespan=_lifespan,
    )
    app.state.service = service
    app.state.provider = identity_provider
    # The one added last is the outermost.
    app.add_middleware(Directly, routes=students.asked_most(), prefix=students.PREFIX, key=students.KEY)
    app.add_middleware(Edge, settings=service.settings, measures=service.measures)
    answer_with_problems(app)
    answer_pages_with_pages(app)
    app.add_exception_handler(SignInFirst, to_sign_in)
    # In the order in which an address is looked for: what is asked most, first.
    for router in (students.router, schools.router, me.router, score.router, runs.router):
        app.include_router(router, responses=PROBLEMS)
    for router in (rounds.router, follow_up_api.router):
        app.include_router(router, responses=PROBLEMS)
    app.include_router(health.router, responses={503: PROBLEMS[503]})
    for pages in (start.router, school.router, student.router, follow_up.router):
        app.include_router(pages)
    for pages in (slots.router, team.router, slot_round.router, effect.router, mentor.router):
        app.include_router(pages)
    for pages in (sign_in.router, provider.router, static.router, purpose.router):
        app.include_router(pages)
    for pages in (about.router, district.router, family.router, model.router, numbers.router):
        app.include_router(pages)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.service.close()
