"""How days at home become marks: categories, parts of days, tardiness, and the errors of the register."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.days import DISCRETIONARY, HOUSEHOLD, ILLNESS, ONE_DAY, SUSPENSION, Spells, Year
from ews.simulator.parameters import Parameters
from ews.tables import CATEGORIES

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

EXCUSED, UNEXCUSED, SUSPENDED, TARDY, EARLY_DEPARTURE = range(len(CATEGORIES))

SHARES = np.array([1.0, 0.5, 0.25, 0.1, 0.15, 0.2, 0.3])
"""The shares of a day that marks take; a mark holds a position in it."""
_WHOLE, _HALF, _QUARTER = range(3)
_TARDY_SHARES, _EARLY_SHARES = (3, 4, 5), (2, 5, 6)


@dataclass(frozen=True)
class Marks:
    """The marks of one school year, sorted by student, day and category; arrays have one entry per mark.

    Attributes:
        row: the student's row in the year.
        day: day of the year's axis.
        category: position in :data:`ews.tables.CATEGORIES`.
        share: position in :data:`SHARES`.
    """

    row: Ints
    day: Ints
    category: Ints
    share: Ints

    @property
    def absent(self) -> Bools:
        """Whether the mark alone makes the day absent: half of it or more, for any reason."""
        return (self.category <= SUSPENDED) & (SHARES[self.share] * 2 >= 1)


def record(
    rng: np.random.Generator, year: Year, spells: Spells, painted: Ints, in_school: Bools, world: Parameters
) -> Marks:
    """The marks of a year.

    Args:
        rng: the stream.
        year: the students.
        spells: the spells of the year.
        painted: the spell of every student's day.
        in_school: (students, days), whether the day is an enrolled day of the student's school.
        world: the parameters.
    """
    numbers = world.recording
    parts = [
        _absences(rng, year, spells, painted, in_school, world),
        _wrong(rng, painted, numbers.wrong),
        _extra(rng, np.full(year.count, numbers.appointments), painted, EXCUSED, (_QUARTER,)),
        _extra(rng, _tardies(rng, year, world), painted, TARDY, _TARDY_SHARES),
        _extra(rng, np.full(year.count, numbers.early_departures), painted, EARLY_DEPARTURE, _EARLY_SHARES),
    ]
    row, day, category, share = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    kept = in_school[row, day]
    return _unique(Marks(row[kept], day[kept], category[kept], share[kept]), painted.shape[1])


def days_absent(marks: Marks, students: int) -> Ints:
    """Absent days of every student, as the records hold them."""
    return np.bincount(marks.row[marks.absent], minlength=students)


_Parts = tuple[Ints, Ints, Ints, Ints]


def _absences(
    rng: np.random.Generator, year: Year, spells: Spells, painted: Ints, in_school: Bools, world: Parameters
) -> _Parts:
    numbers = world.recording
    category = _categories(rng, year, spells, world)
    row, day = np.nonzero((painted >= 0) & in_school)
    kept = rng.random(len(row)) >= numbers.lost
    row, day = row[kept], day[kept]
    spell = painted[row, day]
    half = (rng.random(len(row)) < numbers.half_day_share) & np.isin(spells.cause[spell], (ILLNESS, DISCRETIONARY))
    return row, day, category[spell], np.where(half, _HALF, _WHOLE)


def _categories(rng: np.random.Generator, year: Year, spells: Spells, world: Parameters) -> Ints:
    """One category per spell: an excuse covers the whole of it."""
    numbers = world.recording
    usual = numbers.discretionary_excused + numbers.discretionary_excused_poverty * year.poor[spells.row]
    certain = np.isin(spells.cause, (ILLNESS, ONE_DAY, HOUSEHOLD))
    excused = rng.random(len(usual)) < np.where(certain, numbers.illness_excused, usual)
    return np.where(spells.cause == SUSPENSION, SUSPENDED, np.where(excused, EXCUSED, UNEXCUSED))


def _wrong(rng: np.random.Generator, painted: Ints, rate: float) -> _Parts:
    students, days = painted.shape
    count = rng.poisson(rate * students * days)
    row, day = rng.integers(0, students, count), rng.integers(0, days, count)
    present = painted[row, day] < 0
    row, day = row[present], day[present]
    return row, day, np.full(len(row), UNEXCUSED), np.full(len(row), _WHOLE)


def _tardies(rng: np.random.Generator, year: Year, world: Parameters) -> Floats:
    numbers = world.recording
    own = numbers.tardy_sd * rng.standard_normal(year.count) - numbers.tardy_sd**2 / 2
    return np.minimum(numbers.tardy * np.exp(numbers.tardy_follows * year.level + own), 120.0)


def _extra(rng: np.random.Generator, expected: Floats, painted: Ints, category: int, shares: tuple[int, ...]) -> _Parts:
    """Marks on days on which the student is there."""
    row = np.repeat(np.arange(len(expected)), rng.poisson(expected))
    day = rng.integers(0, painted.shape[1], len(row))
    present = painted[row, day] < 0
    row, day = row[present], day[present]
    return row, day, np.full(len(row), category), rng.choice(np.array(shares), len(row))


def _unique(marks: Marks, days: int) -> Marks:
    """Sorted, at most one mark of a category a day, and none beside an absence of half the day or more."""
    key = (marks.row * days + marks.day) * len(CATEGORIES) + marks.category
    key, first = np.unique(key, return_index=True)
    cell = key // len(CATEGORIES)
    last_absent = np.maximum.accumulate(np.where(marks.absent[first], cell, -1))
    keep = first[np.append(True, last_absent[:-1] != cell[1:])]
    return Marks(marks.row[keep], marks.day[keep], marks.category[keep], marks.share[keep])
