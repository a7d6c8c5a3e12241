"""Promotion: compared with the champion on the same rows, stopped by gates, recorded, and taken back."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ews import comparison, promotion, registry
from ews.bundle import load_bundle
from ews.errors import Busy, NotEnoughData, PromotionRefused, UntrustedBundle
from ews.evaluation import MODEL
from ews.model import Parameters
from ews.policy import Policy
from ews.promotion import Concern, Promotion
from ews.registry import Version
from ews.school_year import SchoolYear
from ews.train import train
from tests.homes import FAST, NOON, TARGET, promoted_home
from tests.rows import pretend_predictions

NO_CONCERN: tuple[Concern, ...] = ()
STOPS = Concern("regression", "It is worse.", blocks=True)
ASKS = Concern("groups", "gender, nonbinary: few students.", blocks=False)
BLIND = replace(FAST, rounds=1, leaves=2, learning_rate=0.0001)
"""A recipe that learns next to nothing."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Version 1 for 2026-27 in force; 2 with the same recipe and another seed; 3 that learned next to nothing."""
    made = promoted_home(tmp_path_factory.mktemp("promotion") / "home")
    train(made, TARGET, Policy(), replace(FAST, seed=4))
    train(made, TARGET, Policy(), BLIND)
    return made


def version(home, number: int) -> Version:
    return registry.find_version(home, number)


def checked(home, number: int, *concerns: Concern) -> Promotion:
    """A promotion of a version as if the gates had found just this."""
    return Promotion(version(home, number), registry.champion_or_none(home), None, concerns, ())


def words(**changes) -> dict[str, str]:
    return {"by": "Ana Reyes", "why": "a test", "promoted_at": NOON} | changes


def compared(home, number: int) -> comparison.Comparison:
    chosen = version(home, number)
    bundle = load_bundle(registry.bundle_folder(home, chosen.bundle_sha256), chosen.bundle_sha256)
    predictions = comparison.evidence(home, chosen, bundle)
    rows = comparison.rows_of(home, predictions, bundle.policy, 0, "duckdb")
    return comparison.compare(home, registry.champion(home), predictions, rows, bundle.policy, "duckdb")


@pytest.fixture(scope="module")
def beside_an_earlier_one(tmp_path_factory):
    """Version 1 for 2026-27 beside version 2 for 2025-26, which is in force."""
    made = promoted_home(tmp_path_factory.mktemp("earlier") / "home")
    earlier = train(made, SchoolYear(2026), Policy(), FAST)
    registry.promote(made, version(made, earlier.version), replaces=1, **words())
    return made


@pytest.fixture(scope="module")
def of_two(home) -> Promotion:
    return promotion.check(home, version(home, 2))


def test_a_champion_that_had_learned_from_the_test_year_is_learned_again_by_its_recipe(home, of_two):
    kept = pd.read_parquet(home.evidence / registry.champion(home).bundle_sha256 / "predictions.parquet")
    assert of_two.comparison.how == "its recipe on the years before, since its bundle had learned from that year"
    assert (of_two.comparison.school_year, of_two.comparison.students) == (SchoolYear(2026), len(kept))
    assert of_two.comparison.left_out == 0
    recorded = pd.DataFrame(registry.champion_bundle(home)[1].metrics["evaluation"])
    of_model = recorded[recorded["method"] == MODEL].set_index(["group", "metric"])["value"].astype(float)
    told = of_two.comparison.table.set_index(["group", "metric"])["champion"]
    assert np.allclose(told, of_model.reindex(told.index), equal_nan=True), (
        "the recipe gives what its training measured"
    )


def test_a_champion_that_had_not_seen_the_test_year_is_measured_by_its_own_bundle(beside_an_earlier_one):
    made = beside_an_earlier_one
    found = compared(made, 1)
    assert found.how == "its bundle, which had not seen that year"
    table = found.table.dropna(subset="difference")
    assert np.allclose(table["difference"], table["version"] - table["champion"])
    again = registry.champion_bundle(made)[1]
    rows = comparison.rows_of(made, pd.DataFrame({"school_year": [2026]}), Policy(), 0, "duckdb")
    kept = pd.read_parquet(made.evidence / version(made, 1).bundle_sha256 / "predictions.parquet")
    risk = pd.Series(again.model.risk(rows.x), index=rows.frame["student_id"]).reindex(kept["student_id"])
    brier = table.query("group == 'all' and metric == 'brier'")["champion"].item()
    known = kept["was_chronic"].notna().to_numpy()
    assert brier == pytest.approx(((risk.to_numpy() - kept["outcome"])[known] ** 2).mean())


def test_the_difference_is_paired_and_the_same_model_differs_by_nothing(home):
    predictions = pretend_predictions().rename(columns={"last year's rate": "champion"})
    table = comparison._side_by_side(predictions.assign(champion=predictions[MODEL]), Policy())
    assert (table[["difference", "low", "high"]].dropna() == 0).all(axis=None)
    table = comparison._side_by_side(predictions, Policy()).set_index(["group", "metric"])
    row = table.loc[("all", "average_precision")]
    assert row["difference"] == pytest.approx(row["version"] - row["champion"])
    assert 0 < row["low"] < row["difference"] < row["high"]


