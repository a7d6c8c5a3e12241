"""Students whose last year is lived over and over, without a mentor and with one, so that each one's effect is known.

Hazards, schools and stays of the year stay as they are; what is drawn anew each time is what chance decides from day to
day. A mentor takes spells away from the very year that was lived without one, so no noise lies between the two lives.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.frames import LAST_YEAR, PRESET, fingerprint, once
from ews.simulator import load_parameters
from ews.simulator.area import drawn_years
from ews.simulator.days import DISCRETIONARY, ILLNESS, Spells, draw_city_wave, draw_factors, draw_spells, paint
from ews.simulator.drawn import SchoolYearDrawn, Task
from ews.simulator.parameters import Parameters
from ews.simulator.recording import days_absent, record
from ews.simulator.schools import Schools
from ews.simulator.streams import Purpose, stream
from ews.simulator.world import tasks

LIVED = ("school_year", "simulator", "tables")
"""Modules that decide lived years: the simulator's alone, since nothing is ingested."""

HAZARDS = {0: 0.0, -8: -0.222, -23: -0.77}
"""By the percent of days missed that a mentor of a whole year changes in a world without a shock: what is added to the
log hazard of discretionary spells, and 0.3 of it to that of illness. Found by trying; measured at every use."""

TIMES = 10
"""How often the last year is lived."""

_YEARS = 3


def lives_of(work: Path, seed: int, students: int, times: int = TIMES) -> pd.DataFrame:
    """Every student of the last of three years, lived so many times: one row a student.

    Returns:
        student_id, school_id (at the year's start), grade (position), household_id, days absent and enrolled two years
        before (`_two_before`) and the year before (`_before`; null = not enrolled), `days_enrolled`; and of each time t
        `days_absent_0_t` (without a mentor), `days_absent_8_t`, `days_absent_23_t` (with one from the first day on).
    """
    world = load_parameters(f"{PRESET}+no_shock").changed(
        size={"students": students, "years": _YEARS},
        truth={"students_per_cell": 0},
        mentoring={"share": 0.0},
        recording=dict.fromkeys(("tardy", "early_departures", "appointments"), 0.0),
    )

    def make() -> pd.DataFrame:
        parts = [_area(task, times) for task in tasks(world, LAST_YEAR, seed)]
        return pd.concat(parts, ignore_index=True)

    made = fingerprint(LIVED, Path(__file__))
    return once(work / f"lives-{made}" / f"{students}-seed-{seed}-{times}-times.parquet", make)


def days_of(percent: int, time: int) -> str:
    """The column of the days absent under an effect, the year being lived for this time."""
    return f"days_absent_{-percent}_{time}"


def expected(lives: pd.DataFrame, percent: int) -> pd.Series:
    """What a mentor is expected to change of each student's days absent per 100 enrolled: the mean over all times."""
    times = sum(name.startswith("days_absent_0_") for name in lives)
    with_mentor, without = (
        sum(lives[days_of(one, time)].astype("float64") for time in range(times)) / times for one in (percent, 0)
    )
    return 100 * (with_mentor - without) / lives["days_enrolled"]


def _area(task: Task, times: int) -> pd.DataFrame:
    people, schools, drawn = drawn_years(task)
    last = drawn[-1]
    made = pd.DataFrame(
        {
            "student_id": [f"{task.area}-{row}" for row in last.rows],
            "school_id": [f"{task.area}-{school}" for school in last.stays.school],
            "grade": last.year.grade,
            "household_id": [f"{task.area}-{home}" for home in people.household[last.rows]],
            "days_enrolled": _enrolled(last).astype("float64"),
        }
    )
    for year, when in zip(drawn[-2::-1], ("_before", "_two_before"), strict=True):
        for name, days in (("absent", days_absent(year.marks, year.year.count)), ("enrolled", _enrolled(year))):
            made[f"days_{name}{when}"] = pd.Series(days, index=year.rows, dtype="float64").reindex(last.rows).to_numpy()
    found = {name: days for time in range(times) for name, days in _lived(task, schools, last, time)}
    return pd.concat([made, pd.DataFrame(found)], axis=1)


def _enrolled(year: SchoolYearDrawn) -> NDArray[np.integer]:
    return year.stays.in_school(year.closed).sum(axis=1)


def _lived(task: Task, schools: Schools, last: SchoolYearDrawn, time: int) -> Iterator[tuple[str, NDArray[np.integer]]]:
    """The days absent of one time under every effect, which differ by the spells that a mentor takes away."""
    world, in_school = task.world, last.stays.in_school(last.closed)
    random = np.random.default_rng((task.seed, task.area, time))
    wave = draw_city_wave(stream(task.seed, Purpose.CITY, 0, world.size.years), last.calendar.days, world)
    factors = draw_factors(random, last.calendar, schools.level, wave, world)
    spells = draw_spells(random, last.year, last.calendar, factors, world)
    stays = random.random(len(spells.row))
    for percent, effect in HAZARDS.items():
        left = _left(spells, stays, effect, world)
        painted = paint(left, last.year.count, last.calendar.days)
        again = np.random.default_rng((task.seed, task.area, time, 1))
        marks = record(again, last.year, left, painted, in_school, world)
        yield days_of(percent, time), days_absent(marks, last.year.count).astype(np.int16)


def _left(spells: Spells, stays: NDArray[np.floating], effect: float, world: Parameters) -> Spells:
    """Spells that begin with a mentor too: each with the chance by which its hazard falls."""
    by_cause = np.zeros(spells.cause.max() + 1)
    by_cause[[ILLNESS, DISCRETIONARY]] = world.mentoring.illness_part * effect, effect
    kept = stays < np.exp(by_cause[spells.cause])
    return Spells(spells.row[kept], spells.start[kept], spells.length[kept], spells.cause[kept])
