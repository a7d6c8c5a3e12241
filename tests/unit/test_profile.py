"""The profile of a training: enough to tell later that inputs moved, and nothing of few students."""

import numpy as np
import pandas as pd
import pytest

from ews.policy import Policy
from ews.profile import BINS, independent_values, profile_of, stability
from tests.rows import pretend_dataset

POLICY = Policy()


def of_values(values: np.ndarray, policy: Policy = POLICY):
    x = pd.DataFrame({"value": values})
    return profile_of(x, np.full(30, 0.2), pd.Series(["01"] * len(values)), policy)["features"]["value"]


def normal(count: int, mean: float = 0.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, count)


def test_the_same_distribution_stays_under_what_chance_makes_of_it():
    index, chance = stability(of_values(normal(5000)), normal(5000, seed=2))
    assert 0 <= index < chance < 0.02


@pytest.mark.parametrize(("moved", "low", "high"), [(0.3, 0.05, 0.15), (0.5, 0.18, 0.35), (1.0, 0.7, 1.3)])
def test_a_moved_distribution_has_the_index_of_its_move_FAIR_24(moved, low, high):
    """For a normal moved by d standard deviations the index is about d squared."""
    index, _ = stability(of_values(normal(5000)), normal(5000, moved, seed=2))
    assert low < index < high


def test_few_students_differ_by_chance_and_are_allowed_to():
    index, chance = stability(of_values(normal(60)), normal(40, seed=2))
    assert index < chance
    assert chance > 0.25


def test_no_bin_and_no_missing_share_tells_of_fewer_than_min_n_P01():
    for count in (9, 10, 25, 140, 2000):
        found = of_values(np.round(normal(count), 1))
        if count < POLICY.min_n:
            assert found is None
            continue
        assert min(found["shares"]) * count > POLICY.min_n - 1e-6
        assert len(found["shares"]) == len(found["edges"]) + 1 <= BINS
    few_unknown = np.append(normal(200), [np.nan] * 3)
    assert of_values(few_unknown)["missing"] is None
    assert of_values(np.append(normal(180), [np.nan] * 20))["missing"] == 0.1
    assert of_values(normal(200))["missing"] == 0


def test_lowest_and_highest_values_are_not_kept_P08():
    values = normal(500)
    found = of_values(values)
    assert values.min() < min(found["edges"])
    assert max(found["edges"]) < values.max()
    assert not set(found["edges"]) & set(values)


def test_one_day_more_in_the_calendar_is_no_change():
    """Five of 178 days and five of 180 are the same habit, though most students stand on the same few numbers."""
    late = np.random.default_rng(3).poisson(1.0, 4000)
    schools = np.where(np.arange(4000) % 3, 180, 179)
    index, _ = stability(of_values(100 * late / schools), 100 * late / 177)
    assert index < 0.01


def test_values_of_whole_schools_count_once():
    shared = np.repeat([0.05, 0.06, 0.07], 100)
    assert independent_values("school_rate", shared) == 3
    assert independent_values("absence_rate_last_year", shared) == 300


def test_a_training_keeps_every_feature_the_score_and_the_grades():
    rows = pretend_dataset().frame.assign(grade_level=["01"] * 1195 + ["02"] * 5)
    names = list(pretend_dataset().feature_names)
    made = profile_of(rows[names], np.linspace(0, 1, 1200), rows["grade_level"], POLICY)
    assert made["students"] == 1200
    assert list(made["features"]) == names
    assert made["grades"] == ["01"]
    assert made["score"]["shares"] == pytest.approx([0.1] * 10, abs=0.01)


def test_nothing_known_has_no_index():
    assert np.isnan(stability(of_values(normal(100)), np.full(5, np.nan))).all()
