"""`mlflow run pipelines -e train`, offline, does what `ews train` does."""

import os
import subprocess
import sys
from pathlib import Path

from ews import registry
from tests.homes import ingested_home

PIPELINES = Path(__file__).parents[2] / "pipelines"


def test_the_train_stage_registers_a_version_with_its_bundle(tmp_path):
    home = ingested_home(tmp_path / "home")
    done = subprocess.run(
        [
            sys.executable, "-m", "mlflow", "run", str(PIPELINES), "-e", "train", "--env-manager", "local",
            "-P", f"home={home.path}", "-P", "target_year=2027", "-P", "note=a stage's note",
        ],
        cwd=tmp_path, env=offline(tmp_path), capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (version,) = registry.versions(home)
    assert (version.target_year, version.after_day) == (2027, 0)
    assert registry.bundle_folder(home, version.bundle_sha256).is_dir()
    run = registry.client(home).get_run(version.run_id)
    assert run.data.tags["mlflow.note.content"] == "a stage's note"


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
