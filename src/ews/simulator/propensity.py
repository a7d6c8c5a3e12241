"""What makes a student start a spell: the latent state, year by year.

Log hazards add up: grade, year, school, household, the student's own trait, need. Everything that is new in a year
(the innovations of the yearly states) is kept apart as *news*, because no record and no latent state of an earlier
year can hold it: the truth is an expectation over it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.families import Population
from ews.simulator.parameters import Parameters
from ews.simulator.schools import Schools, yearly_states

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Propensity:
    """Log hazards of starting a spell on an ordinary day; arrays are (students, years), float32.

    Attributes:
        discretionary: before the weekly state, ramps and mentors.
        discretionary_news: the part of it that is new in the year.
        discretionary_news_sd: the standard deviation of that part.
        illness, illness_news: likewise.
        trait: (students,), the lasting part of the student's own; ramps and tardiness follow it.
    """

    discretionary: Floats
    discretionary_news: Floats
    discretionary_news_sd: Floats
    illness: Floats
    illness_news: Floats
    trait: Floats


def draw_propensity(
    rng: np.random.Generator, people: Population, schools: Schools, district_effect: float, world: Parameters
) -> Propensity:
    """The latent state of every student of an area in every school year."""
    numbers = world.discretionary
    trait = numbers.trait_sd * rng.standard_normal(people.count).astype(np.float32)
    home = numbers.household_sd * rng.standard_normal(people.household_count).astype(np.float32)
    stays = (trait + home[people.household])[:, None]
    discretionary, news, news_sd = _discretionary(rng, people, schools, stays, world)
    illness, illness_news = _illness(rng, people, schools, stays, world)
    return Propensity(discretionary + np.float32(district_effect), news, news_sd, illness, illness_news, trait)


def grade_rows(people: Population) -> NDArray[np.integer]:
    """Grade positions, with years out of school taken as the nearest grade so that states can run on."""
    years = np.arange(people.years) - people.kindergarten_year[:, None] + 1
    return np.clip(years, 0, 13)


def _discretionary(
    rng: np.random.Generator, people: Population, schools: Schools, stays: Floats, world: Parameters
) -> tuple[Floats, Floats, Floats]:
    numbers = world.discretionary
    scale = np.asarray(world.years.at("news_scale", people.years))
    shape = (people.count, people.years)
    rho = np.asarray(numbers.yearly_rho)[grade_rows(people)]
    own, own_news = yearly_states(rng, shape, rho, numbers.yearly_sd, scale)
    home_shape = (people.household_count, people.years)
    home_rho = numbers.household_yearly_rho
    home, home_news = yearly_states(rng, home_shape, home_rho, numbers.household_yearly_sd, scale)
    year = np.arange(people.years)
    school = np.where(people.school >= 0, people.school, 0)
    news = own_news + home_news[people.household] + schools.news[school, year]
    news_sd = scale * np.sqrt(
        numbers.yearly_sd**2 * (1 - rho**2)
        + numbers.household_yearly_sd**2 * (1 - home_rho**2)
        + numbers.school_yearly_sd**2 * (1 - numbers.school_yearly_rho**2)
    )
    state = own + home[people.household] + schools.lasting[school] + schools.yearly[school, year]
    level = _level(people, numbers.grade, world.years.at("discretionary", people.years), numbers.base)
    shock = np.asarray(world.years.at("discretionary", people.years)) > 0
    level = level + world.need.shock_poverty * shock * (people.poor - 0.5)[:, None]
    return _float32(state + stays + _need(people, world)[:, None] + level), _float32(news), _float32(news_sd)


def _illness(
    rng: np.random.Generator, people: Population, schools: Schools, stays: Floats, world: Parameters
) -> tuple[Floats, Floats]:
    numbers = world.illness
    shape = (people.count, people.years)
    state, news = yearly_states(rng, shape, numbers.yearly_rho, numbers.yearly_sd, np.ones(people.years))
    home = numbers.household_sd * rng.standard_normal(people.household_count)
    frailty = (
        numbers.frailty_sd * rng.standard_normal(people.count)
        + numbers.asthma * (rng.random(people.count) < numbers.asthma_share)
        + numbers.poverty * people.poor
        + home[people.household]
    )
    level = _level(people, numbers.grade, world.years.at("illness", people.years), numbers.base)
    school = np.where(people.school >= 0, people.school, 0)
    effect = schools.illness[school] + numbers.school_follows * schools.lasting[school]
    return _float32(state + frailty[:, None] + numbers.follows * stays + level + effect), _float32(news)


def _need(people: Population, world: Parameters) -> Floats:
    need = world.need
    return (
        need.poverty * people.poor
        + need.homeless * people.homeless
        + need.disability * people.disability
        + need.english_learner * people.english_learner
    )


def _level(people: Population, grade: tuple[float, ...], year: tuple[float, ...], base: float) -> Floats:
    return base + np.asarray(grade)[grade_rows(people)] + np.asarray(year)


def _float32(values: Floats) -> Floats:
    return values.astype(np.float32)
