"""Bodies read strictly."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from ews_serve.problems import Refused


class StrictJsonRequest(Request):
    """A request whose JSON may name a key only once: elsewhere the last one would win in silence."""

    async def json(self) -> Any:
        """The body as JSON."""
        return json.loads(await self.body(), object_pairs_hook=_without_repeats)


class StrictJsonRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, handed a strict request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return handle_strictly


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Refused(422, "The body names a key twice.")
    return names
