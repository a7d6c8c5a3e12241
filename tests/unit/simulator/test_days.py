"""Spells: how they start, last, overlap, and are painted onto days."""

import dataclasses

import numpy as np
import pytest

from ews.simulator import Parameters, load_parameters
from ews.simulator.calendars import Calendar, draw_calendar
from ews.simulator.days import (
    BLOCK,
    HOUSEHOLD,
    ILLNESS,
    MOVE,
    Spells,
    Year,
    ar1,
    draw_factors,
    draw_spells,
    paint,
    weekly_states,
)

WORLD = load_parameters("demo")


def calendar() -> Calendar:
    return draw_calendar(np.random.default_rng(0), 2026, WORLD.calendar, 1, starts_in_august=False)


def year(students: int, *, households: int | None = None, hazard: float = -30.0) -> Year:
    return Year(
        school=np.zeros(students, dtype=int),
        household=np.arange(students) % (households or students),
        poor=np.zeros(students, dtype=bool),
        grade=np.full(students, 3),
        first=np.zeros(students, dtype=int),
        last=np.full(students, 177),
        moves=np.full(students, -1),
        discretionary=np.full((students, 60), hazard, dtype=np.float32),
        illness=np.full((students, 1), hazard, dtype=np.float32),
        level=np.full(students, -30.0),
    )


def spells(world: Parameters, of: Year, seed: int = 1) -> Spells:
    rng = np.random.default_rng(seed)
    factors = draw_factors(rng, calendar(), np.array([0]), np.zeros(200), world)
    return draw_spells(rng, of, calendar(), factors, world)


def test_a_spell_covers_its_length_ends_with_the_year_and_a_later_one_is_painted_over_it() -> None:
    given = Spells(np.array([0, 1, 0]), np.array([2, 8, 3]), np.array([3, 5, 1]), np.array([1, 1, 2]))
    assert paint(given, 2, 10).tolist() == [
        [-1, -1, 0, 2, 0, -1, -1, -1, -1, -1],
        [-1, -1, -1, -1, -1, -1, -1, -1, 1, 1],
    ]


def test_a_disruption_hits_every_child_of_the_household_on_the_same_days() -> None:
    world = WORLD.changed(other={"disruptions": 2.0, "blocks": 0.0})
    drawn = spells(world, year(60, households=20))
    shared = drawn.cause == HOUSEHOLD
    assert shared.sum() > 30
    home = drawn.row[shared] % 20
    events = {(h, s, n) for h, s, n in zip(home, drawn.start[shared], drawn.length[shared], strict=True)}
    counts = np.unique(np.stack([home, drawn.start[shared], drawn.length[shared]]), axis=1, return_counts=True)[1]
    assert len(events) == len(counts)
    assert set(counts % 3) == {0}, "three children in each household"


def test_without_hazard_nothing_but_shared_events_happens() -> None:
    drawn = spells(WORLD, year(400))
    assert set(np.unique(drawn.cause)) <= {HOUSEHOLD, BLOCK}


def test_illness_lasts_as_published_and_its_prevalence_follows_the_hazard() -> None:
    drawn = spells(WORLD, dataclasses.replace(year(4000), illness=np.full((4000, 1), np.log(0.016), dtype=np.float32)))
    lengths = drawn.length[drawn.cause == ILLNESS]
    assert lengths.mean() == pytest.approx(1.85, abs=0.1)
    assert lengths.std() == pytest.approx(1.75, abs=0.15)
    assert (lengths == 1).mean() > 0.6
    assert len(lengths) / (4000 * calendar().days) == pytest.approx(0.016, rel=0.03)


def test_a_school_move_costs_days_around_it() -> None:
    of = dataclasses.replace(year(500), moves=np.full(500, 90))
    drawn = spells(WORLD, of)
    around = drawn.cause == MOVE
    assert around.sum() == 500
    assert np.all(np.abs(drawn.start[around] - 90) <= 3)


def test_factors_of_the_days_have_mean_one_in_every_school() -> None:
    factors = draw_factors(np.random.default_rng(2), calendar(), np.array([0, 1, 2, 3]), np.zeros(200), WORLD)
    assert factors.discretionary.mean(axis=1) == pytest.approx(np.ones(4))
    assert factors.illness.mean(axis=1) == pytest.approx(np.ones(4))
    assert (factors.one_day >= 0).all()


def test_states_are_stationary_and_the_weekly_one_carries_a_part_over_the_summer() -> None:
    rng = np.random.default_rng(3)
    assert ar1(rng, (2000, 50), 0.9, 0.5).std(axis=0) == pytest.approx(np.full(50, 0.5), abs=0.04)
    start = (WORLD.discretionary.weekly_sd * rng.standard_normal(20_000)).astype(np.float32)
    states, end = weekly_states(rng, start, 42, WORLD, 0.5)
    sd = WORLD.discretionary.weekly_sd
    assert states.std(axis=0) == pytest.approx(np.full(42, sd), rel=0.03)
    assert np.exp(states).mean() == pytest.approx(1.0, abs=0.01)
    assert np.corrcoef(start, states[:, 0])[0, 1] == pytest.approx(0.5, abs=0.03)
    assert end.std() == pytest.approx(sd, rel=0.03)
