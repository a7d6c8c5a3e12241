"""Examples, pages and pictures show invented people only: nothing on them looks like a real id (P05)."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT
from tests.functional.browser.test_screenshots import KEPT, OF_THE_CAST, OF_THE_PRETEND_DISTRICT

SHOWN = [*PAGES, *sorted((ROOT / "models").glob("*.[hm][td]*")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]

REAL_LOOKING = re.compile(
    r"(?<![\d.-])\d{3}-\d{2}-\d{4}(?![\d-])"  # a social security number
    r"|(?<![\d.,-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-.]\d{4}(?![\d-])"  # a telephone
    r"|\b[\w.+-]+@(?![\w.-]*\bexample\b)[\w-]+\.[\w.-]*\w"  # an address for mail
    r"|(?<![\w.,#:/-])(?!0{2})(?!\d0{6})\d{7,10}(?![\w.,:-]|\s*=)"  # a student's number; ours begin with zeros
)

DATA = (".csv", ".db", ".gz", ".json", ".jsonl", ".parquet", ".tsv", ".txt", ".xlsx", ".xml", ".zip")
KNOWN_DATA = {"benchmarks/kept/effect.json", "benchmarks/kept/slots.json", "pipelines/artifacts.csv",
              "tests/fixtures/store_of_mlflow_3.5.0.db.gz"}  # fmt: skip
"""Measurements, a list of file names, and an empty store of MLflow: none holds a student."""


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_shows_what_looks_like_a_real_persons_id_P05(path: Path):
    assert REAL_LOOKING.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "real", ["SSN 123-45-6789.", "call (212) 555-0123", "212-555-0123", "ana.reyes@lincoln.k12.ny.us", "| 20481733 |"]
)
def test_what_looks_real_would_be_seen_P05(real: str):
    assert REAL_LOOKING.search(real)


@pytest.mark.parametrize(
    "invented", ["00002570", "a.reyes@district.example", "1000000 rows", "2026-10-05", "0.1234567"]
)
def test_what_is_plainly_invented_is_let_be(invented: str):
    assert not REAL_LOOKING.search(invented)


def test_every_picture_is_taken_of_invented_people_by_a_test_and_no_other_is_kept_P05():
    taken = {f"{picture.name}.png" for picture in (*OF_THE_CAST, *OF_THE_PRETEND_DISTRICT)}
    assert {path.name for path in KEPT.iterdir()} == taken


def test_no_records_are_in_the_repository_P05():
    folders = ("benchmarks", "docs", "models", "notebooks", "pipelines", "serve", "src", "tests")
    files = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    kept = {path.relative_to(ROOT).as_posix() for path in files if path.suffix in DATA}
    assert {name for name in kept if "__pycache__" not in name} == KNOWN_DATA
