"""The truth: each student's probability of a chronically absent year, given the complete latent state a year before.

A year's outcome depends on two numbers per student, the mean log hazards of discretionary and illness spells;
:mod:`ews.simulator.outcome_table` holds how. What the year before cannot know about the two (news of student,
household and school, the weekly path, a ramp) is averaged over. So the truth has no sampling noise per student;
its own error is that of the fitted table, and is written beside it.

Taken as known: the level of the year (shock or not), its number of instructional days, and the school attended.
Taken as average: snow with schools open, outbreaks, leaving during the year. Mentors of the target year are left out;
what they change is in `truth/mentoring`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.outcome_table import LEVELS, OutcomeTable
from ews.simulator.parameters import Parameters

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

_RAMP_NODES = 4


@dataclass(frozen=True)
class Outlook:
    """What is known of students before the target year; arrays have one entry per student.

    Attributes:
        level: position in :data:`ews.simulator.outcome_table.LEVELS`.
        discretionary, illness: log hazards without their news, ramps carried over included.
        discretionary_sd: standard deviation of the news of the discretionary one.
        weekly: the weekly state at the end of the year before.
        ramp_chance: chance that a ramp begins.
        move_chance: chance of a school move during the year.
    """

    level: Ints
    discretionary: Floats
    illness: Floats
    discretionary_sd: Floats
    weekly: Floats
    ramp_chance: Floats
    move_chance: Floats

    def of(self, rows: Ints) -> "Outlook":
        """Some of the students."""
        return Outlook(**{name: values[rows] for name, values in vars(self).items()})


def expect(outlook: Outlook, table: OutcomeTable, world: Parameters, days: int | None = None) -> Floats:
    """Probability of a chronic year, its standard error, and the expected absence rate, (3, students).

    Args:
        outlook: the students.
        table: how hazards become outcomes.
        world: the parameters.
        days: instructional days of the target year; by default those of the table.
    """
    length = _length_shift((days or table.days) - world.calendar.school_closures_mean, table.days)
    mean, sd = _year_mean(outlook, table, world)
    ramps = [np.zeros(len(LEVELS)), *_ramp_shifts(table, world)]
    chances = [1 - outlook.ramp_chance, *[outlook.ramp_chance / _RAMP_NODES] * _RAMP_NODES]
    expected = np.zeros((3, len(outlook.level)))
    for shift, chance in zip(ramps, chances, strict=True):
        hazard = mean + shift[outlook.level]
        for moved, move_chance in enumerate((1 - outlook.move_chance, outlook.move_chance)):
            found = table.look_up(outlook.level, moved, hazard + length, outlook.illness + length, sd)
            expected += chance * move_chance * found
    return expected


def mentored(outlook: Outlook, start: Ints, table: OutcomeTable, world: Parameters) -> Outlook:
    """The same students with a mentor from day `start` on."""
    numbers = world.mentoring
    later = np.cumsum(table.day_weights[:, ::-1], axis=1)[:, ::-1]
    share = later[outlook.level, np.minimum(start, later.shape[1] - 1)]
    changed = {
        "discretionary": outlook.discretionary + np.log1p(share * np.expm1(numbers.effect)),
        "illness": outlook.illness + np.log1p(share * np.expm1(numbers.effect * numbers.illness_part)),
    }
    return Outlook(**(vars(outlook) | changed))


def _length_shift(days: float, usual: int) -> float:
    """What a longer or shorter year is worth in log hazard: a tenth of 175 days is 18 days, as of 180."""
    return float(np.log(days / usual) - np.log(np.ceil(days / 10) / np.ceil(usual / 10)))


def _year_mean(outlook: Outlook, table: OutcomeTable, world: Parameters) -> tuple[Floats, Floats]:
    """Mean and SD of the year's mean log hazard: news, and the weekly path by a lognormal with its two moments."""
    grid = np.linspace(-4, 4, 33) * world.discretionary.weekly_sd
    paths = [_path_moments(grid, weights, world) for weights in table.week_weights]
    mean, variance = (
        np.choose(outlook.level, [np.interp(outlook.weekly, grid, path[part]) for path in paths]) for part in range(2)
    )
    return outlook.discretionary + mean, np.sqrt(outlook.discretionary_sd**2 + variance)


def _path_moments(start: Floats, weights: Floats, world: Parameters) -> tuple[Floats, Floats]:
    """Mean and variance of the log of a year's mean of exp(weekly state), given the state before the summer."""
    numbers = world.discretionary
    week = np.arange(len(weights))
    left = numbers.summer_carry * numbers.weekly_rho**week
    covariance = numbers.weekly_sd**2 * (numbers.weekly_rho ** np.abs(week[:, None] - week) - left[:, None] * left)
    each = weights * np.exp(left * start[:, None] + np.diag(covariance) / 2 - numbers.weekly_sd**2 / 2)
    first = each.sum(axis=1)
    variance = np.log(((each @ np.exp(covariance)) * each).sum(axis=1) / first**2)
    return np.log(first) - variance / 2, variance


def _ramp_shifts(table: OutcomeTable, world: Parameters) -> list[Floats]:
    """What a ramp that begins in the year adds to its mean log hazard, per level, at equally likely nodes."""
    numbers = world.discretionary
    week = np.arange(table.week_weights.shape[1])
    onset, size = np.meshgrid(np.arange(2, len(week) - 4), numbers.ramp_size * np.linspace(0.64, 1.36, 9))
    climb = np.clip((week - onset.ravel()[:, None]) / numbers.ramp_weeks, 0.0, 1.0)
    shifts = np.sort(np.log(np.exp(size.ravel()[:, None] * climb) @ table.week_weights.T), axis=0)
    return [part.mean(axis=0) for part in np.array_split(shifts, _RAMP_NODES)]
