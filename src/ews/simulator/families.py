"""Households, their children, and where each child is enrolled in each school year.

An area has a fixed number of homes. A home's children pass through the grades; when its household leaves, another
with children of the same ages moves in, so that enrolment stays level. Siblings share a household and move together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.parameters import Families, Need, Parameters
from ews.simulator.schools import Schools
from ews.tables import GRADES

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

PK, KG, FIRST_MIDDLE, FIRST_HIGH, LAST = 0, 1, 7, 10, len(GRADES) - 1
_OLDEST_SIBLING = 9  # cohorts before the oldest enrolled one from which siblings are drawn


@dataclass(frozen=True)
class Population:
    """The students of one area; arrays have one entry per student, or (students, years).

    Attributes:
        household: row of the household, (students,).
        kindergarten_year: index of the school year in which kindergarten is due, negative before the first.
        grade: position in :data:`ews.tables.GRADES`; -1 in years not enrolled.
        school, next_school: school at the first day enrolled, and the one moved to during the year (-1: none).
        arrives, leaves, moves: shares of the school year at which the student comes, goes, and changes school.
        poor, homeless, disability, english_learner: need.
        move_chance: (students,), the chance of a school move during a year.
        household_count: households.
    """

    household: Ints
    kindergarten_year: Ints
    grade: Ints
    school: Ints
    next_school: Ints
    arrives: Floats
    leaves: Floats
    moves: Floats
    poor: Bools
    homeless: Bools
    disability: Bools
    english_learner: Bools
    move_chance: Floats
    household_count: int

    @property
    def count(self) -> int:
        """Students over all years."""
        return len(self.household)

    @property
    def years(self) -> int:
        """School years."""
        return int(self.grade.shape[1])


@dataclass(frozen=True)
class _Homes:
    """One entry per home: its first elementary school, need, and who lives there.

    Attributes:
        household: (homes, years), the running number of the household living there.
        going: whether the household of the last year is about to go.
    """

    school: Ints
    poor: Bools
    household: Ints
    going: Bools


def draw_population(
    rng: np.random.Generator, students: int, years: int, schools: Schools, world: Parameters
) -> Population:
    """Draw all students who are enrolled in some of the `years`, about `students` a year."""
    numbers = world.families
    homes, home, cohort = _children(rng, students, years, schools, numbers)
    grade = np.arange(years) - cohort[:, None] + KG
    attends_pk = rng.random(len(cohort)) < numbers.pre_kindergarten_share
    enrolled = (grade >= KG) & (grade <= LAST) | (grade == PK) & attends_pk[:, None]
    lives_here = homes.household[home]
    child, year = np.nonzero(enrolled)
    keys, student = np.unique(child * years + lives_here[child, year], return_inverse=True)
    grades = np.full((len(keys), years), -1, dtype=np.int8)
    grades[student, year] = grade[child, year]
    of_child = keys // years
    households, household = np.unique(home[of_child] * years + keys % years, return_inverse=True)
    household_home = households // years
    poor = homes.poor[household_home]
    homeless = poor & (rng.random(len(households)) < world.need.homeless_share_of_poor)
    journey = _journey(rng, homes, household_home, households % years, schools, world, homeless)
    school, next_school = _placed(grades, household, journey, schools)
    return Population(
        household=household,
        kindergarten_year=cohort[of_child],
        grade=grades,
        school=school,
        next_school=next_school,
        arrives=journey.arrives[household],
        leaves=journey.leaves[household],
        moves=journey.moves[household],
        poor=poor[household],
        homeless=homeless[household],
        disability=_has(rng, poor[household], world.need.disability_share, world.need.disability_poverty),
        english_learner=_english_learner(rng, household, poor, world.need),
        move_chance=journey.move_chance[household],
        household_count=len(households),
    )


def _children(
    rng: np.random.Generator, students: int, years: int, schools: Schools, numbers: Families
) -> tuple[_Homes, Ints, Ints]:
    """Homes, and of every child the home and the school year of kindergarten."""
    sizes = np.arange(1, len(numbers.children_shares) + 1)
    span = years + LAST + _OLDEST_SIBLING + 1
    per_home = float(np.dot(sizes, numbers.children_shares))
    homes = round(students * span / ((LAST + numbers.pre_kindergarten_share) * per_home))
    children = rng.choice(sizes, homes, p=numbers.children_shares)
    home = np.repeat(np.arange(homes), children)
    oldest = rng.integers(1 - LAST - _OLDEST_SIBLING, years + 1, homes)
    gaps = rng.choice(len(numbers.gap_shares), len(home), p=numbers.gap_shares)
    first = np.append(True, np.diff(home) > 0)
    gaps[first] = 0
    total = np.cumsum(gaps)
    cohort = oldest[home] + total - np.repeat(total[first], children)
    kept = (cohort >= 1 - LAST) & (cohort <= years)
    return _draw_homes(rng, homes, years, schools, numbers), home[kept], cohort[kept]


def _draw_homes(rng: np.random.Generator, homes: int, years: int, schools: Schools, numbers: Families) -> _Homes:
    weights = np.append(np.ones(schools.elementary) * rng.uniform(0.75, 1.25, schools.elementary), 0.5)
    school = rng.choice(schools.elementary + 1, homes, p=weights / weights.sum())
    poor = rng.random(homes) < schools.poverty[school]
    leave = np.minimum(numbers.leave * np.exp(numbers.mobility_poverty * (poor - 0.5)), 0.5)
    turnover = rng.random((homes, years + 1)) < leave[:, None]
    turnover[:, 0] = False
    return _Homes(school, poor, np.cumsum(turnover[:, :years], axis=1), turnover[:, years])


@dataclass(frozen=True)
class _Journey:
    """Where a household's children go to school: (households, years); schools also by the three levels."""

    school: Ints
    next_school: Ints
    arrives: Floats
    leaves: Floats
    moves: Floats
    move_chance: Floats


