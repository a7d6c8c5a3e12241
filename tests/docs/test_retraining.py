"""A person who follows docs/retraining.md alone retrains, compares, promotes and rolls back."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ews import registry
from ews.home import Home
from tests.docs.pages import blocks, read


@pytest.mark.timeout(1200)
def test_every_block_works_in_order_as_written(scored_home: Home, tmp_path: Path):
    home = Home(shutil.copytree(scored_home.path, tmp_path / ".demo"))
    parts = blocks(read("docs/retraining.md"), "bash")
    assert len(parts) >= 7
    here = str(Path(sys.executable).parent)
    written = "\n".join(f"echo '=== {number}'\n{part}" for number, part in enumerate(parts))
    script = "set -eo pipefail\n" + written.replace("$PWD/.venv/bin", here)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1100,
        env={**os.environ, "COLUMNS": "200"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "beside version 1, in force: its recipe on the years before" in done.stdout
    assert "Version 2, for 2026-27, is in force. Before: version 1." in done.stdout
    assert "Another model made this list: version 2, before 1." in done.stdout
    assert "Version 1 is in force again for term start. Before: version 2." in done.stdout
    assert [(line["action"], line["version"], line["after_day"]) for line in registry.history(home)] == [
        ("promote", 1, 0), ("promote", 2, 0), ("roll back", 1, 0), ("promote", 3, 20),
    ]  # fmt: skip


def test_the_gates_told_are_those_that_are_asked():
    from ews.cli.promotion import GATES

    section = read("docs/retraining.md").split("| gate |")[1].split("\n\n")[0]
    assert re.findall(r"^\| ([^|-][^|]+) \|", section, re.MULTILINE) == list(GATES.values())
