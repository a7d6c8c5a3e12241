"""Runs, versions and the champion, in a real store."""

import dataclasses
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from ews import registry
from ews.errors import Busy, InputRefused, NotFound, NothingPromoted, UntrustedBundle
from ews.home import Home, to_json
from ews.registry import runs
from tests import pretend

NOON = "2026-08-03T12:00:00+00:00"


@pytest.fixture(scope="session")
def model():
    return pretend.model()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    home = Home(tmp_path_factory.mktemp("store"))
    registry.versions(home)
    return home.mlflow_db


@pytest.fixture
def home(tmp_path, empty_store) -> Home:
    made = Home(tmp_path / "home")
    made.path.mkdir()
    shutil.copyfile(empty_store, made.mlflow_db)
    return made


def make_version(home: Home, model, note: str = "") -> registry.Version:
    sha256 = pretend.keep_bundle(home, model, note=note)
    with registry.training_run(home, name="a run", tags={"data_id": "abc"}) as run:
        run.log({"rounds": 8}, {"auc.all.LightGBM": 0.8})
        run.log_files(registry.bundle_folder(home, sha256), "bundle")
        logged = run.log_model(model.booster, model.feature_names)
    tags = {"bundle_sha256": sha256, "target_year": "2027", "after_day": "0"}
    registry.register(home, run.run_id, logged, tags)
    return registry.find_version(home, "latest")


def promote(home: Home, version: registry.Version, replaces: int | None = None, **changes) -> registry.Champion:
    words = {"by": "Ana Reyes", "why": "first model", "promoted_at": NOON} | changes
    return registry.promote(home, version, replaces=replaces, **words)


def client(home: Home):
    return registry.client(home)


def test_a_store_is_made_whole_inside_the_home_and_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    assert registry.versions(home) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    assert [path.name for path in home.path.iterdir()] == ["mlflow.db"]


def test_telemetry_and_pickles_are_switched_off_before_mlflow_is_there(home):
    registry.versions(home)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def test_a_version_carries_the_hash_of_its_bundle_and_what_it_predicts(home, model):
    version = make_version(home, model)
    assert (version.version, version.target_year, version.after_day) == (1, 2027, 0)
    assert registry.bundle_folder(home, version.bundle_sha256).is_dir()
    run = client(home).get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"rounds": "8"}
    assert run.data.metrics == {"auc.all.LightGBM": 0.8}


def test_mlflow_itself_loads_the_registered_model_without_pickle_and_scores_alike(home, model, monkeypatch):
    import mlflow

    version = make_version(home, model)
    promote(home, version)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home.mlflow_db}")
    rows = pretend.dataset().x
    loaded = mlflow.lightgbm.load_model(f"models:/{registry.MODEL_NAME}@{registry.CHAMPION}")
    assert (loaded.predict(rows, raw_score=True) == model.raw_scores(rows)).all()


def test_nothing_is_in_force_before_the_first_promotion(home):
    assert registry.champion_or_none(home) is None
    with pytest.raises(NothingPromoted, match="ews promote"):
        registry.champion(home)


def test_a_promotion_records_who_and_why_in_the_file_the_alias_and_the_tags(home, model):
    version = make_version(home, model)
    assert promote(home, version) == registry.champion(home)
    assert registry.champion(home).bundle_sha256 == version.bundle_sha256
    found = client(home).get_model_version_by_alias(registry.MODEL_NAME, registry.CHAMPION)
    assert int(found.version) == version.version
    assert {key: found.tags[key] for key in ("promoted_by", "why", "promoted_at")} == {
        "promoted_by": "Ana Reyes",
        "why": "first model",
        "promoted_at": NOON,
    }
    current, bundle = registry.champion_bundle(home)
    assert bundle.sha256 == current.bundle_sha256


@pytest.mark.parametrize("missing", ["by", "why"])
def test_a_promotion_without_a_name_or_a_reason_is_refused(home, model, missing):
    with pytest.raises(InputRefused, match="--by"):
        promote(home, make_version(home, model), **{missing: "  "})
    assert registry.champion_or_none(home) is None


def test_of_two_promotions_decided_on_the_same_champion_one_loses_with_a_message_G10(home, model):
    first, second = make_version(home, model), make_version(home, model, note="another bundle")
    promote(home, first, replaces=None)
    with pytest.raises(Busy, match="Another promotion came first"):
        promote(home, second, replaces=None)
    assert registry.champion(home).version == first.version
    promote(home, second, replaces=first.version)
    assert registry.champion(home).version == second.version


def test_a_promotion_waits_for_nobody_who_holds_the_home(home, model):
    version = make_version(home, model)
    with home.locked(), pytest.raises(Busy):
        promote(home, version)


