"""Errors as RFC 9457 problem details that never repeat what was sent.

A validation error of the framework carries the offending input, which may be a student's; only our own words and
names, and a correlation id to find the case in the log, leave this module.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ews.errors import AuditUnavailable, Busy, EwsError, InvalidFeatures, StoreUnavailable, UntrustedBundle
from ews_serve import follow_up_schemas
from ews_serve.schemas import FIELD_NAMES

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
OUR_NAMES = FIELD_NAMES | follow_up_schemas.FIELD_NAMES
RETRY_SECONDS = "5"

DETAILS = {
    400: "The request could not be read.",
    401: "Sign in, or send a valid bearer token. A token is made with: ews token",
    403: "This is not allowed as it was asked.",
    404: "There is nothing here, or nothing that may be seen.",
    405: "This address does not take this method.",
    408: "The request body took too long to arrive.",
    413: "The request body is too large.",
    422: "The request was read, but holds something that is not allowed.",
    500: "Something went wrong here. The correlation id finds the case in the service's log.",
    503: "The service cannot answer yet.",
}

SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "holds a name that is not known",
    "finite_number": "must be a finite number or null",
    "float_type": "must be a finite number or null",
    "json_invalid": "is not JSON",
    "literal_error": "must be one of the values named in the documentation",
    "enum": "must be one of the values named in the documentation",
    "too_short": "holds too few",
    "too_long": "holds too many",
}
"""Our words for the kinds of error pydantic names; its own words may quote the input."""

_OF_ERRORS: Mapping[type[EwsError], tuple[int, str | None]] = {
    # By the rule of ews.errors the message names features of the model and holds no student's value.
    InvalidFeatures: (422, None),
    # The messages name folders and servers, which are the operator's to know.
    UntrustedBundle: (
        503,
        "The model bundle is not the one that was promoted, and was not loaded. Lists are answered as they were "
        "published. Promote again with: ews promote",
    ),
    StoreUnavailable: (
        503,
        "The store does not answer now. Nothing was changed. The operator looks with: ews store check",
    ),
    AuditUnavailable: (503, "The log of reads cannot be written, so nothing is shown. Try again later."),
    Busy: (503, "Another writer holds the store. Try again in a moment."),
}


class Refused(HTTPException):
    """A refusal with a sentence of our own, which holds nothing of what was sent."""

    def __init__(self, status: int, sentence: str | None = None) -> None:
        super().__init__(status, sentence or DETAILS[status])


def problem(
    status: int, correlation_id: str, detail: str | None = None, errors: Sequence[dict[str, str]] = ()
) -> JSONResponse:
    """One problem-details response; the same status and detail always give the same body but for the id."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or DETAILS.get(status, HTTPStatus(status).phrase),
        "correlation_id": correlation_id,
    }
    if errors:
        content["errors"] = list(errors)
    return JSONResponse(content, status, _HEADERS.get(status), media_type=MEDIA_TYPE)


_HEADERS = {401: {"WWW-Authenticate": 'Bearer realm="ews"'}, 503: {"Retry-After": RETRY_SECONDS}}


REFUSALS: tuple[type[Exception], ...] = (HTTPException, *_OF_ERRORS)
"""What is answered with a problem; any other error is the edge's."""


def answer_to(refusal: Exception, correlation_id: str) -> JSONResponse:
    """The problem that answers one of :data:`REFUSALS`."""
    if isinstance(refusal, HTTPException):
        # The framework's own sentences vary with what was asked for; ours alone are shown.
        return problem(refusal.status_code, correlation_id, refusal.detail if isinstance(refusal, Refused) else None)
    status, detail = next(answer for kind, answer in _OF_ERRORS.items() if isinstance(refusal, kind))
    return problem(status, correlation_id, str(refusal) if isinstance(refusal, InvalidFeatures) else detail)


def answer_with_problems(app: FastAPI) -> None:
    """Make every refusal of `app` a problem-details response; what is not a refusal is left to the edge."""
    app.add_exception_handler(RequestValidationError, _of_validation)
    for kind in REFUSALS:
        app.add_exception_handler(kind, _of_refusal)


def pointer(location: Iterable[str | int]) -> str:
    """A JSON pointer to the wrong value, cut before the first name that is not one of our fields."""
    parts: list[str] = []
    for part in list(location)[1:]:
        if isinstance(part, str) and part not in OUR_NAMES:
            break
        parts.append(str(part))
    return "#/" + "/".join(parts)


def _of_refusal(request: Request, error: Exception) -> JSONResponse:
    return answer_to(error, request.state.correlation_id)


def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["loc"][0] == "path" for item in found):
        # An address that can name nothing looks like one that names nothing.
        return problem(404, request.state.correlation_id)
    errors = [
        {"pointer": pointer(item["loc"]), "detail": SENTENCES.get(item["type"], "has a value that is not allowed")}
        for item in found[:MOST_ERRORS]
    ]
    return problem(422, request.state.correlation_id, errors=errors)
