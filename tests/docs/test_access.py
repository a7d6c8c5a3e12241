"""The page about access shows the rights as the code has them, and commands that exist."""

import os
import re
import subprocess
import sys

import pytest

from ews.access import MAY, STUDENT_VIEWS, AccessPolicy, Reach, Role, View
from tests.docs.pages import blocks, read

PAGE = read("docs/access.md")
WORDS = {Reach.ALL: "all", Reach.CASELOAD: "caseload", Reach.PURPOSE: "caseload, purpose", Reach.NO_STUDENT: "yes"}


def row(view: View) -> str:
    cells = (WORDS.get(MAY[role].get(view), "") for role in Role)
    return f"| {view} | {' | '.join(cells)} |"


def test_the_table_is_the_codes():
    shown = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    assert shown == [f"| | {' | '.join(Role)} |", *(row(view) for view in View)]
    assert [view for view in View if view in STUDENT_VIEWS] == list(View)[: len(STUDENT_VIEWS)]


def test_the_policy_shown_is_the_default(tmp_path):
    (text,) = blocks(PAGE, "toml")
    (tmp_path / "access.toml").write_text(text, encoding="utf-8")
    assert AccessPolicy.read(tmp_path / "access.toml") == AccessPolicy()


def commands() -> list[list[str]]:
    lines = [line.split("#")[0] for block in blocks(PAGE, "bash") for line in block.splitlines()]
    return sorted({tuple(line.split()[1:]) for line in lines if line.startswith("ews ")})


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_exists_with_the_options_shown(words):
    command = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
    done = subprocess.run(
        [sys.executable, "-m", "ews.cli", *command, "--help"],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for option in [word for word in words if word.startswith("--")]:
        assert option in done.stdout