def test_a_version_worse_for_the_not_yet_chronic_is_never_promoted_T19(home):
    (regression, *_) = promotion._regression(compared(home, 3))
    assert regression.blocks
    of_three = checked(home, 3, regression)
    assert "not yet chronic its average_precision is worse than the champion's" in regression.text
    before = registry.champion(home)
    with pytest.raises(PromotionRefused, match="What was in force stays in force"):
        promotion.promote(home, of_three, sign_off="I want it all the same", **words())
    assert registry.champion(home) == before


def test_only_an_interval_wholly_below_nothing_is_a_regression_T19():
    table = pd.DataFrame(
        {
            "group": ["not yet chronic"] * 3 + ["already chronic"],
            "metric": ["average_precision", "recall_at_k", "auc", "recall_at_k"],
            "version": 0.3, "champion": 0.4, "difference": -0.1, "low": -0.2, "high": [0.001, -0.01, -0.1, -0.1],
        }
    )  # fmt: skip
    found = promotion._regression(comparison.Comparison("", TARGET, 1, 0, table))
    assert [(concern.blocks, "recall_at_k" in concern.text) for concern in found] == [(True, True)]


@pytest.mark.parametrize(
    ("shift", "champion", "expected"),
    [
        (0.0, None, []),
        (0.8, None, [False]),
        (-0.8, None, [False]),
        (0.8, 0.2, [False]),
        (0.8, 0.01, [True]),
    ],
    ids=["true on average", "too high, nothing in force", "too low", "champion off, too", "champion true"],
)
def test_estimates_off_by_more_than_five_points_stop_where_the_champions_are_not_FAIR_6(shift, champion, expected):
    predictions = pretend_predictions()
    log_odds = np.log(predictions[MODEL] / (1 - predictions[MODEL]))
    predictions[MODEL] = 1 / (1 + np.exp(-log_odds - shift))
    table = pd.DataFrame({"group": ["all"], "metric": ["calibration_in_the_large"], "champion": [champion]})
    beside = None if champion is None else comparison.Comparison("", TARGET, 1, 0, table)
    found = promotion._miscalibration(predictions, Policy(), beside)
    assert [concern.blocks for concern in found] == expected
    assert all(("too high" in concern.text) == (shift > 0) for concern in found)


def test_a_jump_of_everybody_is_taken_out_before_groups_are_judged():
    predictions = pretend_predictions().assign(LightGBM=lambda rows: rows["LightGBM"] * 0.3)
    judged = promotion._at_the_observed_level(predictions, Policy())
    assert judged[MODEL].mean() == pytest.approx(predictions["outcome"].mean(), abs=1e-6)
    assert (judged[MODEL].rank() == predictions[MODEL].rank()).all()


def test_findings_of_the_audit_are_asked_on_the_records_in_force_FAIR_6(of_two):
    found = [concern for concern in of_two.concerns if concern.gate == "groups"]
    assert any("fewer than 30" in concern.text for concern in found)
    assert not any(concern.blocks for concern in found), "no student of a pretend district is real"


def test_a_group_served_worse_stops_a_real_district_and_is_signed_for_in_a_pretend_one_FAIR_6_T19(tmp_path, home):
    predictions = pd.read_parquet(home.evidence / version(home, 1).bundle_sha256 / "predictions.parquet")
    rows = comparison.rows_of(home, predictions, Policy(), 0, "duckdb")
    gender = pd.read_parquet(home.ingested() / "demographics.parquet").set_index("student_id")["gender"]
    hers = predictions["student_id"].map(gender[~gender.index.duplicated()]) == "female"
    unfair = predictions.assign(**{MODEL: np.where(hers, 0.01, predictions["outcome"] * 0.4 + 0.3)})
    pretend = promotion._groups(home, unfair, rows, Policy())
    made = copied(home, tmp_path)
    schools = made.ingested() / "schools.parquet"
    pd.read_parquet(schools).assign(district_id="Lake County").to_parquet(schools, index=False)
    real = promotion._groups(made, unfair, rows, Policy())
    stops = [concern.text for concern in real if concern.blocks]
    assert any(text.startswith("gender, female") for text in stops)
    assert [concern.blocks for concern in pretend] == [False] * len(real)
    assert {concern.text.removesuffix(" " + promotion.IN_A_PRETEND_DISTRICT) for concern in pretend} >= set(stops)


def test_what_a_gate_stops_no_sign_off_puts_in_force_T19(home):
    for concerns in ((STOPS,), (ASKS, STOPS)):
        with pytest.raises(PromotionRefused, match="It is worse"):
            promotion.promote(home, checked(home, 2, *concerns), sign_off="never mind", **words())


