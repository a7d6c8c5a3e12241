"""Proposals for mentor slots."""

import csv
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.cli import main
from ews.errors import InvalidFeatures
from ews.policy import Policy
from ews.risk_list import ranked, to_csv
from ews.school_year import SchoolYear
from ews.score import score
from ews.slots import COLUMNS, propose
from tests.homes import promoted_home

POLICY = Policy()
SECRET = "0123456789abcdef"


def listed(*students: tuple[str, float, str], school: str = "oak") -> pd.DataFrame:
    """A school's risk list of (student, risk, lane)."""
    rows = pd.DataFrame(students, columns=["student_id", "risk", "lane"]).assign(school_id=school)
    return ranked(rows, SECRET)


@st.composite
def lists(draw: st.DrawFn) -> pd.DataFrame:
    """Risk lists of some schools; risks repeat."""
    student = st.tuples(
        st.sampled_from("abc"), st.sampled_from([0.1, 0.2, 0.5]), st.sampled_from(["prevent", "recover"])
    )
    rows = draw(st.lists(student, min_size=1, max_size=60))
    frame = pd.DataFrame(rows, columns=["school_id", "risk", "lane"])
    return ranked(frame.assign(student_id=[f"s{number:03d}" for number in range(len(frame))]), SECRET)


def test_those_not_yet_chronic_come_first_by_risk_and_no_school_gets_more_than_its_slots_MEN_3():
    rows = listed(("ann", 0.9, "recover"), ("ben", 0.2, "prevent"), ("cat", 0.6, "prevent"), ("dee", 0.7, "recover"))
    made = propose(rows, Policy(slots_percent=60)).set_index("student_id")
    assert made.index.tolist() == ["cat", "ben", "ann", "dee"]
    assert made["place"].tolist() == [1, 2, 3, 4]
    assert made["is_proposed"].tolist() == [True, True, True, False]
    assert made["rank"].tolist() == [3, 4, 1, 2]


def test_slots_are_rounded_up_and_each_school_has_its_own():
    rows = pd.concat([
        listed(*((f"o{number}", number / 20, "prevent") for number in range(11))),
        listed(("elm", 0.1, "prevent"), school="elm"),
    ])  # fmt: skip
    made = propose(rows, POLICY)
    assert made.groupby("school_id")["is_proposed"].sum().to_dict() == {"elm": 1, "oak": 2}


def test_why_is_one_sentence_and_tells_of_nobody_else():
    rows = listed(("ann", 0.9, "recover"), ("ben", 0.2, "prevent"), ("cat", 0.6, "prevent"), ("dee", 0.6, "prevent"))
    why = propose(rows, Policy(slots_percent=25)).set_index("student_id")["why"]
    first, tied = propose(rows, Policy(slots_percent=25))["student_id"].head(2)
    assert why[first] == "Slot 1 of 1: number 1 by estimate of those not chronically absent so far."
    assert why[tied].endswith("number 2 by estimate of those not chronically absent so far, which is equal to the last "
                              "proposed; a lot decided.")  # fmt: skip
    assert "they went to those not chronically absent so far" in why["ann"]
    assert "number 3 by estimate" in why["ben"]
    assert "lot" not in why["ben"].replace("slots", "")
    for student, sentence in why.items():
        assert sentence.count(".") == 1
        assert not any(other in sentence.split() for other in why.index if other != student)


@settings(deadline=None, max_examples=60)
@given(rows=lists(), percent=st.integers(1, 100), seed=st.integers(0, 9))
def test_everybody_is_placed_once_within_capacity_and_never_passed_over_MEN_3(rows, percent, seed):
    policy = Policy(slots_percent=percent)
    made = propose(rows, policy)
    shuffled = rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    pd.testing.assert_frame_equal(propose(shuffled, policy), made)
    assert sorted(made["student_id"]) == sorted(rows["student_id"])
    for _, school in made.groupby("school_id"):
        assert school["is_proposed"].sum() == math.ceil(len(school) * percent / 100)
        assert school["place"].tolist() == list(range(1, len(school) + 1))
        inside, outside = school[school["is_proposed"]], school[~school["is_proposed"]]
        if (inside["lane"] == "recover").any():
            assert (outside["lane"] == "recover").all()
        for lane in ("prevent", "recover"):
            first, later = inside[inside["lane"] == lane], outside[outside["lane"] == lane]
            if len(first) and len(later):
                assert first["rank"].max() < later["rank"].min()


