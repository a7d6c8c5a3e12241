"""The designs find an effect that is known: rounds drawn in a blink, and a district lived with and without mentors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.effect import district, level_of
from benchmarks.effect_page import BEFORE_AFTER, MOST_OFF, section, summary
from benchmarks.frames import records_of
from benchmarks.worlds import lives_of
from ews.effect import checked, discontinuity, lottery
from ews.effect.estimate import OFFERED, TOOK
from ews.effect.lottery import LOTTERY
from ews.effect.records import in_order_of_the_year_before, round_of_records, slots_of
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.treatment import mentored_students
from tests.rounds import TAKES_UP, round_of

POLICY = Policy()
EFFECT = -1.5
STUDENTS, SEED = 1_500, 5_001


def said_of(rounds: range, *, with_lot: bool) -> pd.DataFrame:
    """What the design says of rounds that differ by their seed: one row an estimate."""
    design = lottery if with_lot else discontinuity
    found = [
        vars(one) | {"round": seed}
        for seed in rounds
        for one in design(checked(round_of(seed, effect=EFFECT, with_lot=with_lot), POLICY))
    ]
    return pd.DataFrame(found)


@pytest.mark.parametrize(("with_lot", "rounds"), [(True, 200), (False, 120)])
def test_lottery_and_discontinuity_are_right_on_average_and_their_intervals_as_often_as_they_say_MEN_9(
    with_lot: bool, rounds: int
) -> None:
    said = said_of(range(rounds), with_lot=with_lot)
    for of_whom, true in ((OFFERED, TAKES_UP * EFFECT), (TOOK, EFFECT)):
        one = said[said["of_whom"] == of_whom]
        assert len(one) == rounds
        error = one["days"] - true
        assert abs(error.mean()) < 0.1 + 3 * error.std() / np.sqrt(rounds)
        covers = ((one["low"] <= true) & (one["high"] >= true)).mean()
        assert covers == pytest.approx(0.95, abs=0.06)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lives")


def test_a_round_of_the_records_tells_who_had_a_mentor_and_how_many_contacts(work: Path) -> None:
    folder = Home(records_of(work, 1, 400, lambda _: None).parent / "home").ingested()
    rows = round_of_records(folder, SchoolYear(2026), POLICY)
    known = checked(rows, POLICY)
    with_mentor = mentored_students(folder)
    assert with_mentor is not None
    expected = with_mentor.loc[with_mentor["school_year"] == 2026, "student_id"]
    assert set(known.loc[known["accepted"], "student_id"]) == set(expected) & set(known["student_id"])
    assert known.loc[known["accepted"], "contacts"].gt(0).all()
    assert known["rate"].notna().all()
    slots = slots_of(known, 5)
    ordered = in_order_of_the_year_before(known, slots)
    assert (ordered["distance"] >= 0).groupby(ordered["school_id"]).sum().between(1, slots + 3).all()


@pytest.fixture(scope="module")
def lives(work: Path) -> pd.DataFrame:
    return lives_of(work, SEED, STUDENTS)


def test_a_year_lived_with_mentors_is_the_same_years_students_with_fewer_days_absent(lives: pd.DataFrame) -> None:
    assert lives["student_id"].is_unique
    without, some, more = (lives[f"days_absent_{percent}"].sum() for percent in (0, 8, 23))
    assert some / without == pytest.approx(0.92, abs=0.06)
    assert more / without == pytest.approx(0.77, abs=0.06)
    for when in ("", "_before", "_two_before"):
        absent = lives[f"days_absent{when or '_0'}"]
        assert (absent.dropna() <= lives[f"days_enrolled{when}"].dropna()).all()
    assert lives["days_enrolled"].between(1, 190).all()


def test_a_district_is_told_by_every_design_and_without_an_effect_before_and_after_finds_one(
    work: Path, lives: pd.DataFrame
) -> None:
    said = district(work, SEED, STUDENTS).assign(level=level_of(lives))
    other = said.assign(seed=SEED + 1)
    tables = summary(pd.concat([said, other]))
    designs = tables["designs"].set_index(["design", "of_whom", "percent"])
    assert designs.loc[(BEFORE_AFTER, TOOK, 0), "error"] < -3
    assert designs.loc[(LOTTERY, TOOK, -23), "truth"] < designs.loc[(LOTTERY, TOOK, -8), "truth"] < 0
    assert designs.loc[(LOTTERY, TOOK, 0), "truth"] == 0
    naive = tables["naive"].set_index("percent").loc[0]
    assert naive["without_mean"] < -10
    assert naive["with_mentor_mean"] < -10
    text = section(tables, "abc123")
    assert "the promise is" in text
    assert f"at most {MOST_OFF} days" in text.replace("\n", " ")
    assert "`abc123`" in text
