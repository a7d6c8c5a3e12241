"""Every page of the application, as every role of the cast sees it: generated from the application's own routes.

A page that is added later is picked up by itself (C3, UX-10, issue 7).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import product

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import iter_route_contexts
from playwright.sync_api import BrowserContext, Page

from ews.slots import Mentor
from ews.store.mentors import import_mentors
from ews_serve.app import OPEN_PATHS
from tests.cast import (
    ANA,
    BEA,
    CORA,
    DANA,
    HARBOR,
    INES,
    MATEO,
    MO,
    ORCHARD,
    ROSA,
    RUBY,
    TODAY,
    TOMAS,
    VAL,
    WEI,
    CastStaff,
)
from tests.functional.browser.conftest import LAPTOP, PHONE, Site, link_for

ROLES = {"district office": DANA, "data scientist": WEI, "school lead": ROSA, "lead of the hard cases": CORA,
         "counselor": TOMAS, "mentor": MO, "auditor": INES, "nobody": None}  # fmt: skip
NO_PAGES = ("/v1", "/static", "/metrics", "/openapi.json", "/livez", "/readyz", "/sign-in/provider")
STUDENTS = {CORA: (RUBY,), DANA: (MATEO,), WEI: (MATEO,), BEA: (ANA,)}
"""Whose pages somebody looks at; anybody else at those of the first student of the cast."""
AT_ORCHARD_LANE = (CORA, DANA, WEI)
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
FRAME = "/about"
"""The page on which the frame of each role is looked at, although what it says is the same for all."""

HALF = {"width": LAPTOP["width"] // 2, "height": LAPTOP["height"] // 2}
"""At 200 percent zoom a laptop has half as many CSS pixels."""


def page_routes(site: Site, who: CastStaff | None) -> list[str]:
    """Every page as the application names it; for nobody those that are open, since any other leads to the sign-in."""
    found = [(route.methods or set(), str(route.path)) for route in iter_route_contexts(site.running.app.routes)]
    pages = {path for methods, path in found if "GET" in methods and not path.startswith(NO_PAGES)}
    return sorted(pages - OPEN_PATHS if who else pages & OPEN_PATHS)


def addresses(site: Site, route: str, who: CastStaff | None) -> Iterator[str]:
    """Addresses of a route that somebody may try."""
    if route == "/set-up":
        yield link_for(site, VAL)
    examples = {
        "student_key": tuple(one.key for one in STUDENTS.get(who, (ANA,))),
        "school_id": (ORCHARD.school_id if who in AT_ORCHARD_LANE else HARBOR.school_id,),
        "round_key": (a_round(site),) if "{round_key}" in route else (),
    }
    for values in product(*(examples[name] for name in re.findall(r"\{(\w+)", route))):
        yield re.sub(r"\{\w+(:\w+)?\}", "{}", route).format(*values)


def a_round(site: Site) -> str:
    """A round of mentor slots that waits for its school."""
    if "round" not in site.states:
        since = date(2026, 6, 1)
        mentor = Mentor("M90", "Ina Bloch", "staff", 2, (ORCHARD.school_id,), since, screened_on=since)
        with site.running.service.store.writing() as connection:
            import_mentors(connection, [mentor], TODAY)
        address, wanted = f"{site.url}/v1/rounds", {"school_id": ORCHARD.school_id}
        made = httpx.post(address, json=wanted, headers=token_of(site, CORA), trust_env=False, timeout=30)
        site.states["round"] = made.raise_for_status().json()["round_key"]
    return str(site.states["round"])


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
        self._note(how, Axe().run(self.page, options=options).response["violations"])

    def look_in_light_and_dark(self) -> None:
        """Ask axe for everything, and in dark for what the colours change."""
        self.look(STANDARD, "light")
        self.page.emulate_media(color_scheme="dark")
        # axe is in the page by now.
        self._note("dark", self.page.evaluate("what => axe.run(document, what).then(it => it.violations)", CONTRAST))

    def _note(self, how: str, found: list[dict]) -> None:
        self.wrong += [
            f"{how}: {one['id']}: {node['target']} {node['failureSummary'][:200]}"
            for one in found
            for node in one["nodes"]
        ]

    def is_like_another(self) -> bool:
        """Whether the same was looked at already, as of pages that refuse; only what stands around it may differ."""
        text, seen = self.page.locator("main").inner_html(), self.site.states.setdefault("looked at", set())
        is_known = text in seen
        seen.add(text)
        return is_known and not self.page.url.endswith(FRAME)

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
    who = ROLES[role]
    wrong = [
        f"{address}: {one}"
        for route in page_routes(site, who)
        for address in addresses(site, route, who)
        for one in seen_wrong(site, signed_in(who), address)
    ]
    assert not wrong, "\n".join(wrong)


def seen_wrong(site: Site, context: BrowserContext, address: str) -> list[str]:
    watched = Watched(context.new_page(), site)
    watched.open(address)
    if not watched.is_like_another():
        watched.look_in_light_and_dark()
        watched.fits(PHONE, "at 320 px")
        watched.fits(HALF, "at 200 % zoom")
    watched.page.close()
    return watched.wrong


def test_every_page_opens_for_somebody(site: Site):
    for route in page_routes(site, ROSA):
        assert any(
            httpx.get(site.url + address, headers=token_of(site, who), trust_env=False, timeout=30).is_success
            for who in ROLES.values()
            if who
            for address in addresses(site, route, who)
        ), route


def token_of(site: Site, who: CastStaff) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.running.tokens[who.login]}"}


def test_a_counselor_who_is_asked_for_a_purpose_reads_that_page_too_C3(
    site: Site, signed_in: Callable[..., BrowserContext]
):
    context = signed_in(BEA)
    addressed = f"/students/{ANA.key}"
    assert context.request.get(addressed, headers={"Accept": "text/html"}).status == 403
    assert seen_wrong(site, context, addressed) == []


@pytest.mark.parametrize("role", [role for role, who in ROLES.items() if who])
def test_without_javascript_the_same_text_is_read_UX_10_W24(
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


POOR = """<!doctype html><html lang="en"><head><title>x</title></head><body><main><h1>x</h1>
<p style="color: #999; background: #fff">dim</p><img src="http://elsewhere.example/x.png">
<div style="width: 900px">wide</div><script>console.error("broken")</script></main></body></html>"""


def test_a_poor_page_would_be_seen(site: Site, signed_in: Callable[..., BrowserContext]):
    context = signed_in(None)
    context.route("**/sign-in", lambda route: route.fulfill(body=POOR, content_type="text/html"))
    wrong = "\n".join(seen_wrong(site, context, "/sign-in"))
    for fault in ("color-contrast", "image-alt", "at 320 px", "at 200 % zoom", "asks another place", "console: broken"):
        assert fault in wrong
