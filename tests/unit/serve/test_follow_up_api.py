"""Follow-up for programs: contacts and plans by the API are those of the pages, with the same rules."""

import uuid

import pytest
from sqlalchemy import select

from ews.access import View
from ews.store.schema import ASSIGNMENTS, CONTACTS
from tests.cast import CORA, ED, LENA, MATEO, RUBY, SOL
from tests.services import Running

CONTACT = {"on_date": "2026-10-05", "kind": "call", "with_whom": "family"}


def path_of(student, what: str) -> str:
    return f"/v1/students/{student.key}/{what}"


def told(**more) -> dict:
    return {**CONTACT, "request_key": str(uuid.uuid4()), **more}


def test_a_contact_sent_twice_counts_once_and_is_read_back_O12(running: Running):
    client = running.client(CORA)
    body = told(minutes=5, barrier="housing", next_step="Ask again")
    first, again = (client("POST", path_of(LENA, "contacts"), json=body) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    found = client("GET", path_of(LENA, "contacts")).json()
    assert (found["student"]["name"], found["contacts"]) == (LENA.name, [first.json()])
    assert found["contacts"][0]["by"] == CORA.name
    entries = [one.entry for one in running.service.audit.of_student(LENA.key)]
    assert [(one.view, one.result) for one in entries] == [(View.CONTACT, "written")] * 2 + [(View.CONTACT, "shown")]


@pytest.mark.parametrize(
    "wrong",
    [{"on_date": "2027-01-01"}, {"on_date": 0}, {"on_date": "2026-10-05T00:00:00"}, {"kind": "fax"}, {"minutes": "5"},
     {"minutes": 601}, {"request_key": "x"}, {"more": 1}, {"next_step": "a\x00"}],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_not_repeated_W12(running: Running, wrong: dict):
    client = running.client(CORA)
    answer = client("POST", path_of(LENA, "contacts"), json=told(**wrong))
    assert answer.status_code == 422
    assert client("GET", path_of(LENA, "contacts")).json()["contacts"] == []


def test_a_plan_changes_from_the_version_that_was_looked_at_O13(running: Running):
    client, other = running.client(CORA), running.client(ED)
    plan = client("GET", path_of(LENA, "plan")).json()
    assert (plan["version"], plan["state"], plan["target_year"]) == (0, "new", 2027)
    changed = client("PUT", path_of(LENA, "plan"), json={"version": 0, "state": "plan", "next_step": "Meet"}).json()
    assert (changed["version"], changed["changed_by"]) == (1, CORA.login)
    late = other("PUT", path_of(LENA, "plan"), json={"version": 0, "state": "closed"})
    assert late.status_code == 409
    assert "cora.bloom changed this plan" in late.json()["detail"]
    assert other("GET", path_of(LENA, "plan")).json() == changed


def test_a_mentor_writes_for_the_own_mentee_by_the_assignment_and_reads_the_own_entries(running: Running):
    mentor = running.client(SOL)
    assert running.client(CORA)("POST", path_of(RUBY, "contacts"), json=told()).status_code == 200
    assert mentor("POST", path_of(RUBY, "contacts"), json=told(kind="talk")).status_code == 200
    found = mentor("GET", path_of(RUBY, "contacts")).json()["contacts"]
    assert [one["by"] for one in found] == [SOL.name]
    with running.service.store.reading() as connection:
        assignment = connection.scalar(select(ASSIGNMENTS.c.assignment_key))
        kept = connection.execute(select(CONTACTS.c.kind, CONTACTS.c.assignment_key)).all()
    assert {tuple(row) for row in kept} == {("talk", assignment), ("call", None)}
    assert mentor("GET", path_of(RUBY, "plan")).status_code == 404
    assert mentor("POST", path_of(MATEO, "contacts"), json=told()).status_code == 404
