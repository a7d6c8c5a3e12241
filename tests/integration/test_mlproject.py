"""The stages of `pipelines/`, offline: each does what its command does, and leaves what `artifacts.csv` lists."""

import csv
import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from ews import registry
from ews.cli import app
from ews.home import Home, read_json
from ews.model import Parameters
from ews.policy import Policy
from tests.homes import FAST, records

PIPELINES = Path(__file__).parents[2] / "pipelines"
STAGES = yaml.safe_load((PIPELINES / "MLproject").read_text(encoding="utf-8"))["entry_points"]
COMMANDS = {"evaluate": "backtest"}
"""Stages whose command has another name."""

AFTER_TRAINING = [
    ("evaluate", {"parameters": "fast.toml"}),
    ("promote", {"by": "Ana Reyes", "why": "a stage's reason", "sign_off": "a pretend district"}),
    ("score", {"target_year": "2027"}),
    ("allocate", {}),
    ("monitor", {}),
]

RUN_STAGES = """
import json, sys
from mlflow import projects
from mlflow.exceptions import ExecutionException
for stage, parameters in json.loads(sys.argv[2]):
    try:
        projects.run(sys.argv[1], stage, parameters=parameters, env_manager="local")
    except ExecutionException:
        print("failed:", stage)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A home that went through every stage, and what they printed."""
    folder = tmp_path_factory.mktemp("stages")
    (folder / "fast.toml").write_text(FAST.to_toml(), encoding="utf-8")
    home = Home(folder / "home")
    home.path.mkdir()
    out = _stages(folder, [("ingest", {"records": str(records())})])
    done = _run(
        folder, "-m", "mlflow", "run", str(PIPELINES), "-e", "train", "--env-manager", "local", "-P", "home=home",
        "-P", "target_year=2027", "-P", "note=a stage's note", "-P", f"parameters={folder / 'fast.toml'}",
    )  # fmt: skip
    return home, out + done + _stages(folder, AFTER_TRAINING)


def test_the_train_stage_registers_the_version_that_ews_train_registers(made, tmp_path):
    home, _ = made
    (version,) = registry.versions(home)
    assert (version.target_year, version.after_day) == (2027, 0)
    assert registry.client(home).get_run(version.run_id).data.tags["mlflow.note.content"] == "a stage's note"
    _run(
        home.path.parent, "-m", "ews.cli", "train", "--home", "home", "--target-year", "2027",
        "--parameters", "fast.toml",
    )  # fmt: skip
    again = registry.find_version(home, "latest")
    assert again.version == 2
    ours, theirs = (_made_from(home, entry.bundle_sha256) for entry in (version, again))
    assert ours == theirs


def test_the_stages_lead_from_records_to_a_proposal(made):
    home, printed = made
    with (home.path / "lists" / "slots.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["is_proposed"] for row in rows} == {"True", "False"}
    assert registry.champion(home).version == 1
    assert "a stage's reason" in home.promotions.read_text(encoding="utf-8")
    assert "LightGBM minus each baseline" in printed
    checks = read_json(home.path / "monitoring" / "monitoring.json")["checks"]
    alarming = any(check["level"] == "alarm" for check in checks)
    assert re.findall(r"failed: (\w+)", printed) == ["monitor"] * alarming


def test_every_file_in_the_home_is_listed_and_every_file_listed_is_there(made):
    home, _ = made
    found = {path.relative_to(home.path).as_posix() for path in home.path.rglob("*") if path.is_file()} - {".lock"}
    patterns = [row["path"] for row in _artifacts()]
    assert sorted(name for name in found if not any(fnmatchcase(name, pattern) for pattern in patterns)) == []
    assert [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in found)] == []


def test_an_artifact_says_what_a_row_is_and_who_makes_and_reads_it():
    rows = _artifacts()
    assert len({row["path"] for row in rows}) == len(rows)
    for row in rows:
        assert None not in row, row["path"]
        assert row["grain"], row["path"]
        assert row["read_by"], row["path"]
        assert set(row["made_by"].split()) <= set(STAGES), row["path"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_its_command_with_its_options(stage: str):
    command = COMMANDS.get(stage, stage)
    script = (PIPELINES / f"{stage}.py").read_text(encoding="utf-8")
    assert f'main(["{command}", *sys.argv[1:]])' in script
    words = STAGES[stage]["command"].split()
    assert words[:2] == ["python", f"{stage}.py"]
    known = {option for parameter in get_command(app).commands[command].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assert set(re.findall(r"\{(\w+)\}", " ".join(words))) == set(STAGES[stage]["parameters"])


def test_the_parameter_files_are_the_defaults():
    train, policy = (
        (PIPELINES / "params" / f"{name}.toml").read_text(encoding="utf-8") for name in ("train", "policy")
    )
    assert Parameters.from_toml(train) == Parameters()
    assert Policy.from_toml(policy) == Policy()
    assert train.endswith(Parameters().to_toml()), "every key is written out"
    assert policy.endswith(Policy().to_toml()), "every key is written out"


def _made_from(home: Home, bundle_sha256: str) -> dict[str, object]:
    """What a bundle holds and came from, but for the code's version: somebody may commit in between."""
    manifest = read_json(registry.bundle_folder(home, bundle_sha256) / "manifest.json")
    return {**manifest, "provenance": {**manifest["provenance"], "code": ""}}


def _artifacts() -> list[dict[str, str]]:
    with (PIPELINES / "artifacts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _stages(folder: Path, stages: list[tuple[str, dict[str, str]]]) -> str:
    """Run stages with MLflow in one process, with `home` in `folder`; what they printed."""
    given = [(stage, {"home": "home", **values}) for stage, values in stages]
    for _, values in given:
        if "parameters" in values:
            values["parameters"] = str(folder / values["parameters"])
    return _run(folder, "-c", RUN_STAGES, str(PIPELINES), json.dumps(given))


def _run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=offline(folder), capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def offline(folder: Path) -> dict[str, str]:
    """An environment in which `python` is this one, and every address beyond this machine leads nowhere."""
    nowhere = "http://127.0.0.1:9"
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/outer.db",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
    }
