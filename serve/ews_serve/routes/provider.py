"""To the district's identity provider, and back."""

import hmac
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.store import keys, links, oidc
from ews.store.sign_in import Admitted
from ews_serve.cookies import FLOW, SESSION, drop_cookie, read_cookie, set_cookie
from ews_serve.local_paths import local_path
from ews_serve.pages import page
from ews_serve.problems import Refused
from ews_serve.provider import Provider, ProviderRefused
from ews_serve.routes.sign_in import HereNow, NextPath
from ews_serve.sign_in import Here

router = APIRouter(include_in_schema=False)

NOT_PROVEN = "The identity provider did not confirm who you are, or this way was used before. Start again."
NO_ACCOUNT = "You are known to your district, but have no open account here. Ask who runs this service for one."


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise Refused(404)
    return provider


OurProvider = Annotated[Provider, Depends(_provider)]


@router.get("/sign-in/provider")
async def leave(here: HereNow, provider: OurProvider, next_path: NextPath = "/") -> Response:
    """Send the browser to the provider; a cookie binds the way back to this browser."""
    try:
        address, state, flow = await provider.leave(_back(here.request), local_path(next_path))
    except ProviderRefused:
        return page("told.html", 503, heading="No answer", sentence="The identity provider does not answer now.")
    await run_in_threadpool(_remember, here, state, flow)
    answer = RedirectResponse(address, 303)
    set_cookie(here.request, answer, FLOW, state, int(links.FLOW_LASTS.total_seconds()))
    return answer


@router.get("/sign-in/provider/back")
async def come_back(
    here: HereNow,
    provider: OurProvider,
    code: Annotated[str, Query(max_length=4_096)] = "",
    state: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Take who the provider vouches for; whatever is not as it was sent is refused."""
    flow = await run_in_threadpool(_take, here, state)
    if flow is None or not code:
        return _refused(here)
    try:
        claims = await provider.claims(code, flow, _back(here.request))
    except ProviderRefused:
        return _refused(here)
    answer = await run_in_threadpool(_admit, here, claims, provider.settings.login_claim, flow.next_path)
    drop_cookie(here.request, answer, FLOW)
    return answer


def _back(request: Request) -> str:
    return str(request.url_for("come_back"))


def _remember(here: Here, state: str, flow: oidc.Flow) -> None:
    with here.service.store.writing() as connection:
        oidc.begin(connection, state, flow, here.service.now())


def _take(here: Here, state: str) -> oidc.Flow | None:
    """The flow of a state, when it is this browser that left with it."""
    if not state or not hmac.compare_digest(state.encode(), read_cookie(here.request, FLOW).encode()):
        return None
    with here.service.store.writing() as connection:
        return oidc.take(connection, state, here.service.now())


def _admit(here: Here, claims: Mapping[str, Any], login_claim: str, next_path: str) -> Response:
    now = here.service.now()
    with here.service.store.writing() as connection:
        account = oidc.account_of(connection, claims, login_claim)
        if account is None:
            here.refused("sign-in by the provider")
            return page("told.html", 403, heading="No account here", sentence=NO_ACCOUNT)
        session = keys.start_session(
            connection,
            account.staff_key,
            now,
            second_factor=oidc.has_second_factor(claims),
            replaces=read_cookie(here.request, SESSION) or None,
        )
        here.note(account.staff_key, account.login, "sign-in", "identity provider")
    return here.enter(Admitted(account.staff_key, account.login, session, ""), next_path)


def _refused(here: Here) -> Response:
    here.refused("sign-in by the provider")
    answer = page("told.html", 401, heading="Not signed in", sentence=NOT_PROVEN)
    drop_cookie(here.request, answer, FLOW)
    return answer
