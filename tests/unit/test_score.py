"""Scoring: the run that is kept, handed out, and put in force."""

import hashlib
import json
from dataclasses import replace

import pandas as pd
import pytest

from ews import registry
from ews.errors import Busy, NotEnoughData, NotFound, NothingPromoted, UntrustedBundle
from ews.home import write_atomically
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.score import MENTOR_RESPONSE, NOTICE, current_run, explanation_of, hand_out, read_list, run_before, score
from ews.train import train
from tests.homes import FAST, TARGET, ingested_home, promote_latest, promoted_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return promoted_home(tmp_path_factory.mktemp("score") / "home")


@pytest.fixture(scope="module")
def run(home):
    return score(home, TARGET)


def test_every_student_of_the_cohort_has_one_row_and_each_school_ranks_from_one(run):
    rows = read_list(run)
    assert rows["student_id"].is_unique
    assert run.provenance["counts"] == {"students": len(rows), "schools": rows["school_id"].nunique()}
    for _, school in rows.groupby("school_id"):
        assert school["rank"].tolist() == list(range(1, len(school) + 1))
        assert school["risk"].is_monotonic_decreasing
    assert rows["risk"].between(0, 1).all()


def test_probabilities_of_missing_more_are_never_higher(run):
    rows = read_list(run)
    chances = rows[[name for name in rows.columns if name.startswith("probability_")]]
    assert (chances.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (rows["risk"] == rows["probability_10"]).all()


def test_base_and_contributions_sum_to_the_raw_score(run):
    rows = pd.read_parquet(run.folder / "explanations.parquet")
    parts = rows[[name for name in rows.columns if name.startswith("contribution_")]]
    assert parts.shape[1] == 10
    assert ((rows["base"] + parts.sum(axis=1)) - rows["raw_score"]).abs().max() < 1e-6


def test_the_same_inputs_give_the_same_bytes_in_another_home_REL_5(tmp_path, run):
    again = score(promoted_home(tmp_path / "another"), TARGET)
    assert again.run_id == run.run_id
    assert hashes(again.folder) == hashes(run.folder)


def test_however_few_students_are_explained_at_a_time_the_run_is_the_same(tmp_path, run, monkeypatch):
    monkeypatch.setattr("ews.score.ROWS_AT_ONCE", 37)
    again = score(promoted_home(tmp_path / "another"), TARGET)
    assert (again.folder / "risk_list.csv").read_bytes() == (run.folder / "risk_list.csv").read_bytes()
    explained = [pd.read_parquet(made.folder / "explanations.parquet") for made in (again, run)]
    pd.testing.assert_frame_equal(*explained)


def test_scoring_again_changes_nothing_REL_4(home, run):
    before = hashes(run.folder)
    times = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    assert score(home, TARGET).run_id == run.run_id
    assert hashes(run.folder) == before
    assert {path: path.stat().st_mtime_ns for path in run.folder.iterdir()} == times


def test_the_provenance_says_from_what_and_that_it_holds_education_records(home, run):
    told = json.loads((run.folder / "provenance.json").read_text())
    champion = registry.champion(home)
    assert told["bundle_sha256"] == champion.bundle_sha256
    assert told["model_version"] == champion.version
    assert (told["target_year"], told["after_day"], told["run_id"]) == (2027, 0, run.run_id)
    assert told["data_id"] == home.ingested().name
    assert told["data_through"].startswith("2026-")
    assert "education records" in told["notice"] == NOTICE


def test_a_run_keeps_how_strongly_each_grade_is_expected_to_answer_a_mentor(run):
    """By grade of the whole cohort; more where more of the days missed are not excused, never beyond half as much."""
    told = run.provenance[MENTOR_RESPONSE]
    assert set(told) == set(read_list(run)["grade_level"])
    assert all(0.5 <= value <= 1.5 for value in told.values())
    assert len(set(told.values())) > 1


def test_handing_out_gives_list_and_provenance_and_keeps_every_feature_in_the_home(tmp_path, run):
    written = hand_out(run, tmp_path / "out")
    assert [path.name for path in written] == ["risk_list.csv", "risk_list.parquet", "provenance.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in written)
    assert all(path.read_bytes() == (run.folder / path.name).read_bytes() for path in written)


def test_csv_and_parquet_say_the_same(run):
    csv = pd.read_csv(run.folder / "risk_list.csv", dtype={"student_id": str, "school_id": str, "grade_level": str})
    rows = read_list(run)
    assert csv.columns.tolist() == rows.columns.tolist()
    assert csv["student_id"].tolist() == rows["student_id"].tolist()
    assert (csv["risk"] - rows["risk"]).abs().max() <= 0.00005


def test_one_student_is_explained_from_the_run_in_force(home, run):
    first = read_list(run).iloc[0]
    told = explanation_of(current_run(home), first["student_id"])
    assert (told["rank"], told["risk"], told["school_id"]) == (1, first["risk"], first["school_id"])
    assert told["reason_1"] == first["reason_1"] != ""


def test_an_unknown_student_is_not_found(home, run):
    with pytest.raises(NotFound, match="007 is not 7"):
        explanation_of(current_run(home), "nobody")


def test_nothing_is_scored_without_a_champion(tmp_path):
    home = ingested_home(tmp_path / "home")
    with pytest.raises(NothingPromoted, match="ews promote"):
        score(home, TARGET)
    with pytest.raises(NotFound, match="ews score"):
        current_run(home)


@pytest.mark.parametrize("target_year", [2026, 2029], ids=["a year it learned from", "a year too late"])
def test_a_champion_answers_only_the_question_it_was_trained_for_G12(home, run, target_year):
    with pytest.raises(NothingPromoted, match=f"ews train --target-year {target_year} --after-day 0"):
        score(home, SchoolYear(target_year))
    assert current_run(home).run_id == run.run_id


def test_a_day_without_a_champion_is_told_with_the_days_that_have_one(home, run):
    with pytest.raises(NothingPromoted, match=r"day 20 is in force. There is one for: term start. .*--after-day 20"):
        score(home, TARGET, after_day=20)
    assert current_run(home).run_id == run.run_id


def test_an_old_model_is_used_only_with_a_reason_that_stays_with_the_run_G12_REL_9(home, run):
    late = SchoolYear(2029)
    with pytest.raises(NothingPromoted, match="--accept-old-model REASON"):
        score(home, late, accept_old_model=" ")
    accepted = score(home, late, accept_old_model="records of two years were lost in a fire")
    why = {"made_for": 2027, "why": "records of two years were lost in a fire"}
    assert accepted.provenance["old_model_accepted"] == why
    assert "old_model_accepted" not in run.provenance
    with pytest.raises(NothingPromoted):
        score(home, SchoolYear(2026), accept_old_model="it learned from that year")


def test_a_changed_bundle_scores_nothing_and_the_old_run_stays(tmp_path):
    home = promoted_home(tmp_path / "home")
    run = score(home, TARGET)
    calibrator = registry.bundle_folder(home, registry.champion(home).bundle_sha256) / "calibrator.json"
    write_atomically(calibrator, calibrator.read_text().replace("0", "1", 1))
    with pytest.raises(UntrustedBundle):
        score(home, TARGET)
    assert current_run(home).run_id == run.run_id


def test_scoring_waits_for_nobody_who_holds_the_home(home):
    with home.locked(), pytest.raises(Busy):
        score(home, TARGET)


def test_an_open_year_is_not_scored_after_a_day_its_records_do_not_reach_G12(tmp_path):
    home = ingested_home(tmp_path / "home")
    train(home, TARGET, Policy(), FAST, after_day=20)
    promote_latest(home)
    with pytest.raises(NotEnoughData, match=r"through 2026-\d\d-\d\d, do not reach day 20 of 2026-27"):
        score(home, TARGET, after_day=20)
    assert not home.current_scoring_run.exists()


def test_the_run_before_is_the_last_other_one_of_the_same_target_year(tmp_path):
    home = promoted_home(tmp_path / "home")
    first = score(home, TARGET)
    assert run_before(home, first) is None
    train(home, TARGET, Policy(), replace(FAST, seed=4))
    promote_latest(home)
    second = score(home, TARGET)
    assert run_before(home, second).run_id == first.run_id
    assert score(home, TARGET).run_id == second.run_id
    assert run_before(home, second).run_id == first.run_id, "scoring the same again is no other run"
    of_another_year = score(home, TARGET.next)
    assert run_before(home, of_another_year) is None
    assert run_before(home, score(home, TARGET)).run_id == first.run_id


def test_a_run_says_how_long_its_lists_are(run):
    assert run.provenance["slots_percent"] == 10


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
