"""`ews tune`, from records to a file that `ews train` takes, with every trial in the registry."""

from pathlib import Path

import pytest

from ews.cli import main
from ews.home import Home
from ews.model import Parameters
from ews.registry import client, experiment, versions
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest

TRIALS = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Five school years: three target years to search on, beside the one that judges."""
    place = tmp_path_factory.mktemp("tune")
    simulate(place / "records", students=300, years=5, last_year=SchoolYear(2026), seed=3)
    home = Home(place / "home")
    with home.locked():
        ingest(place / "records", home)
    return home


def test_a_search_is_told_kept_trial_by_trial_and_written_for_training(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "parameters.toml"
    words = ["tune", "--target-year", "2027", "--out", out, "--trials", TRIALS, "--home", home.path]
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    told = capsys.readouterr()
    assert ended.value.code in (0, None), told.err
    assert f"trial {TRIALS} of {TRIALS}" in told.err
    assert "in 2025-26, which it never saw" in told.out
    assert f"ews train --parameters {out}" in told.out

    Parameters.from_toml(out.read_text(encoding="utf-8"))
    runs = client(home).search_runs([experiment(home)])
    parents = [run for run in runs if run.data.tags.get("kind") == "tuning"]
    assert [run.info.run_name for run in parents] == ["tune for 2026-27"]
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]
    assert sorted(run.info.run_name for run in trials) == [f"trial {number}" for number in range(TRIALS)]
    assert all(run.info.status == "FINISHED" and "value" in run.data.metrics for run in trials)
    assert {"rounds", "leaves", "l2"} <= set(trials[0].data.params)
    assert versions(home) == []
