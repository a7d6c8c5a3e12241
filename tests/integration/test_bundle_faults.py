"""What can go wrong with a registered model, one test a fault: `requirements.md` G01 to G16 (others beside their code).

Damaged bytes (G01 to G04), addresses (G06) and pointers (G08, G10) are in `tests/unit/test_bundle.py` and
`test_registry.py`; here are whole commands, other processes and stores of other makes.
"""

import gzip
import json
import multiprocessing
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ews import registry
from ews.bundle import MANIFEST, load_bundle, write_bundle
from ews.errors import Busy, EwsError, NothingPromoted, RegistryUnavailable, UntrustedBundle
from ews.home import Home, read_json, to_json, write_atomically
from ews.model import Model
from ews.policy import Policy
from ews.registry import store
from ews.score import score
from tests import pretend
from tests.homes import NOON, TARGET, promoted_home

OLD_STORE = Path(__file__).parents[1] / "fixtures" / "store_of_mlflow_3.5.0.db.gz"
"""Written by MLflow 3.5.0: a run, version 1 of the model `ews`, and the alias `champion` on it."""


@pytest.fixture
def home(tmp_path) -> Home:
    return promoted_home(tmp_path / "home")


def bundle_of(home: Home) -> Path:
    return registry.bundle_folder(home, registry.champion(home).bundle_sha256)


