"""The service as a district's programs meet it: a real process, a real home, HTTP."""

import csv
import io
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import openpyxl
import pytest

from ews.home import read_json
from ews.store.audit_log import open_audit_log
from ews_serve import Settings
from ews_serve.client import Client, ServiceRefused
from ews_serve.schemas import FeatureRow
from tests.functional.conftest import Service, alone, ews, token_of
from tests.services import without_id

CANARY = "Canary-Quill-4711"
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
UNKNOWN = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


@pytest.fixture
def typed(service: Service) -> Iterator[Client]:
    with service.typed() as client:
        yield client


@pytest.fixture
def row(typed: Client) -> FeatureRow:
    """The features of a typical third-grader."""
    return FeatureRow(
        grade_level="03",
        last_school_year=2026,
        features={feature.name: feature.typical.get("03") for feature in typed.model().features},
    )


def test_a_school_gets_its_list_page_by_page(typed: Client, service: Service, places: dict[str, list[str]]):
    run_id = read_json(service.home.current_scoring_run)["run_id"]
    assert {school.school_id for school in typed.schools()} == set(places)
    for school_id, students in places.items():
        lines = list(typed.risk_list(school_id))
        assert [line.student_id for line in lines] == students
        assert [line.rank for line in lines] == list(range(1, len(students) + 1))
        risks = [line.risk for line in lines]
        assert risks == sorted(risks, reverse=True)
        page = typed.risk_list_page(school_id, {"limit": 3})
        assert (page.run.run_id, page.run.target_year, len(page.students)) == (run_id, 2027, 3)
        assert page.next is not None


def test_an_explanation_adds_up_and_gives_reasons(typed: Client, places: dict[str, list[str]], keys: dict[str, str]):
    for students in places.values():
        answer = typed.explanation(keys[students[0]])
        assert answer.student.student_id == students[0]
        assert answer.student.reasons
        assert answer.numbers is not None
        total = answer.numbers.base + sum(answer.numbers.contributions.values())
        assert total == pytest.approx(answer.numbers.raw_score, abs=1e-6)


def test_a_history_tells_days_and_no_estimate(client: httpx.Client, typed: Client, keys: dict[str, str]):
    key = next(iter(keys.values()))
    years = typed.history(key).attendance.years
    assert years
    assert all(year.days_absent is None or year.days_absent <= (year.days_enrolled or 0) for year in years)
    text = client.get(f"/v1/students/{key}/history").text
    assert not [word for word in ("risk", "reason", "probabilit", "score") if word in text]


def test_a_live_estimate_adds_up(typed: Client, row: FeatureRow):
    answer = typed.score([row, row])
    (estimate, again) = answer.estimates
    assert estimate == again
    assert estimate.base + sum(estimate.contributions.values()) == pytest.approx(estimate.raw_score, abs=1e-6)
    assert answer.bundle_sha256 == typed.runs().runs[0].bundle_sha256


def test_a_clerk_takes_the_list_as_a_workbook_and_a_program_as_csv_E02_E04_E05(
    service: Service, typed: Client, places: dict[str, list[str]]
):
    school_id, students = next(iter(places.items()))
    page = openpyxl.load_workbook(io.BytesIO(typed.export(school_id))).active
    rows = [list(row) for row in page.iter_rows(values_only=True)]
    head = next(number for number, row in enumerate(rows) if row[0] == "rank")
    assert [row[1] for row in rows[head + 1 :]] == students
    top = {row[0]: row[1] for row in rows[:head]}
    assert "education records" in top["notice"]
    assert top["school"] == school_id
    table = list(csv.reader(io.StringIO(typed.export(school_id, "csv").decode("utf-8-sig"), newline="")))
    first = next(number for number, row in enumerate(table) if row[:1] == ["rank"])
    assert [row[1] for row in table[first + 1 :]] == students
    exported = [one.entry for one in open_audit_log(service.home.path).between(*ALWAYS) if one.entry.view == "export"]
    assert {entry.result for entry in exported} == {"exported"}
    assert all(len(entry.student_keys) == len(students) for entry in exported)


def test_livez_and_readyz_are_open(service: Service):
    assert httpx.get(f"{service.url}/livez", trust_env=False).json() == {"status": "alive"}
    ready = httpx.get(f"{service.url}/readyz", trust_env=False).json()
    assert ready == {"status": "ready", "checks": dict.fromkeys(("store", "audit_log", "lists", "model"), True)}


@pytest.mark.parametrize("path", ["/v1/schools/{school}/risk-list", "/v1/students/{student}/explanation", "/v1/score"])
def test_without_or_with_a_wrong_token_everybody_gets_the_same_401_A03(
    service: Service, places: dict[str, list[str]], keys: dict[str, str], path: str
):
    address = service.url + path.format(school=next(iter(places)), student=next(iter(keys.values())))
    method = "POST" if path == "/v1/score" else "GET"
    without = httpx.request(method, address, trust_env=False)
    wrong = httpx.request(method, address, headers={"Authorization": f"Bearer {CANARY}"}, trust_env=False)
    assert without.status_code == wrong.status_code == 401
    assert without.headers["WWW-Authenticate"].startswith("Bearer")
    assert without_id(without) == without_id(wrong)


