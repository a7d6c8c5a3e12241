"""The sign-in as a browser without JavaScript sees it: links, passwords, codes, sessions, forms (A01, A05, W14)."""

import logging
import re
import time
from datetime import timedelta
from html import escape
from pathlib import Path

import pyotp
import pytest

from ews.store import keys, links, people
from tests import cast
from tests.browsers import Browser, hidden_fields
from tests.cast import ANA, DANA, MIA, MO, NOON, ROSA, TOMAS, VAL
from tests.services import HOST, Running, run_service
from tests.stores import DATABASES

GOOD = "violet tractor under seven moons"
ANA_PAGE = f"/v1/students/{ANA.key}/history"


@pytest.fixture(scope="module", params=DATABASES)
def running(request, tmp_path_factory):
    made = run_service(tmp_path_factory.mktemp("sign-in"), request.param)
    yield made
    made.service.close()


@pytest.fixture(autouse=True)
def quickly(monkeypatch, request):
    """Only the test about time waits."""
    if "faster" not in request.node.name:
        monkeypatch.setattr("ews_serve.sign_in.SHORTEST_SECONDS", 0.0)


@pytest.fixture
def browser(running: Running) -> Browser:
    return Browser(running.app)


def link_for(running: Running, who) -> str:
    with running.service.store.writing() as connection:
        return f"/set-up?link={links.make_setup_link(connection, who.key, NOON)}"


def set_up(running: Running, browser: Browser, who, **typed: str):
    return browser.fill_in(link_for(running, who), "/set-up", **{"password": GOOD, "again": GOOD, "code": "", **typed})


def code_on(page: str, at=NOON) -> str:
    return pyotp.TOTP(hidden_fields(page)["totp_secret"]).at(at)


def set_up_with_code(running: Running, browser: Browser, who):
    path = link_for(running, who)
    page = browser.get(path).text
    sent = hidden_fields(page) | {"password": GOOD, "again": GOOD, "code": code_on(page)}
    return browser.post("/set-up", sent), pyotp.TOTP(sent["totp_secret"])


def sign_in(browser: Browser, who, password: str = GOOD, code: str = "", **more: str):
    return browser.fill_in("/sign-in", "/sign-in", login=who.login, password=password, code=code, **more)


def entries(running: Running, who) -> list[tuple[str, str, str]]:
    found = running.service.audit.between(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    return [(one.entry.view, one.entry.reason, one.entry.fields) for one in found if one.entry.login == who.login]


def test_a_one_time_link_sets_a_password_and_signs_in_A09(running, browser):
    path = link_for(running, ROSA)
    assert ROSA.login in browser.get(path).text
    done = browser.fill_in(path, "/set-up", password=GOOD, again=GOOD, code="")
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert browser.get("/v1/me").json()["login"] == ROSA.login
    assert browser.get(path).status_code == 404
    assert ("set-up", "one-time link", "from 192.0.2.7") in entries(running, ROSA)


def test_looking_at_a_link_does_not_use_it_up_but_two_settings_do(running, browser):
    path = link_for(running, TOMAS)
    page = browser.get(path).text
    sent = hidden_fields(page) | {"password": GOOD, "again": GOOD, "code": ""}
    assert browser.get(path).status_code == 200
    assert browser.post("/set-up", sent).status_code == 303
    again = browser.post("/set-up", sent)
    assert (again.status_code, "does not open" in again.text) == (404, True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": GOOD, "again": "another one entirely"}, "not the same"),
        ({"password": "short", "again": "short"}, "15 characters"),
        ({"password": GOOD, "again": GOOD, "code": "12"}, "code"),
    ],
)
def test_what_is_not_good_enough_is_said_and_the_link_stays_open(running, browser, typed, said):
    path = link_for(running, VAL)
    refused = browser.fill_in(path, "/set-up", **typed)
    assert (refused.status_code, said in refused.text, 'role="alert"' in refused.text) == (422, True, True)
    assert typed["password"] not in refused.text
    assert browser.get(path).status_code == 200


def test_a_role_that_needs_a_second_factor_cannot_be_set_up_without_SEC_1(running, browser):
    refused = set_up(running, browser, DANA)
    assert (refused.status_code, "needs a second factor" in refused.text) == (422, True)
    done, totp = set_up_with_code(running, browser, DANA)
    assert done.status_code == 303
    assert browser.get("/v1/me").json()["second_factor"]
    later = Browser(running.app)
    assert sign_in(later, DANA).status_code == 401
    assert sign_in(later, DANA, code=totp.at(NOON + timedelta(seconds=30))).status_code == 303
    assert later.get("/v1/me").json()["second_factor"]


