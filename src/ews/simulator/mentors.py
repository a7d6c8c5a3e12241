"""Mentors: who is offered one, who accepts, and what it truly changes.

The choice looks at last year's records, as coordinators do; the effect multiplies the hazards from the start date on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.parameters import Mentoring

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Assignments:
    """One school year's assignments; arrays have one entry per assignment.

    Attributes:
        row: the student's row in the year.
        mentor: number of the mentor within the school, from 1.
        start: day of the year's axis.
        accepted: whether the family took it up; only then there is an effect.
        contacts: contacts logged.
    """

    row: Ints
    mentor: Ints
    start: Ints
    accepted: Bools
    contacts: Ints


def draw_assignments(
    rng: np.random.Generator, school: Ints, eligible: Bools, rate_last_year: Floats, numbers: Mentoring
) -> Assignments:
    """Offer mentors to students of each school.

    Args:
        rng: the stream.
        school: school of every student in the year.
        eligible: whether the student may be offered one.
        rate_last_year: absence rate of the year before; NaN where there is none.
        numbers: the parameters.
    """
    slots = np.round(numbers.share * np.bincount(school)).astype(int)
    chronic = eligible & (np.nan_to_num(rate_last_year) >= 0.1)
    for_chronic = np.round(numbers.chronic_share * slots).astype(int)
    tired = rng.random(len(school))
    row = np.concatenate(
        [
            _first_of_each(school, chronic, tired, for_chronic),
            _first_of_each(school, eligible & ~chronic, tired - np.nan_to_num(rate_last_year) * 5, slots - for_chronic),
        ]
    )
    row = row[np.lexsort((row, school[row]))]
    accepted = rng.random(len(row)) < numbers.accepted
    return Assignments(
        row=row,
        mentor=_position(school[row]) // numbers.students_per_mentor + 1,
        start=rng.integers(numbers.start_day[0], numbers.start_day[1], len(row)),
        accepted=accepted,
        contacts=np.where(accepted, rng.poisson(40, len(row)), 0),
    )


def effects(assignments: Assignments, week_of_day: Ints, students: int, numbers: Mentoring) -> Floats:
    """What mentors add to the discretionary log hazard, (students, weeks), float32."""
    weeks = int(week_of_day[-1]) + 1
    added = np.zeros((students, weeks), dtype=np.float32)
    with_mentor = assignments.row[assignments.accepted]
    since = week_of_day[assignments.start[assignments.accepted]]
    added[with_mentor] = numbers.effect * (np.arange(weeks) >= since[:, None])
    return added


def _first_of_each(school: Ints, allowed: Bools, order: Floats, slots: Ints) -> Ints:
    candidates = np.flatnonzero(allowed)
    candidates = candidates[np.lexsort((order[candidates], school[candidates]))]
    return candidates[_position(school[candidates]) < slots[school[candidates]]]


def _position(group: Ints) -> Ints:
    """Position within its run of equal values, from 0."""
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1])) if len(group) else group
    return np.arange(len(group)) - np.repeat(first, np.diff(np.append(first, len(group))))
