"""Generated pages are what the code says, and every error says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from ews import errors
from ews.errors import EwsError
from ews.features import FEATURES
from ews.student_years import STUDENT_YEARS
from ews.tables import TABLES
from tests.docs.pages import ROOT, read, script
from tests.docs.pages import table as rows_under


@pytest.fixture
def generate():
    return script("generate")


def error_classes() -> list[type[EwsError]]:
    """Every class of ews.errors, found another way than the page finds them."""
    return [getattr(errors, name) for name in dir(errors) if isinstance(getattr(errors, name), type)
            and EwsError in getattr(errors, name).__bases__]  # fmt: skip


def test_the_pages_in_the_repository_are_current():
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_stale_page_is_told_and_left_as_it_is_until_it_is_written(generate, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    assert generate.main(["--check"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "errors.md").write_text("old", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert "errors.md is stale" in capsys.readouterr().out


def test_every_error_is_on_its_page_with_its_exit_code_and_what_to_do(generate):
    page = read("docs/errors.md")
    assert len(error_classes()) >= 8
    for error in error_classes():
        assert f"## {error.__name__}\n\nExit code {error.exit_code}. " in page
        assert generate.WHAT_TO_DO[error.__name__] in page
    assert set(generate.WHAT_TO_DO) == {error.__name__ for error in error_classes()}


def test_no_two_errors_share_an_exit_code():
    codes = [error.exit_code for error in error_classes()]
    assert len(set(codes) | {0, 1, 2}) == len(codes) + 3


def test_every_fault_of_ingest_has_its_behaviour_and_a_test():
    rows = rows_under(read("docs/traceability.md"), "Ingest")
    assert [row["id"] for row in rows] == [f"I{number:02d}" for number in range(1, 41)]
    assert [row["id"] for row in rows if "tests/" not in row["named in"]] == []


def test_every_table_column_and_feature_is_in_the_dictionary():
    page = read("docs/data-dictionary.md")
    for table in (*TABLES, STUDENT_YEARS):
        section = page.split(f"### `{table.name}`\n")[1].split("\n##")[0]
        assert all(f"| `{name}` |" in section for name in table.column_names), table.name
    features = page.split("## Features\n")[1]
    assert [name for name in FEATURES if f"| `{name}` |" not in features] == []
