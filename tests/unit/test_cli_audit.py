"""`ews audit`: what it prints, writes and ends with."""

import pandas as pd
import pytest

from ews.cli import main
from tests.homes import ingested_home

FAST = "rounds = 12\nleaves = 7\nmin_rows_in_leaf = 10\n"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return ingested_home(tmp_path_factory.mktemp("audit") / "home")


@pytest.fixture(scope="module")
def parameters(tmp_path_factory):
    path = tmp_path_factory.mktemp("parameters") / "fast.toml"
    path.write_text(FAST, encoding="utf-8")
    return path


def test_it_prints_groups_and_findings_hides_small_groups_and_ends_as_the_gate_says_FAIR5_FAIR6(
    capsys, home, parameters, tmp_path
):
    words = ("audit", "--home", home.path, "--parameters", parameters, "--out", tmp_path, "--with-protected")
    code, out, err = run(capsys, *words)
    assert "Target year 2025-26" in out
    for dimension in ("all", "race_ethnicity", "gender", "disability", "grade_band", "school_id", "mentored"):
        assert f"\n{dimension}\n" in out
    assert "hidden" in out.split("race_ethnicity\n")[1]
    assert "what leaving them out costs" in out
    findings = pd.read_csv(tmp_path / "findings.csv")
    assert all(text in out for text in findings["text"])
    assert code == (19 if findings["blocks"].any() else 0)
    assert ("findings block" in err) == (code == 19)
    audited = pd.read_csv(tmp_path / "audit.csv")
    assert audited.loc[audited["suppressed"], ["value", "low", "high", "students", "positives"]].isna().all(axis=None)
    counts = pd.read_csv(tmp_path / "public.csv")["students"]
    assert (counts % 5 == 0).all()
    assert counts.min() >= 10
    assert (pd.read_csv(tmp_path / "reliability.csv")["students"] >= 10).all()


def test_a_year_without_outcomes_or_with_nothing_to_learn_from_is_refused_before_the_long_work(capsys, home):
    code, _, err = run(capsys, "audit", "--home", home.path, "--target-year", "2031")
    assert code == 14
    assert "Known: 2024-25, 2025-26" in err
    code, _, err = run(capsys, "audit", "--home", home.path, "--target-year", "2025", "--with-protected")
    assert code == 11
    assert "two target years" in err