def test_the_same_code_does_not_sign_in_twice(running):
    first = Browser(running.app)
    _, totp = set_up_with_code(running, first, DANA)
    code = totp.at(NOON + timedelta(seconds=30))
    assert sign_in(Browser(running.app), DANA, code=code).status_code == 303
    assert sign_in(Browser(running.app), DANA, code=code).status_code == 401


def test_every_refusal_reads_the_same_A01(running, browser):
    set_up(running, browser, ROSA)
    tries = [
        ("nobody", GOOD, ""), (ROSA.login, "wrong password entirely", ""), (cast.LOU.login, GOOD, ""),
        (cast.PIET.login, GOOD, ""), (ROSA.login, "", ""),
    ]  # fmt: skip
    texts = set()
    for number, (login, password, code) in enumerate(tries):
        stranger = Browser(running.app, address=f"198.51.100.{number}")
        refused = stranger.fill_in("/sign-in", "/sign-in", login=login, password=password, code=code)
        assert refused.status_code == 401
        assert not stranger.cookies
        texts.add(refused.text.replace(f'value="{login}"', ""))
    assert len(texts) == 1


def test_no_refusal_is_faster_than_the_others_A01(running, browser):
    set_up(running, browser, ROSA)
    took = []
    for login in ("nobody", ROSA.login):
        for number in range(7):
            stranger = Browser(running.app, address="203.0.113.50" if number else "203.0.113.51")
            start = time.monotonic()
            stranger.post("/sign-in", {"login": login, "password": "wrong password entirely"})
            took.append(time.monotonic() - start)
    assert min(took) >= 0.3


def test_five_wrong_passwords_slow_one_address_down_and_nobody_else_A04(running, browser):
    set_up(running, browser, TOMAS)
    guesser = Browser(running.app, address="203.0.113.99")
    for _ in range(5):
        assert sign_in(guesser, TOMAS, "wrong password entirely").status_code == 401
    assert sign_in(guesser, TOMAS).status_code == 401
    assert sign_in(Browser(running.app, address="203.0.113.98"), TOMAS).status_code == 303
    assert sign_in(browser, TOMAS).status_code == 303


def test_cookies_are_for_this_host_over_tls_and_out_of_reach_of_scripts(running, browser):
    done = set_up(running, browser, ROSA)
    cookies = done.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-ews_session", "__Host-ews_browser"}
    for cookie in cookies:
        for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert word in cookie
        assert "Domain" not in cookie
    assert "Max-Age" not in next(cookie for cookie in cookies if "session" in cookie)


@pytest.mark.parametrize("path", ["/sign-in", "/set-up"])
def test_no_password_is_taken_without_tls_from_another_machine(running, path: str):
    plain = Browser(running.app, origin=f"http://{HOST}")
    assert plain.get(path).status_code == 403
    assert plain.post(path, {"login": ROSA.login, "password": GOOD}).status_code == 403


def test_on_this_machine_the_sign_in_works_without_tls(tmp_path: Path):
    running = run_service(tmp_path)
    local = Browser(running.app, origin="http://127.0.0.1:8000")
    running.service.settings.__dict__["hosts"] = ("127.0.0.1",)
    done = set_up(running, local, ROSA)
    assert (done.status_code, set(local.cookies)) == (303, {"ews_session", "ews_browser"})
    assert local.get("/v1/me").json()["login"] == ROSA.login
    running.service.close()


def test_signing_in_gives_a_new_session_and_ends_the_one_that_came_along_A05(running, browser):
    set_up(running, browser, ROSA)
    before = browser.cookies["__Host-ews_session"]
    assert sign_in(browser, ROSA).status_code == 303
    after = browser.cookies["__Host-ews_session"]
    assert before != after
    stolen = Browser(running.app)
    stolen.cookies.set("__Host-ews_session", before, domain=HOST)
    assert stolen.get("/v1/me").status_code == 401


def test_a_session_that_an_attacker_chose_is_not_taken_over_A05(running, browser):
    set_up(running, browser, ROSA)
    planted = Browser(running.app)
    planted.cookies.set("__Host-ews_session", "chosen-by-somebody-else", domain=HOST)
    assert sign_in(planted, ROSA).status_code == 303
    assert "chosen-by-somebody-else" not in list(planted.cookies.values())


