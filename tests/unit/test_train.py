"""Training, on a small simulated district and a real registry."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ews import registry
from ews.bundle import load_bundle
from ews.dataset import dataset_for
from ews.errors import Busy, InvalidPolicy, NotEnoughData
from ews.home import read_json
from ews.model import Parameters
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.train import flat, learnable, train
from ews.withheld import Objection, lift, withhold
from tests.homes import FAST, TARGET, ingested_home, promoted_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return ingested_home(tmp_path_factory.mktemp("train") / "home")


@pytest.fixture(scope="module")
def made(home):
    return train(home, TARGET, Policy(), FAST, note="why not", code="abc123")


def test_a_version_learned_from_every_earlier_target_year_and_from_no_other(home, made):
    assert made.learned_from == (SchoolYear(2025), SchoolYear(2026))
    earlier = train(home, SchoolYear(2026), Policy(), FAST)
    assert earlier.learned_from == (SchoolYear(2025),)


def test_the_registered_version_pins_the_bundle_that_scores_the_same_rows_alike(home, made):
    version = registry.find_version(home, made.version)
    assert (version.bundle_sha256, version.target_year, version.after_day) == (made.bundle_sha256, 2027, 0)
    bundle = load_bundle(registry.bundle_folder(home, version.bundle_sha256), version.bundle_sha256)
    rows = dataset_for(home.ingested(), [TARGET], Policy(), with_outcomes=False).x
    again = load_bundle(registry.bundle_folder(home, version.bundle_sha256), version.bundle_sha256)
    assert (bundle.model.raw_scores(rows) == again.model.raw_scores(rows)).all()


def test_the_bundle_says_what_it_was_made_from(home, made):
    bundle = load_bundle(registry.bundle_folder(home, made.bundle_sha256), made.bundle_sha256)
    provenance = bundle.manifest["provenance"]
    assert provenance["data_id"] == json.loads(home.current_tables.read_text())["id"]
    assert (provenance["target_year"], provenance["after_day"], provenance["code"]) == (2027, 0, "abc123")
    assert provenance["learned_from"] == [2025, 2026]
    assert provenance["rounds"] == FAST.rounds
    assert bundle.metrics["verdict"] == made.verdict
    assert set(bundle.typical) == set(bundle.model.feature_names)


def test_the_run_holds_parameters_metrics_pictures_bundle_and_model(home, made):
    client = registry.client(home)
    run = client.get_run(made.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["bundle_sha256"] == made.bundle_sha256
    assert run.data.params["data_id"] == run.data.tags["data_id"]
    assert run.data.tags["mlflow.note.content"] == "why not"
    assert 0.5 < run.data.metrics["auc.all.LightGBM"] <= 1
    assert "recall_at_k.not_yet_chronic.last_years_rate" in run.data.metrics
    kept = {file.path for folder in ("bundle", "report") for file in client.list_artifacts(made.run_id, folder)}
    assert {
        "report/backtest.html",
        "report/reliability.png",
        "report/beeswarm.png",
        "bundle/booster.txt",
        "bundle/manifest.json",
    } <= kept


def test_the_run_holds_the_audit_and_what_the_gate_found_without_small_groups_FAIR5_FAIR6_PRV10(home, made):
    client = registry.client(home)
    kept = {file.path for file in client.list_artifacts(made.run_id, "evidence")}
    measured = {f"evidence/{name}" for name in ("evaluation.csv", "differences.csv", "audit.csv", "gate.json")}
    assert measured < kept
    assert "evidence/predictions.parquet" not in kept, "rows of students stay in the home"
    audited = pd.read_csv(client.download_artifacts(made.run_id, "evidence/audit.csv"))
    assert {"all", "race_ethnicity", "gender", "disability", "school_id", "mentored"} <= set(audited["dimension"])
    hidden = audited[audited["suppressed"]]
    assert len(hidden), "a district of 300 has groups of fewer than ten"
    assert hidden[["value", "low", "high", "students", "positives"]].isna().all(axis=None)
    assert audited["students"].min() >= Policy().min_n
    findings = read_json(Path(client.download_artifacts(made.run_id, "evidence/gate.json")))["findings"]
    small = set(map(tuple, hidden[["dimension", "group"]].to_numpy()))
    assert findings
    assert all(one["positives"] is None for one in findings if (one["dimension"], one["group"]) in small)


def test_the_bundle_says_that_students_with_a_mentor_were_left_out_FAIR_21(home, made):
    treated = load_bundle(registry.bundle_folder(home, made.bundle_sha256), made.bundle_sha256).manifest["provenance"][
        "treated_students"
    ]
    rows = learnable(home, TARGET, Policy()).frame
    assert treated["rule"] == "exclude"
    assert {year["treatment"] for year in treated["by_year"].values()} == {"treatment known"}
    assert rows["was_mentored"].sum() > 0
    assert made.students == len(rows) - rows["was_mentored"].sum()


def test_learning_from_students_with_a_mentor_needs_a_reason_that_stays_in_the_bundle_FAIR_21(tmp_path):
    home, keep = ingested_home(tmp_path / "home"), Policy(treated_students="keep")
    with pytest.raises(InvalidPolicy, match="--keep-treated REASON"):
        train(home, TARGET, keep, FAST)
    with pytest.raises(InvalidPolicy, match="leave --keep-treated out"):
        train(home, TARGET, Policy(), FAST, keep_treated="a reason")
    assert registry.versions(home) == []
    told: list[str] = []
    made = train(home, TARGET, keep, FAST, keep_treated="to measure the difference", progress=told.append)
    manifest = read_json(registry.bundle_folder(home, made.bundle_sha256) / "manifest.json")
    assert manifest["provenance"]["treated_students"]["why_kept"] == "to measure the difference"
    assert any("to measure the difference" in line for line in told)
    assert "to measure the difference" in registry.client(home).get_run(made.run_id).data.params["treated_students"]


def test_without_a_mentoring_table_training_goes_on_and_says_that_treatment_is_unknown_T18(tmp_path):
    home = ingested_home(tmp_path / "home")
    (home.ingested() / "mentoring.parquet").unlink()
    told: list[str] = []
    made = train(home, TARGET, Policy(), FAST, progress=told.append)
    manifest = read_json(registry.bundle_folder(home, made.bundle_sha256) / "manifest.json")
    by_year = manifest["provenance"]["treated_students"]["by_year"]
    assert {year["treatment"] for year in by_year.values()} == {"treatment unknown"}
    assert any(line.startswith("treatment unknown") for line in told)


def test_the_same_records_and_parameters_give_the_same_bundle_T14(tmp_path, made):
    alone = replace(FAST, threads=1)
    again = train(ingested_home(tmp_path / "home"), TARGET, Policy(), alone, note="another note", code="abc123")
    assert again.bundle_sha256 == made.bundle_sha256


def test_training_again_makes_a_new_version_and_leaves_the_champion_in_force(tmp_path):
    home = promoted_home(tmp_path / "home")
    before = registry.champion(home)
    again = train(home, TARGET, Policy(), Parameters(rounds=5, leaves=4, min_rows_in_leaf=10))
    assert again.version == before.version + 1
    assert registry.champion(home) == before


def test_a_target_year_with_nothing_before_it_is_refused_with_what_to_do(home):
    before = len(registry.versions(home))
    with pytest.raises(NotEnoughData, match="Two complete school years"):
        train(home, SchoolYear(2025), Policy(), FAST)
    assert len(registry.versions(home)) == before


def test_only_years_before_the_target_year_with_known_outcomes_are_learned_from_T02(home):
    rows = learnable(home, SchoolYear(2026), Policy()).frame
    assert set(rows["school_year"]) == {2025}
    assert rows["outcome_is_chronic"].notna().all()


def test_who_is_not_to_be_scored_is_not_learned_from_either_P07(home):
    everybody = learnable(home, SchoolYear(2026), Policy()).frame
    someone = str(everybody["student_id"].iloc[0])
    withhold(home, someone, Objection(by="Ana Reyes", why="the family asked", at="2026-01-05T10:00:00Z"))
    try:
        others = learnable(home, SchoolYear(2026), Policy()).frame
    finally:
        lift(home, someone)
    assert set(everybody["student_id"]) - set(others["student_id"]) == {someone}


def test_two_trainings_at_once_do_not_interleave(home):
    with home.locked(), pytest.raises(Busy):
        train(home, TARGET, Policy(), FAST)


def test_metric_names_are_those_mlflow_takes_and_unknown_values_are_left_out():
    rows = pd.DataFrame(
        {
            "group": ["not yet chronic", "all"],
            "method": ["last year's rate", "LightGBM"],
            "metric": ["auc", "brier"],
            "value": [0.7, float("nan")],
        }
    )
    assert flat(rows) == {"auc.not_yet_chronic.last_years_rate": 0.7}
