"""Sign-in by an identity provider: a real one in a process of its own, and hostile ones that answer wrongly (A08)."""

import base64
import hmac
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from ews.store import people
from ews.store.schema import OIDC_FLOWS, STAFF
from ews_serve import create_app
from ews_serve.provider import Provider, ProviderSettings
from tests.browsers import Browser
from tests.cast import NOON, ROSA
from tests.services import HOST, Running, run_service

PATIENCE_SECONDS = 60
CLIENT = "ews"
SECRET = "a secret that is known to both"

PEOPLE: list[dict[str, Any]] = [
    {"sub": "rosa-1", "email": "rosa.imani", "email_verified": True},
    {"sub": "rosa-mfa", "email": "rosa.imani", "email_verified": True, "amr": ["pwd", "mfa"]},
    {"sub": "rosa-unverified", "email": "rosa.imani", "email_verified": False},
    {"sub": "lou-1", "email": "lou.ferrante", "email_verified": True},
    {"sub": "stranger", "email": "stranger@example.org", "email_verified": True},
    {"sub": "no-email"},
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a real OpenID provider, in a process of its own."""
    port = free_port()
    words = [word for one in PEOPLE for word in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *words]
    issuer = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"{issuer}/.well-known/openid-configuration")
            yield issuer
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the provider did not start")


@pytest.fixture
def running(provider: str, tmp_path) -> Iterator[Running]:
    made = run_service(tmp_path)
    yield with_provider(made, provider)
    made.service.close()


def with_provider(made: Running, issuer: str, **more: str) -> Running:
    settings = ProviderSettings(issuer, CLIENT, SECRET, **more)
    return Running(create_app(made.service, Provider(settings)), made.service, made.tokens)


def leave(browser: Browser, next_path: str = "/v1/me") -> str:
    sent = browser.get("/sign-in/provider", params={"next": next_path})
    assert sent.status_code == 303
    return sent.headers["Location"]


def vouched(address: str, sub: str) -> str:
    """What the person does at the provider; gives the path and query that the browser is sent back to."""
    answer = httpx.post(address, data={"sub": sub}, trust_env=False)
    assert answer.status_code in {302, 303}, answer.text
    back = urlsplit(answer.headers["Location"])
    assert back.netloc == HOST
    return f"{back.path}?{back.query}"


def sign_in(browser: Browser, sub: str, next_path: str = "/v1/me") -> httpx.Response:
    return browser.get(vouched(leave(browser, next_path), sub))


def test_the_sign_in_page_leads_to_the_provider(running):
    assert "/sign-in/provider?next=/v1/me" in Browser(running.app).get("/sign-in?next=/v1/me").text


def test_whom_the_provider_vouches_for_is_signed_in(running):
    browser = Browser(running.app)
    done = sign_in(browser, "rosa-1")
    assert (done.status_code, done.headers["Location"]) == (303, "/v1/me")
    me = browser.get("/v1/me").json()
    assert (me["login"], me["second_factor"]) == (ROSA.login, False)
    assert "__Host-ews_flow" not in browser.cookies


def test_the_request_holds_state_nonce_and_a_challenge_and_asks_for_a_code(running):
    query = parse_qs(urlsplit(leave(Browser(running.app))).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"https://{HOST}/sign-in/provider/back"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(query[name][0]) >= 20


def test_from_the_second_time_on_the_subject_counts_and_not_the_address(running):
    assert sign_in(Browser(running.app), "rosa-1").status_code == 303
    taken_over = sign_in(Browser(running.app), "rosa-mfa")
    assert (taken_over.status_code, "no open account" in taken_over.text) == (403, True)
    with running.service.store.writing() as connection:
        connection.execute(update(STAFF).where(STAFF.c.login == ROSA.login).values(login="rosa.married"))
    browser = Browser(running.app)
    assert sign_in(browser, "rosa-1").status_code == 303
    assert browser.get("/v1/me").json()["login"] == "rosa.married"


def test_a_second_factor_given_at_the_provider_counts_here(running):
    browser = Browser(running.app)
    sign_in(browser, "rosa-mfa")
    assert browser.get("/v1/me").json()["second_factor"]


@pytest.mark.parametrize("sub", ["stranger", "rosa-unverified", "no-email", "lou-1"])
def test_who_has_no_open_account_here_stays_out_and_gets_no_session(running, sub: str):
    browser = Browser(running.app)
    assert sign_in(browser, sub).status_code == 403
    assert not [name for name in browser.cookies if "session" in name]


def test_an_account_with_a_local_password_is_not_taken_over_by_an_address(running):
    with running.service.store.writing() as connection:
        connection.execute(update(STAFF).where(STAFF.c.login == ROSA.login).values(password_hash="$argon2id$x"))
    assert sign_in(Browser(running.app), "rosa-1").status_code == 403


def test_a_closed_account_stays_closed_A06(running):
    assert sign_in(Browser(running.app), "rosa-1").status_code == 303
    with running.service.store.writing() as connection:
        people.deactivate(connection, ROSA.key, NOON)
    assert sign_in(Browser(running.app), "rosa-1").status_code == 403


def test_a_code_that_is_sent_again_is_refused_A08(running, provider):
    browser = Browser(running.app)
    back = vouched(leave(browser), "rosa-1")
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 401
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(leave(browser)).query)["state"][0]
    assert browser.get(f"/sign-in/provider/back?code={code}&state={state}").status_code == 401


def test_the_way_back_counts_only_in_the_browser_that_left_A08(running):
    mine, theirs = Browser(running.app), Browser(running.app)
    back = vouched(leave(mine), "rosa-1")
    leave(theirs)
    assert theirs.get(back).status_code == 401
    assert Browser(running.app).get(back).status_code == 401
    assert mine.get(back).status_code == 303


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied&state=x"])
def test_a_way_back_that_nobody_began_is_refused_A08(running, query: str):
    browser = Browser(running.app)
    leave(browser)
    refused = browser.get(f"/sign-in/provider/back{query}")
    assert (refused.status_code, refused.headers["Content-Type"]) == (401, "text/html; charset=utf-8")


def test_a_state_is_kept_as_a_hash_and_used_up(running):
    browser = Browser(running.app)
    address = leave(browser)
    state = parse_qs(urlsplit(address).query)["state"][0]
    with running.service.store.reading() as connection:
        assert state not in str(connection.execute(select(OIDC_FLOWS)).all())
    browser.get(vouched(address, "rosa-1"))
    with running.service.store.reading() as connection:
        assert connection.execute(select(OIDC_FLOWS)).first() is None


def test_after_the_provider_one_stays_on_this_service_W18(running):
    browser = Browser(running.app)
    assert sign_in(browser, "rosa-1", "https://elsewhere.example/").headers["Location"] == "/"


def test_a_session_that_came_along_ends_A05(running):
    browser = Browser(running.app)
    sign_in(browser, "rosa-1")
    before = browser.cookies["__Host-ews_session"]
    sign_in(browser, "rosa-1")
    stolen = Browser(running.app)
    stolen.cookies.set("__Host-ews_session", before, domain=HOST)
    assert stolen.get("/v1/me").status_code == 401


def test_each_sign_in_is_in_the_log(running):
    sign_in(Browser(running.app), "rosa-1")
    from datetime import timedelta

    found = running.service.audit.between(NOON, NOON + timedelta(seconds=1))
    assert [(one.entry.login, one.entry.view, one.entry.reason) for one in found] == [
        (ROSA.login, "sign-in", "identity provider")
    ]


def test_without_a_provider_there_is_no_way_to_one(tmp_path):
    made = run_service(tmp_path)
    browser = Browser(made.app)
    assert browser.get("/sign-in/provider").status_code == 404
    assert "/sign-in/provider" not in browser.get("/sign-in").text
    made.service.close()


def test_a_provider_that_does_not_answer_is_said_so(tmp_path):
    made = run_service(tmp_path)
    silent = with_provider(made, f"http://127.0.0.1:{free_port()}")
    assert Browser(silent.app).get("/sign-in/provider").status_code == 503
    made.service.close()


class Hostile:
    """A provider that signs whatever it is told, at an address of its own."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.signed_with: Any = self.key
        self.forge: Callable[[str], str] = lambda token: token
        self.metadata: dict[str, Any] = {}
        self.nonce = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        } | self.metadata

    def id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "x", "iat": now, "exp": now + 300, "nonce": self.nonce,
                  "email": ROSA.login, "email_verified": True}  # fmt: skip
        kept = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return self.forge(jwt.encode(self.header, kept, self.signed_with, algorithms=["RS256"]))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hostile = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                keys = {"keys": [hostile.key.as_dict(private=False)]}
                self._answer(keys if self.path == "/keys" else hostile.about())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer({"access_token": "a", "token_type": "Bearer", "id_token": hostile.id_token()})

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    made = Hostile()
    yield made
    made.close()


