"""What is answered directly is answered as the framework's own routes answer it, and logged alike."""

import asyncio
from dataclasses import replace
from itertools import product

import httpx
import pytest
from starlette.routing import Route

from ews.store.audit_chain import Entry
from ews_serve import create_app
from ews_serve.asked import PURPOSE
from ews_serve.directly import Directly
from tests.cast import ANA, MIA, NOOR, STAFF
from tests.services import HOST, Running

KEYS = (ANA.key, MIA.key, NOOR.key, "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", "Canary", f"{ANA.key}x", f"{ANA.key}%0a")
ENDS = ("", "/explanation", "/history", "/explanation/", "/nothing")
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")


def by_the_framework(running: Running) -> Running:
    """The same service without direct routes."""
    app = create_app(running.service)
    app.router.routes[:] = [route for route in app.router.routes if not _is_direct(route)]
    return replace(running, app=app)


def _is_direct(route: object) -> bool:
    return isinstance(route, Route) and isinstance(route.app, Directly)


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
    assert sum(map(_is_direct, running.app.router.routes)) == 3
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


@pytest.mark.parametrize("path", [f"/v1/students/{ANA.key}", f"/v1/students/{ANA.key}/history"])
def test_measures_name_the_route_and_not_the_address(running: Running, path: str):
    running.client(STAFF[0])("GET", path)
    text = running.service.measures.text().decode()
    assert 'route="/v1/students/{student_key}' in text
    assert ANA.key not in text
