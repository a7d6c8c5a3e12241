"""Lists and explanations come from one run, the one in force."""

import pytest

from ews.errors import UntrustedBundle
from ews.home import Home, to_json, write_atomically
from ews_serve.problems import Refused
from ews_serve.published import Published
from tests.unit.serve.conftest import Client, listed, pin, write_run


def test_a_school_gets_its_own_students_in_order(client: Client):
    answer = client("GET", "/v1/schools/A/risk-list").json()
    assert [(line["rank"], line["student_id"]) for line in answer["students"]] == [(1, "007"), (2, "=8")]
    assert answer["run"] == {
        "run_id": "run-1", "target_year": 2027, "after_day": 0, "model_version": 1, "bundle_sha256": "0" * 64,
    }  # fmt: skip
    assert "not causes" in answer["footer"]


def test_a_line_of_the_list_has_reasons_and_probabilities_by_percent(client: Client):
    line = client("GET", "/v1/schools/B/risk-list").json()["students"][0]
    assert line["reasons"] == ["Missed 9 of 180 days. Raises the estimate."]
    assert line["lowering_reason"] is None
    assert line["probabilities"] == {"08": 0.4, "10": 0.3}


def test_an_explanation_adds_up_and_keeps_unknown_features_null(client: Client):
    answer = client("GET", "/v1/students/007/explanation").json()
    assert answer["student"]["student_id"] == "007"
    assert answer["contributions"] == {"recent level": 0.5, "trend": 0.0}
    assert answer["base"] + sum(answer["contributions"].values()) == answer["raw_score"]
    assert answer["row"]["features"]["days_absent_year_before"] is None
    assert answer["row"]["features"]["days_absent_last_year"] == 2


def test_unknown_students_and_schools_look_the_same(client: Client):
    paths = ("/v1/students/7/explanation", "/v1/schools/C/risk-list", "/v1/students/A/explanation", "/v1/nothing")
    answers = [client("GET", path) for path in paths]
    bodies = {tuple(item for item in answer.json().items() if item[0] != "correlation_id") for answer in answers}
    assert {answer.status_code for answer in answers} == {404}
    assert len(bodies) == 1


def test_a_new_run_is_answered_from_as_soon_as_it_is_in_force(home: Home, client: Client):
    assert client("GET", "/v1/schools/A/risk-list").json()["run"]["run_id"] == "run-1"
    write_run(home, "run-2", [listed(1, "10", "A", 0.5)])
    answer = client("GET", "/v1/schools/A/risk-list").json()
    assert answer["run"]["run_id"] == "run-2"
    assert [line["student_id"] for line in answer["students"]] == ["10"]
    assert client("GET", "/v1/students/007/explanation").status_code == 404


def test_who_started_on_a_run_ends_on_it_W27(home: Home):
    published = Published(home.path)
    before = published.scoring_run()
    write_run(home, "run-2", [listed(1, "007", "B", 0.9)])
    line, _ = before.student("007") or pytest.fail("the student is in the first run")
    assert (line["school_id"], before.provenance["run_id"]) == ("A", "run-1")
    assert published.scoring_run().provenance["run_id"] == "run-2"


def test_a_run_is_read_once_while_it_is_in_force(home: Home):
    published = Published(home.path)
    assert published.scoring_run() is published.scoring_run()


def test_without_a_run_the_answer_says_what_to_run(home: Home, client: Client):
    home.current_scoring_run.unlink()
    response = client("GET", "/v1/schools/A/risk-list")
    assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json")
    assert "ews score --target-year" in response.json()["detail"]
    assert str(home.path) not in response.text


def test_live_estimates_come_from_the_model_that_made_the_published_run_W27_G07(promoted: Home):
    published = Published(promoted.path)
    before = published.champion()
    write_atomically(promoted.champion, to_json({"version": 4, "bundle_sha256": "f" * 64}))
    assert published.champion() is before
    assert (before.version, before.bundle.sha256) == (3, published.scoring_run().provenance["bundle_sha256"])
    pin(promoted, "run-1", 4, "e" * 64)
    write_atomically(promoted.current_scoring_run, to_json({"run_id": "run-1"}))
    with pytest.raises(UntrustedBundle, match="manifest.json is missing"):
        published.champion()


def test_before_the_first_run_live_estimates_come_from_the_champion_of_term_start(promoted: Home):
    promoted.current_scoring_run.unlink()
    assert Published(promoted.path).champion().version == 3


def test_without_a_champion_the_answer_says_what_to_run(home: Home):
    home.current_scoring_run.unlink()
    with pytest.raises(Refused, match=r"503.*ews promote"):
        Published(home.path).champion()
