"""A live estimate takes exactly the model's features, and repeats nothing of what was sent."""

import json
from typing import get_args

import pandas as pd
import pytest

from ews.bundle import load_bundle
from ews.home import Home, read_json
from ews.tables import GRADES
from ews_serve.schemas import MOST_ROWS, Grade
from tests.unit.serve.conftest import AWAY, CALM, FEATURE_NAMES, Client

CANARY = "Canary-Quill-4711"


@pytest.fixture
def score(promoted: Home, client: Client):
    def send(*features, **more):
        return client(
            "POST", "/v1/score", json={"rows": [{"grade_level": "03", "features": row} for row in features], **more}
        )

    return send


@pytest.fixture
def send_text(promoted: Home, client: Client):
    def send(text: str):
        return client("POST", "/v1/score", content=text.encode(), headers={"Content-Type": "application/json"})

    return send


def text_of(**features: str) -> str:
    """A request whose values are written as given, also those no JSON library would write."""
    values = {name: json.dumps(value) for name, value in CALM.items()} | features
    pairs = ", ".join(f'"{name}": {value}' for name, value in values.items())
    return f'{{"rows": [{{"grade_level": "03", "features": {{{pairs}}}}}]}}'


def test_the_estimates_are_those_of_the_promoted_bundle_in_the_order_sent(promoted: Home, score):
    sha256 = str(read_json(promoted.champion)["bundle_sha256"])
    x = pd.DataFrame([AWAY, CALM], columns=list(FEATURE_NAMES), dtype="float64")
    expected = load_bundle(promoted.bundles / sha256, sha256).model.risk(x)
    answer = score(AWAY, CALM).json()
    assert [estimate["risk"] for estimate in answer["estimates"]] == list(expected)
    assert (answer["model_version"], answer["bundle_sha256"]) == (3, sha256)
    assert expected[0] > expected[1]


def test_the_order_of_names_does_not_matter(score):
    reversed_row = dict(reversed(AWAY.items()))
    assert score(reversed_row).json()["estimates"] == score(AWAY).json()["estimates"]


def test_base_and_contributions_add_up_to_the_raw_score(score):
    for estimate in score(AWAY, CALM).json()["estimates"]:
        assert estimate["base"] + sum(estimate["contributions"].values()) == pytest.approx(estimate["raw_score"])
        assert estimate["risk"] == estimate["probabilities"]["10"]
        assert len(estimate["reasons"]) <= 3


def test_an_unknown_value_is_null(score):
    assert score({**CALM, "days_absent_last_year": None}).status_code == 200


def test_a_missing_feature_is_named_since_the_name_is_ours(score):
    response = score({name: value for name, value in CALM.items() if name != "days_absent_last_year"})
    assert response.status_code == 422
    assert "days_absent_last_year" in response.json()["detail"]


def test_an_unknown_feature_is_counted_and_not_repeated_W04_W21(score):
    response = score({**CALM, CANARY: 1})
    assert (response.status_code, CANARY in response.text) == (422, False)
    assert "holds 1 names" in response.json()["detail"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", '"5"', "true", "[1]", f'"{CANARY}"'])
def test_a_value_that_is_no_finite_number_is_refused_and_not_repeated_W06_W07(send_text, value: str):
    response = send_text(text_of(days_absent_last_year=value))
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == "#/rows/0/features"
    assert CANARY not in response.text


def test_a_number_of_a_thousand_digits_is_refused_and_not_repeated_W07(send_text):
    response = send_text(text_of(days_absent_last_year="7" * 1_000))
    assert (response.status_code, "777" in response.text) == (422, False)


def test_a_negative_count_is_refused_and_not_repeated_T06(score):
    response = score({**CALM, "days_absent_last_year": -4711})
    assert (response.status_code, "4711" in response.text) == (422, False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": []},
        {"rows": [{"grade_level": "03"}]},
        {"rows": [{"grade_level": CANARY, "features": CALM}]},
        {"rows": [{"grade_level": "03", "features": CALM, CANARY: 1}]},
        {"rows": [{"grade_level": "03", "features": CALM, "risk": 0.9}]},
        {"rows": [{"grade_level": "03", "features": CALM}], "role": "admin"},
        {"rows": {CANARY: CALM}},
        {"rows": [CANARY]},
        [],
        CANARY,
        None,
    ],
)
def test_a_body_of_another_shape_is_refused_and_not_repeated_W04(promoted: Home, client: Client, body):
    response = client("POST", "/v1/score", json=body)
    assert (response.status_code, CANARY in response.text) == (422, False)
    assert response.json()["errors"]


@pytest.mark.parametrize("text", [f"{{{CANARY}", f'{{"rows": "{CANARY}"', "", "\x00"])
def test_a_body_that_is_no_json_is_refused_and_not_repeated(send_text, text: str):
    response = send_text(text)
    assert (response.status_code, CANARY in response.text) == (422, False)


def test_a_key_named_twice_is_refused_W05(send_text):
    text = text_of().replace('"grade_level": "03"', '"grade_level": "03", "grade_level": "04"')
    assert send_text(text).status_code == 422


def test_a_body_nested_very_deep_is_refused_W08(send_text):
    assert send_text("[" * 20_000).status_code in {400, 422}


def test_a_body_that_is_no_json_by_its_header_is_refused_W14(promoted: Home, client: Client):
    response = client("POST", "/v1/score", content=text_of().encode(), headers={"Content-Type": "text/plain"})
    assert response.status_code == 422


def test_more_rows_than_the_limit_are_refused_W13(send_text, promoted: Home, client: Client):
    body = {"rows": [{"grade_level": "03", "features": {}}] * (MOST_ROWS + 1)}
    assert client("POST", "/v1/score", json=body).json()["errors"] == [
        {"pointer": "#/rows", "detail": "holds too many"}
    ]


def test_without_a_champion_the_answer_says_what_to_run(home: Home, client: Client):
    response = client("POST", "/v1/score", json={"rows": [{"grade_level": "03", "features": CALM}]})
    assert (response.status_code, "ews promote" in response.json()["detail"]) == (503, True)


def test_a_bundle_that_was_changed_is_not_loaded_G01_G02(promoted: Home, score):
    booster = next(promoted.bundles.glob("*/booster.txt"))
    booster.write_text(booster.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    response = score(CALM)
    assert (response.status_code, str(promoted.path) in response.text) == (503, False)
    assert "ews promote" in response.json()["detail"]


def test_the_schema_names_the_grades_of_the_tables():
    assert get_args(Grade) == GRADES
