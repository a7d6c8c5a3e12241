"""The edge of the service: nobody without a token, no body without a limit, no error with a student in it.

One ASGI layer around everything, so that a route added later is closed without anybody thinking of it.
"""

import asyncio
import logging
import traceback
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ews_serve.problems import problem
from ews_serve.settings import Settings

OPEN_PATHS = frozenset({"/livez"})
"""Addresses that answer without a token; they hold nothing of students."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

log = logging.getLogger("ews_serve")


class BodyRefused(Exception):
    """A body that is too large (413), too slow (408) or cut off (400)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Edge:
    """Token first, then the body within its limits, then the application; whatever fails says nothing of students."""

    def __init__(self, app: ASGIApp, admits: Callable[[str | None], bool], settings: Settings) -> None:
        self._app = app
        self._admits = admits
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the server's start and stop pass through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, Answer(send))

    async def _answer(self, scope: Scope, receive: Receive, answer: "Answer") -> None:
        scope.setdefault("state", {})["correlation_id"] = answer.correlation_id
        try:
            if scope["path"] not in OPEN_PATHS and not self._admits(Headers(scope=scope).get("authorization")):
                await problem(401, answer.correlation_id)(scope, receive, answer)
            else:
                await self._app(scope, await self._body(scope, receive), answer)
        except BodyRefused as refusal:
            await problem(refusal.status, answer.correlation_id)(scope, receive, answer)
        except Exception as error:
            # The outermost place: whatever it is, it is answered and logged without a value in it.
            _log_without_values(error, answer.correlation_id)
            if not answer.started:
                await problem(500, answer.correlation_id)(scope, receive, answer)

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """The whole body, read within limits before anything parses it."""
        try:
            async with asyncio.timeout(self._settings.body_timeout_seconds):
                body = await read_within(self._settings.max_body_bytes, scope, receive)
        except TimeoutError as error:
            raise BodyRefused(408) from error
        return replay(body, receive)


class Answer:
    """Sends a response with the headers every response has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.correlation_id = uuid.uuid4().hex
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send one message of the response."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers["X-Correlation-Id"] = self.correlation_id
            headers.update(HEADERS)
        await self._send(message)


async def read_within(limit: int, scope: Scope, receive: Receive) -> bytes:
    """The request body, counted as it comes whatever its header says.

    Raises:
        BodyRefused: 413, more than `limit` bytes; 400, the sender went away.
    """
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyRefused(413)
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyRefused(400)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise BodyRefused(413)
    return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then whatever comes."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _log_without_values(error: Exception, correlation_id: str) -> None:
    """Class and places of an error: its message may hold what was asked for, so it is left out."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
    log.error("%s %s at %s", correlation_id, type(error).__name__, places)
