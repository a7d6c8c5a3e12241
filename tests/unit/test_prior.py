"""A prior of other districts: pinned, kept, named in the bundle, and refused where it would flatter the back-test."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ews import registry
from ews.bundle import load_bundle
from ews.comparison import _by_recipe
from ews.errors import UntrustedBundle
from ews.home import Home
from ews.policy import Policy
from ews.prior import kept_prior, load_prior, named_prior, refuse_unfit
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest
from ews.train import PREDICTIONS, Trained, learnable, train
from tests.homes import FAST, TARGET, ingested_home


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    """The bundle of another district, trained for 2026: it learned from 2025, and not from 2026."""
    place = tmp_path_factory.mktemp("elsewhere")
    simulate(place / "records", students=300, years=3, last_year=SchoolYear(2026), seed=8)
    home = Home(place / "home")
    with home.locked():
        ingest(place / "records", home)
    return registry.bundle_folder(home, train(home, SchoolYear(2026), Policy(), FAST).bundle_sha256)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    return ingested_home(tmp_path_factory.mktemp("prior") / "home")


@pytest.fixture(scope="module")
def made(home, elsewhere) -> Trained:
    return train(home, TARGET, Policy(), FAST, prior=elsewhere)


def manifest_of(home: Home, made: Trained) -> dict:
    return load_bundle(registry.bundle_folder(home, made.bundle_sha256), made.bundle_sha256).manifest


def test_the_bundle_is_one_booster_and_names_its_prior(home, made, elsewhere):
    bundle = load_bundle(registry.bundle_folder(home, made.bundle_sha256), made.bundle_sha256)
    assert bundle.model.booster.num_trees() > FAST.rounds
    named = bundle.manifest["provenance"]["prior"]
    assert (named["sha256"], named["learned_from"]) == (elsewhere.name, [2025])
    assert named["student_years"] > 0
    assert elsewhere.name in registry.client(home).get_run(made.run_id).data.params["prior"]


def test_the_same_records_and_prior_give_the_same_bundle_T14(tmp_path, made, elsewhere):
    again = train(ingested_home(tmp_path / "home"), TARGET, Policy(), FAST, prior=elsewhere)
    assert again.bundle_sha256 == made.bundle_sha256


def test_without_a_prior_nothing_is_named(home):
    alone = train(home, TARGET, Policy(), FAST)
    assert "prior" not in manifest_of(home, alone)["provenance"]
    assert named_prior(None) == {}
    assert kept_prior(home, {}) is None


def test_the_recipe_is_repeated_with_the_prior_that_the_home_kept(home, made, elsewhere):
    """As the comparison with a champion does: the same predictions, wherever the prior came from."""
    provenance = manifest_of(home, made)["provenance"]
    assert kept_prior(home, provenance).sha256 == elsewhere.name
    again = _by_recipe(home, provenance, SchoolYear(2026), 0, Policy(), "duckdb").set_index("student_id")
    before = pd.read_parquet(home.evidence / made.bundle_sha256 / PREDICTIONS).set_index("student_id")
    pd.testing.assert_series_equal(again["champion"], before["LightGBM"], check_names=False)


def test_a_prior_that_had_seen_the_tested_year_is_refused(home, made):
    itself = registry.bundle_folder(home, made.bundle_sha256)
    before = len(registry.versions(home))
    with pytest.raises(UntrustedBundle, match=r"had learned from 2025-26.*look better than it is"):
        train(home, TARGET, Policy(), FAST, prior=itself)
    assert len(registry.versions(home)) == before


def test_a_prior_for_another_day_or_of_the_district_itself_is_refused(home, elsewhere):
    prior, rows = load_prior(elsewhere), learnable(home, TARGET, Policy())
    refuse_unfit(prior, rows, ["pretend-001"])
    other_day = type(rows)(rows.frame, rows.feature_names, 20)
    with pytest.raises(UntrustedBundle, match="for day 0 of a year and this is for day 20"):
        refuse_unfit(prior, other_day, [])
    prior.manifest["provenance"]["districts"] = ["0042"]
    with pytest.raises(UntrustedBundle, match="this district itself: 0042"):
        refuse_unfit(prior, rows, ["0042", "0043"])
    prior.manifest["provenance"]["learned_from"] = []
    with pytest.raises(UntrustedBundle, match="does not say"):
        refuse_unfit(prior, rows, [])


def test_a_prior_is_loaded_by_the_hash_it_is_named_by_G04(tmp_path, elsewhere):
    with pytest.raises(UntrustedBundle, match="not named by a bundle's SHA-256"):
        load_prior(Path(shutil.copytree(elsewhere, tmp_path / "prior")))
    changed = Path(shutil.copytree(elsewhere, tmp_path / elsewhere.name))
    booster = changed / "booster.txt"
    booster.write_text(booster.read_text().replace("leaf_value=", "leaf_value=1", 1))
    with pytest.raises(UntrustedBundle, match="changed or cut"):
        load_prior(changed)
