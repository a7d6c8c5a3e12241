"""The description of the API is whole, the page about it names every address, and answers are what it says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from ews_serve import schemas
from ews_serve.routes.health import OPEN_PATHS
from tests.cast import ANA, DANA, MO, ROSA, TOMAS, WEI, CastStaff
from tests.docs.pages import read
from tests.services import Client, Running


@pytest.fixture
def description(client: Client) -> dict[str, Any]:
    return client("GET", "/openapi.json").json()


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, op) for path, methods in description["paths"].items() for method, op in methods.items()]


def test_every_address_says_what_it_is_for_how_to_sign_in_and_how_it_refuses(description: dict[str, Any]):
    found = operations(description)
    assert len(found) >= 14
    for path, _, operation in found:
        assert len(operation["description"]) > 20, path
        assert operation["security"] == ([] if path in OPEN_PATHS else [{"token": []}, {"session": []}])
        if path.startswith("/v1"):
            assert {"401", "403", "404", "422", "503"} <= set(operation["responses"]), path


def test_every_answer_has_a_schema_and_every_number_is_told_in_words(description: dict[str, Any]):
    for path, _, operation in operations(description):
        content = operation["responses"]["200"]["content"]
        assert all(content.values()) or path in ("/metrics", "/v1/model/card"), path
    known = description["components"]["schemas"]
    assert {"RiskList", "Explanation", "History", "ScoreRequest", "Me"} <= set(known)
    assert known["FeatureRow"]["properties"]["features"]["examples"]


def test_the_page_names_every_address_and_no_other(running: Running):
    page = read("docs/api.md")
    named = set(re.findall(r"`(?:GET|POST|PUT) (/[^`]*)`", page))
    routes = {str(route.path) for route in iter_route_contexts(running.app.routes)}
    api = {path for path in routes if path.startswith("/v1") or path in {*OPEN_PATHS, "/metrics", "/openapi.json"}}
    assert named == api


@pytest.mark.parametrize(
    ("who", "path", "kind"),
    [
        (ROSA, "/v1/schools/014/risk-list", schemas.RiskList),
        (WEI, "/v1/schools/014/risk-list", schemas.RiskList),
        (TOMAS, f"/v1/students/{ANA.key}", schemas.Student),
        (ROSA, f"/v1/students/{ANA.key}/explanation", schemas.Explanation),
        (WEI, f"/v1/students/{ANA.key}/explanation", schemas.Explanation),
        (MO, f"/v1/students/{ANA.key}/history", schemas.History),
        (DANA, f"/v1/students/{ANA.key}/who-can-see", schemas.WhoCanSee),
        (DANA, "/v1/schools", schemas.Schools),
        (DANA, "/v1/runs", schemas.Runs),
        (DANA, "/v1/me", schemas.Me),
    ],
)
def test_text_that_was_put_together_is_what_the_schema_says(
    running: Running, who: CastStaff, path: str, kind: type[BaseModel]
):
    response = running.client(who)("GET", path)
    assert response.headers["content-type"] == "application/json"
    kind.model_validate_json(response.content)


def test_names_and_numbers_are_told_to_whom_they_are_for(running: Running):
    def explained(who: CastStaff) -> schemas.Explanation:
        response = running.client(who)("GET", f"/v1/students/{ANA.key}/explanation")
        return schemas.Explanation.model_validate_json(response.content)

    lead, scientist = explained(ROSA), explained(WEI)
    assert (lead.student.name, lead.student.student_id, lead.numbers) == (ANA.name, "007", None)
    assert (scientist.student.name, scientist.student.student_id) == (None, None)
    assert scientist.numbers is not None
    assert lead.student.reasons == scientist.student.reasons != []


def test_no_request_names_an_address_that_the_service_would_open_W20(description: dict[str, Any]):
    """Where the registry, the store and the identity provider are is told at the start, by who runs the service."""
    parameters = (one for _, _, way in operations(description) for one in way.get("parameters", ()))
    names = {*_names_in(description["components"]["schemas"]), *(one["name"] for one in parameters)}
    assert "student_key" in names
    assert [name for name in names if any(word in name.lower() for word in ("url", "uri", "host", "callback"))] == []


def test_no_address_takes_a_secret(running: Running):
    """They come in headers, cookies and forms (ASVS 14.2.1); the setup link alone is an address, and opens once."""
    secret = re.compile("token|password|secret|session|code|link", re.IGNORECASE)
    taken = {
        (str(route.path), one.name)
        for route in iter_route_contexts(running.app.routes)
        if isinstance(route.original_route, APIRoute)
        for one in _asked_in_the_address(route.original_route.dependant)
        if secret.search(one.name)
    }
    assert taken == {("/set-up", "link"), ("/sign-in/provider/back", "code")}


def test_no_request_takes_several_students_so_none_is_answered_in_part_W02(description: dict[str, Any]):
    """A list holds those whom its reader may see, and names nobody else; posted rows are features without a student."""
    bodies = {reference.rsplit("/", 1)[-1] for _, _, way in operations(description)
              for reference in _references(way.get("requestBody", {}))}  # fmt: skip
    assert bodies
    keys = {name: schema for body in bodies for name, schema in description["components"]["schemas"][body].get(
        "properties", {}).items() if "student" in name}  # fmt: skip
    assert "student_key" in keys
    assert all(schema.get("type") == "string" for schema in keys.values())


def _asked_in_the_address(dependant: Dependant) -> Iterator[Any]:
    yield from (*dependant.path_params, *dependant.query_params)
    for below in dependant.dependencies:
        yield from _asked_in_the_address(below)


def _names_in(schemas: dict[str, Any]) -> Iterator[str]:
    for schema in schemas.values():
        yield from schema.get("properties", {})


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else ()
        part = list(part.values())
    for one in part if isinstance(part, list) else ():
        yield from _references(one)