def test_a_changed_bundle_is_not_promoted_and_the_old_champion_stays_G02(home, model):
    first, second = make_version(home, model), make_version(home, model, note="another bundle")
    promote(home, first)
    booster = registry.bundle_folder(home, second.bundle_sha256) / "booster.txt"
    booster.write_text(booster.read_text().replace("1", "2", 1))
    with pytest.raises(UntrustedBundle):
        promote(home, second, replaces=first.version)
    assert registry.champion(home).version == first.version
    assert client(home).get_model_version_by_alias(registry.MODEL_NAME, registry.CHAMPION).version == first.version


@pytest.mark.parametrize(
    "address", ["../../etc", "file:///etc/passwd", "http://example.org/model", "%252e%252e/x", "A" * 64, "", "a" * 63]
)
def test_a_bundle_is_found_by_a_hash_and_by_nothing_that_looks_like_an_address_G06(home, address):
    with pytest.raises(UntrustedBundle, match="64 hex digits"):
        registry.bundle_folder(home, address)


def test_the_champion_outlives_its_alias_and_even_the_store_G08_G09(home, model):
    version = make_version(home, model)
    promote(home, version)
    client(home).delete_registered_model_alias(registry.MODEL_NAME, registry.CHAMPION)
    client(home).delete_model_version(registry.MODEL_NAME, str(version.version))
    home.mlflow_db.unlink()
    assert registry.champion_bundle(home)[1].sha256 == version.bundle_sha256


def test_an_older_version_can_be_put_back_in_force(home, model):
    first, second = make_version(home, model), make_version(home, model, note="another bundle")
    promote(home, second)
    promote(home, registry.find_version(home, first.version), replaces=second.version)
    assert registry.champion(home).version == first.version


def test_an_unknown_version_is_named_with_the_known_ones(home, model):
    with pytest.raises(NotFound, match="ews train"):
        registry.find_version(home, "latest")
    make_version(home, model)
    with pytest.raises(NotFound, match="no version 7. Known: 1"):
        registry.find_version(home, 7)


def test_a_run_that_fails_is_marked_and_leaves_no_artifact_T13_T15(home, model):
    def fill_the_disk() -> None:
        with registry.training_run(home, name="a run", tags={}) as run:
            run.log_model(model.booster, model.feature_names)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill_the_disk()
    (failed,) = client(home).search_runs([registry.experiment(home)])
    assert failed.info.status == "FAILED"
    assert failed.data.tags["ews.error"] == "OSError"
    assert registry.versions(home) == []
    assert files_of(home.mlflow_artifacts) == []


def test_a_run_left_open_by_a_kill_is_closed_and_its_files_removed_by_the_next_T13(home, model):
    whole = make_version(home, model)
    kept = files_of(home.mlflow_artifacts)
    dead = client(home).create_run(registry.experiment(home))
    run = registry.Run(client(home), dead.info.run_id, registry.experiment(home), home.path)
    run.log_model(model.booster, model.feature_names)
    run.log_files(registry.bundle_folder(home, whole.bundle_sha256), "bundle")
    (home.path / ".tmp-half").write_text("half")
    assert files_of(home.mlflow_artifacts) != kept
    assert registry.clean_up(home) == 1
    assert client(home).get_run(dead.info.run_id).info.status == "KILLED"
    assert files_of(home.mlflow_artifacts) == kept
    assert not (home.path / ".tmp-half").exists()
    assert [version.version for version in registry.versions(home)] == [whole.version]


def test_files_outside_the_home_are_never_removed_whatever_the_store_says(home, tmp_path):
    outside = tmp_path / "elsewhere" / "artifacts"
    outside.mkdir(parents=True)
    for address in (outside, home.mlflow_artifacts / ".." / ".." / "elsewhere" / "artifacts", home.mlflow_artifacts):
        runs._remove_artifacts(home, str(address))
    assert outside.is_dir()


def test_a_home_that_was_moved_keeps_its_versions_and_logs_into_its_new_place(home, model, tmp_path):
    first = make_version(home, model)
    moved = Home(home.path.rename(tmp_path / "moved"))
    second = make_version(moved, model, note="after the move")
    assert [version.version for version in registry.versions(moved)] == [second.version, first.version]
    assert not home.path.exists()
    assert any(second.run_id in path.parts for path in files_of(moved.mlflow_artifacts))


def roll_back(home: Home, after_day: int = 0, at: str = "2026-08-04T12:00:00+00:00") -> registry.Champion:
    return registry.roll_back(home, after_day, by="Ben Ito", why="it was a mistake", promoted_at=at)[0]


