"""A browser without JavaScript: it keeps cookies, fills in forms, and tells where a request came from."""

import asyncio
import re
from html import unescape
from typing import Any

import httpx

from ews.store.keys import start_session
from tests.cast import CastStaff
from tests.services import HOST, Running

_FIELD = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*?(?:\bvalue="([^"]*)")?[^>]*>')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Browser:
    """One browser of one person."""

    def __init__(self, app: Any, origin: str = f"https://{HOST}", address: str = "192.0.2.7") -> None:
        self._app = app
        self.origin = origin
        self.address = address
        self.cookies = httpx.Cookies()

    def send(self, method: str, path: str, **what: Any) -> httpx.Response:
        """One request, as a page of the same origin makes it unless `headers` say otherwise."""
        headers = {"Sec-Fetch-Site": "same-origin", **what.pop("headers", {})}

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=(self.address, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url=self.origin, cookies=self.cookies) as client:
                response = await client.request(method, path, headers=headers, **what)
                self.cookies = client.cookies
                return response

        return asyncio.run(once())

    def get(self, path: str, **what: Any) -> httpx.Response:
        return self.send("GET", path, **what)

    def post(self, path: str, form: dict[str, str], **what: Any) -> httpx.Response:
        return self.send("POST", path, data=form, **what)

    def fill_in(self, path: str, action: str, **typed: str) -> httpx.Response:
        """Open a page, type into its form, and send it with what the form holds already."""
        held = hidden_fields(self.get(path).text)
        return self.post(action, held | typed)


def hidden_fields(html: str) -> dict[str, str]:
    """What a form sends along."""
    return {name: unescape(value) for name, value in _HIDDEN.findall(html)}


def browser_of(running: Running, who: CastStaff, *, second_factor: bool = True) -> Browser:
    """A browser in which somebody signed in."""
    browser = Browser(running.app)
    with running.service.store.writing() as connection:
        session = start_session(connection, who.key, running.service.now(), second_factor=second_factor)
    browser.cookies.set("__Host-ews_session", session.secret, domain=HOST)
    return browser


def form_in(html: str, action: str) -> dict[str, str]:
    """What a form holds as the page gives it: every field with its value, as a browser would send it."""
    found = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    assert found, action
    inputs = {name: unescape(value) for name, value in _INPUT.findall(found[0])}
    areas = {name: unescape(value) for name, value in _AREA.findall(found[0])}
    selects = {name: _chosen(options) for name, options in _SELECT.findall(found[0])}
    return inputs | areas | selects


def _chosen(options: str) -> str:
    values = re.findall(r'<option value="([^"]*)"( selected)?', options)
    return next((value for value, chosen in values if chosen), values[0][0])


_INPUT = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*?\bvalue="([^"]*)"')
_AREA = re.compile(r'<textarea[^>]*\bname="([^"]+)"[^>]*>(.*?)</textarea>', re.DOTALL)
_SELECT = re.compile(r'<select[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', re.DOTALL)
