"""The command line: thin, quick to answer, and clear when it refuses."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ews.cli import app, main
from ews.policy import Policy
from ews.train import train
from tests.homes import FAST, TARGET, ingested_home, promote_latest, promoted_home, records, shocked_home

COMMANDS = (
    "simulate", "moments", "fetch-edfi", "ingest", "check", "train", "backtest", "card", "audit", "observer-limit",
    "tune", "versions", "promote", "score", "explain", "publish", "withhold", "serve", "allocate",
    "access-report", "packet", "correct", "consent", "recalibrate", "monitor",
)  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return promoted_home(tmp_path_factory.mktemp("cli") / "home")


def test_help_names_every_command_and_every_command_has_help(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in COMMANDS:
        assert command in out
        assert run(capsys, command, "--help")[0] == 0
    assert {command.callback.__name__.replace("_", "-") for command in app.registered_commands} == set(COMMANDS)


def test_help_is_instant_because_no_heavy_library_is_imported():
    heavy = ("duckdb", "lightgbm", "matplotlib", "mlflow", "narwhals", "numpy", "pandas", "sklearn")
    code = f"import sys, ews.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_foreseen_error_is_one_line_on_stderr_with_its_exit_code(capsys, tmp_path):
    code, out, err = run(capsys, "train", "--target-year", "2027", "--home", tmp_path / "empty")
    assert (code, out) == (11, "")
    assert err.strip().splitlines()[-1].startswith("ews: No records in")
    assert "Traceback" not in err


@pytest.mark.parametrize(("year", "said"), [("27", "no school year"), ("2025-27", "does not span one school year")])
def test_a_year_that_is_none_is_refused(capsys, tmp_path, year, said):
    code, _, err = run(capsys, "score", "--target-year", year, "--out", tmp_path, "--home", tmp_path)
    assert code == 15
    assert said in err


def test_a_home_is_named_by_option_or_by_environment(capsys, home, monkeypatch):
    assert run(capsys, "versions")[0] == 2
    monkeypatch.setenv("EWS_HOME", str(home.path))
    assert run(capsys, "versions")[0] == 0


def test_ingest_prints_counts_that_add_up_and_where_the_rejects_are(capsys, tmp_path):
    code, out, _ = run(capsys, "ingest", records(), "--home", tmp_path / "home")
    assert code == 0
    counts = {
        line.split()[0]: [int(cell.replace(",", "")) for cell in line.split()[1:]] for line in out.splitlines()[1:-1]
    }
    assert {"schools", "calendar", "students", "enrollments", "attendance"} <= set(counts)
    assert all(read == accepted + rejected + duplicates for read, accepted, rejected, duplicates in counts.values())
    assert "rejects.csv" in out
    assert "nothing changed" in run(capsys, "ingest", records(), "--home", tmp_path / "home")[1]


def test_check_shows_each_year_what_to_look_at_and_what_would_explain_another_share(capsys, home, tmp_path):
    question = ("--chronic-share", "23.4", "--school-year", "2025-26")
    code, out, _ = run(capsys, "check", "--home", home.path, "--out", tmp_path / "check", *question)
    assert code == 0
    assert "2025-26" in out.splitlines()[-1] or "unknown" in out.splitlines()[0]
    assert "Definitions by closeness" in out
    assert (tmp_path / "check" / "check.html").exists()
    assert (tmp_path / "check" / "schools.csv").exists()
    assert run(capsys, "check", "--home", home.path, "--chronic-share", "23.4")[0] == 2
    assert run(capsys, "check", "--home", home.path, "--chronic-share", "23,4", "--school-year", "2026")[0] == 2
    assert run(capsys, "check", "--home", home.path, "--chronic-share", "23.4", "--school-year", "2001")[0] == 11


@pytest.fixture
def fast(tmp_path):
    """Parameters of a booster that learns quickly."""
    file = tmp_path / "fast.toml"
    file.write_text("rounds = 12\nleaves = 7\nmin_rows_in_leaf = 10\n", encoding="utf-8")
    return file


def test_backtest_prints_the_groups_the_baselines_the_differences_and_a_verdict(capsys, home, fast):
    code, out, _ = run(capsys, "backtest", "--home", home.path, "--parameters", fast, "--target-year", "2026")
    assert code == 0
    assert "Target year 2025-26, predicted from earlier target years" in out
    for words in ("all:", "not yet chronic:", "already chronic:", "LightGBM", "last year's rate", "logistic", "minus"):
        assert words in out
    assert "recall_at_k for not yet chronic students" in out
    code, _, err = run(capsys, "backtest", "--home", home.path, "--target-year", "2031")
    assert code == 14
    assert "Known: 2024-25, 2025-26" in err


def test_backtest_shows_the_ceilings_of_a_simulated_district_once_its_observer_limit_is_known(capsys, tmp_path, fast):
    home = ingested_home(tmp_path / "home")
    words = ("backtest", "--target-year", "2026", "--truth", records(), "--home", home.path, "--parameters", fast)
    code, _, err = run(capsys, *words)
    assert code == 14
    assert "ews observer-limit" in err
    code, out, _ = run(capsys, "observer-limit", records(), "--districts", "1", "--home", home.path)
    assert code == 0
    assert "The curve still rises" in out
    code, out, _ = run(capsys, *words)
    assert code == 0
    for words_shown in ("observer limit", "truth", "From last year's rate (0) to the observer limit (1)"):
        assert words_shown in out


def test_moments_of_any_records_are_reported_beside_published_figures(capsys, tmp_path):
    code, out, _ = run(capsys, "moments", records(), tmp_path / "report")
    assert code == 0
    assert "report.md" in out
    assert "| source |" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "report" / "weekday.png").exists()


def test_promote_needs_a_version_that_exists(capsys, home):
    words = ("--by", "Ana Reyes", "--why", "a test", "--home", home.path)
    assert run(capsys, "promote", "--version", "9", *words)[0] == 14
    assert run(capsys, "promote", "--version", "newest", *words)[0] == 14


def test_a_script_that_names_nobody_is_refused_at_once_and_never_asked(capsys, home):
    for words in ((), ("--by", "Ana Reyes"), ("--why", "a test"), ("--rollback",)):
        code, out, err = run(capsys, "promote", *words, "--home", home.path)
        assert (code, out) == (10, "")
        assert "--by" in err


def test_promote_compares_asks_the_gates_records_and_can_be_taken_back(capsys, tmp_path):
    home = promoted_home(tmp_path / "home")
    train(home, TARGET, Policy(), FAST, note="the same again", code="another commit")
    who = ("--by", "Ana Reyes", "--why", "newer code", "--home", home.path)
    code, out, err = run(capsys, "promote", *who)
    assert code == 19, "a district of 300 students has groups too small to judge"
    assert "--sign-off REASON" in err
    for words in ("Version 2, for 2026-27, term start", "beside version 1, in force: its recipe", "95 % interval",
                  "not yet chronic", "recall@k", "passed  no worse for students not yet chronic"):  # fmt: skip
        assert words in out
    code, out, _ = run(capsys, "promote", *who, "--sign-off", "looked at each of them")
    assert code == 0
    assert "Version 2, for 2026-27, is in force. Before: version 1." in out
    table = run(capsys, "versions", "--home", home.path)[1]
    rows = [line.split() for line in table.splitlines() if line[:1].isdigit()]
    assert [row[:4] for row in rows] == [["2", "2026-27", "term", "start"], ["1", "2026-27", "term", "start"]]
    assert [row[4] == "yes" for row in rows] == [True, False]
    assert "newer" in table
    code, out, _ = run(capsys, "promote", "--rollback", *who)
    assert code == 0
    assert "Version 1 is in force again for term start. Before: version 2." in out
    assert run(capsys, "promote", "--rollback", *who)[0] == 13, "there was none before version 1"


def test_versions_of_an_empty_home_say_how_to_make_one(capsys, tmp_path):
    code, _, err = run(capsys, "versions", "--home", tmp_path / "home")
    assert code == 14
    assert "ews train" in err


def test_when_the_registry_cannot_be_read_versions_shows_what_is_in_force_G09(capsys, tmp_path):
    home = promoted_home(tmp_path / "home")
    home.mlflow_db.write_bytes(b"not a database" * 1000)
    code, out, _ = run(capsys, "versions", "--home", home.path)
    assert code == 0
    assert "What is in force stays in force" in out
    assert "version 1  term start  Ana Reyes" in out


def test_score_writes_the_list_and_explain_tells_one_student(capsys, home, tmp_path):
    code, out, _ = run(capsys, "score", "--target-year", TARGET, "--out", tmp_path / "out", "--home", home.path)
    assert code == 0
    assert "education records" in out
    assert "Since run" not in out
    assert len((tmp_path / "out" / "list_changes.csv").read_text().splitlines()) == 1
    first = (tmp_path / "out" / "risk_list.csv").read_text().splitlines()[1].split(",")
    code, out, _ = run(capsys, "explain", first[1], "--home", home.path)
    assert code == 0
    assert f"Student {first[1]}, school {first[2]}, grade {first[3]}" in out
    assert "everyone's start" in out
    assert "not causes" in out
    assert run(capsys, "explain", "nobody", "--home", home.path)[0] == 14


def test_another_engine_gives_the_same_list_and_a_master_is_only_for_spark(capsys, home, tmp_path):
    words = ("score", "--target-year", "2027", "--out")
    other = promoted_home(tmp_path / "home")
    assert run(capsys, *words, tmp_path / "a", "--home", home.path)[0] == 0
    assert run(capsys, *words, tmp_path / "b", "--home", other.path, "--engine", "polars")[0] == 0
    lists = [(tmp_path / name / "risk_list.csv").read_bytes() for name in "ab"]
    assert lists[0] == lists[1]
    code, _, err = run(capsys, *words, tmp_path / "c", "--home", other.path, "--master", "local[2]")
    assert code == 2
    assert "--engine spark" in err


def test_a_second_list_of_the_year_tells_who_entered_and_left_since_the_first(capsys, tmp_path):
    home = promoted_home(tmp_path / "home")
    words = ("score", "--target-year", TARGET, "--home", home.path, "--out")
    first = run(capsys, *words, tmp_path / "first")[1].split()[-1]
    train(home, TARGET, Policy(), replace(FAST, seed=4, rounds=2))
    promote_latest(home)
    code, out, _ = run(capsys, *words, tmp_path / "second")
    assert code == 0
    said = re.search(rf"Since run {first}, after day 0: (\d+) entered and (\d+) left", out)
    assert said[1] == said[2] != "0"
    assert "Another model made this list: version 2, before 1." in out
    rows = (tmp_path / "second" / "list_changes.csv").read_text().splitlines()[1:]
    assert [sum(f",{change}," in row for row in rows) for change in ("entered", "left")] == [int(said[1])] * 2


def test_a_list_after_day_20_tells_who_entered_and_left_since_term_start_and_why(capsys, tmp_path, fast):
    """Between the lists, of one school's students the first is gone and the next below the cut missed every day."""
    home, year = ("--home", shocked_home(tmp_path / "home").path), ("--target-year", "2026")
    of_day_0 = succeeds(capsys, "score", *year, "--out", tmp_path / "first", *home).split()[-1]
    before = list_in(tmp_path / "first")
    school = before[before["school_id"] == before["school_id"].mode()[0]]
    gone, away = school["student_id"].iloc[0], school["student_id"].iloc[len(first_of(school))]
    newer = records_after_20_days(tmp_path / "newer", school["school_id"].iloc[0], gone, away)
    succeeds(capsys, "ingest", newer, *home)
    fast.write_text(fast.read_text(encoding="utf-8").replace("12", "60"), encoding="utf-8")  # few have one risk
    after_20 = (*year, "--after-day", "20", *home)
    succeeds(capsys, "train", *after_20, "--parameters", fast)
    who = ("--by", "Ana Reyes", "--why", "the weekly list", "--sign-off", "looked at each of them")
    assert "Next: ews score --target-year 2026 --after-day 20" in succeeds(capsys, "promote", *who, *home)
    out = succeeds(capsys, "score", *after_20, "--out", tmp_path / "second")
    assert f"Since run {of_day_0}, after day 0: " in out
    assert "Another model made this list: version 2, before 1." in out
    changes = assert_told_as_the_lists_differ(out, tmp_path / "second", before).loc[[gone, away]]
    assert changes["change"].tolist() == ["left", "entered"]
    assert changes["why"].tolist() == ["no longer listed at this school", "the estimate rose"]
    assert changes["risk_now"].iloc[1] > changes["risk_before"].iloc[1]
    assert changes["group_1"].fillna("").tolist() == ["", "recent level"]
    assert changes["group_change_1"].iloc[1] > 0
    told = succeeds(capsys, "explain", away, *home)
    assert "Target year 2026, after day 20: rank" in told
    assert "Missed 20 of 20 days so far this school year" in told