def test_small_groups_need_a_sign_off_that_is_recorded_FAIR_6(tmp_path, home):
    made = copied(home, tmp_path)
    with pytest.raises(PromotionRefused, match="--sign-off REASON"):
        promotion.promote(made, checked(made, 2, ASKS), sign_off=" ", **words())
    promotion.promote(made, checked(made, 2, ASKS), sign_off="the board looked at all five students", **words())
    evidence = registry.history(made)[-1]["evidence"]
    assert evidence["sign_off"] == "the board looked at all five students"
    assert evidence["concerns"] == [ASKS.text]
    assert registry.champion(made).version == 2


def test_what_was_compared_stays_in_the_history(tmp_path, home, of_two):
    made = copied(home, tmp_path)
    promotion.promote(made, replace(of_two, concerns=NO_CONCERN), **words())
    evidence = registry.history(made)[-1]["evidence"]
    assert evidence["school_year"] == 2026
    assert {row["metric"] for row in evidence["differences"]} == set(comparison.WATCHED)


def test_who_trained_a_version_does_not_put_it_in_force_alone_SEC_16(tmp_path, home):
    made = copied(home, tmp_path)
    trained = train(made, TARGET, Policy(), replace(FAST, seed=5), by="Ana Reyes")
    alone = checked(made, trained.version)
    assert alone.version.trained_by == "Ana Reyes"
    for same in ("Ana Reyes", " ana  reyes"):
        with pytest.raises(PromotionRefused, match="a second person"):
            promotion.promote(made, alone, **words(by=same))
    assert registry.champion(made).version == 1
    promotion.promote(made, alone, **words(by="Dana Okafor"))
    assert registry.champion(made).promoted_by == "Dana Okafor"
    before, _ = registry.roll_back(made, 0, **words(by="Ana Reyes"))
    assert before.version == 1, "back goes one person alone, at once"


def test_a_promotion_keeps_who_why_what_was_compared_and_the_hash_of_the_audit_SEC_16(tmp_path, home, of_two):
    made = copied(home, tmp_path)
    promotion.promote(made, replace(of_two, concerns=NO_CONCERN), **words())
    line = registry.history(made)[-1]
    audit = made.evidence / line["bundle_sha256"] / "audit.csv"
    assert (line["promoted_by"], line["why"], line["instead_of"]) == ("Ana Reyes", "a test", 1)
    assert line["evidence"]["differences"]
    assert line["evidence"]["audit_sha256"] == hashlib.sha256(audit.read_bytes()).hexdigest()


def test_a_promotion_decided_beside_another_champion_loses_G10(tmp_path, home):
    made = copied(home, tmp_path)
    seen = checked(made, 2)
    registry.promote(made, version(made, 3), replaces=1, **words())
    with pytest.raises(Busy, match="Another promotion came first"):
        promotion.promote(made, seen, **words())


def test_a_version_whose_evidence_is_not_here_is_not_compared(tmp_path, home):
    made = copied(home, tmp_path)
    shutil.rmtree(made.evidence / version(made, 2).bundle_sha256)
    with pytest.raises(NotEnoughData, match="ews train --target-year 2027"):
        compared(made, 2)


def test_evidence_that_was_changed_is_not_believed(tmp_path, home):
    made = copied(home, tmp_path)
    path = made.evidence / version(made, 3).bundle_sha256 / "predictions.parquet"
    rows = pd.read_parquet(path)
    rows.assign(**{MODEL: rows["outcome"] * 0.9 + 0.05}).to_parquet(path, index=False)
    with pytest.raises(UntrustedBundle, match="not those that the bundle was measured with"):
        compared(made, 3)


def test_a_champion_too_broken_to_compare_with_is_replaced_by_a_sign_off_only(tmp_path, home):
    made = copied(home, tmp_path)
    (registry.bundle_folder(made, registry.champion(made).bundle_sha256) / "manifest.json").write_text("{}")
    found = promotion.check(made, version(made, 2))
    assert found.comparison is None
    (concern,) = [concern for concern in found.concerns if concern.gate == "comparison"]
    assert not concern.blocks


def test_a_champion_whose_bundle_does_not_load_here_is_compared_by_its_recipe(beside_an_earlier_one, tmp_path):
    made = copied(beside_an_earlier_one, tmp_path)
    (registry.bundle_folder(made, registry.champion(made).bundle_sha256) / "booster.txt").write_text("tree")
    assert compared(made, 1).how == "its recipe on the years before, since its bundle cannot be loaded here"


def test_the_version_in_force_is_not_compared_with_itself_and_newer_records_are_told(tmp_path, home):
    made = copied(home, tmp_path)
    manifest = made.ingested() / "manifest.json"
    manifest.write_text(manifest.read_text().replace(made.ingested().name, "f" * 16))
    found = promotion.check(made, version(made, 1))
    assert found.comparison is None
    assert "did not learn from them" in found.notes[0]


def copied(home, tmp_path):
    return type(home)(shutil.copytree(home.path, tmp_path / "copied"))


def test_promoting_the_latest_keeps_the_parameters_of_a_recipe(home):
    provenance = registry.champion_bundle(home)[1].manifest["provenance"]
    recipe = {name: provenance[name] for name in vars(Parameters()) if name in provenance}
    assert replace(Parameters(**recipe), threads=FAST.threads) == FAST
