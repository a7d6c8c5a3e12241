"""Marks and mentors."""

import numpy as np
import pytest

from ews.simulator import load_parameters
from ews.simulator.days import DISCRETIONARY, ILLNESS, SUSPENSION, Spells, paint
from ews.simulator.mentors import draw_assignments, effects
from ews.simulator.recording import EXCUSED, SHARES, SUSPENDED, TARDY, UNEXCUSED, Marks, days_absent, record
from tests.unit.simulator.test_days import year

WORLD = load_parameters("demo")
DAYS = 178


def marks(cause: int, students: int = 3000, **recording: float) -> Marks:
    given = Spells(np.arange(students), np.full(students, 50), np.full(students, 3), np.full(students, cause))
    in_school = np.ones((students, DAYS), dtype=bool)
    in_school[:, 52] = False
    world = WORLD.changed(recording=recording) if recording else WORLD
    return record(np.random.default_rng(4), year(students), given, paint(given, students, DAYS), in_school, world)


def test_no_mark_falls_on_a_day_out_of_school_and_no_category_comes_twice_a_day() -> None:
    drawn = marks(ILLNESS)
    assert not (drawn.day == 52).any()
    keys = np.stack([drawn.row, drawn.day, drawn.category])
    assert np.unique(keys, axis=1).shape == keys.shape


def test_a_day_absent_has_no_other_mark_beside_it() -> None:
    drawn = marks(ILLNESS, tardy=60.0, tardy_sd=0.0, tardy_follows=0.0)
    absent = {(row, day) for row, day in zip(drawn.row[drawn.absent], drawn.day[drawn.absent], strict=True)}
    tardy = drawn.category == TARDY
    assert tardy.sum() > 1000
    assert absent.isdisjoint(zip(drawn.row[tardy], drawn.day[tardy], strict=True))


def test_an_excuse_covers_the_whole_spell_and_illness_is_excused_more_often() -> None:
    for cause, share in ((ILLNESS, 0.90), (DISCRETIONARY, 0.55)):
        drawn = marks(cause, lost=0.0, half_day_share=0.0, wrong=0.0)
        spell = (drawn.day >= 50) & (drawn.day < 52) & drawn.absent
        excused = np.bincount(drawn.row[spell], drawn.category[spell] == EXCUSED, 3000)
        assert set(np.unique(excused)) <= {0.0, 2.0}
        assert excused.mean() / 2 == pytest.approx(share, abs=0.03)


def test_suspensions_stay_suspensions() -> None:
    drawn = marks(SUSPENSION, wrong=0.0)
    assert set(np.unique(drawn.category[drawn.absent])) == {SUSPENDED}


def test_recording_errors_lose_absences_and_mark_present_days() -> None:
    nothing_lost = days_absent(marks(ILLNESS, lost=0.0, wrong=0.0), 3000)
    all_lost = marks(ILLNESS, lost=1.0, wrong=0.001)
    assert nothing_lost.mean() == pytest.approx(2.0)
    wrong = all_lost.absent
    assert set(np.unique(all_lost.category[wrong])) == {UNEXCUSED}
    assert wrong.sum() == pytest.approx(0.001 * 3000 * DAYS, rel=0.15)


def test_parts_of_days_are_absences_from_half_a_day_on() -> None:
    drawn = Marks(np.array([0, 0, 0]), np.array([1, 2, 3]), np.array([0, 0, TARDY]), np.array([1, 2, 0]))
    assert SHARES[drawn.share].tolist() == [0.5, 0.25, 1.0]
    assert drawn.absent.tolist() == [True, False, False]


def test_mentors_are_offered_within_the_share_of_each_school_and_mostly_to_the_chronically_absent() -> None:
    rng = np.random.default_rng(5)
    school = np.repeat([0, 1], [400, 200])
    rate = rng.uniform(0, 0.3, 600)
    eligible = rng.random(600) < 0.8
    given = draw_assignments(rng, school, eligible, rate, WORLD.mentoring)
    share = WORLD.mentoring.share
    assert np.bincount(school[given.row]).tolist() == [round(400 * share), round(200 * share)]
    assert eligible[given.row].all()
    assert len(np.unique(given.row)) == len(given.row)
    assert (rate[given.row] >= 0.1).mean() == pytest.approx(WORLD.mentoring.chronic_share, abs=0.1)
    assert (given.contacts[~given.accepted] == 0).all()


def test_a_mentor_changes_only_accepted_students_and_only_from_the_start_on() -> None:
    rng = np.random.default_rng(6)
    given = draw_assignments(rng, np.zeros(300, dtype=int), np.ones(300, dtype=bool), rng.random(300), WORLD.mentoring)
    week = np.arange(DAYS) // 5
    added = effects(given, week, 300, WORLD.mentoring)
    touched = np.zeros(300, dtype=bool)
    touched[given.row[given.accepted]] = True
    assert (added[~touched] == 0).all()
    assert (added[touched, -1] == np.float32(WORLD.mentoring.effect)).all()
    assert (added[touched, 0] == 0).all()
