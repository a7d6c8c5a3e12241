"""What stands around every page: style, navigation by role, refusals as pages (UX-10, W15, W22)."""

import re

import pytest

from ews_serve.static_files import static, static_files
from tests import cast
from tests.cast import INES, MO, ROSA, VAL, WEI
from tests.services import Running

PAGE = {"Accept": "text/html"}


def nav_of(text: str) -> list[str]:
    found = re.search(r'<nav aria-label="Main">(.*?)</nav>', text, re.DOTALL)
    return re.findall(r">([^<>]+)</a>", found[1]) if found else []


def test_style_is_kept_by_browsers_under_a_name_that_changes_with_it(nobody):
    found = nobody("GET", static("ews.css"))
    assert (found.status_code, found.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"/static/ews\.[0-9a-f]{12}\.css", static("ews.css"))


@pytest.mark.parametrize("name", ["ews.css", "ews.000000000000.css", "../pages.py", "..%2Fpages.py"])
def test_what_is_no_static_file_is_not_kept_W19(nobody, name):
    found = nobody("GET", f"/static/{name}")
    assert (found.status_code, found.headers["Cache-Control"]) == (404, "no-store")


def test_pages_are_small(nobody):
    assert sum(len(file.content) for file in static_files().values()) < 40_000


def test_a_page_asks_nothing_of_other_places_and_has_no_style_or_script_within(running: Running):
    text = running.client(ROSA)("GET", "/about", headers=PAGE).text
    assert set(re.findall(r'(?:href|src|action)="([^"/#][^"]*)"', text)) == set()
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text)


def test_the_navigation_shows_only_what_opens(running: Running):
    shown = {}
    for who in (ROSA, WEI, MO, INES, VAL):
        client = running.client(who)
        text = client("GET", "/about", headers=PAGE).text
        found = re.search(r'<nav aria-label="Main">(.*?)</nav>', text, re.DOTALL)
        shown[who.login] = nav_of(text)
        for path in re.findall(r'href="([^"]+)"', found[1] if found else ""):
            assert client("GET", path, headers=PAGE).status_code in (200, 303)
    assert "Schools" in shown[ROSA.login]
    assert "My students" in shown[MO.login]
    assert "Schools" not in shown[VAL.login] + shown[INES.login] + shown[MO.login]


def test_where_one_is_is_marked(running: Running):
    assert 'href="/about" aria-current="page"' in running.client(ROSA)("GET", "/about", headers=PAGE).text


def test_a_refusal_is_a_page_for_a_person_and_a_problem_for_a_program(running: Running):
    client = running.client(ROSA)
    page = client("GET", "/nothing-here", headers=PAGE)
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing here for you" in page.text
    assert client("GET", "/nothing-here").headers["Content-Type"] == "application/problem+json"
    assert client("GET", "/v1/schools/999/risk-list", headers=PAGE).headers["Content-Type"].startswith("application/")


def test_the_static_folder_holds_no_file_of_another_kind():
    assert {file.media_type.split(";")[0] for file in static_files().values()} == {"text/css", "image/svg+xml"}


def test_everything_a_page_was_given_is_escaped_W15():
    from ews_serve import pages

    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    shown = pages.page("told.html", heading=evil, sentence=evil).body.decode()
    assert evil not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in shown


def test_who_is_signed_in_by_a_token_gets_no_form_to_sign_out(running: Running):
    assert "/sign-out" not in running.client(cast.ROSA)("GET", "/about", headers=PAGE).text