def succeeds(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command says that does what it was asked."""
    code, out, err = run(capsys, *words)
    assert code == 0, err
    return out


def assert_told_as_the_lists_differ(out: str, folder: Path, before: pd.DataFrame) -> pd.DataFrame:
    """The table of changes by student, which is what the two lists and the printed counts say."""
    table = pd.read_csv(folder / "list_changes.csv", dtype={"student_id": str, "school_id": str})
    was, is_now = first_of(before), first_of(list_in(folder))
    found = {change: set(rows["student_id"]) for change, rows in table.groupby("change")}
    assert found == {"entered": is_now - was, "left": was - is_now}
    counts = f"{len(is_now - was)} entered and {len(was - is_now)} left the first of their school, most for: "
    assert counts + table["group_1"].value_counts().index[0] in out
    return table.set_index("student_id")


def list_in(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "risk_list.csv", dtype={"student_id": str, "school_id": str})


def first_of(rows: pd.DataFrame) -> set[str]:
    """A tenth of each school's students, rounded up."""
    sizes = rows.groupby("school_id")["rank"].transform("size")
    return set(rows["student_id"][rows["rank"] * 10 < sizes + 10])


def records_after_20_days(folder: Path, school_id: str, gone: str, away: str) -> Path:
    """The district's records through day 25 of 2026: one student left on day 10, one was away for twenty days."""
    shutil.copytree(records(), folder)
    calendar, marks, stays = (
        pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("calendar", "attendance", "enrollments")
    )
    dates = sorted(calendar["date"][(calendar["school_year"] == "2026") & (calendar["school_id"] == school_id)])
    marks = marks[(marks["date"] <= dates[24]) & ~((marks["student_id"] == gone) & (marks["date"] > dates[9]))]
    marks = marks[~((marks["student_id"] == away) & (marks["date"] >= dates[0]))]
    days = {"student_id": away, "school_id": school_id, "date": dates[:20], "category": "unexcused"}
    pd.concat([marks, pd.DataFrame({**days, "absent_share": "1.0"})]).fillna("").to_csv(
        folder / "attendance.csv", index=False
    )
    open_stay = (stays["exit_date"] == "") | (stays["exit_date"] > dates[9])
    stays.loc[(stays["student_id"] == gone) & open_stay, "exit_date"] = dates[9]
    stays.to_csv(folder / "enrollments.csv", index=False)
    return folder


def test_a_policy_file_of_the_home_is_used(capsys, tmp_path):
    home = ingested_home(tmp_path / "home")
    (home.path / "policy.toml").write_text("chronic_percent = 0\n")
    code, _, err = run(capsys, "backtest", "--home", home.path)
    assert code == 15
    assert "Bands must ascend" in err


def test_a_command_does_not_wait_for_another_that_writes(capsys, home):
    with home.locked():
        code, _, err = run(capsys, "train", "--target-year", "2027", "--home", home.path)
    assert code == 17
    assert "Another command is writing" in err
