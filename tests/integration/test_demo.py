"""The whole way, as a visitor goes it."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from ews.home import Home, read_json


def demo(home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ews.cli.demo", "--home", str(home), "--target-year", "2027"]
        + ["--students", "300", "--years", "3"],
        capture_output=True, text=True, timeout=500, cwd=home.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_lanes(told: str, of_school: pd.DataFrame) -> None:
    """Whom a mentor could reach before the line comes first, and nobody of one lane stands under the other."""
    before, reached = told.split("\nprevent: ")[1].split("\nrecover: ")
    for lane, text in (("prevent", before), ("recover", reached)):
        listed = [line.split()[1] for line in text.splitlines() if line[:4].strip().isdecimal()]
        assert listed == of_school.loc[of_school["lane"] == lane, "student_id"].head(4).tolist()
        assert listed


def test_the_demo_ends_with_the_list_of_one_school_and_where_everything_is_and_runs_again(tmp_path):
    home = tmp_path / "home"
    told = demo(home)
    rows = pd.read_parquet(home / "lists" / "risk_list.parquet")
    first = rows.iloc[0]
    assert f"School {first['school_id']}, school year 2026-27" in told
    assert f"{first['days_absent_last_year']} of {first['days_enrolled_last_year']}" in told
    assert first["reason_1"] in told
    assert_lanes(told, rows[rows["school_id"] == first["school_id"]])
    for command in ("simulate", "ingest", "backtest", "train", "promote", "score", "publish", "slots mentors"):
        assert f"$ ews {command} " in told
    assert f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db" in told
    assert "10 mentors are new" in told
    assert (home / "lists" / "risk_list.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["home"], "nothing is written beside the home"

    demo(home)
    assert read_json(Home(home).champion)["version"] == 2
    again = pd.read_parquet(home / "lists" / "risk_list.parquet")
    pd.testing.assert_frame_equal(again, rows)
