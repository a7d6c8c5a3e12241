"""Nobody without a token, no body without a limit, no error with a student in it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from ews.home import Home
from ews_serve import Settings, create_app
from ews_serve.app import OPEN_PATHS
from ews_serve.edge import HEADERS
from tests.unit.serve.conftest import TOKEN, Client, client_of, write_tokens

CANARY = "Canary-Quill-4711"


def routes(app) -> list[tuple[str, str]]:
    paths = app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def test_every_route_but_livez_is_closed_without_a_token_A10_W23(home: Home):
    app = create_app(Settings(home.path, hosts=("ews.test",)))
    closed = [(method, path) for method, path in routes(app) if path not in OPEN_PATHS]
    also = [("GET", path) for path in ("/openapi.json", "/docs", "/redoc", "/metrics", "/debug", "/", "/nothing")]
    assert len(closed) >= 3
    for method, path in closed + also:
        response = client_of(app)(method, path.replace("{", "").replace("}", ""), token=None)
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="ews"'


def test_livez_is_open_and_says_nothing(client: Client):
    response = client("GET", "/livez", token=None)
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", TOKEN, "Bearer ünknown",
        "Bearer null", "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)  # fmt: skip
def test_missing_and_wrong_tokens_get_the_same_answer_A03(client: Client, authorization: str):
    def answer(header: str | None) -> tuple[int, dict, dict]:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        response = client("GET", "/v1/students/007/explanation", token=None, headers=headers)
        body = response.json()
        body.pop("correlation_id")
        kept = {name: value for name, value in response.headers.items() if name != "x-correlation-id"}
        return response.status_code, body, kept

    assert answer(authorization) == answer(None)
    assert answer(None)[0] == 401


def test_the_token_opens(client: Client):
    assert client("GET", "/openapi.json").status_code == 200


def test_documentation_is_not_served_even_with_the_token_since_its_page_loads_foreign_scripts(client: Client):
    assert [client("GET", path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_a_token_counts_from_the_moment_it_is_written_until_it_is_removed(home: Home, client: Client):
    assert client("GET", "/openapi.json", token="second").status_code == 401
    path = write_tokens(home, TOKEN, "second")
    assert client("GET", "/openapi.json", token="second").status_code == 200
    write_tokens(home, TOKEN)
    assert client("GET", "/openapi.json", token="second").status_code == 401
    path.unlink()
    assert client("GET", "/openapi.json").status_code == 401


def test_a_token_file_that_others_may_read_admits_nobody(home: Home, client: Client):
    (home.path / "service_tokens.json").chmod(0o640)
    assert client("GET", "/openapi.json").status_code == 401


def test_every_answer_forbids_to_be_stored_W22(client: Client):
    for path, token in (("/v1/schools/A/risk-list", TOKEN), ("/livez", None), ("/v1/schools/A/risk-list", None)):
        headers = client("GET", path, token=token).headers
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert "server" not in headers


def test_a_body_above_the_limit_is_refused_W09(client: Client):
    response = client("POST", "/v1/score", content=b"x" * 50_001, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["status"]) == (413, 413)
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_does_not_tell_its_length_is_counted_W09(client: Client):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"x" * 10_000

    assert client("POST", "/v1/score", content=chunks()).status_code == 413


def test_a_body_that_is_not_finished_in_time_is_given_up_W10(client: Client):
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    assert client("POST", "/v1/score", content=slowly()).status_code == 408


def test_an_unexpected_error_tells_neither_caller_nor_log_what_it_was_about_W21(
    home: Home, caplog: pytest.LogCaptureFixture
):
    app = create_app(Settings(home.path, hosts=("ews.test",)))

    @app.get("/v1/broken")
    def broken() -> None:
        raise KeyError(CANARY)

    with caplog.at_level(logging.DEBUG):
        response = client_of(app)("GET", "/v1/broken")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert CANARY not in response.text + caplog.text
    assert response.json()["correlation_id"] in caplog.text
    assert "KeyError" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/v1/students/007/explanation", 405),
        ("GET", "/v1/score", 405),
        ("GET", "/v1/students/007/explanation/", 404),
        ("GET", "/v1//students/007/explanation", 404),
        ("GET", "/V1/students/007/explanation", 404),
        ("GET", "/v1/students/..%2f..%2fchampion.json/explanation", 404),
    ],
)
def test_other_ways_to_ask_are_refused_as_problems_W03_W18(client: Client, method: str, path: str, status: int):
    response = client(method, path, headers={"X-HTTP-Method-Override": "GET"})
    assert response.status_code == status
    assert set(json.loads(response.text)) == {"type", "title", "status", "detail", "correlation_id"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "ews.test.evil.example", "", "ews.test@evil.example"]
)
def test_another_host_name_is_refused_before_anything_else_W18(client: Client, host: str):
    response = client("GET", "/livez", headers={"Host": host})
    assert response.status_code == 400
    assert "evil" not in response.text


def test_the_host_name_may_carry_a_port_and_capitals_W18(client: Client):
    assert client("GET", "/livez", headers={"Host": "EWS.test:8443"}).status_code == 200


def test_ranges_and_overriding_headers_have_no_effect_W03_W11(client: Client):
    headers = {"Range": "bytes=" + "0-," * 5_000, "X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/v1/nothing"}
    response = client("GET", "/livez", headers=headers)
    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert "content-range" not in response.headers


def test_no_answer_allows_scripts_in_the_page_or_from_elsewhere(client: Client):
    policy = client("GET", "/livez").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'")