def test_an_unknown_student_and_an_unknown_school_get_the_same_404_SEC_12(client: httpx.Client):
    student = client.get(f"/v1/students/{UNKNOWN}/explanation")
    nonsense = client.get(f"/v1/students/{CANARY}/explanation")
    school = client.get(f"/v1/schools/{CANARY}/risk-list")
    assert student.status_code == nonsense.status_code == school.status_code == 404
    assert without_id(student) == without_id(school) == without_id(nonsense)
    assert CANARY not in nonsense.text + school.text


def test_roles_of_the_demo_see_what_theirs_is_A06_A07(
    service: Service, places: dict[str, list[str]], keys: dict[str, str]
):
    home = service.home
    scopes = ("risk_list", "attendance", "explanation", "numbers", "export", "names")
    with alone(home.path.parent):
        logins = ("rosa.imani", "tomas.nunez", "mo.haddad", "wei.lindqvist")
        lead, counselor, mentor, scientist = (token_of(login, home, *scopes) for login in logins)
    with service.typed(lead) as asked:
        (own,) = (school.school_id for school in asked.schools())
    first, second, *_, last = places[own]
    elsewhere = next(students[0] for school, students in places.items() if school != own)
    with service.typed(lead) as asked:
        assert asked.explanation(keys[last]).numbers is None
        with pytest.raises(ServiceRefused, match="404"):
            asked.student(keys[elsewhere])
    with service.typed(counselor) as asked, service.typed(counselor, "team meeting") as with_purpose:
        caseload = [line.student_id for line in asked.risk_list(own)]
        assert set(caseload) < set(places[own])
        with pytest.raises(ServiceRefused, match="403: Say why"):
            asked.student(keys[next(student for student in places[own] if student not in caseload)])
        assert len(list(with_purpose.risk_list(own))) == len(places[own])
    with service.typed(scientist) as asked:
        assert {line.student_id for line in asked.risk_list(own)} == {None}
    with service.typed(mentor) as asked:
        assert asked.me().views == ["attendance"]
        mentees = [student for student in places[own] if _opens(asked, keys[student])]
        assert 1 <= len(mentees) <= 2
    with alone(home.path.parent):
        ews("staff", "revoke", "mo.haddad", "--role", "mentor", "--home", home.path)
    with service.typed(mentor) as asked:
        assert not _opens(asked, keys[mentees[0]])


def _opens(client: Client, student_key: str) -> bool:
    try:
        client.history(student_key)
    except ServiceRefused as refusal:
        if refusal.status == 404:
            return False
        raise
    return True


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", f'"{CANARY}"'])
def test_a_value_that_is_no_finite_number_is_a_422_that_does_not_repeat_it_W07_W21(
    client: httpx.Client, row: FeatureRow, value: str
):
    names = ", ".join(f'"{name}": {value}' for name in row.features)
    text = f'{{"rows": [{{"grade_level": "03", "features": {{{names}}}}}]}}'
    response = client.post("/v1/score", content=text, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert CANARY not in response.text


def first_bytes_of_answer(service: Service, headers: str, body: bytes = b"") -> bytes:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = (
            f"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n{headers}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        return connection.recv(100)


def test_a_body_is_refused_by_its_declared_length_before_it_is_sent_W09(service: Service):
    assert first_bytes_of_answer(service, "Content-Length: 60000000").startswith(b"HTTP/1.1 413")


def test_a_body_without_a_declared_length_is_counted_W09(service: Service):
    size = Settings(service.home.path).max_body_bytes + 1
    body = b"%x\r\n" % size + b"[" * size + b"\r\n"
    assert first_bytes_of_answer(service, "Transfer-Encoding: chunked", body).startswith(b"HTTP/1.1 413")


def test_another_host_name_is_refused_W18(service: Service):
    response = httpx.get(f"{service.url}/livez", headers={"Host": "evil.example"}, trust_env=False)
    assert response.status_code == 400


def test_half_a_head_is_not_waited_for_W10(service: Service):
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        begin = time.monotonic()
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: local")
        assert connection.recv(1) == b""
        assert time.monotonic() - begin < 30


def test_many_schools_at_once_get_whole_lists_of_one_run_W25_W27(service: Service, places: dict[str, list[str]]):
    found: list[tuple[str, list[str | None]]] = []

    def fetch(school_id: str) -> None:
        with service.typed() as client:
            page = client.risk_list_page(school_id)
            found.append((page.run.run_id, [line.student_id for line in page.students]))

    schools = list(places) * 8
    threads = [threading.Thread(target=fetch, args=(school,)) for school in schools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(schools)
    assert len({run_id for run_id, _ in found}) == 1
    assert {tuple(students) for _, students in found} == {tuple(students) for students in places.values()}


def test_what_was_asked_for_is_in_no_log_O17(
    client: httpx.Client, service: Service, places: dict[str, list[str]], keys: dict[str, str]
):
    school, students = next(iter(places.items()))
    client.get(f"/v1/students/{keys[students[0]]}/explanation")
    client.get(f"/v1/students/{CANARY}/explanation")
    client.get(f"/v1/schools/{school}/export")
    client.post("/v1/score", json={"rows": [CANARY]})
    log = service.log.read_text(encoding="utf-8")
    assert "running on" in log
    metrics = client.get("/metrics").text
    assert 'route="/v1/students/{student_key}/explanation"' in metrics
    for secret in (CANARY, students[0], keys[students[0]], school, service.token):
        assert secret not in log
        assert secret not in metrics
