"""One area from its first to its last school year: the unit that is drawn alone, whatever else is drawn."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ews.simulator import records, truth
from ews.simulator.calendars import Calendar, draw_calendar
from ews.simulator.days import CAUSES, Spells, Year, draw_city_wave, draw_factors, draw_spells, paint, weekly_states
from ews.simulator.drawn import SchoolYearDrawn, Task
from ews.simulator.families import FIRST_HIGH, FIRST_MIDDLE, Population, draw_population
from ews.simulator.mentors import Assignments, draw_assignments, effects
from ews.simulator.parameters import Parameters
from ews.simulator.propensity import Propensity, draw_propensity
from ews.simulator.recording import days_absent, record
from ews.simulator.schools import Schools, draw_schools
from ews.simulator.stays import Stays, draw_closures, draw_stays
from ews.simulator.streams import Purpose, stream

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


@dataclass
class State:
    """What goes from one school year to the next; arrays have one entry per student.

    Attributes:
        weekly: the weekly state at the end of the last year enrolled.
        ramp: how far disengaged at that time, log scale.
        rate: absence rate of the last year as recorded, NaN where there is none.
    """

    weekly: Floats
    ramp: Floats
    rate: Floats


def draw_area(task: Task) -> dict[str, pa.Table]:
    """Every table of the area, by name; the same for the same task on any day and in any process."""
    return records.tables(task, *drawn_years(task))


def drawn_years(task: Task) -> tuple[Population, Schools, list[SchoolYearDrawn]]:
    """The area's people, schools and school years, before tables are made of them."""
    world, seed = task.world, task.seed
    schools = draw_schools(stream(seed, Purpose.SCHOOLS, task.area), task.area, task.students, world.size.years, world)
    people = draw_population(stream(seed, Purpose.FAMILIES, task.area), task.students, world.size.years, schools, world)
    district = stream(seed, Purpose.CITY, task.district).standard_normal() * world.discretionary.district_sd
    latent = stream(seed, Purpose.LATENT, task.area)
    propensity = draw_propensity(latent, people, schools, district, world)
    state = State(
        (world.discretionary.weekly_sd * latent.standard_normal(people.count)).astype(np.float32),
        np.zeros(people.count, dtype=np.float32),
        np.full(people.count, np.nan),
    )
    years = [_draw_year(task, position, people, schools, propensity, state) for position in range(world.size.years)]
    return people, schools, years


def calendar_of(task: Task, position: int) -> Calendar:
    """The calendar that all schools of the task's district share in a school year."""
    august = stream(task.seed, Purpose.CALENDAR, task.district).random() < task.world.calendar.august_start_share
    return draw_calendar(
        stream(task.seed, Purpose.CALENDAR, task.district, position + 1),
        task.ending(position),
        task.world.calendar,
        task.world.other.snow_open_days,
        starts_in_august=bool(august),
    )


def _draw_year(
    task: Task, position: int, people: Population, schools: Schools, propensity: Propensity, state: State
) -> SchoolYearDrawn:
    world = task.world
    rng = stream(task.seed, Purpose.YEAR, task.area, position)
    calendar = calendar_of(task, position)
    rows = np.flatnonzero(people.grade[:, position] >= 0)
    stays = draw_stays(rng, people, rows, position, calendar.days, world)
    assignments = _assignments(task, position, people, rows, stays, state)
    outlook = _outlook(people, rows, position, schools, propensity, state, world)
    year = _year(rng, people, rows, position, stays, propensity, state, calendar, assignments, world)
    wave = draw_city_wave(stream(task.seed, Purpose.CITY, 0, position + 1), calendar.days, world)
    factors = draw_factors(rng, calendar, schools.level, wave, world)
    spells = draw_spells(rng, year, calendar, factors, world)
    painted = paint(spells, year.count, calendar.days)
    closed = draw_closures(rng, schools.count, calendar, world)
    in_school = stays.in_school(closed)
    marks = record(rng, year, spells, painted, in_school, world)
    enrolled = in_school.sum(axis=1)
    state.rate[:] = np.nan
    state.rate[rows] = days_absent(marks, year.count) / np.maximum(enrolled, 1)
    causes = _causes(task.ending(position), year, spells, painted, in_school)
    return SchoolYearDrawn(rows, year, calendar, stays, closed, marks, assignments, causes, outlook)


def _assignments(task: Task, position: int, people: Population, rows: Ints, stays: Stays, state: State) -> Assignments:
    numbers = task.world.mentoring
    grade = people.grade[rows, position]
    low, high = numbers.grades
    eligible = (stays.first == 0) & (grade >= low) & (grade <= high) & (position >= numbers.first_year)
    rng = stream(task.seed, Purpose.MENTORS, task.area, position)
    return draw_assignments(rng, stays.school, eligible, state.rate[rows], numbers)


