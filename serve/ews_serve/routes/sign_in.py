"""Sign-in, sign-out, one-time links, the second factor. Pages that work without JavaScript."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.access import View, may
from ews.errors import InputRefused
from ews.store import keys, people, sign_in
from ews.store.second_factor import new_totp_secret, provisioning_uri
from ews_serve.cookies import BROWSER, SESSION, read_cookie
from ews_serve.csrf import OwnForm
from ews_serve.identity import PageSignedIn
from ews_serve.local_paths import local_path
from ews_serve.pages import page
from ews_serve.problems import Refused
from ews_serve.sign_in import Here, slowly
from ews_serve.web.frame import frame_of

router = APIRouter(include_in_schema=False)

OPEN_PATHS = frozenset({"/sign-in", "/set-up", "/sign-in/provider", "/sign-in/provider/back"})
"""Addresses that answer who is not signed in; they hold nothing of students."""

REFUSED = (
    "That did not work: login, password and code do not belong together, or there were too many tries. "
    "Wait a little, then try again."
)
LINK_CLOSED = (
    "This link was used, has expired, or was replaced by a newer one. Ask who runs this service for a new one."
)
CODE_REFUSED = "That was not the code of now, or there were too many tries. Wait for the next code, then try again."

NextPath = Annotated[str, Query(alias="next", max_length=500)]


HereNow = Annotated[Here, Depends(Here.of)]


@router.get("/sign-in")
async def show_sign_in(here: HereNow, next_path: NextPath = "/") -> Response:
    """The page to sign in."""
    return _sign_in_page(here, local_path(next_path))


@router.post("/sign-in")
async def try_to_sign_in(here: HereNow, form: OwnForm) -> Response:
    """Try to sign in."""
    next_path = local_path(form.get("next", "/"))
    tried = sign_in.Try(
        login=form.get("login", ""),
        password=form.get("password", ""),
        code=form.get("code", ""),
        address=here.address,
        browser=read_cookie(here.request, BROWSER),
        session=read_cookie(here.request, SESSION),
    )
    return await slowly(_tried, here, tried, next_path)


def _tried(here: Here, tried: sign_in.Try, next_path: str) -> Response:
    admitted = sign_in.sign_in(here.service.store, tried, here.service.now())
    if admitted is None:
        here.refused("sign-in")
        return _sign_in_page(here, next_path, status=401, login=tried.login[:128], refusal=REFUSED)
    here.note(admitted.staff_key, admitted.login, "sign-in", "password")
    here.tidy()
    return here.enter(admitted, next_path)


def _sign_in_page(here: Here, next_path: str, status: int = 200, login: str = "", refusal: str = "") -> Response:
    provider = here.request.app.state.provider
    name = provider.settings.name if provider else ""
    return page("sign_in.html", status, refusal=refusal, next=next_path, login=login, provider=name)


@router.post("/sign-out")
def sign_out(signed_in: PageSignedIn, here: HereNow) -> Response:
    """End the session, on the server."""
    here.note(signed_in.viewer.staff_key, signed_in.viewer.login, "sign-out", "asked for")
    with here.service.store.writing() as connection:
        keys.end_session(connection, read_cookie(here.request, SESSION))
    return here.leave("/sign-in")


@router.get("/set-up")
def show_set_up(here: HereNow, link: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The page of a one-time link; looking at it does not use the link up."""
    return _set_up_page(here, link, new_totp_secret())


@router.post("/set-up")
async def set_up(here: HereNow, form: OwnForm) -> Response:
    """Set password and second factor, and sign in."""
    return await slowly(_set_up, here, form)


def _set_up(here: Here, form: Mapping[str, str]) -> Response:
    link, password, code = form.get("link", ""), form.get("password", ""), form.get("code", "")
    totp_secret = form.get("totp_secret", "")
    try:
        if password != form.get("again", ""):
            raise InputRefused("The two passwords are not the same.")
        chosen = sign_in.SetUp(link, password, totp_secret if code else "", code)
        admitted = sign_in.set_up(here.service.store, chosen, here.service.now())
    except InputRefused as refusal:
        here.refused("set-up")
        return _set_up_page(here, link, totp_secret or new_totp_secret(), str(refusal))
    here.note(admitted.staff_key, admitted.login, "set-up", "one-time link")
    return here.enter(admitted, "/")


def _set_up_page(here: Here, link: str, totp_secret: str, refusal: str = "") -> Response:
    with here.service.store.reading() as connection:
        opened = sign_in.opened_by(connection, link, here.service.now())
    if opened is None:
        return page("told.html", 404, heading="This link does not open", sentence=LINK_CLOSED)
    return page(
        "set_up.html",
        422 if refusal else 200,
        refusal=refusal,
        link=link,
        login=opened.login,
        has_password=opened.has_password,
        needs_code=opened.needs_second_factor,
        totp_secret=totp_secret,
        totp_words=" ".join(totp_secret[start : start + 4] for start in range(0, len(totp_secret), 4)),
        totp_uri=provisioning_uri(totp_secret, opened.login),
    )


@router.get("/second-factor")
async def show_second_factor(request: Request, signed_in: PageSignedIn, next_path: NextPath = "/") -> Response:
    """The page that asks for a code within a session."""
    return _second_factor_page(request, signed_in, local_path(next_path))


@router.post("/second-factor")
async def give_second_factor(signed_in: PageSignedIn, here: HereNow, form: OwnForm) -> Response:
    """Give the second factor; a new session takes the place of the one without."""
    next_path = local_path(form.get("next", "/"))
    staff_key, session = signed_in.viewer.staff_key, read_cookie(here.request, SESSION)
    code, now = form.get("code", ""), here.service.now()
    given = await slowly(sign_in.step_up, here.service.store, staff_key, session, code, now)
    if given is None:
        here.refused("second factor")
        return _second_factor_page(here.request, signed_in, next_path, CODE_REFUSED)
    await run_in_threadpool(here.note, staff_key, signed_in.viewer.login, "second factor", "code")
    return here.enter(sign_in.Admitted(staff_key, signed_in.viewer.login, given, ""), next_path)


@router.post("/view-as")
async def view_as(signed_in: PageSignedIn, here: HereNow, form: OwnForm) -> Response:
    """Look as another person, and then see what both may see (A12); without a login, as oneself again."""
    return await run_in_threadpool(_view_as, here, signed_in, form.get("login", ""))


def _view_as(here: Here, signed_in: keys.SignedIn, login: str) -> Response:
    viewer = signed_in.viewer
    oneself = replace(viewer, viewing_as=None)
    if not may(oneself, View.VIEW_AS, here.service.on(here.service.now())).allowed:
        raise Refused(404)
    with here.service.store.writing() as connection:
        other = people.find(connection, login) if login else None
        if login and (other is None or not other.is_active):
            raise Refused(404)
        here.note(viewer.staff_key, viewer.login, "view-as", other.login if other else "ended")
        keys.view_as(connection, signed_in, other.staff_key if other else None)
    return RedirectResponse("/", 303)


def _second_factor_page(request: Request, signed_in: keys.SignedIn, next_path: str, refusal: str = "") -> Response:
    return page(
        "second_factor.html",
        401 if refusal else 200,
        refusal=refusal,
        frame=frame_of(request, signed_in),
        csrf=signed_in.csrf or "",
        next=next_path,
        has_second_factor=signed_in.has_second_factor,
    )
