"""Every route × everybody × own school, another school, another district, nothing: from the app's routes (SEC-3).

What is expected is written here by hand, from the table of roles, and not taken from the code that decides.
"""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from ews.school_year import SchoolYear
from ews.store.follow_up import plan_of
from ews_serve.app import OPEN_PATHS
from tests.cast import (
    ANA,
    BEA,
    CORA,
    DANA,
    ED,
    INES,
    LOU,
    MIA,
    MO,
    NIGHTLY,
    NOOR,
    PIET,
    ROSA,
    STAFF,
    TOMAS,
    UMA,
    VAL,
    WEI,
)
from tests.cast import CastStaff as Staff
from tests.services import FEATURE_NAMES, HOST, RUN_ID, Running, run_service, without_id
from tests.stores import DATABASES

NOBODY_KEY = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"
LEAST_CASES = 440

STUDENTS = {"own school": ANA.key, "other school": MIA.key, "other district": NOOR.key, "nonexistent": NOBODY_KEY}
SCHOOLS = {"own school": "014", "other school": "022", "other district": "901", "nonexistent": "999"}
RUNS = {"own school": RUN_ID, "nonexistent": "f" * 16}

ROW = {"grade_level": "03", "features": dict.fromkeys(FEATURE_NAMES, 1.0)}

Allowed = dict[str, tuple[Staff, ...]]

OF_DISTRICT: Allowed = {"own school": (DANA, WEI), "other school": (DANA, WEI), "other district": (PIET,)}
ASKED_FOR_A_PURPOSE = (BEA,)


def at_harbor(*staff: Staff, beyond: Sequence[Staff]) -> Allowed:
    """These at the school; those `beyond` there and at the district's other school; Piet in his own district."""
    return {"own school": (*staff, *beyond), "other school": tuple(beyond), "other district": (PIET,)}


WITHOUT_STUDENT = (DANA, WEI, ROSA, TOMAS, BEA, NIGHTLY, PIET, CORA, ED)
SEE_RUNS = (*WITHOUT_STUDENT, INES)
SEE_SLOTS = (DANA, ROSA, TOMAS, BEA, PIET, CORA, ED)
ACTIVE = tuple(one for one in STAFF if one is not LOU)

STUDENT = "/v1/students/{student_key}"
EXPECTED: dict[str, Allowed | tuple[Staff, ...]] = {
    STUDENT: at_harbor(ROSA, TOMAS, NIGHTLY, beyond=(DANA, WEI)),
    f"{STUDENT}/explanation": at_harbor(ROSA, TOMAS, NIGHTLY, beyond=(DANA, WEI)),
    f"{STUDENT}/history": at_harbor(ROSA, TOMAS, MO, NIGHTLY, beyond=(DANA,)),
    f"{STUDENT}/who-can-see": at_harbor(ROSA, TOMAS, beyond=(DANA,)),
    "/v1/schools/{school_id}/risk-list": at_harbor(ROSA, TOMAS, BEA, NIGHTLY, beyond=(DANA, WEI)),
    "/v1/schools/{school_id}/export": at_harbor(ROSA, TOMAS, BEA, NIGHTLY, beyond=(DANA, WEI)),
    "/v1/schools": WITHOUT_STUDENT,
    "/v1/score": (DANA, WEI, NIGHTLY),
    "/v1/runs": SEE_RUNS,
    "/v1/runs/{run_id}": {"own school": SEE_RUNS},
    "/v1/model": SEE_RUNS,
    "/v1/model/card": SEE_RUNS,
    "/metrics": SEE_RUNS,
    "/v1/me": ACTIVE,
    "/openapi.json": ACTIVE,
    f"{STUDENT}/contacts": at_harbor(ROSA, TOMAS, MO, beyond=(DANA,)),
    f"{STUDENT}/plan": at_harbor(ROSA, TOMAS, beyond=(DANA,)),
    f"{STUDENT}/mentor": at_harbor(ROSA, TOMAS, beyond=(DANA,)),
    "/v1/rounds": SEE_SLOTS,
    "POST /v1/rounds": (DANA, ROSA),
    "/v1/team": SEE_SLOTS,
    "/v1/rounds/{round_key}": {},
    "/v1/rounds/{round_key}/export": {},
    "/v1/rounds/{round_key}/edits": {},
    "/v1/rounds/{round_key}/confirmation": {},
    "/v1/rounds/{round_key}/withdrawal": {},
}
CONTACT = {"on_date": "2026-10-05", "kind": "call", "with_whom": "family"}
EDIT = {"student_key": ANA.key, "decision": "reserve", "reason": "because", "version": 1}
BODIES = {
    "/v1/score": {"rows": [ROW]}, "/v1/rounds": {"school_id": "014"}, "/v1/rounds/{round_key}/edits": EDIT,
    "/v1/rounds/{round_key}/confirmation": {"version": 1}, "/v1/rounds/{round_key}/withdrawal": {"version": 1},
}  # fmt: skip
"""What is sent to each route that takes a body; whom rounds are told to is in test_slots_pages."""