def answer_of(hostile: Hostile, tmp_path) -> tuple[int, str]:
    """Status and login after somebody came back from a provider."""
    made = run_service(tmp_path)
    browser = Browser(with_provider(made, hostile.issuer).app)
    sent = browser.get("/sign-in/provider")
    if sent.status_code != 303:
        made.service.close()
        return sent.status_code, ""
    query = parse_qs(urlsplit(sent.headers["Location"]).query)
    hostile.nonce = query["nonce"][0]
    status = browser.get(f"/sign-in/provider/back?code=c&state={query['state'][0]}").status_code
    me = browser.get("/v1/me")
    made.service.close()
    return status, me.json().get("login", "")


def test_an_honest_answer_of_the_same_provider_is_taken(hostile, tmp_path):
    assert answer_of(hostile, tmp_path) == (303, ROSA.login)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": None},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"sub": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": None},
        {"nbf": 9_999_999_999},
        {"azp": "another-client", "aud": [CLIENT, "another-client"]},
    ],
    ids=str,
)
def test_a_token_that_is_not_ours_not_of_now_or_not_for_this_sign_in_is_refused_A08(hostile, tmp_path, claims):
    hostile.claims = claims
    assert answer_of(hostile, tmp_path) == (401, "")


@pytest.mark.parametrize("minutes", [-9, 9])
def test_clocks_may_differ_by_some_minutes_W28(hostile, tmp_path, minutes: int):
    there = int(time.time()) + 60 * minutes
    hostile.claims = {"iat": there, "nbf": there, "exp": there + 1}
    assert answer_of(hostile, tmp_path) == (303, ROSA.login)


