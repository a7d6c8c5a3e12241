"""Nobody without a token, no body without a limit, no error with a student in it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from ews_serve.edge import HEADERS
from tests.cast import ANA, ROSA
from tests.services import Client, Running, without_id

CANARY = "Canary-Quill-4711"


def test_livez_is_open_and_says_nothing(nobody: Client):
    response = nobody("GET", "/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer", "Bearer ", "Basic {token}", "Bearer {token}x", "{token}", "Bearer ünknown", "Bearer null",
        "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer ews_",
    ],
)  # fmt: skip
def test_missing_and_wrong_tokens_get_the_same_answer_A03(running: Running, nobody: Client, authorization: str):
    def answer(header: str | None) -> tuple[int, dict, dict]:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        response = nobody("GET", f"/v1/students/{ANA.key}/explanation", headers=headers)
        kept = {name: value for name, value in response.headers.items() if name != "x-correlation-id"}
        return response.status_code, without_id(response), kept

    assert answer(authorization.replace("{token}", running.tokens[ROSA.login])) == answer(None)
    assert answer(None)[0] == 401


def test_the_description_is_for_who_is_signed_in_and_has_no_page_that_loads_foreign_scripts_W23(
    client: Client, nobody: Client
):
    assert client("GET", "/openapi.json").json()["info"]["title"] == "ews"
    assert nobody("GET", "/openapi.json").status_code == 401
    assert [client("GET", path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_every_answer_forbids_to_be_stored_W22(client: Client, nobody: Client):
    listed = "/v1/schools/014/risk-list"
    for ask, path in ((client, listed), (nobody, "/livez"), (nobody, listed), (client, "/v1/schools/014/export")):
        headers = ask("GET", path).headers
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
    running: Running, client: Client, caplog: pytest.LogCaptureFixture
):
    @running.app.get("/v1/broken")
    def broken() -> None:
        raise KeyError(CANARY)

    with caplog.at_level(logging.DEBUG):
        response = client("GET", "/v1/broken")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert CANARY not in response.text + caplog.text
    assert response.json()["correlation_id"] in caplog.text
    assert "KeyError" in caplog.text


STUDENT = f"/v1/students/{ANA.key}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", f"{STUDENT}/explanation", 405),
        ("PUT", STUDENT, 405),
        ("PATCH", STUDENT, 405),
        ("POST", "/v1/schools/014/risk-list", 405),
        ("TRACE", "/v1/me", 405),
        ("GET", "/v1/score", 405),
        ("GET", f"{STUDENT}/explanation/", 404),
        ("GET", f"/v1//students/{ANA.key}/explanation", 404),
        ("GET", f"/V1/students/{ANA.key}/explanation", 404),
        ("GET", f"{STUDENT};role=admin/explanation", 404),
        ("GET", f"{STUDENT}%00/explanation", 404),
        ("GET", f"{STUDENT.upper()}/explanation", 404),
        ("GET", "/v1/students/..%2f..%2fchampion.json/explanation", 404),
        ("GET", "/v1/schools/%00/risk-list", 404),
        ("GET", "/v1/schools/%25/risk-list", 404),
        ("GET", "/v1/schools/..%2f..%2fetc%2fpasswd/risk-list", 404),
        ("GET", "/v1/runs/..%2f..%2fchampion.json", 404),
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
