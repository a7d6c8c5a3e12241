"""One school year, day by day: spells start, last and overlap, and every student's day gets its cause.

Hazards are a student's weekly level times a school's daily factor; a spell starts where a uniform draw falls below it.
Spells may overlap; a day takes the cause of the last one painted. No loop over students or days.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ews.simulator.calendars import Calendar
from ews.simulator.parameters import Parameters
from ews.simulator.schools import ELEMENTARY, OTHER

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

PRESENT, ILLNESS, DISCRETIONARY, HOUSEHOLD, BLOCK, MOVE, ONE_DAY, SUSPENSION = range(8)
CAUSES = ("present", "illness", "discretionary", "household", "block", "move", "one day", "suspension")


@dataclass(frozen=True)
class Spells:
    """Spells of one school year; arrays have one entry per spell.

    Attributes:
        row: the student's row in the year.
        start: day of the year's axis, from 0.
        length: instructional days.
        cause: position in :data:`CAUSES`.
    """

    row: Ints
    start: Ints
    length: Ints
    cause: Ints


@dataclass(frozen=True)
class Factors:
    """What a day does to everybody of a school; arrays are (schools, days).

    Attributes:
        discretionary, illness: factors on the hazards, with mean 1 over the year.
        one_day: intensity of staying at home for this day alone: snow with schools open, a bus that does not run.
    """

    discretionary: Floats
    illness: Floats
    one_day: Floats


@dataclass(frozen=True)
class Year:
    """The students enrolled in one school year; arrays have one entry per student.

    Attributes:
        school: school at the start.
        household: household row, for disruptions that hit all siblings.
        poor: whether in poverty.
        grade: position of the grade.
        first, last, moves: day on which the student comes, goes, and changes school (-1: does not).
        discretionary: (students, weeks), log hazard with the weekly state, ramps and mentors.
        illness: log hazard; (students, weeks) where mentors change it, else (students, 1).
        level: the discretionary log hazard of the year before weekly state and ramps, less the base.
    """

    school: Ints
    household: Ints
    poor: NDArray[np.bool_]
    grade: Ints
    first: Ints
    last: Ints
    moves: Ints
    discretionary: Floats
    illness: Floats
    level: Floats

    @property
    def count(self) -> int:
        """Students."""
        return len(self.school)


def draw_city_wave(rng: np.random.Generator, days: int, world: Parameters) -> Floats:
    """The slow wave of illness that all schools share, log scale, (days,)."""
    return ar1(rng, (1, days), world.illness.city_rho, world.illness.city_sd)[0]


def draw_factors(
    rng: np.random.Generator, calendar: Calendar, level: Ints, city_wave: Floats, world: Parameters
) -> Factors:
    """Weekday, season, day before a break, outbreaks and the noise of a school's day."""
    numbers, sick = world.discretionary, world.illness
    shape = (len(level), calendar.days)
    month = (calendar.month - 8) % 12
    young = np.isin(level, (ELEMENTARY, OTHER))[:, None]
    weekday = np.where(
        young,
        np.asarray(numbers.weekday_elementary)[calendar.weekday],
        np.asarray(numbers.weekday_secondary)[calendar.weekday],
    )
    usual = np.asarray(numbers.month)[month] * np.where(calendar.before_break, numbers.before_long_break, 1.0)
    noise = ar1(rng, shape, numbers.school_day_rho, numbers.school_day_sd)
    wave = city_wave[: calendar.days] + ar1(rng, shape, sick.outbreak_rho, sick.outbreak_sd) + noise
    season = np.asarray(sick.month)[month] * np.asarray(sick.weekday)[calendar.weekday]
    other = world.other
    local = rng.gamma(other.local_day_shape, other.local_day_mean / other.local_day_shape, shape)
    return Factors(
        discretionary=_mean_one(weekday * usual * np.exp(noise)),
        illness=_mean_one(season * np.exp(wave)),
        one_day=local + other.snow_open_intensity * calendar.snow,
    )


