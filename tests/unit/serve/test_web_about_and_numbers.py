"""The page about the tool, and one student's estimate in numbers (FAIR-1, EX-1)."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from ews.model_card.card import FORBIDDEN
from ews.store.reading import student_view
from ews_serve.web.about import NEVER_FOR
from ews_serve.web.numbers import numbers_page
from tests.cast import ANA, DANA, MIA, MO, NOON, NOOR, ROSA, TOMAS, WEI
from tests.services import RUN_ID, Running

PAGE = {"Accept": "text/html"}
NUMBERS = f"/students/{ANA.key}/numbers"


def test_every_forbidden_use_of_the_model_card_is_said_on_the_page_FAIR_1(running: Running):
    assert tuple(NEVER_FOR) == FORBIDDEN
    text = running.client(MO)("GET", "/about", headers=PAGE).text
    assert all(words in text for words in NEVER_FOR.values())


@pytest.mark.parametrize("who", [WEI, DANA])
def test_who_works_with_the_model_sees_numbers_and_no_name_EX_1(running: Running, who):
    shown = running.client(who)("GET", NUMBERS, headers=PAGE)
    assert shown.status_code == 200
    assert "+0.5000" in shown.text
    assert "-1.5000, as it must be" in shown.text
    assert ANA.name not in shown.text
    assert not re.search(r">\s*007\s*<", shown.text)


@pytest.mark.parametrize("who", [ROSA, TOMAS, MO])
def test_numbers_do_not_exist_for_anybody_else(running: Running, who):
    refused = running.client(who)("GET", NUMBERS, headers=PAGE)
    unknown = running.client(who)("GET", NUMBERS.replace(ANA.key, "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"), headers=PAGE)
    assert (refused.status_code, refused.text) == (404, unknown.text)


def test_numbers_are_of_the_own_district_only(running: Running):
    client = running.client(WEI)
    assert client("GET", f"/students/{MIA.key}/numbers", headers=PAGE).status_code == 200
    assert client("GET", f"/students/{NOOR.key}/numbers", headers=PAGE).status_code == 404


def test_the_read_is_in_the_log_with_what_was_shown_O18(running: Running):
    running.client(WEI)("GET", NUMBERS, headers=PAGE)
    found = running.service.audit.between(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    (entry,) = [one.entry for one in found if one.entry.view == "numbers"]
    assert (entry.login, entry.result, entry.fields, entry.run_id) == (WEI.login, "shown", "numbers", RUN_ID)


def test_contributions_that_do_not_add_up_are_said_EX_2(running: Running):
    with running.service.store.reading() as connection:
        student = student_view(connection, ANA.key)
    wrong = replace(
        student, explanation=json.dumps({"base": 0, "raw_score": 1, "contributions": {"recent level": 0.5}})
    )
    assert "does not add up" in numbers_page(wrong).sum_sentence
    nothing = replace(student, explanation=json.dumps({"base": 1, "raw_score": 1, "contributions": {}}))
    assert "as it must be" in numbers_page(nothing).sum_sentence