def test_signing_out_ends_it_on_the_server_and_clears_the_browser_A05_W22(running, browser):
    set_up(running, browser, ROSA)
    secret = browser.cookies["__Host-ews_session"]
    csrf = hidden_fields(browser.get("/second-factor").text) or {"csrf": csrf_of(running, secret)}
    done = browser.post("/sign-out", {"csrf": csrf["csrf"]})
    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in")
    assert '"cache"' in done.headers["Clear-Site-Data"]
    assert "__Host-ews_session" not in browser.cookies
    replayed = Browser(running.app)
    replayed.cookies.set("__Host-ews_session", secret, domain=HOST)
    assert replayed.get("/v1/me").status_code == 401
    assert ("sign-out", "asked for", "from 192.0.2.7") in entries(running, ROSA)


def csrf_of(running: Running, secret: str) -> str:
    with running.service.store.reading() as connection:
        return keys.viewer_of_session(connection, secret, NOON).csrf


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "wrong"),
        ({}, ""),
        ({"Sec-Fetch-Site": "cross-site"}, "right"),
        ({"Sec-Fetch-Site": "same-site"}, "right"),
        ({"Sec-Fetch-Site": "none"}, "right"),
    ],
)
def test_a_state_change_that_our_own_page_did_not_ask_for_is_refused_W14(running, browser, headers, word):
    set_up(running, browser, ROSA)
    csrf = csrf_of(running, browser.cookies["__Host-ews_session"])
    form = {"csrf": {"right": csrf, "wrong": "x" * 43, "": ""}[word]}
    assert browser.post("/sign-out", form, headers=headers).status_code == 403
    assert browser.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [(f"https://{HOST}", 303), ("https://elsewhere.example", 403), ("null", 403), (f"http://{HOST}", 403), (None, 403)],
)
def test_an_older_browser_is_judged_by_its_origin_W14(running, browser, origin, status):
    set_up(running, browser, ROSA)
    csrf = csrf_of(running, browser.cookies["__Host-ews_session"])
    import asyncio

    import httpx

    async def once() -> int:
        transport = httpx.ASGITransport(running.app)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"https://{HOST}", cookies=browser.cookies
        ) as client:
            headers = {"Origin": origin} if origin else {}
            return (await client.post("/sign-out", data={"csrf": csrf}, headers=headers)).status_code

    assert asyncio.run(once()) == status


def test_the_sign_in_form_itself_is_refused_from_elsewhere_W14(running, browser):
    set_up(running, browser, ROSA)
    form = {"login": ROSA.login, "password": GOOD}
    for site in ("cross-site", "same-site", "none"):
        assert Browser(running.app).post("/sign-in", form, headers={"Sec-Fetch-Site": site}).status_code == 403


def test_json_sent_as_text_with_a_cookie_changes_nothing_W14(running, browser):
    set_up(running, browser, ROSA)
    csrf = csrf_of(running, browser.cookies["__Host-ews_session"])
    for kind in ("text/plain", "application/json"):
        headers = {"Content-Type": kind}
        body = f'{{"csrf": "{csrf}"}}'.encode()
        assert browser.send("POST", "/sign-out", content=body, headers=headers).status_code == 403
    assert browser.get("/v1/me").status_code == 200


def test_a_program_of_a_page_proves_itself_by_a_header_and_a_token_needs_no_proof_W14(running, browser):
    set_up(running, browser, ROSA)
    csrf = csrf_of(running, browser.cookies["__Host-ews_session"])
    assert browser.send("POST", "/v1/score", json={}).status_code == 403
    assert browser.send("POST", "/v1/score", json={}, headers={"X-CSRF-Token": csrf}).status_code in {404, 422}
    token = {"Authorization": f"Bearer {running.tokens[DANA.login]}", "Sec-Fetch-Site": "cross-site"}
    assert Browser(running.app).send("POST", "/v1/score", json={}, headers=token).status_code == 422


def test_a_bad_token_is_not_helped_by_a_good_cookie_A03(running, browser):
    set_up(running, browser, ROSA)
    for authorization in ("Bearer nonsense", "Bearer ", "Basic abc", "bearer", ""):
        assert browser.get("/v1/me", headers={"Authorization": authorization}).status_code == 401


