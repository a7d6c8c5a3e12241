"""What still works when something does not (REL-6), and that nothing is shown which the log does not hold (O18)."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from ews.errors import AuditUnavailable
from ews.store.audit_log import AuditLog, Waiting
from ews.store.schema import IN_FORCE, RUNS
from ews_serve.answers import OLD_AFTER
from tests.cast import ANA, DANA, INES, MO, NOON, ROSA, TOMAS, WEI
from tests.services import FEATURE_NAMES, HOST, Client, Running

LIST = "/v1/schools/014/risk-list"
STUDENT = f"/v1/students/{ANA.key}"
ROW = {"grade_level": "03", "features": dict.fromkeys(FEATURE_NAMES, 1.0)}


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log refuses every entry, as on a full disk."""

    def refuse(_: AuditLog, batch: Sequence[Waiting]) -> None:
        for _, done in batch:
            done.set_exception(AuditUnavailable("full"))

    monkeypatch.setattr(AuditLog, "_write", refuse)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LIST), ("GET", "/v1/schools/014/export"), ("GET", STUDENT), ("GET", f"{STUDENT}/explanation"),
        ("GET", f"{STUDENT}/history"), ("GET", f"{STUDENT}/who-can-see"), ("POST", "/v1/score"),
    ],
)  # fmt: skip
def test_where_the_log_cannot_be_written_nothing_of_a_student_is_shown_O18(
    promoted: Running, unwritable: None, method: str, path: str
):
    response = promoted.client(DANA)(method, path, json={"rows": [ROW]} if method == "POST" else None)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.headers["content-type"] == "application/problem+json"
    assert not [word for word in (ANA.name, "reasons", "estimates", "attendance") if word in response.text]


def test_a_refusal_that_cannot_be_logged_is_a_503_and_tells_nothing(running: Running, unwritable: None):
    for path in (STUDENT, "/v1/students/0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"):
        assert running.client(MO)("GET", path).status_code == 503


def test_readyz_tells_what_does_not_work_and_nothing_more(running: Running, nobody: Client, unwritable: None):
    response = nobody("GET", "/readyz")
    assert response.status_code == 503
    checks = {"store": True, "audit_log": False, "lists": True, "model": False}
    assert response.json() == {"status": "not ready", "checks": checks}


def test_without_a_model_lists_are_answered_and_say_so_REL_6_M11(running: Running, client: Client, nobody: Client):
    assert client("GET", LIST).json()["notices"] == []
    assert nobody("GET", "/readyz").status_code == 200
    for path in (LIST, STUDENT, f"{STUDENT}/explanation"):
        answer = client("GET", path).json()
        (notice,) = answer["notices"]
        assert "2026-10-05" in notice
        assert "version 3" in notice
        assert "no live estimates" in notice
    response = running.client(WEI)("POST", "/v1/score", json={"rows": [ROW]})
    assert (response.status_code, "ews promote" in response.json()["detail"]) == (503, True)
    assert client("GET", LIST).status_code == 200


def test_a_list_that_is_old_says_so_REL_9(running: Running, client: Client):
    with running.service.store.writing() as connection:
        connection.execute(update(RUNS).values(published_at=NOON - OLD_AFTER - timedelta(days=1)))
    (notice,) = client("GET", LIST).json()["notices"]
    assert "old" in notice
    assert "2026-08-20" in notice


def test_before_the_first_list_the_answer_says_what_to_run(running: Running, client: Client, nobody: Client):
    with running.service.store.writing() as connection:
        connection.execute(IN_FORCE.delete())
    for path in (LIST, "/v1/schools/014/export"):
        response = client("GET", path)
        assert (response.status_code, "ews publish" in response.json()["detail"]) == (503, True)
    assert client("GET", STUDENT).status_code == 404
    assert running.client(INES)("GET", "/v1/runs").json()["in_force"] is None
    assert nobody("GET", "/readyz").status_code == 503


def test_an_empty_list_says_whose_it_is_and_is_no_error_UX_8(running: Running):
    answer = running.client(ROSA)("GET", LIST, params={"lane": "recover"})
    assert answer.status_code == 200
    assert answer.json()["students"] == []
    assert answer.json()["run"]["run_id"]


def test_a_store_that_may_only_be_read_still_answers_while_the_log_is_written_REL_6(running: Running, client: Client):
    store = running.service.store.file
    assert store is not None
    store.chmod(0o400)
    assert client("GET", LIST).status_code == 200
    assert client("GET", f"{STUDENT}/explanation").status_code == 200


def test_a_damaged_store_is_a_503_that_names_nothing_of_this_machine_O07(running: Running, tmp_path: Path):
    client = running.client(TOMAS)
    assert client("GET", STUDENT).status_code == 200
    file = running.service.store.file
    assert file is not None
    running.service.store.close()
    running.service.close()
    for part in (file, file.with_name("store.db-wal"), file.with_name("store.db-shm")):
        part.unlink(missing_ok=True)
    file.write_bytes(b"no database at all" * 1_000)
    response = client("GET", STUDENT)
    assert response.status_code == 503
    assert "ews store" in response.json()["detail"]
    assert str(tmp_path) not in response.text


def test_whoever_goes_away_while_waiting_leaves_nothing_open_W26(running: Running):
    async def go_away() -> None:
        transport = httpx.ASGITransport(running.app)
        headers = {"Authorization": f"Bearer {running.tokens[ROSA.login]}"}
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", headers=headers) as client:
            for path in (LIST, STUDENT, f"{STUDENT}/explanation") * 5:
                asking = asyncio.create_task(client.get(path))
                await asyncio.sleep(0.002)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            assert (await client.get(f"{STUDENT}/explanation")).status_code == 200

    asyncio.run(go_away())
    assert running.service.store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a QueuePool
    with running.service.store.writing() as connection:
        connection.execute(update(RUNS).values(published_by="nobody held it"))
