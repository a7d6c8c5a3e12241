"""What a mentor is expected to bring, from the distribution of next year's absence rate."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.errors import InvalidPolicy
from ews.gains import CAUTIOUS, CHECK_AND_CONNECT, NO_EFFECT, EffectPrior, expected_gains

PERCENTS = (8, 10, 12, 15, 20)


def log_logistic(median: np.ndarray, shape: float) -> pd.DataFrame:
    """Probabilities of missing at least each percent, of students whose rate is log-logistic."""
    beyond = {p: 1 / (1 + (p / 100 / median) ** shape) for p in PERCENTS}
    return pd.DataFrame({f"probability_{p:02d}": values for p, values in beyond.items()})


def gains(probabilities: pd.DataFrame, prior: EffectPrior = CAUTIOUS) -> pd.DataFrame:
    return expected_gains(probabilities, prior, chronic_percent=10)


def test_a_mentor_without_effect_averts_nothing_and_gains_no_day() -> None:
    found = gains(log_logistic(np.array([0.03, 0.1, 0.3]), 3.0), NO_EFFECT)
    assert np.allclose(found[["crossings_averted", "days_gained"]], 0)


def test_a_known_distribution_gives_its_own_crossings_and_mean() -> None:
    median, shape = np.array([0.04, 0.08, 0.1, 0.2]), 4.0
    found = gains(log_logistic(median, shape), EffectPrior(-23.0, 0.0))
    crossing = 1 / (1 + (0.1 / median) ** shape) - 1 / (1 + (0.1 / 0.77 / median) ** shape)
    assert np.allclose(found["crossings_averted"], crossing)
    mean = median * (np.pi / shape) / np.sin(np.pi / shape)
    assert np.allclose(found["expected_rate"], mean, rtol=0.01)
    assert np.allclose(found["days_gained"], 0.23 * 180 * found["expected_rate"])


def test_students_far_past_the_line_and_far_before_it_gain_fewer_crossings_than_those_near_it() -> None:
    found = gains(log_logistic(np.array([0.02, 0.1, 0.5]), 4.0))["crossings_averted"]
    assert found[1] > 3 * max(found[0], found[2])


def test_days_gained_follow_the_expected_rate_where_crossings_do_not() -> None:
    found = gains(log_logistic(np.array([0.02, 0.1, 0.5]), 4.0))["days_gained"]
    assert found.is_monotonic_increasing


def test_the_prior_has_its_mean_and_most_effects_between_three_percent_more_and_eighteen_less() -> None:
    factors, weights = CAUTIOUS.factors()
    assert factors @ weights == pytest.approx(0.92)
    drawn = np.exp(np.random.default_rng(1).normal(np.log(0.92) - CAUTIOUS.sd**2 / 2, CAUTIOUS.sd, 100_000))
    assert np.allclose(np.quantile(drawn, [0.05, 0.95]), [0.82, 1.03], atol=0.006)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.sampled_from([CAUTIOUS, CHECK_AND_CONNECT]))
def test_any_falling_distribution_gives_finite_gains_within_bounds(values: list[float], prior: EffectPrior) -> None:
    row = pd.DataFrame([dict(zip((f"probability_{p:02d}" for p in PERCENTS), sorted(values)[::-1], strict=True))])
    found = gains(row, prior).iloc[0]
    assert 0 <= found["expected_rate"] <= 1
    assert -0.2 <= found["crossings_averted"] <= 1
    assert 0 <= found["days_gained"] <= 180


@pytest.mark.parametrize("columns", [["probability_10"], ["probability_08", "probability_12"], []])
def test_gains_without_the_distribution_around_the_line_are_refused(columns: list[str]) -> None:
    with pytest.raises(InvalidPolicy, match="two thresholds"):
        gains(pd.DataFrame({name: [0.5] for name in columns}))


@pytest.mark.parametrize("numbers", [(5.0, 0.1), (-100.0, 0.1), (-8.0, -0.1), (-8.0, 1.0)])
def test_a_prior_that_no_effect_can_have_is_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(InvalidPolicy):
        EffectPrior(*numbers)
