"""While a list is published the service goes on: it reads, logs what it reads, and waits for no lock of the store."""

import contextlib
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ews.access import AccessPolicy, Grant, Role
from ews.errors import Busy
from ews.home import Home
from ews.store import opening, publishing
from ews.store.audit_log import open_audit_log
from ews.store.keys import SCOPES, make_token, start_session
from ews.store.opening import Store
from ews.store.people import add_staff, grant
from ews_serve import Service, Settings, create_app
from ews_serve.cookies import SESSION
from ews_serve.live import LiveModels
from ews_serve.measures import Measures
from tests.published import AUGUST, OCTOBER, published, scored, scored_again
from tests.services import HOST, Client, client_of
from tests.stores import DATABASES, new_store

BUSY_SECONDS = 0.3
HELD_SECONDS = 3.0
"""The writing transaction of the publication is held ten times as long as a writer would wait for it."""

SINCE = date(2020, 1, 1)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    folder = tmp_path_factory.mktemp("beside")
    return scored(folder / "first"), scored_again(folder / "second")


@pytest.fixture(params=DATABASES)
def store(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, homes):
    monkeypatch.setattr(opening, "BUSY_SECONDS", BUSY_SECONDS)
    made = new_store(request.param, tmp_path)
    published(made, homes[0])
    yield made
    made.close()


def service_on(store: Store, folder: Path) -> Service:
    return Service(
        settings=Settings(folder, hosts=(HOST,)), store=store, audit=open_audit_log(folder / "log" / "audit.db"),
        live=LiveModels(folder), measures=Measures(), policy=AccessPolicy(), now=lambda: AUGUST,
    )  # fmt: skip


def clients(store: Store, app: Any) -> list[Client]:
    """Asks by a token, and by a session whose use is due to be noted in the store."""
    with store.writing() as connection:
        key = add_staff(connection, login="head", name="Head", at=AUGUST)
        for role in (Role.SERVICE, Role.DISTRICT_ADMIN):
            grant(connection, key, Grant(role, SINCE), by="tests", why="tests")
        until = AUGUST + timedelta(days=1)
        _, token = make_token(connection, key, name="tests", scopes=SCOPES, at=AUGUST, expires_at=until)
        session = start_session(connection, key, AUGUST - timedelta(minutes=5), second_factor=True)
    by_session = client_of(app, None)
    cookie = {"headers": {"Cookie": f"{SESSION}={session.secret}"}}
    return [client_of(app, token), lambda method, path: by_session(method, path, **cookie)]


def addresses(client: Client) -> list[str]:
    """A school's list and a student on it."""
    school = client("GET", "/v1/schools").json()["schools"][0]["school_id"]
    address = f"/v1/schools/{school}/risk-list"
    student = client("GET", address).json()["students"][0]["student_key"]
    return [address, f"/v1/students/{student}/explanation"]


def held_publication(store: Store, home: Home, monkeypatch: pytest.MonkeyPatch) -> threading.Thread:
    """A real publication whose transaction is held open for a while, and that holds it by now."""
    put, holds = publishing._put_in_force, threading.Event()

    def put_slowly(*what: Any) -> None:
        put(*what)
        holds.set()
        time.sleep(HELD_SECONDS)

    monkeypatch.setattr(publishing, "_put_in_force", put_slowly)
    thread = threading.Thread(target=published, args=(store, home, OCTOBER))
    thread.start()
    assert holds.wait(120)
    return thread


def test_reads_go_on_and_are_logged_while_a_publication_holds_the_store_REL_6_W25(
    store: Store, homes: tuple[Home, Home], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    service = service_on(store, tmp_path / "service")
    asking = clients(store, create_app(service))
    paths = addresses(asking[0])
    before = service.audit.head().seq
    publication = held_publication(store, homes[1], monkeypatch)
    begin, answers = time.monotonic(), []
    while time.monotonic() - begin < HELD_SECONDS - 1:
        answers += [client("GET", path) for client in asking for path in paths]
    assert publication.is_alive()
    # Of SQLite's store it holds the only place to write, which it would not if it had ended.
    refused = pytest.raises(Busy) if store.is_sqlite else contextlib.nullcontext()
    with refused, store.writing():
        pass
    publication.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len(answers) > 20
    (old,) = {answer.json()["run"]["run_id"] for answer in answers}
    assert service.audit.head().seq == before + len(answers)
    assert asking[0]("GET", paths[0]).json()["run"]["run_id"] != old
    service.close()