def _journey(
    rng: np.random.Generator,
    homes: _Homes,
    home: Ints,
    turn: Ints,
    schools: Schools,
    world: Parameters,
    homeless: Bools,
) -> _Journey:
    numbers = world.families
    lives = homes.household[home] == turn[:, None]
    shape = lives.shape
    mobility = np.exp(numbers.mobility_poverty * (homes.poor[home] - 0.5) + numbers.mobility_homeless * homeless)
    move_chance = np.minimum(numbers.move_mid_year * mobility, 0.6)
    moved = rng.random(shape) < move_chance[:, None]
    changed = rng.random(shape) < np.minimum(numbers.change_school_summer * mobility, 0.6)[:, None]
    moves = rng.uniform(0.08, 0.92, shape).astype(np.float32)
    first = lives & (np.cumsum(lives, axis=1) == 1) & (turn > 0)[:, None]
    last = lives & (np.cumsum(lives[:, ::-1], axis=1)[:, ::-1] == 1)
    last[:, -1] &= homes.going[home]
    midway = numbers.leave_mid_year_share
    arrives = np.where(first & (rng.random(shape) < midway), rng.uniform(0.02, 0.8, shape), 0.0)
    leaves = np.where(last & (rng.random(shape) < midway), rng.uniform(0.1, 0.98, shape), 1.0)
    moved &= (moves > arrives + 0.05) & (moves < leaves - 0.05)
    starts = _feeders(homes.school[home], schools)
    now, after = zip(
        *(_path(rng, start, count, changed, moved) for start, count in zip(starts, _choices(schools), strict=True)),
        strict=True,
    )
    return _Journey(np.stack(now), np.where(moved, np.stack(after), -1), arrives, leaves, moves, move_chance)


def _choices(schools: Schools) -> tuple[int, int, int]:
    """How many schools a child may attend at each level; the academy is one for both lower levels."""
    return schools.elementary + 1, schools.middle + 1, schools.high


def _feeders(school: Ints, schools: Schools) -> tuple[Ints, Ints, Ints]:
    academy = school == schools.elementary
    middle = np.where(academy, schools.middle, school % schools.middle)
    return school, middle, school % schools.high


def _path(rng: np.random.Generator, start: Ints, count: int, changed: Bools, moved: Bools) -> tuple[Ints, Ints]:
    """Of `count` schools the one at the start of each year, and the one after a move in it; always another one."""
    steps = rng.integers(1, max(count, 2), (*changed.shape, 2))
    steps[..., 0] *= changed
    steps[..., 1] *= moved
    places = (start[:, None] + np.cumsum(steps.reshape(len(start), -1), axis=1)) % count
    return places[:, 0::2], places[:, 1::2]


def _placed(grades: Ints, household: Ints, journey: _Journey, schools: Schools) -> tuple[Ints, Ints]:
    """The school of every student and year from the household's path at the student's level."""
    level = np.digitize(grades, (FIRST_MIDDLE, FIRST_HIGH))
    rows, years = household[:, None], np.arange(grades.shape[1])
    now = _as_school(level, journey.school[level, rows, years], schools)
    after = journey.next_school[level, rows, years]
    then = np.where(after >= 0, _as_school(level, after, schools), -1)
    return np.where(grades >= 0, now, -1), np.where((grades >= 0) & (then != now), then, -1)


def _as_school(level: Ints, choice: Ints, schools: Schools) -> Ints:
    academy = schools.elementary
    middle = np.where(choice == schools.middle, academy, academy + 1 + choice)
    high = academy + 1 + schools.middle + choice
    return np.choose(level, [choice, middle, high])


def _has(rng: np.random.Generator, poor: Bools, share: float, more_when_poor: float) -> Bools:
    return rng.random(len(poor)) < share + more_when_poor * poor


def _english_learner(rng: np.random.Generator, household: Ints, poor: Bools, need: Need) -> Bools:
    speaks = _has(rng, poor, need.english_learner_share, need.english_learner_poverty)
    return speaks[household] & (rng.random(len(household)) < 0.9)
