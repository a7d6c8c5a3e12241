"""The designs find an effect that is known: rounds drawn in a blink, and a district lived with and without mentors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.effect import at_cut, district, pool_of, truth_at_cut, with_lot
from benchmarks.effect_page import BEFORE_AFTER, CUTS, LOTS, MOST_OFF, section, summary
from benchmarks.frames import records_of
from benchmarks.lives import HAZARDS, TIMES, days_of, expected, lives_of
from ews.effect import checked, discontinuity, lottery
from ews.effect.estimate import OFFERED, TOOK
from ews.effect.records import in_order_of_the_year_before, round_of_records, slots_of
from ews.effect.registration import DIFFERENCES, DISCONTINUITY, LOTTERY
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


def test_a_year_lived_with_a_mentor_is_the_same_year_with_fewer_days_absent(lives: pd.DataFrame) -> None:
    assert lives["student_id"].is_unique
    for time in range(TIMES):
        without, some, more = (lives[days_of(percent, time)] for percent in (0, -8, -23))
        assert some.sum() / without.sum() == pytest.approx(0.92, abs=0.015)
        assert more.sum() / without.sum() == pytest.approx(0.77, abs=0.025)
        assert (more - without).var() < 0.2 * without.var(), "days of the two lives were drawn apart"
        assert without.le(lives["days_enrolled"]).all()
    for when in ("_before", "_two_before"):
        assert (lives[f"days_absent{when}"].dropna() <= lives[f"days_enrolled{when}"].dropna()).all()
    assert lives["days_enrolled"].between(1, 190).all()


def test_what_a_mentor_is_expected_to_change_follows_from_the_student_and_not_from_one_years_chance(
    lives: pd.DataFrame,
) -> None:
    assert expected(lives, 0).eq(0).all()
    first, second = (
        lives.drop(columns=[days_of(one, time) for one in HAZARDS for time in range(TIMES) if time % 2 != half])
        for half in (0, 1)
    )
    effect = [
        expected(half.rename(columns={days_of(one, time): days_of(one, time // 2) for one in HAZARDS
                                      for time in range(TIMES)}), -23)
        for half in (first, second)
    ]  # fmt: skip
    assert effect[0].corr(effect[1]) > 0.7
    assert effect[0].mean() == pytest.approx(effect[1].mean(), rel=0.03)


def test_the_truth_at_the_cut_is_that_of_students_just_there() -> None:
    distance = np.linspace(-6, 6, 601)
    rows = pd.DataFrame({"distance": distance, "true": -1.5 - 0.3 * distance - 0.02 * distance**2})
    assert truth_at_cut(rows) == pytest.approx(-1.5)
    far = rows.assign(true=np.where(np.abs(distance) > 4, 50.0, rows["true"]))
    assert truth_at_cut(far) == pytest.approx(-1.5)


@pytest.fixture(scope="module")
def said_by_district(work: Path, lives: pd.DataFrame) -> pd.DataFrame:
    return district(work, SEED, STUDENTS)


def test_the_truth_of_a_round_is_what_a_mentor_is_expected_to_change_for_its_own_students(
    said_by_district: pd.DataFrame, lives: pd.DataFrame
) -> None:
    random = np.random.default_rng(SEED)
    pool = pool_of(lives.assign(effect=expected(lives, -23)), random)
    pool = pool.assign(known=pool["days_enrolled"] >= POLICY.min_days_enrolled)
    bands = [with_lot(pool, random) for _ in range(LOTS)]
    cut = at_cut(pool, CUTS[0], random)
    of_bands = [band.loc[band["in_band"] & band["known"], "effect"].mean() for band in bands]
    said = said_by_district[said_by_district["percent"] == -23].set_index(["design", "of_whom"])
    assert said.loc[(LOTTERY, TOOK), "true"].to_list() == pytest.approx(of_bands)
    assert said.loc[(LOTTERY, OFFERED), "true"].to_list() == pytest.approx([TAKES_UP * one for one in of_bands])
    first = said[(said["round"] == 0) & (said["cut"] == CUTS[0])]["true"]
    known = cut[cut["known"]]
    assert first[(DIFFERENCES, TOOK)] == pytest.approx(known.loc[known["accepted"], "effect"].mean())
    assert first[(DISCONTINUITY, TOOK)] == pytest.approx(truth_at_cut(known.rename(columns={"effect": "true"})))


def test_a_district_is_told_by_every_design_and_without_an_effect_before_and_after_finds_one(
    said_by_district: pd.DataFrame,
) -> None:
    said = said_by_district
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
