"""The service as a district's system meets it: a real process, a real home, HTTP."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from ews.home import read_json
from ews_serve import Settings
from tests.functional.conftest import Service

CANARY = "Canary-Quill-4711"


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


@pytest.fixture
def row(client: httpx.Client, places: dict[str, list[str]]) -> dict:
    """The features of one student, as an explanation gives them."""
    student_id = next(iter(places.values()))[0]
    return client.get(f"/v1/students/{student_id}/explanation").json()["row"]


def without_id(response: httpx.Response) -> dict:
    return {name: value for name, value in response.json().items() if name != "correlation_id"}


def test_a_school_gets_its_list(client: httpx.Client, service: Service, places: dict[str, list[str]]):
    run_id = read_json(service.home.current_scoring_run)["run_id"]
    for school_id, students in places.items():
        answer = client.get(f"/v1/schools/{school_id}/risk-list").json()
        assert [line["student_id"] for line in answer["students"]] == students
        assert [line["rank"] for line in answer["students"]] == list(range(1, len(students) + 1))
        risks = [line["risk"] for line in answer["students"]]
        assert risks == sorted(risks, reverse=True)
        assert (answer["run"]["run_id"], answer["run"]["target_year"]) == (run_id, 2027)


def test_a_counselor_gets_an_explanation_that_adds_up(client: httpx.Client, places: dict[str, list[str]]):
    for students in places.values():
        answer = client.get(f"/v1/students/{students[0]}/explanation").json()
        assert answer["student"]["student_id"] == students[0]
        assert answer["base"] + sum(answer["contributions"].values()) == pytest.approx(answer["raw_score"], abs=1e-6)
        assert answer["student"]["reasons"]


def test_a_live_score_of_an_explanations_features_is_the_published_estimate(
    client: httpx.Client, places: dict[str, list[str]]
):
    students = [student for of_school in places.values() for student in of_school[:5]]
    published = [client.get(f"/v1/students/{student}/explanation").json() for student in students]
    live = client.post("/v1/score", json={"rows": [answer["row"] for answer in published]}).json()
    assert live["bundle_sha256"] == published[0]["run"]["bundle_sha256"]
    for estimate, answer in zip(live["estimates"], published, strict=True):
        assert estimate["risk"] == answer["student"]["risk"]
        assert estimate["probabilities"] == answer["student"]["probabilities"]
        assert estimate["raw_score"] == pytest.approx(answer["raw_score"])
        assert estimate["reasons"] == answer["student"]["reasons"]


def test_livez_is_open(service: Service):
    assert httpx.get(f"{service.url}/livez", trust_env=False).json() == {"status": "alive"}


@pytest.mark.parametrize("path", ["/v1/schools/{school}/risk-list", "/v1/students/{student}/explanation", "/v1/score"])
def test_without_or_with_a_wrong_token_everybody_gets_the_same_401(
    service: Service, places: dict[str, list[str]], path: str
):
    school, students = next(iter(places.items()))
    address = service.url + path.format(school=school, student=students[0])
    method = "POST" if path == "/v1/score" else "GET"
    without = httpx.request(method, address, trust_env=False)
    wrong = httpx.request(method, address, headers={"Authorization": f"Bearer {CANARY}"}, trust_env=False)
    assert without.status_code == wrong.status_code == 401
    assert without.headers["WWW-Authenticate"].startswith("Bearer")
    assert without_id(without) == without_id(wrong)


def test_an_unknown_student_and_an_unknown_school_get_the_same_404(client: httpx.Client):
    student = client.get(f"/v1/students/{CANARY}/explanation")
    school = client.get(f"/v1/schools/{CANARY}/risk-list")
    assert student.status_code == school.status_code == 404
    assert without_id(student) == without_id(school)
    assert CANARY not in student.text + school.text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", f'"{CANARY}"'])
def test_a_value_that_is_no_finite_number_is_a_422_that_does_not_repeat_it(client: httpx.Client, row: dict, value: str):
    names = ", ".join(f'"{name}": {value}' for name in row["features"])
    text = f'{{"rows": [{{"grade_level": "03", "features": {{{names}}}}}]}}'
    response = client.post("/v1/score", content=text, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert CANARY not in response.text


@pytest.mark.parametrize("missing", [True, False])
def test_a_missing_or_unknown_feature_is_a_422_that_does_not_repeat_it(client: httpx.Client, row: dict, missing: bool):
    features = dict(row["features"])
    if missing:
        features.popitem()
    else:
        features[CANARY] = 1
    response = client.post("/v1/score", json={"rows": [{**row, "features": features}]})
    assert (response.status_code, CANARY in response.text) == (422, False)


def first_bytes_of_answer(service: Service, headers: str, body: bytes = b"") -> bytes:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = f"POST /v1/score HTTP/1.1\r\nHost: ews\r\nAuthorization: Bearer {service.token}\r\n{headers}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection.recv(100)


def test_a_body_is_refused_by_its_declared_length_before_it_is_sent_W09(service: Service):
    assert first_bytes_of_answer(service, "Content-Length: 60000000").startswith(b"HTTP/1.1 413")


def test_a_body_without_a_declared_length_is_counted_W09(service: Service):
    size = Settings(service.home.path).max_body_bytes + 1
    body = b"%x\r\n" % size + b"[" * size + b"\r\n"
    assert first_bytes_of_answer(service, "Transfer-Encoding: chunked", body).startswith(b"HTTP/1.1 413")


def test_what_was_asked_for_is_in_no_log(client: httpx.Client, service: Service, places: dict[str, list[str]]):
    school, students = next(iter(places.items()))
    client.get(f"/v1/students/{students[0]}/explanation")
    client.get(f"/v1/students/{CANARY}/explanation")
    client.post("/v1/score", json={"rows": [CANARY]})
    log = service.log.read_text(encoding="utf-8")
    assert "running on" in log
    for secret in (CANARY, students[0], school, service.token):
        assert secret not in log
