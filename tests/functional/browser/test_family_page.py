"""The page for a family on paper: one sheet in each language, without the frame of the service (UX-7, UX-9)."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from ews_serve.languages import LANGUAGES
from tests.cast import CORA, HUGO, NIA, CastStudent

PAGES_OF_PDF = re.compile(rb"/Type\s*/Page\b")


@pytest.mark.parametrize("student", [NIA, HUGO], ids=lambda student: student.why)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_familys_page_is_one_sheet_of_paper(
    signed_in: Callable[..., BrowserContext], student: CastStudent, language: str
):
    page = signed_in(CORA).new_page()
    page.goto(f"/students/{student.key}/family?language={language}")
    for paper in ("Letter", "A4"):
        assert len(PAGES_OF_PDF.findall(page.pdf(format=paper))) == 1, paper
    page.emulate_media(media="print")
    assert page.get_by_role("button", name="Sign out").count() == 0
    assert page.locator("footer").is_hidden()
    assert student.name in page.locator("article").inner_text()