def _year(
    rng: np.random.Generator, people: Population, rows: Ints, position: int, stays: Stays,
    propensity: Propensity, state: State, calendar: Calendar, assignments: Assignments, world: Parameters,
) -> Year:  # fmt: skip
    """The year's students with their weekly hazards; moves the weekly state and ramps on to the year's end."""
    numbers = world.discretionary
    weekly, end = weekly_states(rng, state.weekly[rows], calendar.weeks, world, numbers.summer_carry)
    grade = people.grade[rows, position]
    ramp = _ramps(rng, state.ramp[rows], propensity.trait[rows], grade, calendar.weeks, world)
    state.weekly[rows], state.ramp[rows] = end, ramp[:, -1]
    level = propensity.discretionary[rows, position]
    mentored = effects(assignments, calendar.week, len(rows), world.mentoring)
    illness = propensity.illness[rows, position][:, None]
    if len(assignments.row):
        illness = illness + np.float32(world.mentoring.illness_part) * mentored
    return Year(
        school=stays.school,
        household=people.household[rows],
        poor=people.poor[rows],
        grade=grade,
        first=stays.first,
        last=stays.last,
        moves=np.where(stays.next_school >= 0, stays.moves, -1),
        discretionary=level[:, None] + weekly + ramp + mentored,
        illness=illness,
        level=level - np.float32(numbers.base),
    )


def _outlook(
    people: Population, rows: Ints, position: int, schools: Schools, propensity: Propensity, state: State,
    world: Parameters,
) -> truth.Outlook:  # fmt: skip
    """What is known of the year's students before it begins."""
    grade = people.grade[rows, position]
    level = np.digitize(grade, (FIRST_MIDDLE, FIRST_HIGH))
    carried = np.float32(world.discretionary.ramp_carry) * state.ramp[rows]
    cannot_move = (schools.high == 1) & (grade >= FIRST_HIGH)
    return truth.Outlook(
        level=level,
        discretionary=(propensity.discretionary - propensity.discretionary_news)[rows, position] + carried,
        illness=(propensity.illness - propensity.illness_news)[rows, position],
        discretionary_sd=propensity.discretionary_news_sd[rows, position],
        weekly=state.weekly[rows],
        ramp_chance=ramp_chance(propensity.trait[rows], grade, world),
        move_chance=np.where(cannot_move, 0.0, people.move_chance[rows]),
    )


def _ramps(rng: np.random.Generator, end: Floats, trait: Floats, grade: Ints, weeks: int, world: Parameters) -> Floats:
    """Disengagement: a rare climb over some weeks, part of which is still there next year, (students, weeks)."""
    numbers = world.discretionary
    happens = rng.random(len(grade)) < ramp_chance(trait, grade, world)
    size = np.where(happens, numbers.ramp_size * rng.uniform(0.6, 1.4, len(grade)), 0.0)
    onset = rng.integers(2, weeks - 4, len(grade))
    climb = np.clip((np.arange(weeks) - onset[:, None]) / numbers.ramp_weeks, 0.0, 1.0)
    return (numbers.ramp_carry * end[:, None] + size[:, None] * climb).astype(np.float32)


def ramp_chance(trait: Floats, grade: Ints, world: Parameters) -> Floats:
    """The chance that a student's disengagement begins in a year."""
    numbers = world.discretionary
    return np.minimum(np.asarray(numbers.ramp_share)[grade] * np.exp(numbers.ramp_trait * trait), 0.5)


def _causes(ending: int, year: Year, spells: Spells, painted: Ints, in_school: NDArray[np.bool_]) -> pa.Table:
    """Per grade and cause: student-days, spells, one-day spells and the sum and sum of squares of their lengths."""
    shape = (14, len(CAUSES))
    cause_of = np.append(spells.cause, 0)
    rows, days = np.nonzero(in_school & (painted >= 0))
    cells = year.grade[rows] * len(CAUSES) + cause_of[painted[rows, days]]
    own = year.grade[spells.row] * len(CAUSES) + spells.cause
    size = shape[0] * shape[1]
    enrolled = np.bincount(year.grade, in_school.sum(axis=1), shape[0]).astype(np.int64)

    def total(weights: Ints | None = None) -> NDArray[np.int64]:
        return np.bincount(own, weights, size).astype(np.int64)

    return pa.table(
        {
            "school_year": np.full(size, ending, dtype=np.int32),
            "grade_level": pa.array(records.GRADE_NAMES[np.repeat(np.arange(shape[0]), shape[1])]),
            "cause": pa.array(np.tile(np.array(CAUSES), shape[0])),
            "days_enrolled": np.repeat(enrolled, shape[1]),
            "days": np.bincount(cells, minlength=size),
            "spells": total(),
            "one_day_spells": total(spells.length == 1),
            "length_sum": total(spells.length),
            "length_square_sum": total(spells.length**2),
        }
    )