@pytest.mark.parametrize(
    "unsafe",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "///elsewhere.example",
        "/\\elsewhere.example",
        "javascript:alert(1)",
        "/a\r\nX: 1",
        "",
    ],
)
def test_after_the_sign_in_one_stays_on_this_service_W18(running, browser, unsafe: str):
    set_up(running, browser, ROSA)
    done = sign_in(browser, ROSA, next=unsafe)
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert sign_in(browser, ROSA, next="/v1/me?x=1").headers["Location"] == "/v1/me?x=1"
    shown = hidden_fields(Browser(running.app).get("/sign-in", params={"next": unsafe}).text)
    assert shown["next"] == "/"


@pytest.mark.parametrize("words", ['"><script>alert(1)</script>', "{{ 7*7 }}", "' onfocus='x"])
def test_what_was_typed_is_shown_as_text_only_W15(running, browser, words: str):
    refused = browser.post("/sign-in", {"login": words, "password": "x"})
    assert "<script" not in refused.text
    assert "49" not in refused.text
    assert words not in refused.text or "<" not in words


def test_a_form_with_files_many_or_repeated_fields_is_refused_W05_W12(running, browser):
    assert browser.send("POST", "/sign-in", data={"login": ["a", "b"]}).status_code == 422
    assert browser.post("/sign-in", {f"f{number}": "x" for number in range(60)}).status_code in {400, 413, 422}
    assert browser.send("POST", "/sign-in", files={"login": ("x.txt", b"x")}).status_code in {400, 422}


def test_a_second_factor_asked_for_later_changes_the_session_and_opens_the_export_SEC_1(running, browser):
    _, totp = set_up_with_code(running, browser, ROSA)
    with running.service.store.writing() as connection:
        session = keys.start_session(connection, ROSA.key, NOON, second_factor=False)
    browser.cookies.delete("__Host-ews_session")
    browser.cookies.set("__Host-ews_session", session.secret, domain=HOST)
    export = "/v1/schools/014/export?format=csv"
    assert browser.get(export).status_code == 403
    assert browser.fill_in("/second-factor", "/second-factor", code="000000").status_code == 401
    code = totp.at(NOON + timedelta(seconds=30))
    done = browser.fill_in("/second-factor?next=/v1/me", "/second-factor", code=code)
    assert (done.status_code, done.headers["Location"]) == (303, "/v1/me")
    assert browser.get(export).status_code == 200
    assert ("second factor", "code", "from 192.0.2.7") in entries(running, ROSA)


def test_who_has_no_second_factor_is_told_how_to_get_one(running, browser):
    with running.service.store.writing() as connection:
        people.activate(connection, TOMAS.key)
    set_up(running, browser, TOMAS)
    page = browser.get("/second-factor")
    assert "new link" in page.text
    assert 'name="code"' not in page.text


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_back(running, browser):
    sent = browser.get("/second-factor")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/sign-in?next=/second-factor")


def test_an_administrator_looks_as_a_counselor_and_sees_what_both_may_A12(running, browser):
    set_up_with_code(running, browser, DANA)
    csrf = {"csrf": csrf_of(running, browser.cookies["__Host-ews_session"])}
    assert browser.get(f"/v1/students/{MIA.key}/history").status_code == 200
    assert browser.post("/view-as", csrf | {"login": TOMAS.login}).status_code == 303
    assert browser.get(f"/v1/students/{MIA.key}/history").status_code == 404
    assert browser.get(ANA_PAGE).status_code == 200
    (*_, read) = running.service.audit.of_student(ANA.key)
    assert (read.entry.login, read.entry.viewing_as) == (DANA.login, TOMAS.login)
    for login in ("nobody", cast.LOU.login):
        assert browser.post("/view-as", csrf | {"login": login}).status_code == 404
    assert browser.post("/view-as", csrf).status_code == 303
    assert browser.get(f"/v1/students/{MIA.key}/history").status_code == 200
    assert ("view-as", TOMAS.login, "from 192.0.2.7") in entries(running, DANA)


def test_nobody_else_looks_as_another_person_A12(running, browser):
    set_up(running, browser, ROSA)
    csrf = {"csrf": csrf_of(running, browser.cookies["__Host-ews_session"])}
    assert browser.post("/view-as", csrf | {"login": DANA.login}).status_code == 404
    assert browser.post("/view-as", csrf).status_code == 404
    assert browser.get("/v1/me").json()["login"] == ROSA.login