def test_a_student_listed_twice_or_a_list_without_lanes_is_refused_MEN_3():
    rows = listed(("ann", 0.9, "recover"), ("ben", 0.2, "prevent"))
    with pytest.raises(InvalidFeatures, match="twice"):
        propose(pd.concat([rows, rows]), POLICY)
    with pytest.raises(InvalidFeatures, match="no column: lane"):
        propose(rows.drop(columns="lane"), POLICY)


def test_an_id_that_a_spreadsheet_would_run_is_made_harmless_in_the_file():
    text = to_csv(propose(listed(("=1+1", 0.9, "recover")), POLICY))
    (row,) = csv.DictReader(text.splitlines())
    assert row["student_id"] == "'=1+1"
    assert tuple(row) == COLUMNS


def test_ews_allocate_writes_what_propose_says_and_what_it_was_made_from_MEN_2(tmp_path, capsys):
    home = promoted_home(tmp_path / "home")
    run = score(home, SchoolYear(2027))
    (home.path / "policy.toml").write_text("slots_percent = 5\n")
    for folder in ("first", "again"):
        with pytest.raises(SystemExit, match="0"):
            main(["allocate", "--home", str(home.path), "--out", str(tmp_path / folder)])
    written, again = ((tmp_path / folder / "slots.csv").read_bytes() for folder in ("first", "again"))
    assert written == again
    made = propose(pd.read_parquet(run.folder / "risk_list.parquet"), Policy(slots_percent=5))
    assert written.decode() == to_csv(made)
    about = json.loads((tmp_path / "first" / "slots.json").read_text())
    assert (about["run_id"], about["slots_percent"]) == (run.run_id, 5)
    assert sum(school["slots"] for school in about["schools"].values()) == made["is_proposed"].sum()
    assert f"{made['is_proposed'].sum():,} of {len(made):,} students are proposed" in capsys.readouterr().out
    assert (tmp_path / "first" / "slots.csv").stat().st_mode & 0o077 == 0


def test_nothing_is_proposed_before_a_list_was_made(tmp_path, capsys):
    with pytest.raises(SystemExit, match="14"):
        main(["allocate", "--home", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "Nothing was scored yet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_with_a_file_of_mentors_each_is_offered_to_a_student_and_the_same_seed_gives_the_same_round_MEN_3(
    tmp_path, capsys
):
    home = promoted_home(tmp_path / "home")
    run = score(home, SchoolYear(2027))
    school = pd.read_parquet(run.folder / "risk_list.parquet")["school_id"].iloc[0]
    mentors, rule = tmp_path / "mentors.csv", tmp_path / "rule.toml"
    mentors.write_text(
        f"mentor_id,name,kind,schools,starts_on,screened_on\nm1,Kim,staff,{school},2020-01-01,2020-01-01\n"
    )
    rule.write_text('objective = "days_gained"\n')
    words = ["allocate", "--home", home.path, "--mentors", mentors, "--rule", rule, "--seed", "a" * 32, "--out"]
    for folder in ("first", "again"):
        with pytest.raises(SystemExit, match="0"):
            main([*map(str, words), str(tmp_path / folder)])
    assert (tmp_path / "first" / "slots.csv").read_bytes() == (tmp_path / "again" / "slots.csv").read_bytes()
    rows = list(csv.DictReader((tmp_path / "first" / "slots.csv").read_text(encoding="utf-8").splitlines()))
    offered = [row for row in rows if row["decision"] == "proposed"]
    assert [(row["school_id"], row["mentor_id"]) for row in offered] == [(school, "m1")] * 5
    about = json.loads((tmp_path / "first" / "slots.json").read_text())
    assert (about["rule"]["objective"], about["seed"]) == ("days_gained", "a" * 32)
    assert "most days gained first" in capsys.readouterr().out


def test_a_rule_without_mentors_is_refused_in_words(tmp_path, capsys):
    home = promoted_home(tmp_path / "home")
    score(home, SchoolYear(2027))
    with pytest.raises(SystemExit, match="2"):
        main(["allocate", "--home", str(home.path), "--out", str(tmp_path), "--seed", "a" * 16])
    assert "--mentors" in capsys.readouterr().err
