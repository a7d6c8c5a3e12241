"""The service's own description, `/openapi.json`: how one signs in, and what a stated purpose is, on every address."""

from typing import Any

from fastapi import FastAPI

from ews_serve.asked import MOST_PURPOSE, PURPOSE

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "Of `ews token make`; never wider than its owner."},
    "session": {"type": "apiKey", "in": "cookie", "name": "ews_session", "description": "Of the sign-in pages."},
}

_PURPOSE = {
    "name": PURPOSE,
    "in": "header",
    "required": False,
    "description": "Why a student outside the own caseload is looked at; it goes into the log.",
    "schema": {"type": "string", "maxLength": MOST_PURPOSE},
}

_OF_STUDENTS = ("/v1/students", "/v1/schools")


def described(app: FastAPI, open_paths: frozenset[str]) -> dict[str, Any]:
    """The description in full; made once."""
    description: dict[str, Any] = app.openapi()
    if "securitySchemes" not in description.setdefault("components", {}):
        description["components"]["securitySchemes"] = SCHEMES
        for path, operations in description["paths"].items():
            for operation in operations.values():
                _complete(path, operation, open_paths)
    return description


def _complete(path: str, operation: dict[str, Any], open_paths: frozenset[str]) -> None:
    operation["security"] = [] if path in open_paths else [{name: []} for name in SCHEMES]
    if path.startswith(_OF_STUDENTS):
        operation.setdefault("parameters", []).append(_PURPOSE)