PURPOSE_HELPS = {f"{STUDENT}{more}" for more in ("", "/explanation", "/history", "/contacts", "/plan")}


class Case(NamedTuple):
    method: str
    route: str
    path: str
    who: Staff | None
    what: str

    @property
    def name(self) -> str:
        """Of what is expected: the route, with its method where the methods differ."""
        named = f"{self.method} {self.route}"
        return named if named in EXPECTED else self.route

    @property
    def expected(self) -> int:
        """200, or how it is refused."""
        if self.who in (None, LOU):
            return 401
        allowed = EXPECTED[self.name]
        staff = allowed.get(self.what, ()) if isinstance(allowed, dict) else allowed
        if self.who in staff:
            return 200
        asks = self.route in PURPOSE_HELPS and self.what == "own school" and self.who in ASKED_FOR_A_PURPOSE
        return 403 if asks else 404


def api_routes(running: Running) -> list[tuple[str, str]]:
    """Method and path of every route that answers programs."""
    found = [(sorted(route.methods or {"GET"}), str(route.path)) for route in iter_route_contexts(running.app.routes)]
    routes = [(method, path) for methods, path in found for method in methods if method != "HEAD"]
    return [(method, path) for method, path in routes if path.startswith("/v1") or path in EXPECTED]


def objects(path: str) -> dict[str, str]:
    if "{student_key}" in path:
        return {what: path.replace("{student_key}", key) for what, key in STUDENTS.items()}
    if "{school_id}" in path:
        return {what: path.replace("{school_id}", school) for what, school in SCHOOLS.items()}
    if "{run_id}" in path:
        return {what: path.replace("{run_id}", run_id) for what, run_id in RUNS.items()}
    if "{round_key}" in path:
        return {"nonexistent": path.replace("{round_key}", NOBODY_KEY)}
    return {"own school": path}


def cases(running: Running) -> Iterator[Case]:
    for (method, route), who in product(api_routes(running), (*STAFF, None)):
        for what, path in objects(route).items():
            yield Case(method, route, path, who, what)


def body_of(running: Running, case: Case) -> dict[str, object]:
    """What is sent: a contact as a new one, a plan at the version that it has at that moment."""
    if case.route.endswith("/contacts"):
        return {**CONTACT, "request_key": str(uuid.uuid4())}
    if case.route.endswith("/plan"):
        with running.service.store.reading() as connection:
            return {"state": "plan", "version": plan_of(connection, case.path.split("/")[3], SchoolYear(2027)).version}
    return BODIES[case.route]


