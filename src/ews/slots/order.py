"""The order in which a school's slots are offered, and the lot around the last one.

The order depends on the students, the rule and the seed alone, never on how rows came; so a round can be drawn again.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ews.errors import InvalidPolicy
from ews.slots.rule import Rule

LEAST_SEED = 16
"""Hexadecimal digits of a seed; as many are the key of the lot."""


def in_order(pool: pd.DataFrame, rule: Rule, slots: Mapping[str, int]) -> pd.DataFrame:
    """Everybody in the pool by school and place, before any lot.

    Args:
        pool: rows of `Students.rows`.
        rule: the rule.
        slots: slots of each school; a school that is not named has none.

    Returns:
        The rows sorted by `school_id` and `place` (1 first in the school), with `number` (the place in the lane),
        `in_band` (False) and `drawn` (null).
    """
    rows = _by_value(pool, rule)
    open_slots = rows["school_id"].map(pd.Series(dict(slots), dtype="int64")).fillna(0).astype("int64")
    rows["number"] = rows.groupby(["school_id", "lane"]).cumcount() + 1
    rows["turn"] = _turn(rows, rule, open_slots)
    rows = rows.sort_values(["school_id", "turn", "number"], kind="stable", ignore_index=True)
    rows["place"] = rows.groupby("school_id").cumcount() + 1
    no_lot = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    return rows.drop(columns=["turn", "lane_turn"]).assign(in_band=False, drawn=no_lot)


def with_lot(places: pd.DataFrame, is_offered: np.ndarray, is_next: np.ndarray, rule: Rule, seed: str) -> pd.DataFrame:
    """The same with the places around each school's last slot drawn by lot.

    The band is the last of those who would be offered a slot and the first of those next in line, as many of each;
    whoever cannot be offered one keeps the place.

    Args:
        places: as `in_order` gives it.
        is_offered: who would be offered a slot without a lot, (students,).
        is_next: who would be next in line for no other cause than the place, (students,).
        rule: `lottery_percent`.
        seed: at least 16 hexadecimal digits, stored with the round.

    Returns:
        The rows by school and their new place, with `in_band` and `drawn` (the place drawn in the band, 1 first; null
        outside).

    Raises:
        InvalidPolicy: the seed is too short or not hexadecimal.
    """
    _refuse_odd(seed)
    school = places["school_id"]
    reach = -(-pd.Series(is_offered).groupby(school).transform("sum") * rule.lottery_percent // 100)
    before = pd.Series(is_offered[::-1], index=places.index[::-1]).groupby(school).cumsum().reindex(places.index)
    after = pd.Series(is_next, index=places.index).groupby(school).cumsum()
    reach = np.minimum(reach, after.groupby(school).transform("max"))  # a lot with nobody next in line decides nothing
    in_band = (is_offered & (before <= reach).to_numpy()) | (is_next & (after <= reach).to_numpy())
    return _drawn(places, in_band, seed)


def lot_of(students: pd.Series, seed: str) -> np.ndarray:
    """The lot of each student under a seed, shape (students,), unsigned 64 bits: SipHash keyed by the seed."""
    return pd.util.hash_array(students.to_numpy(dtype=object), hash_key=seed[:LEAST_SEED], categorize=False)


def _by_value(pool: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    lanes = {lane: turn for turn, lane in enumerate(rule.lanes)}
    keyed = pool.assign(
        lane_turn=pool["lane"].map(lanes),
        is_later_grade=~pool["grade_level"].isin(rule.grades_first),
        descending=-pool[rule.objective].astype("float64"),
    )
    by = ["school_id", "lane_turn", "is_later_grade", "descending", "tie_key", "student"]
    return keyed.sort_values(by, ignore_index=True).drop(columns=["is_later_grade", "descending"])


def _turn(rows: pd.DataFrame, rule: Rule, slots: pd.Series) -> np.ndarray:
    """First the first lane's share of the slots, then the second's, then what is left of both."""
    share = -(-slots * rule.first_lane_percent // 100)
    own = np.where(rows["lane_turn"] == 0, share, slots - share)
    return rows["lane_turn"].to_numpy() + 2 * (rows["number"] > own).to_numpy()


def _drawn(places: pd.DataFrame, in_band: np.ndarray, seed: str) -> pd.DataFrame:
    rows = places.assign(in_band=in_band)
    band = rows[in_band].assign(lot=lot_of(rows.loc[in_band, "student"], seed))
    band = band.sort_values(["school_id", "lot", "student"])
    free = rows.loc[in_band, "place"].to_numpy()  # by school and place, as the band is by school and lot
    rows["drawn"] = (band.groupby("school_id").cumcount() + 1).reindex(rows.index).astype("Int64")
    rows.loc[band.index, "place"] = free
    return rows.sort_values(["school_id", "place"], ignore_index=True)


def _refuse_odd(seed: str) -> None:
    if len(seed) < LEAST_SEED or set(seed) - set("0123456789abcdef"):
        raise InvalidPolicy(f"A seed is at least {LEAST_SEED} hexadecimal digits, as the round keeps them.")
