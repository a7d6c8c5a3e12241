"""What the sign-in pages do: try, set up, step up, sign out; each success is in the log before its cookie is given."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ews.store import links
from ews.store.audit_chain import Entry
from ews.store.keys import Session
from ews.store.links import BROWSER_LASTS
from ews.store.sign_in import Admitted
from ews_serve.cookies import BROWSER, SESSION, drop_cookie, may_carry_secrets, set_cookie
from ews_serve.problems import Refused
from ews_serve.service import Service

SHORTEST_SECONDS = 0.3
"""Every try takes as long: nothing is learned from how fast it was refused (A01)."""

_NO_TLS = "Passwords are taken only over https. Ask for the address that begins with https://."

Done = TypeVar("Done")

_hashing = CapacityLimiter(2)
"""Each hash takes memory and a core on purpose; more at a time would let a flood of tries stop everything else."""

log = logging.getLogger("ews_serve")


@dataclass(frozen=True)
class Here:
    """One request to the sign-in.

    Attributes:
        request: as it came.
        service: what it is answered from.
    """

    request: Request
    service: Service

    @classmethod
    def of(cls, request: Request) -> "Here":
        """The request with its service.

        Raises:
            Refused: 403, it came without TLS from another machine.
        """
        if not may_carry_secrets(request):
            raise Refused(403, _NO_TLS)
        return cls(request, request.app.state.service)

    @property
    def address(self) -> str:
        """Of the network; the proxy's word for it where it is believed."""
        return self.request.client.host if self.request.client else ""

    def note(self, staff_key: str, login: str, act: str, reason: str) -> None:
        """Write a sign-in or a sign-out into the log.

        Raises:
            AuditUnavailable: it cannot be written, and so nobody gets in.
        """
        about = {"fields": f"from {self.address}", "correlation_id": self.request.state.correlation_id}
        self.service.audit.append([Entry(self.service.now(), staff_key, login, "", act, "done", reason, **about)])

    def refused(self, act: str) -> None:
        """Say in the service's log that a try failed; not of whom: a login may be a password in the wrong place."""
        log.info("%s %s refused, from %s", self.request.state.correlation_id, act, self.address)

    def enter(self, admitted: Admitted, next_path: str) -> Response:
        """Send somebody who got in on, with the cookies of the new session."""
        answer = RedirectResponse(next_path, 303)
        self.give_session(answer, admitted.session)
        if admitted.browser:
            set_cookie(self.request, answer, BROWSER, admitted.browser, int(BROWSER_LASTS.total_seconds()))
        return answer

    def give_session(self, answer: Response, session: Session) -> None:
        """Give the cookie of a session; it ends with the browser, and earlier on the server."""
        set_cookie(self.request, answer, SESSION, session.secret)

    def leave(self, next_path: str) -> Response:
        """Send somebody away without a session, and let the browser forget what it kept of our pages (W22)."""
        answer = RedirectResponse(next_path, 303, {"Clear-Site-Data": '"cache", "storage"'})
        drop_cookie(self.request, answer, SESSION)
        return answer

    def tidy(self) -> None:
        """Delete what no longer opens anything; a sign-in is rare enough to do it then."""
        with self.service.store.writing() as connection:
            links.forget_expired(connection, self.service.now())


async def slowly(work: Callable[..., Done], *words: Any) -> Done:
    """Run a try in a thread, few at a time, and never answer faster than the others are answered."""
    start = time.monotonic()
    try:
        return await to_thread.run_sync(lambda: work(*words), limiter=_hashing)
    finally:
        await asyncio.sleep(max(0.0, SHORTEST_SECONDS - (time.monotonic() - start)))
