"""Refusals as pages, where a person asked for a page; programs get problem details as before."""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from ews.store.keys import SignedIn
from ews_serve import pages
from ews_serve.asked import SECOND_FACTOR, STATE_PURPOSE
from ews_serve.identity import signed_in_or_none
from ews_serve.pages import Frame
from ews_serve.problems import Refused
from ews_serve.web.frame import frame_of

HEADINGS = {
    403: "This page needs one more step",
    404: "There is nothing here for you",
    405: "There is nothing here for you",
    422: "This could not be taken",
    503: "Not available just now",
}
OTHERWISE = "Something went wrong"

SENTENCES = {
    404: "The page does not exist, or it is not one that your role opens. Check the address, or go back to your start.",
    405: "This address takes no visit. Go back to your start.",
}
"""In place of the sentence for programs."""


def answer_pages_with_pages(app: FastAPI) -> None:
    """Turn what `answer_with_problems` answers into a page wherever a browser asks for one."""
    for kind, handler in list(app.exception_handlers.items()):
        if isinstance(kind, type) and getattr(handler, "__module__", "") == "ews_serve.problems":
            app.add_exception_handler(kind, _as_page(handler))


def _as_page(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(request: Request, error: Exception) -> Response:
        problem: Response = await run_in_threadpool(handler, request, error)
        return await _refusal_page(request, problem) if _wants_page(request) else problem

    return answer


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


async def _refusal_page(request: Request, problem: Response) -> Response:
    status, detail = problem.status_code, str(json.loads(bytes(problem.body))["detail"])
    signed_in = await _signed_in(request)
    made = pages.page(
        "refused.html",
        status,
        frame=frame_of(request, signed_in) if signed_in else Frame(),
        heading=HEADINGS.get(status, OTHERWISE),
        sentence=SENTENCES.get(status, detail),
        needs_code=detail == SECOND_FACTOR,
        student=_student(request) if detail == STATE_PURPOSE else "",
        path=request.url.path,
    )
    made.headers.update({name: problem.headers[name] for name in ("retry-after",) if name in problem.headers})
    return made


async def _signed_in(request: Request) -> SignedIn | None:
    """Who asks, as the route knew it; a form that was refused as forged is answered as to nobody."""
    known: SignedIn | None = getattr(request.state, "signed_in", None)
    if known is not None:
        return known
    try:
        return await signed_in_or_none(request)
    except Refused:
        return None


def _student(request: Request) -> str:
    return str(request.path_params.get("student_key", ""))
