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
from ews.simulator.days import Year, draw_city_wave, draw_factors, draw_spells, paint, weekly_states
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
    values = [
        [_averaged(_fitted(rng, calendar, world, level, grade, weights, moved=moved), world) for moved in (False, True)]
        for (level, grade), weights in zip(LEVELS, weeks, strict=True)
    ]
    return OutcomeTable(np.array(values, dtype=np.float32), days, weeks)


def _day_weights(calendar: Calendar, level: int, world: Parameters) -> Floats:
    quiet = world.changed(discretionary={"school_day_sd": 0.0})
    factors = draw_factors(np.random.default_rng(0), calendar, np.array([level]), np.zeros(calendar.days), quiet)
    return factors.discretionary[0] / calendar.days


def _fitted(
    rng: np.random.Generator, calendar: Calendar, world: Parameters, level: int, grade: int, weeks: Floats,
    *, moved: bool,
) -> Floats:  # fmt: skip
    """Probability, its standard error and expected rate over the fine grid, before any averaging, (3, x, y)."""
    each = world.truth.students_per_cell
    axes = [np.linspace(*limits, count) for limits, count in zip(_RANGES, _CELLS, strict=True)]
    x, y = (side.ravel() for side in np.meshgrid(*axes, indexing="ij"))
    absent = _simulated(rng, calendar, world, level, grade, weeks, np.repeat(x, each), np.repeat(y, each), moved=moved)
    by_cell = absent.reshape(-1, each)
    chronic, covariance = _logistic_fit(_terms(x, y), (by_cell * 10 >= calendar.days).mean(axis=1), each)
    rate, _ = _logistic_fit(_terms(x, y), by_cell.mean(axis=1) / calendar.days, each)
    fine = _terms(*(side.ravel() for side in np.meshgrid(*_FINE, indexing="ij")))
    share = _logistic(fine @ chronic)
    error = share * (1 - share) * np.sqrt(((fine @ covariance) * fine).sum(axis=1))
    shape = tuple(len(axis) for axis in _FINE)
    return np.stack([share, error, _logistic(fine @ rate)]).reshape(3, *shape)


def _simulated(
    rng: np.random.Generator, calendar: Calendar, world: Parameters, level: int, grade: int, weeks: Floats,
    x: Floats, y: Floats, *, moved: bool,
) -> Ints:  # fmt: skip
    """Days absent, as recorded, of students whose year has exactly these two mean log hazards."""
    students = len(x)
    before = (world.discretionary.weekly_sd * rng.standard_normal(students)).astype(np.float32)
    weekly, _ = weekly_states(rng, before, calendar.weeks, world, world.discretionary.summer_carry)
    start = x - np.log(np.exp(weekly) @ weeks)
    year = Year(
        school=np.zeros(students, dtype=np.int64),
        household=np.arange(students),
        poor=np.zeros(students, dtype=np.bool_),
        grade=np.full(students, grade),
        first=np.zeros(students, dtype=np.int64),
        last=np.full(students, calendar.days - 1),
        moves=rng.integers(10, calendar.days - 10, students) if moved else np.full(students, -1),
        discretionary=(start[:, None] + weekly).astype(np.float32),
        illness=y[:, None].astype(np.float32),
        level=x - world.discretionary.base,
    )
    factors = draw_factors(rng, calendar, np.array([level]), draw_city_wave(rng, calendar.days, world), world)
    spells = draw_spells(rng, year, calendar, factors, world)
    painted = paint(spells, students, calendar.days)
    return days_absent(record(rng, year, spells, painted, np.ones(painted.shape, dtype=np.bool_), world), students)


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


def _terms(x: Floats, y: Floats) -> Floats:
    """Products of Legendre polynomials in the two log hazards, clipped to the simulated range, (points, terms)."""
    scaled = [
        np.clip((2 * value - low - high) / (high - low), -1, 1)
        for value, (low, high) in zip((x, y), _RANGES, strict=True)
    ]
    first, second = (np.polynomial.legendre.legvander(value, _DEGREE) for value in scaled)
    i, j = np.nonzero(np.add.outer(np.arange(_DEGREE + 1), np.arange(_DEGREE + 1)) <= _DEGREE)
    return first[:, i] * second[:, j]


def _logistic_fit(terms: Floats, share: Floats, each: int, ridge: float = 0.05) -> tuple[Floats, Floats]:
    """Coefficients for shares of `each` students a row, and their covariance: Newton's method, a little shrinkage."""
    found = np.zeros(terms.shape[1])
    penalty = ridge * np.eye(terms.shape[1])
    for _ in range(40):
        fitted = _logistic(terms @ found)
        information = (terms * (each * fitted * (1 - fitted))[:, None]).T @ terms + penalty
        step = np.linalg.solve(information, each * terms.T @ (share - fitted) - ridge * found)
        found += np.clip(step, -2, 2)
    return found, np.linalg.inv(information)


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))
