"""The main job in a real browser: from the sign-in to a logged contact, by keyboard, on paper, and without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.cast import AT_ORCHARD, CORA, ED, ELI, MATEO, PIA, RUBY, SOL, CastStudent
from tests.functional.browser.conftest import PASSWORD, Site, link_for
from tests.functional.browser.test_every_page import STANDARD, Watched

Enter = Callable[..., BrowserContext]

LIST = "/schools/033"
PAGES_OF_PDF = re.compile(rb"/Type\s*/Page\b")
LIGHTEST = 200_000
"""Bytes of the list with its style, at most (issue 7)."""

SHIFTS = """new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 300);
})"""

FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    return {text: (one.innerText || one.name || "").trim().split("\\n")[0], id: one.id, outline: style.outlineWidth};
}"""


def path_of(student: CastStudent) -> str:
    return f"/students/{student.key}"


class Keyboard:
    """Somebody without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = 0
        self.unseen: list[str] = []

    def to(self, wanted: str) -> None:
        """Press Tab until the field or link is reached, and look whether the focus can be seen all the way."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            self.presses += 1
            found = self.page.evaluate(FOCUS)
            if found["outline"] in ("0px", ""):
                self.unseen.append(found["text"] or found["id"])
            if wanted in (found["text"], found["id"]):
                return
        raise AssertionError(f"{wanted} is not reached by Tab on {self.page.url}")

    def press(self, key: str) -> None:
        self.presses += 1
        self.page.keyboard.press(key)


def test_the_main_job_needs_no_mouse_C3(site: Site, signed_in: Enter):
    page = signed_in(None).new_page()
    page.goto(link_for(site, CORA))
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    page.get_by_role("button", name="Sign out").click()

    keys = Keyboard(page)
    keys.to("login")
    page.keyboard.type(CORA.login)
    keys.to("password")
    page.keyboard.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url(f"**{LIST}")
    keys.to(ELI.name)
    keys.press("Enter")
    page.wait_for_url(f"**{path_of(ELI)}")
    keys.to("Log a contact")
    keys.press("Enter")
    keys.to("contact-kind")
    keys.press("ArrowDown")
    keys.to("Keep this contact")
    keys.press("Enter")
    page.wait_for_url("**kept=contact*")
    assert page.get_by_role("status").inner_text().startswith("The contact is in the log.")
    keys.to("Back to the list")
    keys.press("Enter")
    page.wait_for_url(f"**{LIST}")
    assert page.get_by_role("link", name=ELI.name, exact=True).count() == 0
    assert not keys.unseen
    assert keys.presses < 120


def test_a_first_visit_leads_to_a_student_by_what_the_page_says_UX_10(site: Site, signed_in: Enter):
    page = signed_in(None).new_page()
    page.goto(link_for(site, ED))
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    page.wait_for_url(f"**{LIST}")
    assert "Open a student" in page.locator(".lead").inner_text()
    first = page.locator(".to-do-row h3 a").first
    name = first.inner_text()
    assert page.evaluate("one => one.getBoundingClientRect().bottom", first.element_handle()) < 768
    first.click()
    assert page.locator("h1").inner_text() == name
    assert page.get_by_role("link", name="Log a contact").is_visible()


@pytest.mark.parametrize("paper", ["Letter", "A4"])
def test_the_sheet_of_every_student_is_one_page_UX_7(signed_in: Enter, paper: str):
    page = signed_in(CORA).new_page()
    for student in AT_ORCHARD:
        page.goto(f"{path_of(student)}/sheet")
        assert page.url.endswith("/sheet"), student.why
        assert len(PAGES_OF_PDF.findall(page.pdf(format=paper))) == 1, student.why
    page.goto(path_of(RUBY))
    assert len(PAGES_OF_PDF.findall(page.pdf(format=paper))) > 1


def test_the_sheet_tells_its_day_and_can_be_read_aloud_E08(signed_in: Enter):
    """A tagged PDF keeps headings and tables; that nothing is told by colour alone is held by the pages' own tests."""
    page = signed_in(CORA).new_page()
    page.goto(f"{path_of(RUBY)}/sheet")
    assert "For the team meeting, 5 October 2026" in page.locator("body").inner_text()
    assert b"/StructTreeRoot" in page.pdf(format="A4", tagged=True)


def test_a_mentors_sheet_holds_no_estimate_UX_7(signed_in: Enter):
    page = signed_in(SOL).new_page()
    page.goto(f"{path_of(RUBY)}/sheet")
    words = page.locator("body").inner_text()
    assert RUBY.name in words
    assert "in 10" not in words
    assert len(PAGES_OF_PDF.findall(page.pdf(format="A4"))) == 1


def test_forms_work_without_scripts_and_say_what_was_wrong_UX_10(signed_in: Enter):
    page = signed_in(CORA, java_script_enabled=False).new_page()
    page.goto(path_of(MATEO))
    page.get_by_label("How").select_option("visit")
    page.get_by_label("Minutes, if you like").fill("999")
    page.get_by_label("Next step, if any").first.fill("Look for a bus")
    page.get_by_role("button", name="Keep this contact").click()
    assert page.get_by_label("Minutes, if you like").get_attribute("aria-invalid") == "true"
    assert page.get_by_label("How").input_value() == "visit"
    page.get_by_label("Minutes, if you like").fill("25")
    page.get_by_role("button", name="Keep this contact").click()
    assert "The contact is in the log." in page.locator("#kept").inner_text()
    assert "25 minutes. Next: Look for a bus" in page.locator("section:has(> #contact)").inner_text()


def test_a_contact_takes_less_than_half_a_minute_of_a_page_that_fits_one_screen_MEN_6(signed_in: Enter):
    page = signed_in(CORA).new_page()
    page.goto(f"{path_of(PIA)}#contact")
    form = page.get_by_role("form", name="Log a contact")
    box = form.bounding_box()
    assert box is not None
    assert box["height"] < 768
    page.get_by_role("button", name="Keep this contact").click()
    page.wait_for_url("**kept=contact*")


def test_the_list_is_light_and_nothing_moves_while_it_loads(signed_in: Enter):
    page = signed_in(CORA).new_page()
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    page.goto(LIST)
    assert page.evaluate(SHIFTS) == 0
    assert 10_000 < sum(sizes) < LIGHTEST


def test_every_hard_case_is_accessible_also_with_errors_and_after_a_form_C3(site: Site, signed_in: Enter):
    watched, wrong = Watched(signed_in(CORA).new_page(), site), []
    for student in AT_ORCHARD:
        watched.open(path_of(student))
        watched.look(STANDARD, student.why)
    watched.page.get_by_role("button", name="Keep the note").click()
    watched.look(STANDARD, "with an error")
    watched.page.get_by_label("A note for your team").fill("Seen today")
    watched.page.get_by_role("button", name="Keep the note").click()
    watched.look(STANDARD, "after the note")
    for query in ("?show=all&sort=grade", "?grade=12", "/calls"):
        watched.open(LIST + query)
        watched.look(STANDARD, query)
    wrong += watched.wrong
    assert not wrong, "\n".join(wrong)
