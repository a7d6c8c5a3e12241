"""Mentor slots through the service: who may propose, edit and confirm; what pages and API say, and what is logged."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import update

from ews.access import View
from ews.slots import Mentor
from ews.store.mentors import import_mentors, put_match_facts
from ews.store.schema import HISTORIES, RISK_ROWS
from tests.cast import (
    ANA,
    BEA,
    CORA,
    DANA,
    HARBOR,
    IVY,
    JUNIPER,
    MO,
    NOON,
    OMAR,
    ORCHARD,
    ROSA,
    RUBY,
    SOL,
    TEO,
    TODAY,
    TOM,
    TOMAS,
    WEI,
    YUKI,
)
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
    assert rosa("POST", f"{path}/rounds", data={"pool": "rich"}, **own).status_code == 422
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


def test_the_file_of_a_round_holds_who_is_offered_which_mentor_and_no_estimate_E04_E05_MEN_3(running: Running):
    rosa, made = running.client(ROSA), proposed(running)
    path = f"/v1/rounds/{made['round_key']}/export"
    answer = rosa("GET", path, params={"format": "csv"})
    assert answer.headers["content-disposition"].startswith(
        f'attachment; filename="mentor round 014 {made["round_key"][:8]}'
    )
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    top = {row[0]: row[1] for row in rows[: rows.index([])]}
    assert top["confirmed"] == "not yet"
    assert top["taken by"] == "rosa.imani, 2026-10-05 12:00 UTC"
    assert "education records" in top["notice"]
    head, *table = rows[rows.index([]) + 1 :]
    assert len(table) == len(made["students"])
    assert not {"risk", "crossings_averted", "days_gained"} & set(head)
    told = [dict(zip(head, row, strict=True)) for row in table]
    assert [one["mentor"] for one in told if one["decision"] == "proposed"] == ["Kim Ito"] * 2
    assert all(one["why"] for one in told)
    assert "'" + IVY.name in {one["name"] for one in told}
    rosa("POST", f"/v1/rounds/{made['round_key']}/confirmation", json={"version": 1})
    about = json.loads(rosa("GET", path, params={"format": "json"}).content)
    assert about["about"]["confirmed"] == "rosa.imani, 2026-10-05"
    assert {row["stands"] for row in about["rows"]} == {"offered", None}
    book = openpyxl.load_workbook(io.BytesIO(rosa("GET", path).content)).active
    assert {cell.data_type for row in book.iter_rows() for cell in row} <= {"s", "n"}
    taken = [one.entry for one in running.service.audit.of_student(ANA.key) if one.entry.result == "exported"]
    assert [(one.view, one.login) for one in taken] == [(View.EXPORT.value, ROSA.login)] * 3


def test_who_may_not_see_a_round_takes_no_file_of_it_and_a_counselor_the_own_students_SEC_10(running: Running):
    path = f"/v1/rounds/{proposed(running)['round_key']}/export"
    rows = json.loads(running.client(TOMAS)("GET", path, params={"format": "json"}).content)["rows"]
    assert {row["student_key"] for row in rows} == {ANA.key, OMAR.key}
    for who in (MO, WEI, CORA):
        assert running.client(who)("GET", path).status_code == 404


def test_a_round_can_be_printed_with_space_for_each_step(running: Running):
    made = proposed(running)
    page = running.client(ROSA)("GET", f"/slots/{made['round_key']}/print").text
    assert page.count("Kim Ito") == 2
    for words in ("Family told, when", "Student said yes", "First meeting", "Print this page"):
        assert words in page
    assert "Nobody is to be offered a mentor" in running.client(TOMAS)("GET", f"/slots/{made['round_key']}/print").text
    assert running.client(MO)("GET", f"/slots/{made['round_key']}/print").status_code == 404


def test_a_round_s_page_tells_last_year_s_days_free_slots_files_and_what_comes_next(running: Running):
    made, rosa = proposed(running), running.client(ROSA)
    page = rosa("GET", f"/slots/{made['round_key']}").text
    for words in ("of 180 days missed", "Kim Ito (0 free)", f"/v1/rounds/{made['round_key']}/export?format=xlsx",
                  f"/slots/{made['round_key']}/print", "Take the proposal back"):  # fmt: skip
        assert words in page
    rosa("POST", f"/v1/rounds/{made['round_key']}/confirmation", json={"version": 1})
    after = rosa("GET", f"/slots/{made['round_key']}?kept=confirmed").text
    for words in ("Tell each family first, then ask.", "team&#39;s weekly list", "Offered a mentor"):
        assert words in after.replace("team's", "team&#39;s")


def test_all_slots_in_one_grade_are_told_on_the_page_with_numbers_M10(running: Running):
    with running.service.store.writing() as connection:
        import_mentors(connection, [replace(KIM, cap=4)], TODAY)
        here = RISK_ROWS.c.school_id == HARBOR.school_id
        connection.execute(
            update(RISK_ROWS).where(here, RISK_ROWS.c.rank <= 4).values(grade_level="03", lane="prevent")
        )
        connection.execute(update(RISK_ROWS).where(here, RISK_ROWS.c.rank > 4).values(grade_level="04", lane="recover"))
    made = proposed(running)
    assert "School 014: all 4 slots go to grade 03, which has 4 of the" in running.client(ROSA)(
        "GET", f"/slots/{made['round_key']}").text  # fmt: skip


def test_languages_that_nobody_speaks_are_told_as_people_call_them_M04(running: Running):
    facts = {"household_key": None, "interests": [], "times": [], "wishes": "A woman, please", "known_mentor_key": None}
    with running.service.store.writing() as connection:
        put_match_facts(connection, {ANA.key: {**facts, "languages": ["so", "ar"]}})
    page = running.client(ROSA)("GET", f"/slots/{proposed(running)['round_key']}").text
    assert "speaks Somali or Arabic" in page
    assert "A woman, please" in running.client(ROSA)("GET", f"/students/{ANA.key}/mentor").text


def test_while_a_family_may_say_no_the_page_says_until_when_MEN_5(running: Running):
    rosa, own = running.client(ROSA), {"headers": {"Sec-Fetch-Site": "same-origin"}}
    made = proposed(running, rule={"lottery_percent": 0, "agreement": "opt_out", "opt_out_days": 10})
    rosa("POST", f"/v1/rounds/{made['round_key']}/confirmation", json={"version": 1})
    first = next(one["student_key"] for one in made["students"] if one["decision"] == "proposed")
    step = {"step": "told", "day": TODAY.isoformat()}
    assert rosa("POST", f"/students/{first}/mentor/steps", data=step, **own).status_code == 303
    page = rosa("GET", f"/students/{first}/mentor").text
    assert "The family may say no until 14 October 2026. After that, ask the student." in page


def test_the_district_s_overview_names_each_round_s_school_and_adds_up_what_is_missing_MEN_10(running: Running):
    with running.service.store.writing() as connection:
        import_mentors(connection, [KIM, replace(KIM, mentor_id="M8", schools=(JUNIPER.school_id,))], TODAY)
    for school in (HARBOR, JUNIPER):
        proposed(running, DANA, school_id=school.school_id)
    page = running.client(DANA)("GET", "/slots").text
    for words in ("All 2 schools with a round", "Harbor Street Elementary: 5 October 2026, dana.okafor",
                  "Juniper Middle: 5 October 2026, dana.okafor"):  # fmt: skip
        assert words in page
    board = running.client(DANA)("GET", f"/slots/schools/{HARBOR.school_id}").text
    assert "/team?school=014" in board
    assert "a letter or a message home costs little" in board


def test_a_mentor_s_first_page_tells_who_was_absent_two_days_in_a_row_and_reminds_gently_MEN_6_MEN_7(running: Running):
    days = [["2026-10-01", "unexcused"], ["2026-10-02", "unexcused"]]
    text = json.dumps({"years": [], "days": days, "data_through": "2026-10-02"})
    sol = replace(KIM, mentor_id="M1", name=SOL.name, schools=(ORCHARD.school_id,), login=SOL.login)
    assert RUBY.name not in running.client(SOL)("GET", "/").text  # the last file of mentors did not name Sol
    with running.service.store.writing() as connection:
        import_mentors(connection, [KIM, sol], TODAY)
        mine = HISTORIES.c.student_key == RUBY.key
        connection.execute(update(HISTORIES).where(mine).values(attendance=text, fingerprint="3" * 32))
    page = running.client(SOL)("GET", "/").text
    for words in (RUBY.name, "Absent 2 school days in a row, 1 October 2026 to 2 October 2026", "About 3 a week help"):
        assert words in page
    assert "Absent 2 school days" not in running.client(MO)("GET", "/").text


def test_a_round_of_the_page_leaves_out_who_needs_no_more_than_everyone_unless_asked_MEN_2_MEN_10(running: Running):
    with running.service.store.writing() as connection:
        import_mentors(connection, [replace(KIM, schools=(ORCHARD.school_id,))], TODAY)
    cora, own = running.client(CORA), {"headers": {"Sec-Fetch-Site": "same-origin"}}
    path, found = f"/slots/schools/{ORCHARD.school_id}/rounds", {}
    for pool in ("", "soon", "all"):
        page = cora("POST", path, data={"lottery": "0", **({"pool": pool} if pool else {})}, **own).headers["location"]
        rows = cora("GET", f"/v1{page.replace('slots', 'rounds')}").json()["students"]
        found[pool] = {one["student_key"]: one["why"] for one in rows if one["place"] is None}
    assert found[""][YUKI.key] == "Not in the pool: the estimate is below the rule's."
    assert TOM.key not in found[""]
    assert {YUKI.key, TOM.key} <= set(found["soon"])
    assert YUKI.key not in found["all"]
