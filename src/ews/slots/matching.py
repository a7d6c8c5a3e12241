"""Who of one school gets which mentor: by place while every mentor fits everybody, else by an assignment that is exact.

Students whom the mentors' seats can hold together form a matroid. So the set that is greedily taken in the order of
places is also the one of greatest weight, for any weights that fall with the place: going down the list and solving the
assignment problem give the same students, and nobody is left out for the sake of two who come later. Among all
ways to seat these students the one with the best fit is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from ews.slots.mentors import Mentor

NOBODY = -1
"""Stands where a student has no mentor."""

MISFITS = ("language", "grade_of_mentor", "time", "conflict", "no_fit")
"""Why no mentor can take a student, as words: one thing, or no mentor with all of them."""

_KNOWN, _SHARED_INTEREST = 10, 1
_MOST_FIT = 20


@dataclass(frozen=True, eq=False)
class Fits:
    """Which mentors of a school can take which students, and how well; both (students, mentors).

    Attributes:
        mentors: ids, sorted.
        speaks: whether the mentor speaks a language the student needs, or none is needed.
        grade: whether the mentor works with the grade.
        time: whether there is a time when both can, or one of them told none.
        may_meet: whether nothing stands between the two.
        fit: whole numbers, more is better: a relationship there is, interests in common.
    """

    mentors: tuple[str, ...]
    speaks: np.ndarray
    grade: np.ndarray
    time: np.ndarray
    may_meet: np.ndarray
    fit: np.ndarray

    @property
    def can(self) -> np.ndarray:
        """Whether the mentor can take the student."""
        return self.speaks & self.grade & self.time & self.may_meet

    def of(self, students: np.ndarray) -> "Fits":
        """The same of some students, by position."""
        return Fits(
            self.mentors, self.speaks[students], self.grade[students], self.time[students], self.may_meet[students],
            self.fit[students],
        )  # fmt: skip

    def misfits(self) -> np.ndarray:
        """Why no mentor can take a student, as a word of `MISFITS`, shape (students,); empty: one can."""
        lacks = [~part.any(axis=1) for part in (self.speaks, self.grade, self.time, self.may_meet, self.can)]
        found = np.select(lacks, MISFITS, "")
        return np.where(self.can.any(axis=1), "", found)


def fits_of(rows: pd.DataFrame, mentors: Sequence[Mentor], conflicts: pd.DataFrame) -> Fits:
    """How the mentors of a school suit its students.

    Args:
        rows: the students, as `Students.rows` has them.
        mentors: of this school, sorted by id.
        conflicts: `student` and `mentor` who are not to meet.
    """
    ids = tuple(mentor.mentor_id for mentor in mentors)
    spoken, liked, times = (_Words.of(rows[name]) for name in ("languages", "interests", "times"))
    met = conflicts[conflicts["student"].isin(rows["student"])]
    return Fits(
        mentors=ids,
        speaks=_columns(rows, [spoken.none | (spoken.shared(mentor.languages) > 0) for mentor in mentors]),
        grade=_columns(rows, [_takes_grade(mentor, rows) for mentor in mentors]),
        time=_columns(rows, [times.none | (times.shared(one.times) > 0) | (not one.times) for one in mentors]),
        may_meet=_columns(rows, [~rows["student"].isin(met.loc[met["mentor"] == one, "student"]) for one in ids]),
        fit=_columns(rows, [_fit(mentor, rows, liked) for mentor in mentors], int),
    )


def taken(fits: Fits, seats: Mapping[str, int], slots: int) -> tuple[np.ndarray, str]:
    """Which mentor each student gets, and how that was found.

    Args:
        fits: students in the order of their places.
        seats: free seats by mentor.
        slots: how many get one at the most.

    Returns:
        Positions in `fits.mentors`, shape (students,), -1 for nobody; and `order`, or `assignment` where somebody did
        not fit a mentor and the assignment was solved.
    """
    seat_of = _seats_in_turn(fits.mentors, seats)
    slots = min(slots, len(seat_of))
    if not slots or not len(fits.can):
        return np.full(len(fits.can), NOBODY), "order"
    if fits.can.all():
        return _best_fit(fits, seat_of, np.arange(min(slots, len(fits.can)))), "order"
    first = np.flatnonzero(solve(fits.can, np.zeros_like(fits.fit), seat_of) != NOBODY)[:slots]
    return _best_fit(fits, seat_of, first), "assignment"


def solve(can: np.ndarray, fit: np.ndarray, seat_of: np.ndarray) -> np.ndarray:
    """The students of greatest weight whom the seats can hold, seated with the best fit; shape (students,).

    A student's weight falls with the place, by more than all fits together: no fit buys a slot.

    Args:
        can: whether a mentor can take a student, (students, mentors), students in the order of their places.
        fit: how well, (students, mentors), 0 to 20.
        seat_of: the mentor of each seat, (seats,), as a position among the mentors.
    """
    students = len(can)
    step = _MOST_FIT * len(seat_of) + 1
    weight = np.where(can, (students - np.arange(students))[:, None] * step + fit, 0)[:, seat_of]
    rows, columns = linear_sum_assignment(weight, maximize=True)
    mentor = np.full(students, NOBODY)
    mentor[rows] = seat_of[columns]
    seated = np.flatnonzero(mentor != NOBODY)
    mentor[seated[~can[seated, mentor[seated]]]] = NOBODY
    return mentor


def _best_fit(fits: Fits, seat_of: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mentors for students who can all be seated."""
    mentor = np.full(len(fits.can), NOBODY)
    fit = fits.fit[chosen]
    if fits.can[chosen].all() and not fit.any():
        mentor[chosen] = seat_of[: len(chosen)]
    else:
        mentor[chosen] = solve(fits.can[chosen], fit, seat_of)
    return mentor


