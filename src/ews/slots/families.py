"""One offer to a family at a time: which sibling is asked about, until one is seated or all were."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.slots.eligibility import Students
from ews.slots.matching import NOBODY
from ews.slots.rule import Rule
from ews.slots.seating import Schools


@dataclass(frozen=True, eq=False)
class Families:
    """Whose sibling each student of the pool is; in the order of places.

    Attributes:
        family: number of the family; -1: no sibling is known, or each is offered by itself.
        turn: 0 for the sibling who comes first, then 1, 2.
        size: siblings in each family.
        served: of each family whether somebody of it has a mentor already.
    """

    family: np.ndarray
    turn: np.ndarray
    size: np.ndarray
    served: np.ndarray

    @classmethod
    def of(cls, places: pd.DataFrame, students: Students, rule: Rule) -> "Families":
        """The families of a pool.

        Args:
            places: the pool, as `in_order` gives it.
            students: everybody on the lists; whoever has a mentor serves the family.
            rule: whether siblings count.
        """
        known = places["household"] if rule.siblings == "one" else pd.Series(None, places.index, dtype=object)
        family, names = pd.factorize(known)
        lane = places["lane"].map({lane: turn for turn, lane in enumerate(rule.lanes)})
        by = pd.DataFrame({
            "family": family, "lane": lane, "value": -places[rule.objective], "tie_key": places["tie_key"],
            "student": places["student"],
        }).sort_values(["lane", "value", "tie_key", "student"])  # fmt: skip
        with_mentor = students.rows["student"].isin(students.mentees["student"])
        served = pd.Index(names).isin(students.rows.loc[with_mentor, "household"].dropna())
        size = np.bincount(family[family >= 0], minlength=len(names))
        return cls(family, by.groupby("family").cumcount().sort_index().to_numpy(), size, np.asarray(served, bool))

    def active(self, current: np.ndarray) -> np.ndarray:
        """Who may be seated while the family's `current` sibling is asked about."""
        if not len(self.size):
            return np.ones(len(self.family), dtype=bool)
        is_asked = (self.turn == current[self.family]) & ~self.served[self.family]
        return np.where(self.family < 0, True, is_asked)

    def unseated(self, mentor: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Families whose sibling asked about found no seat, while another may."""
        seated = np.zeros(len(self.size), dtype=bool)
        seated[self.family[(mentor != NOBODY) & (self.family >= 0)]] = True
        return ~seated & ~self.served & (current + 1 < self.size)

    def left_out(self, current: np.ndarray) -> np.ndarray:
        """Who was never asked about, because the family has a mentor or an offer."""
        if not len(self.size):
            return np.zeros(len(self.family), dtype=bool)
        waits = (self.turn > current[self.family]) | self.served[self.family]
        return (self.family >= 0) & waits


def settled(schools: Schools, families: Families) -> tuple[np.ndarray, dict[str, str], np.ndarray]:
    """The mentor of each student, how each school was solved, and whom the family rule left out.

    Each family asks for the sibling who comes first; where the school has no seat, for the next one. Schools only ever
    turn somebody away for those who come before, so this ends, and ends alike whoever asks first (Gale and Shapley).
    """
    mentor, current = np.full(len(schools.places), NOBODY), np.zeros(len(families.size), dtype=int)
    solved_by: dict[str, str] = {}
    waiting = list(schools.by_id)
    while waiting:
        active = families.active(current)
        for school in waiting:
            solved_by[school] = schools.seat(school, mentor, active)
        next_ones = families.unseated(mentor, current)
        current[next_ones] += 1
        asks = families.active(current) & ~active
        waiting = list(dict.fromkeys(schools.places["school_id"].to_numpy()[asks]))
    return mentor, solved_by, families.left_out(current)