def draw_spells(
    rng: np.random.Generator, year: Year, calendar: Calendar, factors: Factors, world: Parameters
) -> Spells:
    """All spells of a school year, in the order in which they are painted."""
    other = world.other
    follows = np.exp(other.follows * year.level)
    parts = [
        _hazard_spells(
            rng, year.illness, factors.illness, year, calendar, ILLNESS,
            world.illness.lengths, world.illness.length_shares,
        ),
        _hazard_spells(
            rng, year.discretionary, factors.discretionary, year, calendar, DISCRETIONARY,
            world.discretionary.lengths, world.discretionary.length_shares,
        ),
        _one_day(rng, year, factors, follows),
        _shared(
            rng, year, calendar.days, other.disruptions, HOUSEHOLD,
            lambda n: rng.geometric(1 / other.disruption_days, n),
        ),
        _shared(
            rng, year, calendar.days, other.blocks, BLOCK,
            lambda n: rng.integers(other.block_days[0], other.block_days[1], n),
        ),
        _moves(rng, year, other.move_days),
        _sparse(
            rng, np.asarray(other.suspensions)[year.grade] * follows, calendar.days, SUSPENSION,
            lambda n: 1 + rng.choice(len(other.suspension_days), n, p=other.suspension_days),
        ),
    ]  # fmt: skip
    return Spells(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def paint(spells: Spells, students: int, days: int) -> NDArray[np.int32]:
    """The spell of every student's day, (students, days); -1 where there is none."""
    painted = np.full((students, days), -1, dtype=np.int32)
    length = np.minimum(spells.length, days - spells.start)
    spell = np.repeat(np.arange(len(length), dtype=np.int32), length)
    within = np.arange(len(spell)) - np.repeat(np.cumsum(length) - length, length)
    painted[spells.row[spell], spells.start[spell] + within] = spell
    return painted


def weekly_states(
    rng: np.random.Generator, start: Floats, weeks: int, world: Parameters, summer: float
) -> tuple[Floats, Floats]:
    """The weekly AR(1) state over a school year, (students, weeks), and its last value.

    Args:
        rng: the stream.
        start: the state at the end of the year before.
        weeks: calendar weeks of the year.
        world: the parameters.
        summer: how much of `start` is left after the summer.
    """
    numbers = world.discretionary
    sd, rho = np.float32(numbers.weekly_sd), numbers.weekly_rho
    noise = rng.standard_normal((len(start), weeks), dtype=np.float32) * (sd * np.float32(np.sqrt(1 - rho**2)))
    noise[:, 0] = summer * start + np.sqrt(1 - summer**2) * noise[:, 0] / np.sqrt(1 - rho**2)
    states = lfilter(np.ones(1, np.float32), np.array([1, -rho], np.float32), noise, axis=1)
    return states - sd * sd / 2, states[:, -1]


def ar1(rng: np.random.Generator, shape: tuple[int, int], rho: float, sd: float) -> Floats:
    """Stationary AR(1) paths along the last axis."""
    noise = rng.standard_normal(shape) * sd
    noise[:, 1:] *= np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], noise, axis=1))


_Parts = tuple[Ints, Ints, Ints, Ints]


def _hazard_spells(
    rng: np.random.Generator, level: Floats, factor: Floats, year: Year, calendar: Calendar, cause: int,
    lengths: tuple[int, ...], shares: tuple[float, ...],
) -> _Parts:  # fmt: skip
    weekly = np.exp(level)
    daily = weekly[:, calendar.week] if weekly.shape[1] > 1 else weekly
    hazard = daily * factor.astype(np.float32)[year.school]
    row, start = np.nonzero(rng.random(hazard.shape, dtype=np.float32) < hazard)
    return row, start, rng.choice(np.asarray(lengths), len(row), p=shares), np.full(len(row), cause)


def _sparse(
    rng: np.random.Generator, expected: Floats, days: int, cause: int, draw_lengths: Callable[[int], Ints]
) -> _Parts:
    row = np.repeat(np.arange(len(expected)), rng.poisson(expected))
    return row, rng.integers(0, days, len(row)), draw_lengths(len(row)), np.full(len(row), cause)


def _one_day(rng: np.random.Generator, year: Year, factors: Factors, follows: Floats) -> _Parts:
    intensity = factors.one_day.astype(np.float32)[year.school] * follows[:, None].astype(np.float32)
    row, day = np.nonzero(rng.random(intensity.shape, dtype=np.float32) < -np.expm1(-intensity))
    return row, day, np.ones(len(row), dtype=np.int64), np.full(len(row), ONE_DAY)


def _shared(
    rng: np.random.Generator, year: Year, days: int, usual: float, cause: int, draw_lengths: Callable[[int], Ints]
) -> _Parts:
    """Events are drawn per household and then hit every child of it."""
    homes, home = np.unique(year.household, return_inverse=True)
    event_home, start, length, causes = _sparse(rng, np.full(len(homes), usual), days, cause, draw_lengths)
    order = np.argsort(home, kind="stable")
    sizes = np.bincount(home, minlength=len(homes))
    children = sizes[event_home]
    event = np.repeat(np.arange(len(event_home)), children)
    within = np.arange(len(event)) - np.repeat(np.cumsum(children) - children, children)
    row = order[(np.cumsum(sizes) - sizes)[event_home[event]] + within]
    return row, start[event], length[event], causes[event]


def _moves(rng: np.random.Generator, year: Year, mean_days: float) -> _Parts:
    row = np.flatnonzero(year.moves >= 0)
    length = np.minimum(rng.poisson(mean_days, len(row)), 15)
    start = np.maximum(year.moves[row] - rng.integers(0, 4, len(row)), 0)
    return row, start, length, np.full(len(row), MOVE)


def _mean_one(factor: Floats) -> Floats:
    return factor / factor.mean(axis=1, keepdims=True)
