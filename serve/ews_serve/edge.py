"""The edge of the service: no foreign host name, no body without a limit, no error with a student in it.

One ASGI layer around everything, so that a route added later is held by it without anybody thinking of it.
"""

import asyncio
import logging
import time
import traceback
import uuid
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ews_serve.measures import Measures
from ews_serve.problems import problem
from ews_serve.settings import Settings
from ews_serve.static_files import PREFIX

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer, whatever a route says; only a static file says itself how long it may be kept."""

_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_OURS = frozenset(name for name, _ in _RAW_HEADERS)
_OF_STATIC = [(name, value) for name, value in _RAW_HEADERS if name != b"cache-control"]

log = logging.getLogger("ews_serve")


class BodyRefused(Exception):
    """A body that is too large (413), too slow (408) or cut off (400)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Edge:
    """The host first, then the body within its limits, then the application; what fails says nothing of students."""

    def __init__(
        self, app: ASGIApp, settings: Settings, measures: Measures, admits: Callable[[Scope], bool] = lambda _: True
    ) -> None:
        self._app = app
        self._settings = settings
        self._measures = measures
        self._admits = admits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the server's start and stop pass through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            answer, begin = Answer(send, is_static=scope["path"].startswith(PREFIX)), time.perf_counter()
            await self._answer(scope, receive, answer)
            self._measures.count(scope, answer.status, time.perf_counter() - begin)

    async def _answer(self, scope: Scope, receive: Receive, answer: "Answer") -> None:
        scope.setdefault("state", {})["correlation_id"] = answer.correlation_id
        try:
            head = Head(scope)
            if head.host not in self._settings.hosts:
                await problem(400, answer.correlation_id, NOT_OUR_HOST)(scope, receive, answer)
            elif not self._admits(scope):
                await problem(401, answer.correlation_id)(scope, receive, answer)
            else:
                await self._app(scope, await self._body(head, receive), answer)
        except BodyRefused as refusal:
            await problem(refusal.status, answer.correlation_id)(scope, receive, answer)
        except Exception as error:
            # The outermost place: whatever it is, it is answered and logged without a value in it.
            log_without_values(error, answer.correlation_id)
            if not answer.status:
                await problem(500, answer.correlation_id)(scope, receive, answer)

    async def _body(self, head: "Head", receive: Receive) -> Receive:
        """The whole body, read within limits before anything parses it; without one, nothing is read."""
        if not head.announces_body:
            return receive
        try:
            async with asyncio.timeout(self._settings.body_timeout_seconds):
                body = await read_within(self._settings.max_body_bytes, head.content_length, receive)
        except TimeoutError as error:
            raise BodyRefused(408) from error
        return replay(body, receive)


NOT_OUR_HOST = "The service is not asked by this host name. Its operator lists the names in EWS_HOSTS."


class Head:
    """What the edge needs of a request's headers; it takes out what must have no effect.

    Attributes:
        host: the host asked for, in lower case and without its port; empty if it is missing or named twice.
        content_length: the announced length of the body, as text; empty if there is none.
        announces_body: whether a body follows.
    """

    def __init__(self, scope: Scope) -> None:
        self.content_length = ""
        self.announces_body = False
        hosts: list[bytes] = []
        kept = []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"content-length":
                self.content_length, self.announces_body = value.decode("latin-1"), True
            elif name == b"transfer-encoding":
                self.announces_body = True
            if name not in _WITHOUT_EFFECT:
                kept.append((name, value))
        scope["headers"] = kept
        self.host = without_port(hosts[0].decode("latin-1")) if len(hosts) == 1 else ""


_WITHOUT_EFFECT = frozenset({b"range", b"if-range", b"x-http-method-override", b"x-original-url", b"x-rewrite-url"})
"""W03, W11: no answer is in parts, and no header changes what was asked."""


def without_port(host: str) -> str:
    """The host of a ``Host`` header.

    >>> without_port("EWS.example:8000"), without_port("[::1]:8000"), without_port("[::1]")
    ('ews.example', '[::1]', '[::1]')
    """
    name, separator, port = host.lower().rpartition(":")
    return name if separator and port.isdecimal() else host.lower()


class Answer:
    """Sends a response with the headers every response has; a static file may be kept, as it says itself."""

    def __init__(self, send: Send, *, is_static: bool = False) -> None:
        self._send = send
        self._is_static = is_static
        self.correlation_id = uuid.uuid4().hex
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send one message of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            may_be_kept = self._is_static and self.status == HTTPStatus.OK
            ours, names = (_OF_STATIC, _OURS - {b"cache-control"}) if may_be_kept else (_RAW_HEADERS, _OURS)
            own = [header for header in message.get("headers", ()) if header[0] not in names]
            identity = (b"x-correlation-id", self.correlation_id.encode())
            message["headers"] = [*own, *ours, identity]
        await self._send(message)


async def read_within(limit: int, declared: str, receive: Receive) -> bytes:
    """The request body, counted as it comes whatever its header says.

    Raises:
        BodyRefused: 413, more than `limit` bytes; 400, the sender went away.
    """
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


def log_without_values(error: Exception, correlation_id: str) -> None:
    """Class and places of an error: its message may hold what was asked for, so it is left out."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
    log.error("%s %s at %s", correlation_id, type(error).__name__, places)
