"""The README tells what is there: commands, output, calls and links."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ews.home import Home
from tests.docs.pages import PAGES, ROOT, blocks, links, read, script
from tests.functional.conftest import Service, alone

README = read("README.md")
MOST_LINES = 120
OPTIONS = re.compile(r"(--[a-z][a-z-]+)")


def ews_lines() -> list[str]:
    return sorted({line.split("#")[0].strip() for block in blocks(README, "bash") for line in block.splitlines()
                   if line.startswith("ews ")} | set(re.findall(r"`(ews [^`]+)`", README)))  # fmt: skip


def shape(line: str) -> str:
    """A line without what differs from district to district: figures, ids, bands, facts of a student."""
    line = re.sub(r"^ +.*\. (Raises|Lowers) the estimate\.$", "<fact>", line)
    line = re.sub(r"satisfactory|at risk|(moderate|severe) chronic", "<band>", line)
    line = re.sub(r"\bKG\b|\d[\d,]*", "#", line)
    return re.sub(r"\s+", " ", line).strip()


def test_a_newcomer_reads_it_in_one_go():
    assert len(README.splitlines()) < MOST_LINES


def test_every_make_word_exists():
    makefile = read("Makefile")
    for page in PAGES:
        for word in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8")) + ["demo", "serve", "test"]:
            assert re.search(rf"^{word}:.*## ", makefile, re.MULTILINE), f"{page.name}: make {word}"


@pytest.mark.parametrize("line", ews_lines())
def test_every_command_exists_with_the_options_shown(line: str):
    command = line.split()[1]
    done = subprocess.run(
        [sys.executable, "-m", "ews.cli", command, "--help"],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for option in OPTIONS.findall(line):
        assert option in done.stdout


def test_the_demo_prints_what_is_shown(scored_home: Home):
    printed = {shape(line) for line in (scored_home.path.parent / "demo.txt").read_text(encoding="utf-8").splitlines()}
    (block,) = blocks(README, "console")
    command, *shown = block.splitlines()
    assert command == "$ make demo"
    assert len(shown) > 10
    for line in shown:
        assert line == "..." or shape(line) in printed, f"the demo prints no line like: {line}"


def test_the_demo_shown_is_taken_from_a_run_by_a_script(scored_home: Home, places: dict[str, list[str]]):
    printed = (scored_home.path.parent / "demo.txt").read_text(encoding="utf-8").splitlines()
    readme = script("show_demo").shown(README, printed)
    student_id = next(line.split()[4] for line in printed if line.startswith("one student:"))
    school_id = next(school for school, students in places.items() if student_id in students)
    assert f"SCHOOL={school_id} " in readme
    (before,), (after,) = blocks(README, "console"), blocks(readme, "console")
    assert {shape(line) for line in after.splitlines()} == {shape(line) for line in before.splitlines()}
    assert set(after.splitlines()) - {"$ make demo", "..."} <= set(printed)


def test_the_calls_work_as_written(service: Service, places: dict[str, list[str]], tmp_path: Path):
    block = next(block for block in blocks(README, "bash") if "curl" in block)
    school_id = next(iter(places))
    here = {
        r"http://127\.0\.0\.1:8000": service.url,
        r"EWS_HOME=\S+": f"EWS_HOME={service.home.path}",
        r"SCHOOL=\S+": f"SCHOOL={school_id}",
        r"\$PWD/\.venv/bin": str(Path(sys.executable).parent),
    }
    for shown, real in here.items():
        assert re.search(shown, block), shown
        block = re.sub(shown, real, block)
    script = "set -eo pipefail\n" + block.replace("curl ", "curl --noproxy '*' --fail-with-body ")
    with alone(service.home.path.parent):
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert f'"school_id":"{school_id}"' in done.stdout
    assert '"student_id": "' in (tmp_path / "list.json").read_text(encoding="utf-8")
    assert '"reasons":[' in done.stdout
    assert '"probabilities":' in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    missing = [target for target in links(page.read_text(encoding="utf-8")) if not (page.parent / target).exists()]
    assert missing == []


def test_every_folder_of_the_map_is_there():
    folders = re.findall(r"^\| `([a-z/]+/)` \|", README, re.MULTILINE)
    assert len(folders) >= 5
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_the_forbidden_uses_are_named_FAIR_1():
    for use in (
        "discipline", "truancy referral", "grading", "placement", "admission", "staff evaluation", "police",
        "immigration", "sole basis",
    ):  # fmt: skip
        assert use in README
