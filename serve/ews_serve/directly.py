"""Routes that are asked most, answered without the framework's search for a route and for what its function takes.

The framework finds an address twice and works out anew for each request what a function takes, which together is more
work than the answer. The routes stay the framework's own as well: `/openapi.json` describes those, and a test compares
the answers of both ways.
"""

import re
from collections.abc import Iterable

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ews_serve.asked import asked_of
from ews_serve.problems import Refused


class Directly:
    """Answers one route that takes a student's key and who asks, and gives a response."""

    def __init__(self, route: APIRoute, key: re.Pattern[str]) -> None:
        self._route = route
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the framework would: nobody first, then an address that can name nothing."""
        scope["route"] = self._route
        asked = await asked_of(Request(scope, receive, send))
        student_key = scope["path_params"]["student_key"]
        if not self._key.fullmatch(student_key):
            raise Refused(404)
        response = await self._route.endpoint(student_key, asked)
        await response(scope, receive, send)


def answer_directly(app: FastAPI, routes: Iterable[APIRoute], key_pattern: str) -> None:
    """Let these routes of an application be looked for first, in this order, and answered without its framework."""
    key = re.compile(key_pattern)
    for place, route in enumerate(routes):
        direct = Route(route.path, Directly(route, key), methods=["GET"], include_in_schema=False)
        # The framework's routes answer GET alone, and HEAD would be one read more that nobody needs.
        direct.methods = {"GET"}
        app.router.routes.insert(place, direct)