async def ask(running: Running, asked: Sequence[Case]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(running.app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        return [
            await client.request(
                case.method,
                case.path,
                headers={"Authorization": f"Bearer {running.tokens[case.who.login]}"} if case.who else {},
                json=body_of(running, case) if case.method in ("POST", "PUT") else None,
            )
            for case in asked
        ]


@pytest.fixture(scope="module", params=DATABASES)
def answered(request, tmp_path_factory) -> Iterator[tuple[Running, list[tuple[Case, httpx.Response]]]]:
    running = run_service(tmp_path_factory.mktemp("matrix"), request.param, with_model=True)
    card = running.service.settings.home / "evidence" / _bundle(running) / "model-card.md"
    card.parent.mkdir(parents=True)
    card.write_text("# A card\n", encoding="utf-8")
    asked = list(cases(running))
    yield running, list(zip(asked, asyncio.run(ask(running, asked)), strict=True))
    running.service.close()


def _bundle(running: Running) -> str:
    return next(path.name for path in (running.service.settings.home / "bundles").iterdir())


def test_everybody_gets_what_the_table_of_roles_says_and_nothing_else_SEC_13_W01_A10(answered):
    _, asked = answered
    wrong = [
        f"{case.method} {case.route} ({case.what}) as {case.who.login if case.who else 'nobody'}: "
        f"{response.status_code}, not {case.expected}"
        for case, response in asked
        if response.status_code != case.expected
    ]
    assert not wrong, "\n".join(wrong)
    assert len(asked) >= LEAST_CASES
    assert {case.name for case, _ in asked} == set(EXPECTED)


def test_refused_and_nonexistent_look_the_same_SEC_12(answered):
    _, asked = answered
    bodies = {str(without_id(response)) for _, response in asked if response.status_code == 404}
    assert len(bodies) == 1
    headers = {
        str({name: value for name, value in response.headers.items() if name != "x-correlation-id"})
        for _, response in asked
        if response.status_code == 404
    }
    assert len(headers) == 1


def test_nobody_and_a_closed_account_get_the_same_401_A03(answered):
    _, asked = answered
    assert len({str(without_id(response)) for _, response in asked if response.status_code == 401}) == 1


def test_no_answer_to_who_may_not_know_names_holds_one_SEC_10(answered):
    _, asked = answered
    shown = [response.text for case, response in asked if case.who is WEI and response.status_code == 200]
    assert len(shown) > 10
    for text in shown:
        assert not [one for one in (ANA, MIA, NOOR) if one.name in text or f'"{one.student_id}"' in text]


def test_no_answer_to_a_mentor_holds_an_estimate_PRV_2(answered):
    _, asked = answered
    shown = [response.text for case, response in asked if case.who is MO and case.route.startswith(STUDENT)]
    assert any(ANA.name in text for text in shown)
    assert not [text for text in shown if "risk" in text or "reason" in text or "raw_score" in text]


def test_every_read_and_every_refusal_of_a_student_is_in_the_log_PRV_4(answered):
    running, asked = answered
    log = {one.entry.correlation_id: one.entry for one in running.service.audit.of_student(ANA.key)}
    about_ana = [
        (case, response) for case, response in asked if ANA.key in case.path and case.expected in (200, 403, 404)
    ]
    assert len(about_ana) > 40
    for case, response in about_ana:
        entry = log[response.headers["x-correlation-id"]]
        assert case.who is not None
        done = "shown" if case.method == "GET" else "written"
        assert (entry.login, entry.result) == (case.who.login, done if case.expected == 200 else "refused")


def test_every_other_route_is_open_by_name_or_closed_A10_W23(tmp_path: Path):
    running = run_service(tmp_path)
    nobody = running.client(None)
    found = [(route.methods or {"GET"}, str(route.path)) for route in iter_route_contexts(running.app.routes)]
    others = [(method, path) for methods, path in found for method in methods if path not in OPEN_PATHS]
    assert len(others) >= len(EXPECTED)
    for method, path in others:
        response = nobody(method, path.replace("{", "").replace("}", ""))
        assert response.status_code in {401, 303}, (method, path)
    for path in ("/openapi.json", "/metrics"):
        assert nobody("GET", path).status_code == 401
    for path in ("/docs", "/redoc", "/debug", "/nothing"):
        assert nobody("GET", path).status_code in {401, 404}
    running.service.close()


def test_a_grant_that_ended_yesterday_opens_nothing_SEC_11(answered):
    _, asked = answered
    statuses = {
        response.status_code
        for case, response in asked
        if case.who in (UMA, VAL) and case.route not in ("/v1/me", "/openapi.json")
    }
    assert statuses == {404}
