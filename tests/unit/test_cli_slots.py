"""Mentor slots on the command line, from a file of mentors to the log of a round."""

import re
from pathlib import Path

import pandas as pd
import pytest

from ews.cli import main
from tests.cast import ANA, HARBOR, IVY, JUN, MO, TEO
from tests.services import RUN_ID, add_run
from tests.stores import store_with_cast

MENTORS = "mentor_id,name,kind,schools,starts_on,screened_on,caseload_cap,login\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose store has the cast with a published list."""
    folder = tmp_path / "home"
    folder.mkdir()
    store = store_with_cast("sqlite", folder)
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
    store.close()
    return folder


def run(*words: object, code: int = 0) -> None:
    with pytest.raises(SystemExit, match=str(code)):
        main(["slots", *map(str, words)])


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def brought_in(home: Path, tmp_path: Path) -> None:
    mentors = f"M7,Kim Ito,staff,{HARBOR.school_id},2020-01-01,2020-01-01,2,{MO.login}\n"
    run("mentors", file(tmp_path, "mentors.csv", MENTORS + mentors), "--home", home, "--by", "Rosa Imani")


def test_a_round_from_a_file_of_mentors_to_its_log_MEN_1_MEN_2_FAIR_20(home: Path, tmp_path: Path, capsys):
    brought_in(home, tmp_path)
    excluded = f"student_id,kind,why\n{ANA.student_id},tier_3,has a case manager\n"
    run("exclude", file(tmp_path, "excluded.csv", excluded), "--home", home, "--by", "Rosa Imani")
    facts = f"student_id,household_id,languages,known_mentor_id\n{JUN.student_id},h1,so;AR,\n{IVY.student_id},,,M7\n"
    run("facts", file(tmp_path, "facts.csv", facts), "--home", home, "--by", "Rosa Imani")
    run("propose", "--home", home, "--school", HARBOR.school_id, "--seed", "a" * 32, "--by", "Rosa Imani")
    said = capsys.readouterr().out
    assert "1 mentors are new" in said
    assert "Never more students than a mentor's slots" in said
    key = re.search(r"Round ([0-9a-f-]{36})\.", said)[1]
    run("show", key, "--home", home, "--by", "Rosa Imani")
    shown = capsys.readouterr().out
    assert "is in individual support (Tier 3)" in shown
    assert "speaks so or ar" in shown
    run("confirm", key, "--version", 1, "--home", home, "--by", "Rosa Imani")
    assert "2 students are offered a mentor" in capsys.readouterr().out
    run("confirm", key, "--version", 1, "--home", home, "--by", "Dana Okafor", code=25)
    assert "Rosa Imani confirmed this round" in capsys.readouterr().err
    run("log", key, "--home", home, "--out", tmp_path / "round.parquet", "--by", "Rosa Imani")
    log = pd.read_parquet(tmp_path / "round.parquet")
    assert log["offered"].sum() == 2
    assert (tmp_path / "round.parquet").stat().st_mode & 0o077 == 0
    run("mentoring", "--home", home, "--out", tmp_path / "mentoring.csv", "--by", "Rosa Imani")
    head = (tmp_path / "mentoring.csv").read_text().splitlines()[0]
    assert head == "student_id,start_date,mentor_id,end_date,offered,accepted,contacts"
    run("rounds", "--home", home)
    assert re.search(rf"{key} +014 +confirmed +2", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("command", "text", "words"),
    [
        ("mentors", MENTORS + "M7,Kim,staff,014,2020-01-01,,-1,\n", "Line 2 of file.csv, caseload_cap"),
        ("exclude", "student_id,kind,why\nnobody,tier_3,x\n", "Line 2 of file.csv, student_id: names no known student"),
        ("exclude", f"student_id,kind,why\n{TEO.student_id},bored,x\n", "An exclusion is one of"),
        ("exclude", f"student_id,kind,mentor_id,why\n{TEO.student_id},conflict,M0,x\n", "names no known mentor"),
        ("facts", "student_id,shoe_size\n1,2\n", "columns that are not known"),
    ],
)
def test_a_file_that_cannot_be_taken_changes_nothing_and_says_where_M01(home, tmp_path, capsys, command, text, words):
    run(command, file(tmp_path, "file.csv", text), "--home", home, "--by", "Rosa Imani", code=10)
    assert words in capsys.readouterr().err


def test_a_round_that_is_not_there_is_not_found_and_nothing_is_proposed_without_mentors(home, tmp_path, capsys):
    run("show", "0" * 36, "--home", home, "--by", "Rosa Imani", code=14)
    run("propose", "--home", home, "--by", "Rosa Imani", code=11)
    assert "No mentors are known yet" in capsys.readouterr().err


def test_tidying_frees_the_slots_of_who_moved_M03(home: Path, tmp_path: Path, capsys):
    brought_in(home, tmp_path)
    run("tidy", "--home", home, "--by", "Rosa Imani")
    assert "0 slots are free again" in capsys.readouterr().out
