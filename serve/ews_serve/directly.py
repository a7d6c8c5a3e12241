"""Routes that are asked most, answered before the framework looks for a route and for what its function takes.

The framework finds an address twice and works out anew for each request what a function takes, which together is more
work than the answer. The routes stay the framework's own as well: `/openapi.json` describes those, they answer whatever
is not taken here, and a test compares the answers of both ways.
"""

import re
from collections.abc import Iterable

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ews_serve.asked import asked_of
from ews_serve.problems import REFUSALS, answer_to


class Directly:
    """Answers GET of some routes that take a student's key and who asks; whatever else comes goes on.

    Args:
        app: where it goes on.
        routes: functions of a key and who asks, which give a response; all at addresses that begin as `prefix` does.
        prefix: of the addresses, up to the key.
        key: what a key looks like; another one goes on.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute], prefix: str, key: str) -> None:
        self._app = app
        self._routes = {route.path.removeprefix(prefix + "{student_key}"): route for route in routes}
        ends = "|".join(map(re.escape, self._routes))
        self._address = re.compile(f"{re.escape(prefix)}({key})({ends})")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = self._address.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        route = scope["route"] = self._routes[found[2]]
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(found[1], await asked_of(request))
        except REFUSALS as error:
            response = answer_to(error, request.state.correlation_id)
        await response(scope, receive, send)
