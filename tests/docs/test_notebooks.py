"""The notebooks run from top to bottom on a pretend district, and define nothing."""

import ast
import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.pages import ROOT, links
from tests.homes import promoted_home

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
OF_ALL = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as `make demo` leaves it, of a smaller district."""
    return promoted_home(tmp_path_factory.mktemp("notebooks") / "home").path


def test_there_are_four_and_each_leads_to_the_next():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04"]
    for path, following in zip(NOTEBOOKS, NOTEBOOKS[1:], strict=False):
        assert following.name in links(_words(path))


@OF_ALL
def test_a_notebook_runs_from_top_to_bottom(path: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EWS_HOME", str(home))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, startup_timeout=300, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert str(os.environ["EWS_HOME"]) not in json.dumps(outputs)


@OF_ALL
def test_a_notebook_defines_nothing(path: Path):
    tree = ast.parse("\n".join(_sources(path, "code")))
    assert [node.name for node in ast.walk(tree) if isinstance(node, DEFINITIONS)] == []


@OF_ALL
def test_a_notebook_is_committed_without_outputs_so_that_no_student_is_in_it(path: Path):
    for cell in _cells(path):
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@OF_ALL
def test_a_notebook_tells_before_it_shows(path: Path):
    kinds = [cell["cell_type"] for cell in _cells(path)]
    assert kinds[0] == kinds[-1] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code") - 1
    missing = [target for target in links(_words(path)) if not (path.parent / target).exists()]
    assert missing == []


def _cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _sources(path: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in _cells(path) if cell["cell_type"] == kind]


def _words(path: Path) -> str:
    return "\n".join(_sources(path, "markdown"))