def _seats_in_turn(mentors: Sequence[str], seats: Mapping[str, int]) -> np.ndarray:
    """The mentor of each seat: everybody's first seat, then everybody's second, so that caseloads grow alike."""
    counts = np.array([seats.get(mentor, 0) for mentor in mentors], dtype=int)
    mentor = np.repeat(np.arange(len(mentors)), counts)
    turn = np.concatenate([np.arange(count) for count in counts]) if len(counts) else np.zeros(0, int)
    return mentor[np.lexsort((mentor, turn))]


def _columns(rows: pd.DataFrame, columns: Sequence[Any], kind: type = bool) -> np.ndarray:
    if not columns:
        return np.zeros((len(rows), 0), dtype=kind)
    return np.column_stack([np.asarray(column, dtype=kind) for column in columns])


def _takes_grade(mentor: Mentor, rows: pd.DataFrame) -> np.ndarray:
    takes = rows["grade_level"].isin(mentor.grade_levels) if mentor.grade_levels else rows["grade_level"].notna()
    return takes.to_numpy()


def _fit(mentor: Mentor, rows: pd.DataFrame, liked: "_Words") -> np.ndarray:
    known = (rows["known_mentor"] == mentor.mentor_id).to_numpy(dtype=bool)
    shared = np.minimum(liked.shared(mentor.interests), _MOST_FIT - _KNOWN)
    return known * _KNOWN + shared * _SHARED_INTEREST


@dataclass(frozen=True, eq=False)
class _Words:
    """Words of students, a row a word: whose they are (position), and what they are."""

    student: np.ndarray
    word: np.ndarray
    students: int

    @classmethod
    def of(cls, lists: pd.Series) -> "_Words":
        each = lists.reset_index(drop=True).explode().dropna()
        return cls(each.index.to_numpy(), each.astype(str).str.lower().to_numpy(dtype=object), len(lists))

    @property
    def none(self) -> np.ndarray:
        """Whether a student has no word."""
        return np.bincount(self.student, minlength=self.students) == 0

    def shared(self, words: Sequence[str]) -> np.ndarray:
        """How many of the words each student has."""
        return np.bincount(self.student[np.isin(self.word, list(words))], minlength=self.students)
