"""The schools of a round: whose seats are where, and who is seated on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ews.slots.eligibility import Students
from ews.slots.matching import NOBODY, Fits, fits_of, taken
from ews.slots.mentors import Mentor
from ews.slots.shares import Seats


@dataclass(frozen=True, eq=False)
class School:
    """One school's part of the pool.

    Attributes:
        start: first row of the school in the places.
        stop: the row after its last.
        fits: which mentors with a free seat can take which of its students.
        seats: free seats by mentor.
        slots: how many students are seated at the most.
    """

    start: int
    stop: int
    fits: Fits
    seats: Mapping[str, int]
    slots: int


@dataclass(frozen=True, eq=False)
class Schools:
    """Every school with somebody in the pool.

    Attributes:
        by_id: each school's part.
        places: the pool, as `in_order` gives it.
    """

    by_id: Mapping[str, School]
    places: pd.DataFrame

    @classmethod
    def of(
        cls, places: pd.DataFrame, mentors: Sequence[Mentor], seats: Seats, slots: Mapping[str, int], all_of: Students
    ) -> "Schools":
        """Every school's part.

        Args:
            places: the pool, as `in_order` gives it.
            mentors: everybody in the district's file.
            seats: free seats by school and mentor.
            slots: slots of each school.
            all_of: whose conflicts count.
        """
        by_name, conflicts = {one.mentor_id: one for one in mentors}, all_of.conflicts()
        found = {}
        for school, rows in places.groupby("school_id", sort=False):
            own = seats.get(str(school), {})
            fits = fits_of(rows, [by_name[one] for one in sorted(own)], conflicts)
            start = int(rows.index[0])
            found[str(school)] = School(start, start + len(rows), fits, own, slots.get(str(school), 0))
        return cls(found, places)

    def again(self, places: pd.DataFrame) -> "Schools":
        """The same schools with their students in another order; `row` of the places is where each stood before."""
        rows = places["row"].to_numpy()
        found = {
            name: replace(one, fits=one.fits.of(rows[one.start : one.stop] - one.start))
            for name, one in self.by_id.items()
        }
        return Schools(found, places)

    def seat(self, school: str, mentor: np.ndarray, active: np.ndarray) -> str:
        """Seat the active students of a school, in place; how it was solved."""
        one = self.by_id[school]
        who = np.flatnonzero(active[one.start : one.stop])
        mentor[one.start : one.stop] = NOBODY
        mentor[one.start + who], solved_by = taken(one.fits.of(who), one.seats, one.slots)
        return solved_by

    def names(self, mentor: np.ndarray) -> np.ndarray:
        """The mentors' ids, shape (students,); None for nobody."""
        named = np.full(len(mentor), None, dtype=object)
        for one in self.by_id.values():
            ids = np.array([*one.fits.mentors, None], dtype=object)
            named[one.start : one.stop] = ids[mentor[one.start : one.stop]]
        return named

    def misfits(self) -> np.ndarray:
        """Of each student why no mentor of the school fits, as a word; empty: one does."""
        found = np.full(len(self.places), "", dtype=object)
        for one in self.by_id.values():
            found[one.start : one.stop] = one.fits.misfits() if one.slots else "no_slots"
        return found
