"""A live estimate takes exactly the model's features, and repeats nothing of what was sent."""

import json
from typing import get_args

import pandas as pd
import pytest

from ews.bundle import load_bundle
from ews.store.schema import IN_FORCE
from ews.tables import GRADES
from ews_serve.schemas import MOST_ROWS, Grade
from tests.cast import WEI
from tests.services import FEATURE_NAMES, Client, Running

CANARY = "Canary-Quill-4711"
CALM, AWAY = (
    {"absence_rate_last_year": 0.01, "days_absent_last_year": 2, "days_enrolled_last_year": 180},
    {"absence_rate_last_year": 0.2, "days_absent_last_year": 36, "days_enrolled_last_year": 180},
)


@pytest.fixture
def client(promoted: Running) -> Client:
    """Asks as the data scientist."""
    return promoted.client(WEI)


@pytest.fixture
def score(client: Client):
    def send(*features, **more):
        return client(
            "POST", "/v1/score", json={"rows": [{"grade_level": "03", "features": row} for row in features], **more}
        )

    return send


@pytest.fixture
def send_text(client: Client):
    def send(text: str):
        return client("POST", "/v1/score", content=text.encode(), headers={"Content-Type": "application/json"})

    return send


def text_of(**features: str) -> str:
    """A request whose values are written as given, also those no JSON library would write."""
    values = {name: json.dumps(value) for name, value in CALM.items()} | features
    pairs = ", ".join(f'"{name}": {value}' for name, value in values.items())
    return f'{{"rows": [{{"grade_level": "03", "features": {{{pairs}}}}}]}}'


@pytest.mark.parametrize("times", [1, 60])
def test_the_estimates_are_those_of_the_bundle_of_the_list_in_the_order_sent(promoted: Running, score, times: int):
    (folder,) = (promoted.service.settings.home / "bundles").iterdir()
    sha256 = folder.name
    x = pd.DataFrame([AWAY, CALM] * times, columns=list(FEATURE_NAMES), dtype="float64")
    expected = load_bundle(folder, sha256).model.risk(x)
    answer = score(*[AWAY, CALM] * times).json()
    assert [estimate["risk"] for estimate in answer["estimates"]] == pytest.approx(list(expected), abs=1e-12)
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
def test_a_body_of_another_shape_is_refused_and_not_repeated_W04(client: Client, body):
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


def test_a_body_that_is_no_json_by_its_header_is_refused_W14(client: Client):
    response = client("POST", "/v1/score", content=text_of().encode(), headers={"Content-Type": "text/plain"})
    assert response.status_code == 422


def test_more_rows_than_the_limit_are_refused_W13(client: Client):
    body = {"rows": [{"grade_level": "03", "features": {}}] * (MOST_ROWS + 1)}
    assert client("POST", "/v1/score", json=body).json()["errors"] == [
        {"pointer": "#/rows", "detail": "holds too many"}
    ]


def test_before_the_first_list_the_answer_says_what_to_run(running: Running):
    with running.service.store.writing() as connection:
        connection.execute(IN_FORCE.delete())
    response = running.client(WEI)("POST", "/v1/score", json={"rows": [{"grade_level": "03", "features": CALM}]})
    assert (response.status_code, "ews publish" in response.json()["detail"]) == (503, True)


def test_a_bundle_that_was_changed_is_not_loaded_G01_G02_G04(promoted: Running, score):
    booster = next(promoted.service.settings.home.glob("bundles/*/booster.txt"))
    booster.write_text(booster.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    response = score(CALM)
    assert (response.status_code, str(promoted.service.settings.home) in response.text) == (503, False)
    assert "ews promote" in response.json()["detail"]


def test_the_schema_names_the_grades_of_the_tables():
    assert get_args(Grade) == GRADES
