"""How likely a chronically absent year is, given a student's two mean log hazards of the year: one table per world.

Students over a grid of hazards go through the simulator's own days, spells and records; a logistic polynomial is fitted
to what they miss, and then averaged over what the year before cannot know (Gaussian news of both hazards).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ews.simulator.calendars import Calendar, draw_calendar
from ews.simulator.days import Year, draw_factors, draw_spells, paint, weekly_states
from ews.simulator.parameters import Parameters
from ews.simulator.recording import days_absent, record
from ews.simulator.schools import ELEMENTARY, HIGH, MIDDLE
from ews.simulator.streams import Purpose, stream

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

LEVELS = ((ELEMENTARY, 3), (MIDDLE, 8), (HIGH, 11))
"""School levels that are tabulated, each with a typical grade."""

_RANGES = ((-8.0, -2.2), (-6.5, -2.2))  # simulated log hazards: discretionary, illness
_CELLS = (24, 12)
_DEGREE = 5
_RIDGE = 0.02
_SCHOOLS = 60  # over which outbreaks and local days average
_MOVED_PART = 3  # those who move are a tenth of all: a third as many are simulated
_FINE = (np.linspace(-10.0, 1.0, 138), np.linspace(-8.5, 0.5, 91))
_SDS = np.linspace(0.0, 1.6, 17)


@dataclass(frozen=True)
class OutcomeTable:
    """Outcomes by log hazards.

    Attributes:
        values: (levels, moved, 3, sds, discretionary, illness), float32: probability of a chronic year, its standard
            error from the fit, expected absence rate; averaged over the news of both hazards.
        day_weights: (levels, days), each day's share of a year's discretionary hazard.
        week_weights: (levels, weeks), the same by calendar week.
    """

    values: Floats
    day_weights: Floats
    week_weights: Floats

    @property
    def days(self) -> int:
        """Instructional days of the tabulated year."""
        return int(self.day_weights.shape[1])

    def look_up(self, level: Ints, moved: int, discretionary: Floats, illness: Floats, sd: Floats) -> Floats:
        """Probability, standard error and expected rate of each student, (3, students)."""
        at = [_place(sd, _SDS), _place(discretionary, _FINE[0]), _place(illness, _FINE[1])]
        found = np.empty((3, len(level)))
        for one in range(len(LEVELS)):
            own = level == one
            where = np.stack([axis[own] for axis in at])
            for output in range(3):
                found[output, own] = map_coordinates(self.values[one, moved, output], where, order=1, mode="nearest")
        return found


def tabulate(world: Parameters, seed: int, ending: int) -> OutcomeTable:
    """Simulate students over the grid of log hazards and fit the table."""
    rng = stream(seed, Purpose.TABLE)
    calendar = draw_calendar(rng, ending, world.calendar, world.other.snow_open_days, starts_in_august=False)
    days = np.array([_day_weights(calendar, level, world) for level, _ in LEVELS])
    weeks = np.array([np.bincount(calendar.week, weights) for weights in days])
    quick = world.changed(recording=dict.fromkeys(("tardy", "early_departures", "appointments"), 0.0))
    chronic, covariance, rate = _fit(rng, calendar, quick, weeks)
    fine = [side.ravel() for side in np.meshgrid(*_FINE, indexing="ij")]
    values = [
        [
            _averaged(_surfaces(_terms(fine[0], fine[1], level, moved), chronic, covariance, rate), world)
            for moved in (False, True)
        ]
        for level in range(len(LEVELS))
    ]
    return OutcomeTable(np.array(values, dtype=np.float32), days, weeks)


def _day_weights(calendar: Calendar, level: int, world: Parameters) -> Floats:
    quiet = world.changed(discretionary={"school_day_sd": 0.0})
    factors = draw_factors(np.random.default_rng(0), calendar, np.array([level]), np.zeros(calendar.days), quiet)
    return factors.discretionary[0] / calendar.days


def _fit(
    rng: np.random.Generator, calendar: Calendar, world: Parameters, weeks: Floats
) -> tuple[Floats, Floats, Floats]:
    """Coefficients of the log odds of a chronic year, their covariance, and coefficients for the expected rate."""
    axes = [np.linspace(*limits, count) for limits, count in zip(_RANGES, _CELLS, strict=True)]
    x, y = (side.ravel() for side in np.meshgrid(*axes, indexing="ij"))
    terms, chronic, rate, students = [], [], [], []
    for level, (school_level, grade) in enumerate(LEVELS):
        for moved in (False, True):
            each = max(world.truth.students_per_cell // (_MOVED_PART if moved else 1), 1)
            all_x, all_y = np.repeat(x, each), np.repeat(y, each)
            absent, enrolled = _simulated(
                rng, calendar, world, school_level, grade, weeks[level], all_x, all_y, moved=moved
            )
            terms.append(_terms(x, y, level, moved))
            chronic.append((absent * 10 >= enrolled).reshape(-1, each).mean(axis=1))
            rate.append((absent / enrolled).reshape(-1, each).mean(axis=1))
            students.append(np.full(len(x), each))
    everything = np.concatenate(terms), np.concatenate(students)
    found, covariance = _logistic_fit(*everything, np.concatenate(chronic))
    return found, covariance, _logistic_fit(*everything, np.concatenate(rate))[0]


def _surfaces(terms: Floats, chronic: Floats, covariance: Floats, rate: Floats) -> Floats:
    """Probability, its standard error and expected rate over the fine grid, before any averaging, (3, x, y)."""
    share = _logistic(terms @ chronic)
    error = share * (1 - share) * np.sqrt(((terms @ covariance) * terms).sum(axis=1))
    return np.stack([share, error, _logistic(terms @ rate)]).reshape(3, *(len(axis) for axis in _FINE))


def _simulated(
    rng: np.random.Generator, calendar: Calendar, world: Parameters, level: int, grade: int, weeks: Floats,
    x: Floats, y: Floats, *, moved: bool,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Days absent, as recorded, and enrolled, of students whose year has exactly these two mean log hazards."""
    students = len(x)
    before = (world.discretionary.weekly_sd * rng.standard_normal(students)).astype(np.float32)
    weekly, _ = weekly_states(rng, before, calendar.weeks, world, world.discretionary.summer_carry)
    start = x - np.log(np.exp(weekly) @ weeks)
    moves = rng.integers(10, calendar.days - 10, students) if moved else np.full(students, -1)
    year = Year(
        school=rng.integers(0, _SCHOOLS, students),
        household=np.arange(students),
        poor=np.zeros(students, dtype=np.bool_),
        grade=np.full(students, grade),
        first=np.zeros(students, dtype=np.int64),
        last=np.full(students, calendar.days - 1),
        moves=moves,
        discretionary=(start[:, None] + weekly).astype(np.float32),
        illness=y[:, None].astype(np.float32),
        level=x - world.discretionary.base,
    )
    factors = draw_factors(rng, calendar, np.full(_SCHOOLS, level), np.zeros(calendar.days), world)
    spells = draw_spells(rng, year, calendar, factors, world)
    painted = paint(spells, students, calendar.days)
    gap = np.where(moves >= 0, rng.poisson(world.families.gap_days_mean, students), 0)
    day = np.arange(calendar.days)
    in_school = (day <= moves[:, None]) | (day > (moves + gap)[:, None])
    return days_absent(record(rng, year, spells, painted, in_school, world), students), in_school.sum(axis=1)