@pytest.mark.parametrize("minutes", [-11, 11])
def test_clocks_may_not_differ_by_more_W28(hostile, tmp_path, minutes: int):
    there = int(time.time()) + 60 * minutes
    hostile.claims = {"iat": there, "nbf": there, "exp": there + 1}
    assert answer_of(hostile, tmp_path) == (401, "")


def test_a_token_signed_by_a_key_of_nobody_is_refused_A03(hostile, tmp_path):
    hostile.signed_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert answer_of(hostile, tmp_path) == (401, "")


def test_a_token_signed_with_the_secret_we_share_or_our_own_public_key_is_refused_A03(hostile, tmp_path):
    for number, key in enumerate((SECRET.encode(), hostile.key.as_pem(private=False))):
        hostile.forge = partial(signed_by_secret, key)
        (tmp_path / str(number)).mkdir()
        assert answer_of(hostile, tmp_path / str(number)) == (401, "")


def signed_by_secret(key: bytes, honest: str) -> str:
    """The same claims, signed with a shared secret in place of a private key."""
    signed = ".".join((base64url(b'{"alg":"HS256","kid":"one"}'), honest.split(".")[1]))
    return f"{signed}.{base64url(hmac.digest(key, signed.encode(), 'sha256'))}"


def unsigned(honest: str) -> str:
    header = base64url(b'{"alg":"none"}')
    return f"{header}.{honest.split('.')[1]}."


def base64url(words: bytes) -> str:
    return base64.urlsafe_b64encode(words).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        lambda honest: "",
        lambda honest: "a.b.c",
        lambda honest: honest[:-4] + "AAAA",
        lambda honest: honest.rpartition(".")[0] + ".",
        lambda honest: honest.split(".")[0],
    ],
)
def test_a_token_that_is_not_signed_cut_or_none_is_refused_A03(hostile, tmp_path, forge):
    hostile.forge = forge
    assert answer_of(hostile, tmp_path) == (401, "")


def test_a_provider_that_names_itself_otherwise_is_not_the_one_A08(hostile, tmp_path):
    hostile.metadata = {"issuer": "https://elsewhere.example"}
    assert answer_of(hostile, tmp_path) == (503, "")


def test_a_provider_is_asked_over_tls_and_knows_us_by_name():
    with pytest.raises(ValueError, match="https"):
        ProviderSettings("http://idp.example", CLIENT)
    with pytest.raises(ValueError, match="EWS_OIDC_CLIENT_ID"):
        ProviderSettings.read({"EWS_OIDC_ISSUER": "https://idp.example"})
    assert ProviderSettings.read({}) is None
    told = ProviderSettings.read({"EWS_OIDC_ISSUER": "https://idp.example", "EWS_OIDC_CLIENT_ID": "ews",
                                  "EWS_OIDC_CLIENT_SECRET": "s3cret-4711"})  # fmt: skip
    assert told == ProviderSettings("https://idp.example", "ews", "s3cret-4711", "email")
    assert "4711" not in repr(told)
