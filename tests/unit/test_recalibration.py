"""A recalibration: who, why, on what; used for one model and one year, in lists and live, and nowhere else."""

import json
import shutil
from dataclasses import replace

import pytest

from ews.base_rate import last_complete, shares_reaching
from ews.bundle import load_bundle
from ews.errors import InputRefused, NotFound, UntrustedBundle
from ews.home import Home, read_json, to_json, write_atomically
from ews.policy import Policy
from ews.recalibration import (
    Recalibration,
    as_recalibrated,
    history,
    in_force,
    kept,
    recalibrate,
    shift_from_first_days,
    shift_from_forecast,
    withdraw,
)
from ews.registry import champion_bundle
from ews.school_year import SchoolYear
from ews.score import read_list, score
from ews_serve.live import LiveModels
from tests.homes import NOON, ingested_home, shocked_home

SHOCK = SchoolYear(2026)
WHO = {"by": "Ana Reyes", "why": "September was bad", "at": NOON}


@pytest.fixture(scope="module")
def shocked(tmp_path_factory) -> Home:
    """A champion for the shock year, of the years before it."""
    return shocked_home(tmp_path_factory.mktemp("recalibration") / "home")


@pytest.fixture
def home(shocked, tmp_path) -> Home:
    return Home(shutil.copytree(shocked.path, tmp_path / "home"))


@pytest.fixture
def bundle(home):
    return champion_bundle(home)[1]


def from_first_days(home: Home, bundle):
    return recalibrate(
        home, bundle, SHOCK, lambda folder: shift_from_first_days(folder, bundle, SHOCK, 20), **WHO
    )  # fmt: skip


def from_forecast(home: Home, bundle, share: float = 0.4):
    return recalibrate(home, bundle, SHOCK, lambda folder: shift_from_forecast(folder, bundle, SHOCK, share), **WHO)


def test_the_first_days_of_a_shock_year_bring_the_mean_probability_nearer_to_what_came_FAIR_24(home, bundle):
    made, expected = from_first_days(home, bundle)
    later = ingested_home(home.path.parent / "later").ingested()
    came = shares_reaching(last_complete(later, SHOCK.next, Policy()).students, Policy())
    for percent in (8, 10, 12, 15):
        assert made.model_shares[percent] < made.expected_shares[percent]
        alone, shifted = (abs(shares[percent] - came[percent]) for shares in (made.model_shares, made.expected_shares))
        assert shifted < alone
    assert made.expected_shares == expected.shares
    assert expected.usual_error is not None
    assert "first 20 days" in made.basis


def test_lists_and_live_estimates_are_shifted_alike_and_ranks_stay(home, bundle):
    before = read_list(score(home, SHOCK))
    from_forecast(home, bundle)
    run = score(home, SHOCK)
    after = read_list(run)
    assert after["risk"].mean() == pytest.approx(0.4, abs=0.002)
    assert after[["student_id", "rank"]].equals(before[["student_id", "rank"]])
    assert run.provenance["recalibration"]["by"] == "Ana Reyes"
    live = LiveModels(home.path).of(run.provenance).bundle
    assert live.model.calibrator == as_recalibrated(bundle, in_force(home, bundle, SHOCK)).model.calibrator
    assert live.model.calibrator != bundle.model.calibrator


def test_live_estimates_stay_those_of_the_published_list_until_it_is_made_anew(home, bundle):
    run = score(home, SHOCK)
    from_forecast(home, bundle)
    assert LiveModels(home.path).of(run.provenance).bundle.model.calibrator == bundle.model.calibrator


def test_the_forecast_is_met_and_the_other_thresholds_follow_the_last_year(home, bundle):
    made, _ = from_forecast(home, bundle, 0.3)
    assert made.expected_shares[10] == 0.3
    shares = list(made.expected_shares.values())
    assert shares == sorted(shares, reverse=True)
    assert all(shift > 0 for shift in made.shifts.values())


def test_a_recalibration_is_of_one_bundle_and_one_year_only(home, bundle):
    made, _ = from_forecast(home, bundle)
    assert in_force(home, bundle, SHOCK) == made
    assert in_force(home, bundle, SHOCK.next) is None
    assert in_force(home, replace(bundle, sha256="0" * 64), SHOCK) is None
    assert kept(home, 0) == made
    with pytest.raises(UntrustedBundle, match="another model"):
        as_recalibrated(replace(bundle, sha256="0" * 64), made)


def test_a_score_without_a_recalibration_says_so(home):
    assert score(home, SHOCK).provenance["recalibration"] is None


def test_withdrawing_restores_the_model_alone_and_the_history_keeps_both(home, bundle):
    plain = score(home, SHOCK)
    from_forecast(home, bundle)
    assert score(home, SHOCK).run_id != plain.run_id
    withdraw(home, 0, by="Sam Ito", why="it was a burst pipe", at=NOON)
    assert score(home, SHOCK).run_id == plain.run_id
    assert [(line["action"], line["by"]) for line in history(home)] == [
        ("recalibrate", "Ana Reyes"),
        ("withdraw", "Sam Ito"),
    ]
    with pytest.raises(NotFound):
        withdraw(home, 0, by="Sam Ito", why="again", at=NOON)


@pytest.mark.parametrize("nameless", [{"by": " "}, {"why": ""}])
def test_nobody_recalibrates_without_name_and_reason(home, bundle, nameless):
    with pytest.raises(InputRefused, match="--by"):
        recalibrate(home, bundle, SHOCK, lambda _: pytest.fail("asked"), **(WHO | nameless))
    assert kept(home, 0) is None
    assert history(home) == []


@pytest.mark.parametrize("share", [0.0, 1.0, 31.0, float("nan")])
def test_a_forecast_is_a_share(home, bundle, share):
    with pytest.raises(InputRefused, match=r"0\.31"):
        shift_from_forecast(home.ingested(), bundle, SHOCK, share)


def test_a_file_that_is_no_recalibration_is_refused(home, bundle):
    made, _ = from_forecast(home, bundle)
    place = home.path / "recalibrations" / "day-000.json"
    assert Recalibration.from_values(read_json(place)) == made
    for change in ({"extra": 1}, {"shifts": {"10": 40.0}}, {"shifts": {"10": 1e999}}):
        text = to_json(made.to_values() | {"extra": 1}) if "extra" in change else json.dumps(made.to_values() | change)
        write_atomically(place, text)
        with pytest.raises(UntrustedBundle):
            score(home, SHOCK)
    write_atomically(place, to_json(made.to_values() | {"shifts": {"10": 0.5}}))
    with pytest.raises(UntrustedBundle, match="another model"):
        score(home, SHOCK)


def test_the_bundle_itself_is_never_changed(home, bundle):
    from_forecast(home, bundle)
    again = load_bundle(home.bundles / bundle.sha256, bundle.sha256)
    assert again.model.calibrator == bundle.model.calibrator
