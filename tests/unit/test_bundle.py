import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ews import model as model_module
from ews.bundle import FILES, MANIFEST, catalogue_of, load_bundle, write_bundle
from ews.calibration import Calibrator
from ews.errors import UntrustedBundle
from ews.features import FEATURES
from ews.home import to_json
from ews.model import Model, Parameters, fit
from ews.policy import Policy
from tests.rows import pretend_dataset

POLICY = Policy(min_days_enrolled=20)
TYPICAL = {"spells_last_year": {"01": 4.0, "02": None}}
PROVENANCE = {"districts": ["Lake County"], "target_years": [2025, 2026], "code": "0" * 40}
METRICS = {"auc": 0.8, "recall_at_k": None}


@pytest.fixture(scope="module")
def dataset():
    return pretend_dataset()


@pytest.fixture(scope="module")
def model(dataset):
    return fit(dataset, Parameters(rounds=20), POLICY)


@pytest.fixture(scope="module")
def registered(model, tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("bundles") / "registered"
    return folder, write_bundle(folder, model, METRICS, POLICY, TYPICAL, PROVENANCE)


@pytest.fixture
def bundle(registered, tmp_path) -> tuple[Path, str]:
    """A copy to damage."""
    folder, sha256 = registered
    shutil.copytree(folder, tmp_path / "bundle")
    return tmp_path / "bundle", sha256


@pytest.fixture
def no_lightgbm(monkeypatch):
    """From here on a booster that is built, is a booster that saw bytes it should not have seen."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("LightGBM saw the text of a bundle that is not trusted")

    monkeypatch.setattr(model_module.lightgbm, "Booster", refuse)


def resealed(folder: Path) -> str:
    """The hash of a bundle whose manifest was made to agree with its files: what a forger could do."""
    manifest = json.loads((folder / MANIFEST).read_text())
    for name in FILES:
        content = (folder / name).read_bytes()
        manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / MANIFEST).write_text(to_json(manifest))
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def test_a_bundle_gives_back_what_was_put_in(registered, model):
    bundle = load_bundle(*registered)
    assert bundle.model == model
    assert (bundle.policy, bundle.typical, bundle.metrics) == (POLICY, TYPICAL, METRICS)
    assert bundle.manifest["provenance"] == PROVENANCE
    assert [entry["name"] for entry in bundle.features] == list(model.feature_names)
    assert bundle.sha256 == registered[1]


def test_the_same_rows_score_the_same_bytes_after_reload(registered, model, dataset):
    again = load_bundle(*registered).model
    for method in ("raw_scores", "contributions", "risk"):
        assert getattr(again, method)(dataset.x).tobytes() == getattr(model, method)(dataset.x).tobytes()
    assert again.probabilities(dataset.x).equals(model.probabilities(dataset.x))


def test_the_same_model_gives_the_same_hash_T14(registered, model, tmp_path):
    assert write_bundle(tmp_path / "again", model, METRICS, POLICY, TYPICAL, PROVENANCE) == registered[1]


def test_a_bundle_holds_six_plain_text_files_and_no_pickle_G04(registered):
    folder, _ = registered
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, MANIFEST])
    for path in folder.iterdir():
        path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_file_cut_at_any_of_many_points_is_refused_G01(bundle, no_lightgbm, name):
    folder, sha256 = bundle
    whole = (folder / name).read_bytes()
    points = np.unique(np.linspace(0, len(whole) - 1, 200 if name == "booster.txt" else 20).astype(int))
    for point in points:
        (folder / name).write_bytes(whole[:point])
        with pytest.raises(UntrustedBundle):
            load_bundle(folder, sha256)


def test_one_changed_digit_anywhere_is_refused_G02(bundle, no_lightgbm):
    folder, sha256 = bundle
    whole = (folder / "booster.txt").read_bytes()
    digits = [place for place, byte in enumerate(whole) if chr(byte).isdigit()]
    for place in digits[:: len(digits) // 60]:
        other = b"%d" % ((whole[place] - ord("0") + 1) % 10)
        (folder / "booster.txt").write_bytes(whole[:place] + other + whole[place + 1 :])
        with pytest.raises(UntrustedBundle, match="booster.txt .* was changed or cut"):
            load_bundle(folder, sha256)


def test_trees_taken_away_are_refused_G03(bundle, no_lightgbm):
    folder, sha256 = bundle
    text = (folder / "booster.txt").read_text()
    (folder / "booster.txt").write_text(text[: text.index("Tree=10")] + text[text.index("end of trees") :])
    with pytest.raises(UntrustedBundle):
        load_bundle(folder, sha256)


def test_swapped_feature_names_are_refused_by_hash_G03(bundle, no_lightgbm):
    folder, sha256 = bundle
    swap(folder / "features.json")
    with pytest.raises(UntrustedBundle, match="features.json"):
        load_bundle(folder, sha256)


def test_swapped_feature_names_are_refused_even_with_a_fitting_hash_G03(bundle):
    folder, _ = bundle
    swap(folder / "features.json")
    with pytest.raises(UntrustedBundle, match="do not name the same features"):
        load_bundle(folder, resealed(folder))


def swap(path: Path) -> None:
    described = json.loads(path.read_text())
    first, second, *rest = described["features"]
    path.write_text(to_json({**described, "features": [second, first, *rest]}))


def test_a_forged_manifest_is_refused(bundle, no_lightgbm):
    """The expected hash comes from the registry; that the bundle agrees with itself proves nothing."""
    folder, sha256 = bundle
    (folder / "metrics.json").write_text('{"auc": 0.99}\n')
    resealed(folder)
    with pytest.raises(UntrustedBundle, match="manifest .* is not the registered one"):
        load_bundle(folder, sha256)


def test_another_expected_hash_is_refused(bundle, no_lightgbm):
    with pytest.raises(UntrustedBundle, match="not the registered one"):
        load_bundle(bundle[0], "0" * 64)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_refused(bundle, no_lightgbm, name):
    folder, sha256 = bundle
    (folder / name).unlink()
    with pytest.raises(UntrustedBundle):
        load_bundle(folder, sha256)


@pytest.mark.parametrize("name", ["model.pkl", "MLmodel", "requirements.txt", ".hidden"])
def test_a_file_too_many_is_refused_G04_G05(bundle, no_lightgbm, name):
    folder, sha256 = bundle
    (folder / name).write_text("loader_module: elsewhere")
    with pytest.raises(UntrustedBundle, match="must hold exactly"):
        load_bundle(folder, sha256)


def test_a_link_in_place_of_a_file_is_refused(bundle, no_lightgbm, tmp_path):
    folder, sha256 = bundle
    (folder / "booster.txt").rename(tmp_path / "elsewhere.txt")
    (folder / "booster.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(UntrustedBundle, match="no plain file"):
        load_bundle(folder, sha256)


def test_a_huge_file_is_refused_unread_G14(bundle, no_lightgbm):
    folder, sha256 = bundle
    with (folder / "booster.txt").open("r+b") as handle:
        handle.truncate(10**12)
    with pytest.raises(UntrustedBundle, match="more than"):
        load_bundle(folder, sha256)


def test_a_missing_folder_is_refused(tmp_path, no_lightgbm):
    with pytest.raises(UntrustedBundle, match="missing"):
        load_bundle(tmp_path / "nowhere", "0" * 64)


def test_a_bundle_of_another_district_is_refused_G13(bundle, no_lightgbm):
    folder, sha256 = bundle
    with pytest.raises(UntrustedBundle, match="another district: Lake County, and here are Hill County"):
        load_bundle(folder, sha256, districts=["Hill County"])


def test_a_bundle_of_the_same_district_is_taken_G13(bundle):
    assert load_bundle(*bundle, districts=["Hill County", "Lake County"])
    assert load_bundle(*bundle, districts=[]), "records that name no district"


@pytest.mark.parametrize(
    ("change", "says"),
    [({"format": 2}, "another format"), ({"versions": {"ews": "0", "lightgbm": "99.0.0"}}, "LightGBM 99.0.0")],
)
def test_a_bundle_of_another_format_or_lightgbm_is_refused(bundle, no_lightgbm, change, says):
    folder, _ = bundle
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(to_json({**manifest, **change}))
    with pytest.raises(UntrustedBundle, match=says):
        load_bundle(folder, resealed(folder))


def test_a_feature_that_changed_its_direction_since_is_refused_G11(bundle):
    folder, _ = bundle
    described = json.loads((folder / "features.json").read_text())
    described["features"][0]["direction"] = -1
    (folder / "features.json").write_text(to_json(described))
    with pytest.raises(UntrustedBundle, match="changed its meaning"):
        load_bundle(folder, resealed(folder))


def test_a_feature_the_catalogue_does_not_know_is_refused_G11(model):
    other = Model(model.booster_text.replace("spells_last_year", "shoe_size"), model.calibrator)
    with pytest.raises(UntrustedBundle, match="shoe_size"):
        catalogue_of(other)


def test_a_calibrator_of_another_make_is_refused(bundle):
    folder, _ = bundle
    (folder / "calibrator.json").write_text("{}\n")
    with pytest.raises(UntrustedBundle, match="does not hold a calibrator"):
        load_bundle(folder, resealed(folder))


def test_metrics_that_are_no_json_are_not_written(model, tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_bundle(tmp_path / "bundle", model, {"auc": float("nan")}, POLICY, TYPICAL, PROVENANCE)
    assert not (tmp_path / "bundle" / MANIFEST).exists()


def test_the_manifest_notes_features_that_told_nothing_T05(dataset, tmp_path):
    frame = dataset.frame.assign(change_of_rate=np.nan)
    model = fit(type(dataset)(frame, dataset.feature_names, 0), Parameters(rounds=5), POLICY)
    sha256 = write_bundle(tmp_path / "bundle", model, METRICS, POLICY, TYPICAL, PROVENANCE)
    assert load_bundle(tmp_path / "bundle", sha256).manifest["constant_features"] == ["change_of_rate"]


def test_calibrator_and_booster_are_the_only_state(registered):
    loaded = load_bundle(*registered).model
    assert isinstance(loaded.calibrator, Calibrator)
    assert loaded.booster_text == (registered[0] / "booster.txt").read_text()


def test_a_model_knows_numbers_only_so_that_no_category_can_be_unseen_T07(model):
    assert set(re.findall(r"^num_cat=(\d+)$", model.booster_text, re.MULTILINE)) == {"0"}


def test_neither_school_nor_district_is_a_feature_T17():
    assert not {"school_id", "district_id", "student_id", "household_id"} & set(FEATURES)
