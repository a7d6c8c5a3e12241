"""What is answered directly is answered as the framework's own routes answer it, and logged alike."""

import asyncio
from dataclasses import replace
from itertools import product
from typing import Any

import httpx
import pytest

from ews.store.audit_chain import Entry
from ews_serve import create_app
from ews_serve.asked import PURPOSE
from ews_serve.directly import Directly
from tests.cast import ANA, MIA, NOOR, STAFF
from tests.services import HOST, Running, client_of

KEYS = (ANA.key, MIA.key, NOOR.key, "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", "Canary", f"{ANA.key}x", f"{ANA.key}%0a")
ENDS = ("", "/explanation", "/history", "/explanation/", "/nothing")
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")


def by_the_framework(running: Running) -> Running:
    """The same service without what answers directly."""
    app = create_app(running.service)
    (direct,) = (one for one in app.user_middleware if one.cls is Directly)
    app.user_middleware.remove(direct)
    return replace(running, app=app)


async def ask(running: Running, asked: list[httpx.Request]) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(running.app)) as client:
        return [await client.send(request) for request in asked]


def told(response: httpx.Response) -> tuple[int, dict[str, str], str]:
    """Everything of an answer but the id, which differs from answer to answer."""
    correlation_id = response.headers["x-correlation-id"]
    headers = {name: value for name, value in response.headers.items() if name != "x-correlation-id"}
    return response.status_code, headers, response.text.replace(correlation_id, "")


def logged(running: Running) -> list[Entry]:
    entries = running.service.audit.between(running.service.now(), running.service.now().replace(year=2100))
    return [replace(one.entry, correlation_id="") for one in entries]


def requests(running: Running) -> list[httpx.Request]:
    asked = [
        ("GET", key, end, {"Authorization": f"Bearer {running.tokens[who.login]}"} if who else {})
        for key, end, who in product(KEYS, ENDS, (*STAFF, None))
    ]
    one = {"Authorization": f"Bearer {running.tokens['rosa.imani']}"}
    asked += [(method, key, end, one) for method, key, end in product(METHODS, KEYS, ENDS)]
    asked += [
        ("GET", ANA.key, end, one | {PURPOSE: purpose}) for end in ENDS for purpose in ("team meeting", "x" * 201)
    ]
    return [
        httpx.Request(method, f"http://{HOST}/v1/students/{key}{end}", headers=head) for method, key, end, head in asked
    ]


def test_both_ways_answer_and_log_alike(running: Running):
    asked = requests(running)
    directly = [told(one) for one in asyncio.run(ask(running, asked))]
    of_direct = logged(running)
    framework = [told(one) for one in asyncio.run(ask(by_the_framework(running), asked))]
    assert {status for status, *_ in directly} >= {200, 401, 403, 404, 405, 422}
    wrong = [
        (request.method, str(request.url), one, other)
        for request, one, other in zip(asked, directly, framework, strict=True)
        if one != other
    ]
    assert not wrong, wrong[:3]
    assert logged(running) == of_direct * 2


def test_the_three_views_of_one_student_never_reach_the_framework(running: Running):
    async def framework(*_: object) -> None:
        raise AssertionError("the framework was asked")

    (made,) = (one for one in running.app.user_middleware if one.cls is Directly)
    direct = Directly(framework, **made.kwargs)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await direct(scope | {"app": running.app, "state": {"correlation_id": "c0ffee"}}, receive, send)

    client = client_of(app, running.tokens[STAFF[0].login])
    for end in ("", "/explanation", "/history"):
        assert client("GET", f"/v1/students/{ANA.key}{end}").status_code == 200
    with pytest.raises(AssertionError, match="framework was asked"):
        client("GET", f"/v1/students/{ANA.key}/who-can-see")


@pytest.mark.parametrize("path", [f"/v1/students/{ANA.key}", f"/v1/students/{ANA.key}/history"])
def test_measures_name_the_route_and_not_the_address(running: Running, path: str):
    running.client(STAFF[0])("GET", path)
    text = running.service.measures.text().decode()
    assert 'route="/v1/students/{student_key}' in text
    assert ANA.key not in text
