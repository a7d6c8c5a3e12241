"""Mentor slots through the service: who may propose, edit and confirm; what pages and API say, and what is logged."""

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ews.access import View
from ews.slots import Mentor
from ews.store.mentors import import_mentors
from tests.cast import ANA, BEA, CORA, DANA, HARBOR, MO, NOON, OMAR, ROSA, RUBY, TEO, TODAY, TOMAS, WEI
from tests.services import Running, run_service

KIM = Mentor("M7", "Kim Ito", "staff", 2, (HARBOR.school_id,), date(2026, 8, 24), screened_on=date(2026, 6, 1))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = run_service(tmp_path)
    with made.service.store.writing() as connection:
        import_mentors(connection, [KIM], TODAY)
    yield made
    made.service.close()


def proposed(running: Running, who=ROSA, **about) -> dict:
    wanted = {"school_id": HARBOR.school_id, "rule": {"lottery_percent": 0}, **about}
    answer = running.client(who)("POST", "/v1/rounds", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_principal_proposes_edits_and_confirms_and_each_is_in_the_log_MEN_3_M09(running: Running):
    rosa, made = running.client(ROSA), proposed(running)
    offered = [one for one in made["students"] if one["decision"] == "proposed"]
    assert [one["mentor"] for one in offered] == ["Kim Ito"] * 2
    assert made["rule_in_words"][0].startswith("Within each school")
    path, out = f"/v1/rounds/{made['round_key']}", offered[0]["student_key"]
    wanted = {"student_key": out, "decision": "reserve", "reason": "Has a coach", "version": 1}
    assert rosa("POST", f"{path}/edits", json=wanted).json() == {"version": 2, "offered": 0}
    assert rosa("POST", f"{path}/edits", json=wanted).status_code == 409
    stale = rosa("POST", f"{path}/confirmation", json={"version": 1})
    assert stale.status_code == 409
    assert "rosa.imani changed this round on 2026-10-05" in stale.json()["detail"]
    assert rosa("POST", f"{path}/confirmation", json={"version": 2}).json() == {"version": 3, "offered": 1}
    other = running.client(DANA)("POST", f"{path}/confirmation", json={"version": 2})
    assert "rosa.imani confirmed this round" in other.json()["detail"]
    after = next(one for one in rosa("GET", path).json()["students"] if one["student_key"] == out)
    assert (after["decision"], after["edited_by"], after["edit_reason"]) == ("reserve", ROSA.login, "Has a coach")
    written = [one.entry for one in running.service.audit.of_student(out) if one.entry.result == "written"]
    assert [one.fields for one in written] == ["round proposed", "round edited names", "round confirmed names"]
    assert {one.view for one in written} == {View.SLOTS.value}


@pytest.mark.parametrize("who", [TOMAS, BEA, MO, WEI, CORA])
def test_who_does_not_decide_at_the_school_changes_nothing_W01(running: Running, who):
    made = proposed(running)
    asks, path = running.client(who), f"/v1/rounds/{made['round_key']}"
    wanted = {"student_key": ANA.key, "decision": "reserve", "reason": "no", "version": 1}
    assert asks("POST", "/v1/rounds", json={"school_id": HARBOR.school_id}).status_code == 404
    assert asks("POST", "/v1/rounds", json={"school_id": None}).status_code == 404
    for part, body in (("edits", wanted), ("confirmation", {"version": 1}), ("withdrawal", {"version": 1})):
        assert asks("POST", f"{path}/{part}", json=body).status_code == 404
    assert running.client(ROSA)("GET", path).json()["version"] == 1


def test_a_counselor_sees_the_own_students_of_a_round_and_nobody_else_SEC_10(running: Running):
    made = proposed(running)
    seen = running.client(TOMAS)("GET", f"/v1/rounds/{made['round_key']}").json()["students"]
    assert {one["student_key"] for one in seen} == {ANA.key, OMAR.key}
    assert len(seen) < len(made["students"])
    assert running.client(MO)("GET", f"/v1/rounds/{made['round_key']}").status_code == 404
    assert running.client(WEI)("GET", "/v1/rounds").status_code == 404


def test_what_cannot_be_proposed_is_refused_in_words(running: Running):
    rosa = running.client(ROSA)
    twice = {"school_id": HARBOR.school_id, "rule": {"grades": ["03", "03"]}}
    assert "each once" in rosa("POST", "/v1/rounds", json=twice).json()["detail"]
    assert rosa("POST", "/v1/rounds", json={"school_id": "022"}).status_code == 404
    made = proposed(running)
    path, student = f"/v1/rounds/{made['round_key']}", made["students"][-1]["student_key"]
    nobody = {"student_key": student, "decision": "proposed", "reason": "asked", "version": 1}
    assert "proposed a mentor" in rosa("POST", f"{path}/edits", json=nobody).json()["detail"]


def test_the_team_s_list_and_a_student_s_mentor_are_told_to_whose_they_are(running: Running):
    team = running.client(CORA)("GET", "/v1/team").json()["mentees"]
    assert [(one["student_key"], one["state"]) for one in team] == [(RUBY.key, "active")]
    assert running.client(ROSA)("GET", "/v1/team").json()["mentees"] == []
    found = running.client(CORA)("GET", f"/v1/students/{RUBY.key}/mentor").json()["mentors"]
    assert [one["state"] for one in found] == ["active"]
    assert running.client(ROSA)("GET", f"/v1/students/{RUBY.key}/mentor").status_code == 404


def test_the_board_shows_mentors_need_and_what_one_more_mentor_would_bring_MEN_10(running: Running):
    proposed(running)
    page = running.client(ROSA)("GET", f"/slots/schools/{HARBOR.school_id}").text
    for words in ("Kim Ito", "0 of 2", "What would one more mentor bring?", "highest estimate", "never a promise",
                  "without a slot", "Propose a round"):  # fmt: skip
        assert words in page
    assert running.client(ROSA)("GET", "/slots").headers["location"] == f"/slots/schools/{HARBOR.school_id}"
    assert "Harbor Street" in running.client(DANA)("GET", "/slots").text
    assert running.client(TOMAS)("GET", f"/slots/schools/{HARBOR.school_id}").status_code == 404


def test_a_round_s_page_tells_who_is_next_and_why_others_are_not_offered_one(running: Running):
    made = proposed(running)
    page = running.client(ROSA)("GET", f"/slots/{made['round_key']}").text
    for words in ("To be offered a mentor", "Just below the line", "Confirm the round", "Decide otherwise",
                  "Never more students than a mentor", made["seed"]):  # fmt: skip
        assert words in page
    assert "Confirm the round" not in running.client(TOMAS)("GET", f"/slots/{made['round_key']}").text


def test_the_forms_of_pages_do_what_the_api_does_and_say_what_stood_in_the_way(running: Running):
    rosa, own = running.client(ROSA), {"headers": {"Sec-Fetch-Site": "same-origin"}}
    path = f"/slots/schools/{HARBOR.school_id}"
    assert rosa("POST", f"{path}/rounds", data={"objective": "luck"}, **own).status_code == 422
    made = rosa("POST", f"{path}/rounds", data={"objective": "days_gained", "lottery": "0"}, **own)
    page = made.headers["location"]
    assert made.status_code == 303
    assert "win most days at school" in rosa("GET", page).text
    key = page.removeprefix("/slots/")
    first = next(one for one in rosa("GET", f"/v1/rounds/{key}").json()["students"] if one["decision"] == "proposed")
    edit = {"student_key": first["student_key"], "decision": "reserve", "reason": " ", "version": "1"}
    refused = rosa("POST", f"{page}/edits", data=edit, **own)
    assert refused.status_code == 422
    assert "needs a reason" in refused.text
    assert rosa("POST", f"{page}/confirmation", data={"version": "1"}, **own).status_code == 303
    again = rosa("POST", f"{page}/edits", data={**edit, "reason": "late"}, **own)
    assert again.status_code == 409
    assert "confirmed this round" in again.text
    mentor = f"/students/{first['student_key']}/mentor"
    step = {"step": "told", "day": TODAY.isoformat()}
    assert rosa("POST", f"{mentor}/steps", data=step, **own).status_code == 303
    assert rosa("POST", f"{mentor}/steps", data={**step, "step": "started"}, **own).status_code == 422
    assert "5 October 2026" in rosa("GET", mentor).text
    assert rosa("POST", f"{mentor}/end", data={"reason": "declined"}, **own).status_code == 303
    assert "The family or the student said no" in rosa("GET", mentor).text


def test_a_mentor_outside_a_round_needs_a_reason_and_counts_once(running: Running):
    rosa, own = running.client(ROSA), {"headers": {"Sec-Fetch-Site": "same-origin"}}
    made = proposed(running)
    kim = next(one["mentor_key"] for one in made["students"] if one["mentor_key"])
    path, form = f"/students/{TEO.key}/mentor", {"mentor_key": kim, "why": "His teacher asked"}
    form["request_key"] = str(uuid.UUID(int=9))
    for _ in range(2):
        assert rosa("POST", f"{path}/offer", data=form, **own).status_code == 303
    assert len(rosa("GET", f"/v1/students/{TEO.key}/mentor").json()["mentors"]) == 1
    assert running.client(MO)("GET", path).status_code == 404
    assert NOON.date() == TODAY
