"""A purpose stated on the page: it opens one student's pages, for half an hour, and is in the log (SEC-10, SEC-14)."""

from datetime import timedelta

import pytest

from tests.cast import ANA, BEA, MIA, NOON, TEO, TOMAS
from tests.services import Client, Running

PAGE = {"Accept": "text/html"}
OWN = {"Sec-Fetch-Site": "same-origin"}
OF_ANA = f"/students/{ANA.key}/family"


@pytest.fixture
def bea(running: Running) -> Client:
    """A counselor of the same school; the student is on another one's caseload."""
    return running.client(BEA)


def stated(client: Client, student=ANA, **form: str):
    return client("POST", f"/students/{student.key}/purpose", data={"purpose": "team meeting", **form}, headers=OWN)


def test_who_needs_a_purpose_is_asked_for_it_on_the_page(bea: Client):
    asked = bea("GET", OF_ANA, headers=PAGE)
    assert asked.status_code == 403
    assert f'action="/students/{ANA.key}/purpose"' in asked.text
    assert ANA.name not in asked.text


def test_a_stated_purpose_opens_this_student_and_is_in_the_log(running: Running, bea: Client):
    answer = stated(bea, next=OF_ANA)
    assert (answer.status_code, answer.headers["Location"]) == (303, OF_ANA)
    cookie = answer.headers["Set-Cookie"]
    assert f"Path=/students/{ANA.key};" in cookie
    assert "HttpOnly" in cookie
    assert "Max-Age=1800" in cookie
    shown = bea("GET", OF_ANA, headers={**PAGE, "Cookie": cookie.split(";")[0]})
    assert shown.status_code == 200
    found = running.service.audit.between(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert ("shown", "team meeting") in [(one.entry.result, one.entry.purpose) for one in found]


@pytest.mark.parametrize("purpose", ["", "   ", "\t"])
def test_a_blank_purpose_opens_nothing(bea: Client, purpose: str):
    cookie = stated(bea, purpose=purpose).headers["Set-Cookie"].split(";")[0]
    assert bea("GET", OF_ANA, headers={**PAGE, "Cookie": cookie}).status_code == 403


def test_a_purpose_does_not_open_another_school(bea: Client):
    cookie = stated(bea, MIA).headers["Set-Cookie"].split(";")[0]
    assert bea("GET", f"/students/{MIA.key}/family", headers={**PAGE, "Cookie": cookie}).status_code == 404


@pytest.mark.parametrize("away", ["https://elsewhere.example/", "/schools/014", f"/students/{TEO.key}", "//x"])
def test_the_way_back_leads_to_this_student_and_nowhere_else_W18(bea: Client, away: str):
    assert stated(bea, next=away).headers["Location"] == f"/students/{ANA.key}"


def test_another_site_cannot_state_one_W14(bea: Client):
    form = {"purpose": "x"}
    answer = bea("POST", f"/students/{ANA.key}/purpose", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_a_purpose_is_one_line_whatever_was_sent(running: Running, bea: Client):
    cookie = stated(bea, purpose="team\r\nmeeting\x00 ñ").headers["Set-Cookie"].split(";")[0]
    assert "\r" not in cookie
    bea("GET", OF_ANA, headers={**PAGE, "Cookie": cookie})
    found = running.service.audit.between(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert "team meeting ñ" in [one.entry.purpose for one in found]


def test_who_has_the_student_on_the_caseload_needs_none(running: Running):
    assert running.client(TOMAS)("GET", OF_ANA, headers=PAGE).status_code == 200
