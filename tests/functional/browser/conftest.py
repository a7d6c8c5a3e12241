"""A real browser on a real server: the cast's store, people who sign in, Debian's Chromium.

Where Chromium is not installed these tests skip with the reason; under CI they fail, since there `.ci/run` installs it.
"""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyotp
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from ews.home import Home
from ews.store.links import make_setup_link
from tests.cast import NOON, CastStaff
from tests.evidence import keep_evidence
from tests.services import Running, run_service

MISSING = "Chromium is not installed. On Debian or Ubuntu: apt-get install -y chromium"
PASSWORD = "violet tractor under seven moons"
LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 320, "height": 640}
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

Open = Callable[..., Page]


@dataclass
class Site:
    """The service as a browser meets it.

    Attributes:
        url: where it listens.
        running: the application with its store.
        states: cookies of who signed in already, by login.
    """

    url: str
    running: Running
    states: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


@contextlib.contextmanager
def listening(running: Running) -> Iterator[str]:
    """The application behind a real socket; its address."""
    config = uvicorn.Config(running.app, port=0, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service on the cast's store, behind a real socket, with the clock of the cast."""
    running = run_service(tmp_path_factory.mktemp("site"), with_model=True)
    home = Home(running.service.settings.home)
    keep_evidence(home.evidence / next(home.bundles.iterdir()).name)
    with listening(running) as url:
        yield Site(url, running)


# Of the package and not of the session: Playwright keeps an event loop running in this thread, and other tests run
# their own.
@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def signed_in(site: Site, browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser window of somebody; of nobody for None. The first time the person signs in by a one-time link."""
    opened: list[BrowserContext] = []

    def enter(who: CastStaff | None, **settings: Any) -> BrowserContext:
        state = _state_of(site, browser, who) if who else None
        usual = {"viewport": LAPTOP, "base_url": site.url, "storage_state": state, "reduced_motion": "reduce"}
        context = browser.new_context(**usual | settings)
        context.set_default_timeout(15_000)
        opened.append(context)
        return context

    yield enter
    for context in opened:
        context.close()


def _state_of(site: Site, browser: Browser, who: CastStaff) -> Any:
    if who.login not in site.states:
        context = browser.new_context(base_url=site.url)
        set_up(site, context.new_page(), who)
        site.states[who.login] = context.storage_state()
        context.close()
    return site.states[who.login]


def set_up(site: Site, page: Page, who: CastStaff, at: datetime = NOON) -> None:
    """Sign in as people do the first time: by a one-time link, with a password and a second factor."""
    page.goto(link_for(site, who, at))
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    secret = page.locator("input[name=totp_secret]").input_value()
    page.get_by_label("The code the app shows now").fill(pyotp.TOTP(secret).at(at))
    page.get_by_role("button", name="Set up and sign in").click()
    page.wait_for_url(lambda url: "/set-up" not in url)


def link_for(site: Site, who: CastStaff, at: datetime = NOON) -> str:
    """The address of a new one-time link."""
    with site.running.service.store.writing() as connection:
        return f"/set-up?link={make_setup_link(connection, who.key, at)}"