def test_after_the_sign_in_a_clerk_finds_the_lists_of_the_own_school(running, browser):
    set_up_with_code(running, browser, ROSA)
    assert browser.get("/").headers["Location"] == "/schools/014"
    html = browser.get("/schools/014").text
    assert "Rosa Imani" in html
    (address,) = re.findall(r'href="(/v1/schools/[^"]+xlsx)"', html)
    assert address == "/v1/schools/014/export?format=xlsx"
    assert browser.get(address).status_code == 200
    assert browser.post("/sign-out", hidden_fields(html)).status_code == 303
    assert browser.get("/").headers["Location"] == "/sign-in?next=/"


def test_the_list_says_that_a_file_needs_a_second_factor_and_the_first_page_where_to_begin(running, browser):
    set_up(running, browser, ROSA)
    with running.service.store.writing() as connection:
        session = keys.start_session(connection, ROSA.key, NOON, second_factor=False)
    browser.cookies.set("__Host-ews_session", session.secret, domain=HOST)
    assert "Give the second factor" in browser.get("/schools/014").text
    mentor, nobody = Browser(running.app), Browser(running.app)
    set_up(running, mentor, MO)
    html = mentor.get("/").text
    assert {one.name for one in cast.STUDENTS if escape(one.name) in html} == {cast.ANA.name, cast.JUN.name}
    set_up(running, nobody, cast.VAL)
    assert "no list that you may see" in nobody.get("/").text


def test_a_closed_account_is_out_with_the_next_request_A06(tmp_path: Path):
    running = run_service(tmp_path)
    browser = Browser(running.app)
    set_up(running, browser, ROSA)
    assert browser.get(ANA_PAGE).status_code == 200
    with running.service.store.writing() as connection:
        people.deactivate(connection, ROSA.key, NOON)
    assert browser.get(ANA_PAGE).status_code == 401
    assert sign_in(browser, ROSA).status_code == 401
    running.service.close()


def test_a_session_in_use_lives_on_and_never_waits_for_a_writer_REL_6(tmp_path: Path):
    running = run_service(tmp_path)
    browser = Browser(running.app)
    set_up(running, browser, ROSA)
    clock = {"now": NOON}
    running.service.__dict__["now"] = lambda: clock["now"]
    clock["now"] = NOON + timedelta(minutes=20)
    with running.service.store.writing():
        start = time.monotonic()
        assert browser.get("/v1/me").status_code == 200
        assert time.monotonic() - start < 5
    deadline = time.monotonic() + 20
    while browser.get("/v1/me").status_code == 200 and seen_at(running, browser) == NOON:
        assert time.monotonic() < deadline
    clock["now"] = NOON + timedelta(minutes=45)
    assert browser.get("/v1/me").status_code == 200
    running.service.close()


def seen_at(running: Running, browser: Browser):
    with running.service.store.reading() as connection:
        found = keys.viewer_of_session(connection, browser.cookies["__Host-ews_session"], running.service.now())
    return found.seen_at if found else None


def test_nobody_gets_in_while_the_log_cannot_be_written_O18(tmp_path: Path):
    running = run_service(tmp_path)
    browser = Browser(running.app)
    set_up(running, browser, ROSA)
    import sqlite3

    with sqlite3.connect(running.service.settings.home / "audit.db") as connection:
        connection.execute("alter table audit_entries rename to hidden")
    late = Browser(running.app)
    assert sign_in(late, ROSA).status_code == 503
    assert not late.cookies
    running.service.close()


def test_the_services_log_says_that_a_try_failed_and_not_of_whom_O17(running, browser, caplog):
    with caplog.at_level(logging.INFO, logger="ews_serve"):
        browser.post("/sign-in", {"login": "My Secret Password 4711", "password": "x"})
    assert re.search(r"[0-9a-f]{32} sign-in refused, from 192\.0\.2\.7", caplog.text)
    assert "4711" not in caplog.text


def test_pages_ask_nothing_of_other_places_and_name_every_field(running, browser):
    for path in ("/sign-in", link_for(running, VAL)):
        html = browser.get(path).text
        assert "<script" not in html
        assert not re.search(r'(src|href)="https?:', html)
        for name in re.findall(r'<input id="(\w+)"', html):
            assert f'<label for="{name}">' in html
        assert '<html lang="en">' in html
