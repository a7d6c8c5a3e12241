"""Stays: where the students of a school year are on each of its days, and the days on which one school is closed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.calendars import Calendar
from ews.simulator.families import Population
from ews.simulator.parameters import Parameters

Bools = NDArray[np.bool_]
Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Stays:
    """Where the students of a school year are on each of its days; arrays have one entry per student.

    Attributes:
        school, next_school: at first, and after a move (-1: no move).
        first, last: first and last day enrolled, on the year's axis.
        moves: last day in the first school; `last` where there is no move.
        resumes: first day in the next school.
    """

    school: Ints
    next_school: Ints
    first: Ints
    last: Ints
    moves: Ints
    resumes: Ints
    days: int

    def in_school(self, closed: Bools) -> Bools:
        """Whether each day is an enrolled day of the student's school, (students, days)."""
        day = np.arange(self.days)
        before = (day >= self.first[:, None]) & (day <= self.moves[:, None]) & ~closed[self.school]
        movers = np.flatnonzero(self.next_school >= 0)
        after = (day >= self.resumes[movers, None]) & (day <= self.last[movers, None])
        before[movers] |= after & ~closed[self.next_school[movers]]
        return before

    def school_on(self, row: Ints, day: Ints) -> Ints:
        """The school of a student on a day."""
        moved = (self.next_school[row] >= 0) & (day > self.moves[row])
        return np.where(moved, self.next_school[row], self.school[row])


def draw_stays(
    rng: np.random.Generator, people: Population, rows: Ints, position: int, days: int, world: Parameters
) -> Stays:
    """Turn shares of the year into days."""
    first = np.floor(people.arrives[rows, position] * days).astype(np.int64)
    last = np.maximum(np.ceil(people.leaves[rows, position] * days).astype(np.int64) - 1, first)
    next_school = people.next_school[rows, position]
    moves = np.clip(np.floor(people.moves[rows, position] * days).astype(np.int64), first, np.maximum(last - 1, first))
    next_school = np.where(moves < last, next_school, -1)
    gap = rng.poisson(world.families.gap_days_mean, len(rows))
    moves = np.where(next_school >= 0, moves, last)
    return Stays(
        school=people.school[rows, position],
        next_school=next_school,
        first=first,
        last=last,
        moves=moves,
        resumes=np.minimum(moves + 1 + gap, last),
        days=days,
    )


def draw_closures(rng: np.random.Generator, schools: int, calendar: Calendar, world: Parameters) -> Bools:
    """Days on which one school alone is closed; never the first or last weeks."""
    count = rng.poisson(world.calendar.school_closures_mean, schools)
    closed = np.zeros((schools, calendar.days), dtype=np.bool_)
    closed[np.repeat(np.arange(schools), count), rng.integers(10, calendar.days - 10, count.sum())] = True
    return closed
