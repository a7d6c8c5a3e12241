"""Equal need, equal chance: whoever is in the band of a lot has the chance of everybody else in it."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from ews.effect.records import of_proposal
from ews.slots import Rule, allocate
from ews.slots.order import in_order, with_lot
from tests.slot_rounds import ON, SEED, a_round, mentor, student

LOTS = 600
SLOTS = {"elm": 4, "oak": 10}
RULE = Rule(lottery_percent=50)


def pool(students: int = 30) -> pd.DataFrame:
    """Two schools of students whose gains fall with their number."""
    rows = [
        student(f"{school}{number:02d}", school_id=school, crossings_averted=0.09 - number / 1000)
        for school in SLOTS
        for number in range(students)
    ]
    return pd.DataFrame(rows)


PLACES = in_order(pool(), RULE, SLOTS)


def drawn_again(number: int) -> pd.DataFrame:
    """The same round drawn with another seed."""
    places = PLACES
    is_offered = (places["place"] <= places["school_id"].map(SLOTS)).to_numpy()
    seed = hashlib.sha256(str(number).encode()).hexdigest()
    rows = with_lot(places, is_offered, ~is_offered, RULE, seed)
    return rows.assign(is_in=rows["place"] <= rows["school_id"].map(SLOTS)).set_index("student")


@pytest.fixture(scope="module")
def lots() -> pd.DataFrame:
    """Whether each student of the band has a slot, one column a lot."""
    first = drawn_again(0)
    band = first.index[first["in_band"]]
    return pd.DataFrame({number: drawn_again(number)["is_in"].reindex(band) for number in range(LOTS)})


def test_every_student_of_the_band_has_a_slot_in_half_of_the_lots_whatever_the_estimate_FAIR_22(lots: pd.DataFrame):
    assert len(lots) == 4 + 10
    share = lots.mean(axis=1)
    assert (share - 0.5).abs().max() < 4.5 * np.sqrt(0.25 / LOTS)
    order = np.arange(len(share))
    assert abs(np.corrcoef(order, share)[0, 1]) < 0.85, "the first of the band is not favoured"


def test_no_two_students_of_a_band_hang_together_FAIR_22(lots: pd.DataFrame):
    for school, slots in SLOTS.items():
        band = lots[lots.index.str.startswith(school)]
        together = band.T.astype(float).corr().to_numpy()
        beside = together[~np.eye(len(band), dtype=bool)]
        expected = -1 / (len(band) - 1)
        assert np.abs(beside - expected).max() < 5 / np.sqrt(LOTS)
        assert (band.sum() == slots // 2).all(), "as many slots as there were, in every lot"


def test_the_same_seed_draws_the_same_lot_FAIR_22():
    pd.testing.assert_frame_equal(drawn_again(3), drawn_again(3))


def test_a_proposal_tells_the_effect_whom_the_lot_gave_a_slot_MEN_9():
    made = a_round([student(f"s{number:02d}", crossings_averted=0.09 - number / 1000) for number in range(30)],
                   [mentor("kim", cap=10)], RULE)  # fmt: skip
    rows = allocate(made.students, made.mentors, made.rule, seed=SEED, on=ON).rows
    found = of_proposal(rows)
    band = rows["in_band"]
    assert found["in_band"].sum() == 10
    assert (found.loc[band, "drawn"] == (rows.loc[band, "decision"] == "proposed")).all()
    assert found.loc[~band, "drawn"].isna().all()
