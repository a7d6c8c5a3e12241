"""Pictures of the pages for docs/pages.md, of invented people only (issue 7).

`make screenshots` keeps them in docs/screenshots; any other run takes them too and throws them away, so that a page
that breaks its picture is known at once.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext

from ews.home import Home
from ews.store.people import members
from ews_serve import Settings, create_app
from ews_serve.service import open_service
from tests.cast import ANA, BEA, CORA, DANA, LENA, MATEO, ROSA, RUBY, SOL, WEI, CastStaff
from tests.functional.browser.conftest import LAPTOP, Site, listening, set_up
from tests.functional.browser.test_every_page import a_round
from tests.functional.conftest import alone
from tests.services import Running

KEPT = Path(__file__).parents[3] / "docs" / "screenshots"
PAGE = KEPT.parent / "pages.md"
SMALL_PHONE = {"width": 360, "height": 740}
MOST_BYTES = 250_000


class Picture(NamedTuple):
    """A page as somebody sees it."""

    name: str
    path: str
    who: CastStaff | None = None
    is_phone: bool = False
    is_dark: bool = False


OF_THE_CAST = (
    Picture("sign-in", "/sign-in"),
    Picture("schools", "/", DANA),
    Picture("school", "/schools/033", CORA),
    Picture("school-phone", "/schools/033", CORA, is_phone=True),
    Picture("calls", "/schools/033/calls", CORA),
    Picture("student", f"/students/{MATEO.key}", CORA),
    Picture("student-phone", f"/students/{RUBY.key}", CORA, is_phone=True),
    Picture("student-dark", f"/students/{LENA.key}", CORA, is_dark=True),
    Picture("sheet", f"/students/{MATEO.key}/sheet", CORA),
    Picture("mentor", f"/students/{RUBY.key}", SOL),
    Picture("family-es", f"/students/{MATEO.key}/family?language=es", CORA),
    Picture("purpose", f"/students/{ANA.key}", BEA),
    Picture("slots", "/slots/schools/033", CORA),
    Picture("round", "/slots/{round_key}", CORA),
    Picture("team", "/team", CORA),
    Picture("numbers", f"/students/{MATEO.key}/numbers", WEI),
    Picture("about", "/about", ROSA),
)
OF_THE_PRETEND_DISTRICT = (Picture("district", "/district", DANA), Picture("model", "/model", DANA))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where pictures go."""
    kept = KEPT if os.environ.get("EWS_SCREENSHOTS") else tmp_path
    kept.mkdir(exist_ok=True)
    return kept


@pytest.fixture
def pretend_district(scored_home: Home) -> Iterator[Site]:
    """The service on the demo's district, which is large enough for its numbers to be told."""
    service = open_service(Settings(scored_home.path))
    with listening(Running(create_app(service), service, {})) as url:
        yield Site(url, Running(create_app(service), service, {}))


@pytest.mark.parametrize("picture", OF_THE_CAST, ids=lambda picture: picture.name)
def test_a_page_of_the_cast_can_be_shown(
    site: Site, signed_in: Callable[..., BrowserContext], folder: Path, picture: Picture
):
    size = SMALL_PHONE if picture.is_phone else LAPTOP
    context = signed_in(picture.who, viewport=size, color_scheme="dark" if picture.is_dark else "light")
    path = picture.path.format(round_key=a_round(site)) if "{" in picture.path else picture.path
    take(context, path, folder / f"{picture.name}.png")


def test_pages_of_a_district_can_be_shown(pretend_district: Site, browser: Browser, folder: Path):
    service = pretend_district.running.service
    with service.store.reading() as connection:
        key = next(one.staff_key for one in members(connection) if one.login == DANA.login)
    context = browser.new_context(base_url=pretend_district.url, viewport=LAPTOP, reduced_motion="reduce")
    with alone(service.settings.home.parent):
        set_up(pretend_district, context.new_page(), Known(key), service.now())
    for picture in OF_THE_PRETEND_DISTRICT:
        take(context, picture.path, folder / f"{picture.name}.png")
    context.close()


class Known(NamedTuple):
    """Somebody of whom the key is enough."""

    key: str


def take(context: BrowserContext, path: str, file: Path) -> None:
    page = context.new_page()
    response = page.goto(path)
    assert response is not None
    assert response.status in (200, 403), path
    page.screenshot(path=file)
    page.close()
    assert 5_000 < file.stat().st_size < MOST_BYTES


def test_the_page_of_pictures_shows_each_one_that_is_kept():
    text = PAGE.read_text(encoding="utf-8")
    names = {picture.name for picture in (*OF_THE_CAST, *OF_THE_PRETEND_DISTRICT)}
    assert {path.stem for path in KEPT.glob("*.png")} == names
    assert {name for name in names if f"(screenshots/{name}.png)" not in text} == set()