def _averaged(fitted: Floats, world: Parameters) -> Floats:
    """The fitted surfaces averaged over Gaussian news of the discretionary hazard (each SD) and of illness."""
    illness_sd = world.illness.yearly_sd * np.sqrt(1 - world.illness.yearly_rho**2)
    over_illness = fitted @ _kernel(1, illness_sd).T
    return np.stack([_kernel(0, float(sd)) @ over_illness for sd in _SDS], axis=1)


@cache
def _kernel(which: int, sd: float) -> Floats:
    """Weights of a Gaussian around each grid point, rows summing to one; mass beyond the ends stays at the ends."""
    axis = _FINE[which]
    if sd == 0:
        return np.eye(len(axis))
    points, weights = np.polynomial.hermite_e.hermegauss(15)
    place = _place(axis[:, None] + sd * points, axis)
    low = np.minimum(place.astype(int), len(axis) - 2)
    part = place - low
    kernel = np.zeros((len(axis), len(axis)))
    rows = np.broadcast_to(np.arange(len(axis))[:, None], low.shape)
    np.add.at(kernel, (rows, low), (1 - part) * weights / weights.sum())
    np.add.at(kernel, (rows, low + 1), part * weights / weights.sum())
    return kernel


def _place(value: Floats, axis: Floats) -> Floats:
    return np.clip((value - axis[0]) / (axis[1] - axis[0]), 0, len(axis) - 1)


def _terms(x: Floats, y: Floats, level: int, moved: bool) -> Floats:
    """What the log odds are linear in, (points, terms).

    Products of Legendre polynomials in the two log hazards, clipped to the simulated range; and what differs by level
    and for those who move, linear in both.
    """
    first, second = (
        np.polynomial.legendre.legvander(np.clip((2 * value - low - high) / (high - low), -1, 1), _DEGREE)
        for value, (low, high) in zip((x, y), _RANGES, strict=True)
    )
    i, j = np.nonzero(np.add.outer(np.arange(_DEGREE + 1), np.arange(_DEGREE + 1)) <= _DEGREE)
    line = np.stack([first[:, 0], first[:, 1], first[:, 2], second[:, 1]], axis=1)
    kinds = (level == 1, level == 2, moved)
    return np.concatenate([first[:, i] * second[:, j], *(kind * line for kind in kinds)], axis=1)


def _logistic_fit(terms: Floats, students: Ints, share: Floats) -> tuple[Floats, Floats]:
    """Coefficients for shares of so many students a row, and their covariance: Newton's method, a little shrinkage."""
    found = np.zeros(terms.shape[1])
    for _ in range(40):
        fitted = _logistic(terms @ found)
        information = (terms * (students * fitted * (1 - fitted))[:, None]).T @ terms + _RIDGE * np.eye(len(found))
        step = np.linalg.solve(information, terms.T @ (students * (share - fitted)) - _RIDGE * found)
        found += np.clip(step, -2, 2)
    return found, np.linalg.inv(information)


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))
