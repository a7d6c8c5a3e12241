"""That a state change was asked for by our own page, and not by another one in the same browser (W14).

Three things are asked together: the cookie is not sent along with what other sites post (SameSite), the browser says
that the request came from this very origin, and the request carries a word only our pages know.
"""

import hmac
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from ews.store.keys import SignedIn
from ews_serve.problems import Refused

HEADER = "X-CSRF-Token"
FIELD = "csrf"

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

MOST_FIELDS = 50
"""Of a form; none takes a file."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_FOREIGN = "This was not asked for by a page of this service. Open the page anew and try again."


async def refuse_forged(request: Request, signed_in: SignedIn) -> None:
    """Let a state change by cookie pass only when our own page asked for it; reading and tokens pass.

    Raises:
        Refused: 403.
    """
    if request.method in SAFE or signed_in.csrf is None:
        return
    refuse_foreign(request)
    word = request.headers.get(HEADER) or (await form_of(request)).get(FIELD, "")
    if not hmac.compare_digest(word.encode(), signed_in.csrf.encode()):
        raise Refused(403, _FOREIGN)


def refuse_foreign(request: Request) -> None:
    """Let a request pass only when the browser says it comes from a page of this origin.

    `Sec-Fetch-Site` is told by every browser since 2023 and cannot be set by a page; `Origin` is what older ones tell.

    Raises:
        Refused: 403, it comes from elsewhere, or it cannot be told from where.
    """
    site = request.headers.get("sec-fetch-site")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}".lower()
    is_own = site == "same-origin" if site is not None else request.headers.get("origin", "").lower() == own
    if not is_own:
        raise Refused(403, _FOREIGN)


async def form_of(request: Request) -> Mapping[str, str]:
    """The text fields of a form; empty where the body is none.

    Raises:
        Refused: 422, too many fields, a file, or a field named twice (W05, W12).
    """
    if not request.headers.get("content-type", "").startswith(_FORMS):
        return {}
    form = await request.form(max_fields=MOST_FIELDS, max_files=0)
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if len(fields) != len(form.multi_items()):
        raise Refused(422, "The form names a field twice, or holds a file.")
    return fields


async def _own_form(request: Request) -> Mapping[str, str]:
    refuse_foreign(request)
    return await form_of(request)


OwnForm = Annotated[Mapping[str, str], Depends(_own_form)]
"""The fields of a form that one of our own pages sent."""
