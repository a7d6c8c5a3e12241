"""Who asks: a bearer token, or the cookie of a session. What was taken away counts from the next request on (A06)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.errors import Busy, StoreUnavailable
from ews.store import keys
from ews.store.keys import SignedIn
from ews_serve.cookies import SESSION, read_cookie
from ews_serve.csrf import refuse_forged
from ews_serve.problems import Refused
from ews_serve.service import Service

SIGN_IN = "/sign-in"


class SignInFirst(Exception):
    """A page was asked for by nobody; `path` is where to go on after the sign-in."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def to_sign_in(_: Request, error: Exception) -> Response:
    """Send the browser to the sign-in, and back afterwards."""
    assert isinstance(error, SignInFirst)
    return RedirectResponse(f"{SIGN_IN}?next={quote(error.path)}", 303)


async def signed_in_or_none(request: Request) -> SignedIn | None:
    """Who asks; None where nobody is signed in and no valid token came.

    A request that came with a token is judged by the token alone, whatever cookies came beside it.

    Raises:
        Refused: 403, a state change by cookie that does not prove that our own page asked for it (W14).
    """
    service: Service = request.app.state.service
    now = service.now()
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        return await _look(service, now, token=token.strip()) if scheme.lower() == "bearer" else None
    secret = read_cookie(request, SESSION)
    found = await _look(service, now, session=secret) if secret else None
    if found is not None:
        await refuse_forged(request, found)
        if keys.is_stale(found, now):
            _note_use_soon(service, found, now)
    return found


async def _signed_in(request: Request) -> SignedIn:
    found = await signed_in_or_none(request)
    if found is None:
        raise Refused(401)
    return found


async def _page_signed_in(request: Request) -> SignedIn:
    """For pages: who is not signed in is sent to the sign-in, and back afterwards."""
    found = await signed_in_or_none(request)
    if found is None:
        raise SignInFirst(request.url.path if request.method == "GET" else "/")
    request.state.signed_in = found
    return found


SignedInHere = Annotated[SignedIn, Depends(_signed_in)]
"""Who asks, with what they came in by; 401 for nobody."""

PageSignedIn = Annotated[SignedIn, Depends(_page_signed_in)]
"""The same for pages: nobody is sent to the sign-in."""


async def _look(service: Service, now: datetime, *, session: str = "", token: str = "") -> SignedIn | None:
    """Who a secret belongs to; on the event loop where that takes less than handing it over."""
    of_secret = keys.viewer_of_token if token else keys.viewer_of_session
    secret = token or session

    def look() -> SignedIn | None:
        name = (of_secret, keys.sha256_of(secret))
        return service.kept(name, lambda connection: of_secret(connection, secret, now))

    if not secret:
        return None
    found = look() if service.answers_at_once else await run_in_threadpool(look)
    return found if found and now < found.until else None


_noting = ThreadPoolExecutor(max_workers=1, thread_name_prefix="session use")
_being_noted: set[str] = set()
"""Sessions whose use is being written: a writer may have to wait while a list is published, nobody's page does."""


def _note_use_soon(service: Service, signed_in: SignedIn, now: datetime) -> None:
    """Note that the session is used, without waiting for it."""
    if signed_in.key_sha256 not in _being_noted:
        _being_noted.add(signed_in.key_sha256)
        _noting.submit(_note_use, service, signed_in, now)


def _note_use(service: Service, signed_in: SignedIn, now: datetime) -> None:
    """Note it; while the store may not be written, sessions end earlier, and reads go on (REL-6)."""
    try:
        with service.store.writing() as connection:
            keys.touch(connection, signed_in, now)
    except (Busy, StoreUnavailable):
        pass
    finally:
        _being_noted.discard(signed_in.key_sha256)