def at_day(home: Home, version: registry.Version, after_day: int) -> registry.Version:
    return dataclasses.replace(version, after_day=after_day)


def test_each_as_of_day_has_its_own_champion_and_alias(home, model):
    first, second = make_version(home, model), make_version(home, model, note="of day 20")
    promote(home, first)
    promote(home, at_day(home, second, 20))
    assert {day: found.version for day, found in registry.champions(home).items()} == {0: 1, 20: 2}
    aliases = client(home).get_registered_model(registry.MODEL_NAME).aliases
    assert {name: int(number) for name, number in aliases.items()} == {
        "champion": 1, "champion-day-020": 2, "challenger": 2,
    }  # fmt: skip
    with pytest.raises(NothingPromoted, match=r"There is one for: term start, day 20. .*--after-day 60"):
        registry.champion(home, 60)


def test_rollbacks_go_back_one_champion_at_a_time_and_are_recorded(home, model):
    versions = [make_version(home, model, note=str(number)) for number in range(3)]
    for replaced, version in zip((None, 1, 2), versions, strict=True):
        promote(home, version, replaces=replaced, promoted_at=NOON.replace("03", f"0{version.version}", 1))
    assert roll_back(home).version == 2
    assert roll_back(home, at="2026-08-05T12:00:00+00:00").version == 1
    assert registry.champion(home).promoted_by == "Ben Ito"
    with pytest.raises(NothingPromoted, match="ews promote --version N"):
        roll_back(home)
    told = [(line["action"], line["version"], line["instead_of"]) for line in registry.history(home)]
    assert told == [
        ("promote", 1, None), ("promote", 2, 1), ("promote", 3, 2), ("roll back", 2, 3), ("roll back", 1, 2),
    ]  # fmt: skip
    tags = client(home).get_model_version(registry.MODEL_NAME, "1").tags
    assert json.loads(tags["promotion_0005"])["why"] == "it was a mistake"
    assert client(home).get_model_version_by_alias(registry.MODEL_NAME, registry.CHAMPION).version == 1


def test_a_rollback_needs_no_registry_and_says_that_it_was_not_told_G09(home, model):
    first, second = make_version(home, model), make_version(home, model, note="another bundle")
    promote(home, first)
    promote(home, second, replaces=1)
    home.mlflow_db.write_bytes(b"not a database" * 1000)
    current, notice = registry.roll_back(home, 0, by="Ben Ito", why="a mistake", promoted_at=NOON)
    assert registry.champion(home) == current
    assert current.version == 1
    assert "damaged" in notice


def test_a_line_whose_champion_never_came_into_force_is_no_way_back_O01(home, model):
    first, second, third = (make_version(home, model, note=str(number)) for number in range(3))
    promote(home, first)
    killed = home.champion.read_text()
    promote(home, second, replaces=1, promoted_at="2026-08-04T08:00:00+00:00")
    home.champion.write_text(killed)  # as if the kill came between the line and the file
    promote(home, third, replaces=1, promoted_at="2026-08-05T08:00:00+00:00")
    assert roll_back(home).version == 1


def test_history_only_grows(home, model):
    promote(home, make_version(home, model))
    before = home.promotions.read_text()
    promote(home, make_version(home, model, note="another bundle"), replaces=1)
    assert home.promotions.read_text().startswith(before)
    assert len(home.promotions.read_text().splitlines()) == 2


def test_the_champion_file_is_plain_and_complete(home, model):
    made = promote(home, make_version(home, model))
    assert home.champion.read_text() == to_json(dataclasses.asdict(made))
    assert set(json.loads(home.champion.read_text())) == {
        "version", "run_id", "bundle_sha256", "promoted_by", "why", "promoted_at",
    }  # fmt: skip


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_clock_set_back_changes_neither_which_version_is_the_latest_nor_the_way_back_T20(home, model):
    """Versions are ordered by their number and promotions by their line, whatever the clock said."""
    first, second, third = (make_version(home, model, note=str(number)) for number in range(3))
    with sqlite3.connect(home.mlflow_db) as store:
        store.execute("update model_versions set creation_time = 1000000000000 - version")
    store.close()
    assert registry.find_version(home, "latest").version == third.version
    assert [version.version for version in registry.versions(home)] == [3, 2, 1]
    promote(home, first, promoted_at="2026-08-05T12:00:00+00:00")
    promote(home, second, replaces=1, promoted_at="2026-08-04T12:00:00+00:00")
    promote(home, third, replaces=2, promoted_at="2020-01-01T00:00:00+00:00")
    assert [line["version"] for line in registry.history(home)] == [1, 2, 3]
    assert roll_back(home).version == 2