def test_a_process_that_meets_200_cuts_and_60_changed_digits_lives_and_then_loads_the_whole_one_G01_G02(home):
    """In another process, since LightGBM ends the process that reads a text that was cut."""
    folder = bundle_of(home)
    code = f"""
import pathlib
from ews.bundle import load_bundle
from ews.errors import UntrustedBundle
booster = pathlib.Path({str(folder / "booster.txt")!r})
whole, refused = booster.read_bytes(), 0
cuts = [whole[: len(whole) * part // 200] for part in range(200)]
digits = [place for place, byte in enumerate(whole) if chr(byte).isdigit()]
changed = [whole[:at] + b"%d" % ((whole[at] - 47) % 10) + whole[at + 1 :] for at in digits[:: len(digits) // 60][:60]]
for text in cuts + changed:
    booster.write_bytes(text)
    try:
        load_bundle(booster.parent, booster.parent.name)
    except UntrustedBundle:
        refused += 1
booster.write_bytes(whole)
print(refused, len(load_bundle(booster.parent, booster.parent.name).model.feature_names) > 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout.split()) == (0, ["260", "True"]), done.stderr


@pytest.mark.parametrize("name", [MANIFEST, "features.json", "metrics.json", "calibrator.json"])
def test_a_key_written_twice_is_refused_by_hash_G03(home, name):
    path = bundle_of(home) / name
    first = path.read_text().index('"')
    path.write_text(path.read_text()[:first] + '"format": 1, ' + path.read_text()[first:])
    with pytest.raises(UntrustedBundle):
        registry.champion_bundle(home)


def test_columns_in_another_order_score_the_same_or_are_refused_G03(home):
    model = registry.champion_bundle(home)[1].model
    rows = pd.DataFrame(0.5, index=range(3), columns=list(model.feature_names))
    rows[model.feature_names[0]] = [0.1, 0.2, 0.3]
    permuted = rows[list(reversed(model.feature_names))]
    try:
        scores = model.raw_scores(permuted)
    except EwsError:
        return
    assert (scores == model.raw_scores(rows)).all()


def test_no_code_named_by_an_artifact_is_imported_and_no_requirement_installed_G04_G05(home, tmp_path, monkeypatch):
    """Another loader in MLmodel, an index in requirements.txt, a pickle: scoring opens none of these files."""
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    for mlmodel in home.mlflow_artifacts.rglob("MLmodel"):
        mlmodel.write_text(
            "flavors:\n  python_function:\n    loader_module: evil\n  sklearn:\n    pickled_model: m.pkl\n"
        )
        (mlmodel.parent / "requirements.txt").write_text("--extra-index-url http://127.0.0.1:9/\nevil\n")
        (mlmodel.parent / "m.pkl").write_bytes(b"cevil\nrun\n.")
    assert list(home.mlflow_artifacts.rglob("m.pkl")), "no artifact was there to change"
    score(home, TARGET)
    assert "evil" not in sys.modules
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("address", ["../../etc", "file:///etc/passwd", "http://127.0.0.1:9/m", "%252e%252e/bundles"])
def test_an_address_in_the_store_or_the_champion_file_is_never_followed_G06(home, address):
    champion = read_json(home.champion)
    write_atomically(home.champion, to_json({**champion, "bundle_sha256": address}))
    with pytest.raises(UntrustedBundle, match="64 hex digits"):
        score(home, TARGET)
    forged = replace(registry.find_version(home, 1), bundle_sha256=address)
    with pytest.raises(UntrustedBundle, match="64 hex digits"):
        registry.promote(home, forged, by="Ana Reyes", why="a test", promoted_at=NOON, replaces=1)


def test_a_run_ends_on_the_version_and_hash_it_began_with_G07(home):
    before = registry.champion(home)

    def move(_: str) -> None:
        """Another hand moves the alias and the champion file while the run is at work."""
        registry.client(home).set_registered_model_alias(registry.MODEL_NAME, "champion", "1")
        moved = {**read_json(home.champion), "version": 7, "bundle_sha256": "f" * 64}
        write_atomically(home.champion, to_json(moved))

    run = score(home, TARGET, progress=move)
    assert registry.champion(home).version == 7
    assert (run.provenance["model_version"], run.provenance["bundle_sha256"]) == (1, before.bundle_sha256)


def test_scoring_goes_on_while_the_registry_is_locked_damaged_or_gone_G08_G09(home, tmp_path):
    with sqlite3.connect(home.mlflow_db, isolation_level=None) as held:
        held.execute("begin exclusive")
        start = time.monotonic()
        run = score(home, TARGET)
        assert time.monotonic() - start < 60
        held.execute("rollback")
    held.close()
    shutil.rmtree(run.folder)
    home.mlflow_db.write_bytes(b"not a database" * 1000)
    assert score(home, TARGET).run_id == run.run_id
    shutil.rmtree(run.folder)
    home.mlflow_db.unlink()
    assert score(home, TARGET).run_id == run.run_id


def test_a_registry_that_is_locked_or_damaged_is_told_within_seconds_G09(home):
    with sqlite3.connect(home.mlflow_db, isolation_level=None) as held:
        held.execute("begin exclusive")
        start = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="locked by another program. What is in force stays in force"):
            registry.versions(home)
        assert time.monotonic() - start < 4 * store._PATIENCE_SECONDS
        held.execute("rollback")
    held.close()
    home.mlflow_db.write_bytes(b"not a database" * 1000)
    with pytest.raises(RegistryUnavailable, match="damaged"):
        registry.versions(home)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told_G10(home):
    first, results = registry.find_version(home, 1), []
    tags = {"bundle_sha256": first.bundle_sha256, "target_year": "2027", "after_day": "0"}
    for _ in "23":
        registry.client(home).create_model_version(registry.MODEL_NAME, source=str(home.path), tags=tags)

    def decide(number: int) -> None:
        try:
            version = replace(first, version=number)
            words = {"by": f"person {number}", "why": "at once", "promoted_at": NOON}
            results.append(registry.promote(home, version, replaces=1, **words))
        except Busy as error:
            results.append(error)

    deciders = [threading.Thread(target=decide, args=(number,)) for number in (2, 3)]
    for decider in deciders:
        decider.start()
    for decider in deciders:
        decider.join()
    (winner,) = [result for result in results if isinstance(result, registry.Champion)]
    (loser,) = [result for result in results if isinstance(result, Busy)]
    assert registry.champion(home) == winner
    assert [line["version"] for line in registry.history(home)] == [1, winner.version]
    assert "try again" in str(loser) or "Another promotion came first" in str(loser)


def test_a_model_of_features_this_version_does_not_make_is_refused_before_it_scores_G11(home, monkeypatch):
    from ews import bundle

    known = dict(bundle.FEATURES)
    known.pop(registry.champion_bundle(home)[1].model.feature_names[0])
    monkeypatch.setattr(bundle, "FEATURES", known)
    with pytest.raises(UntrustedBundle, match="does not make"):
        score(home, TARGET)
    assert not home.current_scoring_run.exists()


def test_an_old_model_is_refused_unless_a_reason_is_given_G12_REL_9(home):
    with pytest.raises(NothingPromoted, match="--accept-old-model"):
        score(home, TARGET.next.next)


def test_a_model_of_another_district_scores_nobody_here_G13(home):
    provenance = read_json(bundle_of(home) / MANIFEST)["provenance"]
    assert provenance["districts"] == ["pretend-001"]
    schools = home.ingested() / "schools.parquet"
    pd.read_parquet(schools).assign(district_id="Lake County").to_parquet(schools, index=False)
    with pytest.raises(UntrustedBundle, match="another district: pretend-001, and here are Lake County"):
        score(home, TARGET)


def test_a_booster_of_a_million_leaves_is_neither_written_nor_seen_by_lightgbm_G14(tmp_path):
    small = pretend.model()
    huge = Model(small.booster_text + "\nnum_leaves=1000000\n", small.calibrator)
    with pytest.raises(UntrustedBundle, match="leaves"):
        write_bundle(tmp_path / "bundle", huge, {}, Policy(), {}, {})
    assert not (tmp_path / "bundle").exists()
    sha256 = write_bundle(tmp_path / "bundle", small, {}, Policy(), {}, {"note": "whole"})
    assert load_bundle(tmp_path / "bundle", sha256).model == small


def test_processes_that_meet_in_an_empty_home_make_one_store_G15(tmp_path):
    home = Home(tmp_path / "home")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(count_versions, [home.path] * 3) == [0, 0, 0]
    assert [path.name for path in home.path.iterdir()] == ["mlflow.db"]


def count_versions(path: Path) -> int:
    return len(registry.versions(Home(path)))


def test_a_store_of_an_older_mlflow_is_migrated_and_the_old_file_kept_G16(tmp_path):
    home = Home(tmp_path / "home")
    home.path.mkdir()
    old = gzip.decompress(OLD_STORE.read_bytes())
    home.mlflow_db.write_bytes(old)
    (version,) = registry.versions(home)
    assert (version.version, version.target_year, version.promoted_by) == (1, 2027, "Ana Reyes")
    metrics = registry.measured(home, [version.run_id])[version.run_id]
    assert metrics["auc.not_yet_chronic.LightGBM"] == 0.75
    found = registry.client(home).get_model_version_by_alias(registry.MODEL_NAME, registry.CHAMPION)
    assert int(found.version) == 1
    (kept,) = home.path.glob("mlflow.db.*")
    with sqlite3.connect(kept) as connection:
        revision = connection.execute("select version_num from alembic_version").fetchone()[0]
    connection.close()
    assert kept.suffix == f".{revision}"
    assert registry.versions(home) == [version], "opened again, nothing is migrated"


def test_a_store_of_a_newer_mlflow_is_refused_with_where_to_read_on_G16(home):
    before = registry.champion(home)
    with sqlite3.connect(home.mlflow_db) as connection:
        connection.execute("update alembic_version set version_num = 'ffffffffffff'")
    connection.close()
    with pytest.raises(RegistryUnavailable, match=r"newer MLflow.*docs/retraining.md"):
        registry.versions(home)
    assert json.loads(home.champion.read_text())["version"] == before.version
