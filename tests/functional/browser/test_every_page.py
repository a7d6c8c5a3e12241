"""Every page of the application, as every role of the cast sees it: generated from the application's own routes.

A page that is added later is picked up by itself (C3, UX-10, issue 7).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import iter_route_contexts
from playwright.sync_api import BrowserContext, Page

from ews_serve.app import OPEN_PATHS
from tests.cast import ANA, BEA, DANA, INES, IVY, JUN, MO, ROSA, TOMAS, VAL, WEI, CastStaff
from tests.functional.browser.conftest import LAPTOP, PHONE, Site, link_for

ROLES = {"district office": DANA, "data scientist": WEI, "school lead": ROSA, "counselor": TOMAS, "mentor": MO,
         "auditor": INES, "nobody": None}  # fmt: skip
NO_PAGES = ("/v1", "/static", "/metrics", "/openapi.json", "/livez", "/readyz", "/sign-in/provider")
EXAMPLES = {"student_key": (ANA.key,), "school_id": ("014",)}
MORE_STUDENTS = {BEA.login: (ANA.key, IVY.key, JUN.key)}
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
HALF = {"width": LAPTOP["width"] // 2, "height": LAPTOP["height"] // 2}
"""At 200 percent zoom a laptop has half as many CSS pixels."""


def page_routes(site: Site, who: CastStaff | None) -> list[str]:
    """Every page as the application names it; for nobody those that are open, since any other leads to the sign-in."""
    found = [(route.methods or set(), str(route.path)) for route in iter_route_contexts(site.running.app.routes)]
    pages = {path for methods, path in found if "GET" in methods and not path.startswith(NO_PAGES)}
    return sorted(pages - OPEN_PATHS if who else pages & OPEN_PATHS)


def addresses(site: Site, route: str, who: CastStaff | None) -> Iterator[str]:
    if route == "/set-up":
        yield link_for(site, VAL)
    names = re.findall(r"\{(\w+)", route)
    examples = EXAMPLES | ({"student_key": MORE_STUDENTS[who.login]} if who and who.login in MORE_STUDENTS else {})
    for values in product(*(examples.get(name, ("unknown",)) for name in names)):
        yield re.sub(r"\{\w+(:\w+)?\}", "{}", route).format(*values)


@dataclass
class Watched:
    """One page and what the browser noticed while it was open."""

    page: Page
    site: Site
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self._own(request.url))
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error in the page: {error}"))

    def _own(self, url: str) -> None:
        if not url.startswith((f"{self.site.url}/", "data:")):
            self.wrong.append(f"asks another place: {url}")

    def _console(self, kind: str, text: str) -> None:
        refused = "the server responded with a status of 4" in text or "status of 503" in text
        if kind == "error" and not refused:
            self.wrong.append(f"console: {text}")

    def open(self, address: str) -> int:
        response = self.page.goto(address)
        assert response is not None
        if "text/html" not in response.headers["content-type"]:
            self.wrong.append("is no page")
        self.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        return response.status

    def look(self, options: dict, how: str) -> None:
        found = Axe().run(self.page, options=options).response["violations"]
        self.wrong += [
            f"{how}: {one['id']}: {node['target']} {node['failureSummary'][:200]}"
            for one in found
            for node in one["nodes"]
        ]

    def fits(self, size: dict[str, int], how: str) -> None:
        self.page.set_viewport_size(size)
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            who = self.page.evaluate(TOO_WIDE)
            self.wrong.append(f"{how}: {wide} px too wide: {who}")


TOO_WIDE = """[...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1 && !one.closest('.table-wide'))
    .slice(0, 5).map(one => one.tagName + '.' + one.className)"""


@pytest.mark.parametrize("role", ROLES)
def test_every_page_can_be_read_by_everybody_it_is_for_C3_UX_10(
    site: Site, signed_in: Callable[..., BrowserContext], role: str
):
    who, wrong = ROLES[role], []
    context = signed_in(who)
    for route in page_routes(site, who):
        for address in addresses(site, route, who):
            watched = Watched(context.new_page(), site)
            watched.open(address)
            watched.look(STANDARD, "light")
            watched.page.emulate_media(color_scheme="dark")
            watched.look(CONTRAST, "dark")
            watched.fits(PHONE, "at 320 px")
            watched.fits(HALF, "at 200 % zoom")
            watched.page.close()
            wrong += [f"{address}: {one}" for one in watched.wrong]
    assert not wrong, "\n".join(wrong)


def test_every_page_opens_for_somebody(site: Site):
    tokens = [site.running.tokens[who.login] for who in ROLES.values() if who]
    for route in page_routes(site, ROSA):
        asked = [(address, token) for address in addresses(site, route, None) for token in tokens]
        assert any(
            httpx.get(site.url + address, headers={"Authorization": f"Bearer {token}"}, trust_env=False).is_success
            for address, token in asked
        ), route


def test_a_counselor_who_is_asked_for_a_purpose_reads_that_page_too_C3(
    site: Site, signed_in: Callable[..., BrowserContext]
):
    wrong = []
    for route in (route for route in page_routes(site, BEA) if "{student_key}" in route):
        watched = Watched(signed_in(BEA).new_page(), site)
        status = watched.open(next(addresses(site, route, None)))
        watched.look(STANDARD, "light")
        watched.fits(PHONE, "at 320 px")
        wrong += [f"{route} ({status}): {one}" for one in watched.wrong]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", [role for role, who in ROLES.items() if who])
def test_without_javascript_the_same_text_is_read_UX_10(
    site: Site, signed_in: Callable[..., BrowserContext], role: str
):
    who = ROLES[role]
    with_script, without = signed_in(who).new_page(), signed_in(who, java_script_enabled=False).new_page()
    for route in page_routes(site, who):
        for address in addresses(site, route, who):
            texts = []
            for page in (with_script, without):
                page.goto(address)
                texts.append(page.locator("body").inner_text())
            assert texts[0] == texts[1], address
            assert len(texts[0]) > 100, address
