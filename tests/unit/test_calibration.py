import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ews.calibration import (
    RECENT_YEARS,
    Calibrator,
    Scored,
    fit_calibrator,
    held_out_splits,
    logistic_curve,
    recalibrated,
    scored,
    shifts_towards,
)
from ews.errors import UntrustedBundle
from ews.policy import Policy
from tests.rows import pretend_dataset


def pretend_scores(rows: int = 20_000, seed: int = 3, year: int = 2026, level: float = 0.0) -> Scored:
    """Raw scores twice too sure, and outcomes at five thresholds; a higher `level` is a year of more absence."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2, 1.5, rows)
    noise = rng.logistic(size=rows) + level
    reached = np.column_stack([0.5 * raw - cut + noise > 0 for cut in (0.0, 0.4, 0.7, 1.0, 1.5)]).astype(float)
    return Scored(raw, reached, np.full(rows, year))


def calibrator_of(rows: int = 500) -> Calibrator:
    scores = pretend_scores(rows)
    return fit_calibrator(scores, scores, Policy())


def test_a_curve_is_the_logistic_regression_of_scikit_learn():
    scores = pretend_scores()
    raw, reached = scores.raw_scores, scores.reached
    other = LogisticRegression(C=np.inf, tol=1e-8).fit(raw[:, None], reached[:, 1])
    intercept, slope = logistic_curve(raw, reached[:, 1])
    assert intercept == pytest.approx(other.intercept_[0], abs=2e-3)
    assert slope == pytest.approx(other.coef_[0, 0], abs=2e-3)


def test_probabilities_are_true_at_every_threshold():
    scores = pretend_scores()
    probabilities = fit_calibrator(scores, scores, Policy()).probabilities(scores.raw_scores)
    np.testing.assert_allclose(probabilities.mean(axis=0), scores.reached.mean(axis=0), atol=1e-3)
    sure = scores.raw_scores > 0
    np.testing.assert_allclose(probabilities[sure].mean(axis=0), scores.reached[sure].mean(axis=0), atol=0.03)


def test_how_sure_comes_from_held_out_rows_and_how_many_from_the_last_year():
    """The booster knows its own rows by heart; only their number counts, not how well they fit."""
    held_out, fresh = pretend_scores(), pretend_scores(seed=4)
    by_heart = Scored(fresh.raw_scores + 3 * (fresh.reached[:, 1] - 0.3), fresh.reached, fresh.school_year)
    honest = fit_calibrator(held_out, fresh, Policy())
    assert fit_calibrator(held_out, by_heart, Policy()).slopes == honest.slopes
    assert honest.risk(fresh.raw_scores).mean() == pytest.approx(fresh.reached[:, 1].mean(), abs=1e-3)


def test_a_jump_of_the_base_rate_moves_the_level_and_not_how_sure_it_is():
    before, after = pretend_scores(year=2025), pretend_scores(year=2026, seed=4, level=1.5)
    both = Scored(*(np.concatenate(pair) for pair in zip(vars(before).values(), vars(after).values(), strict=True)))
    calibrator = fit_calibrator(both, after, Policy())
    np.testing.assert_allclose(calibrator.slopes, 0.5, atol=0.03)
    np.testing.assert_allclose(
        calibrator.probabilities(after.raw_scores).mean(axis=0), after.reached.mean(axis=0), atol=1e-3
    )


def test_the_risk_is_the_column_of_the_chronic_threshold():
    raw = pretend_scores(500).raw_scores
    calibrator = calibrator_of(500)
    assert (calibrator.risk(raw) == calibrator.probabilities(raw)[:, 1]).all()


def test_a_threshold_that_nobody_reaches_has_a_small_probability_and_not_none():
    scores = pretend_scores(500)
    scores.reached[:, 4] = 0
    last = fit_calibrator(scores, scores, Policy()).probabilities(scores.raw_scores)[:, 4]
    assert 0 < last.max() < 0.05


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_scores_that_tell_nothing_still_give_a_rising_finite_curve(outcome):
    intercept, slope = logistic_curve(np.linspace(-3, 3, 50), np.full(50, outcome))
    assert np.isfinite(intercept)
    assert slope > 0


def test_scores_that_tell_the_opposite_give_everybody_nearly_the_mean():
    raw = np.linspace(-3, 3, 1000)
    intercept, slope = logistic_curve(raw, (raw < -1).astype(float))
    probabilities = 1 / (1 + np.exp(-intercept - slope * raw))
    assert (np.diff(probabilities) > 0).all()
    assert probabilities.mean() == pytest.approx(1 / 3, abs=0.01)


@settings(max_examples=100, deadline=None)
@given(
    raw=st.lists(st.floats(-700, 700), min_size=1, max_size=20),
    intercepts=st.tuples(*[st.floats(-9, 9)] * 5),
    slopes=st.tuples(*[st.floats(0.05, 4)] * 5),
)
def test_whatever_the_curves_probabilities_descend_and_the_risk_keeps_the_raw_order(raw, intercepts, slopes):
    calibrator = Calibrator(10, (8, 10, 12, 15, 20), intercepts, slopes, 1)
    probabilities = calibrator.probabilities(np.sort(np.array(raw)))
    assert (np.diff(probabilities, axis=1) <= 0).all()
    assert (np.diff(probabilities[:, 1]) >= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_crossing_curves_leave_the_risk_alone():
    crossing = Calibrator(10, (8, 10, 12), (-1.0, 0.0, 1.0), (1.0, 1.0, 1.0), 1)
    np.testing.assert_allclose(crossing.probabilities(np.zeros(1)), [[0.5, 0.5, 0.5]])


def test_json_gives_the_same_calibrator_back():
    assert Calibrator.from_json(calibrator_of().to_json()) == calibrator_of()


@pytest.mark.parametrize("change", [{"slopes": None}, {"shape": "round"}])
def test_another_json_is_no_calibrator(change):
    values = json.loads(calibrator_of().to_json())
    other = {key: value for key, value in {**values, **change}.items() if value is not None}
    with pytest.raises(UntrustedBundle, match="does not hold a calibrator"):
        Calibrator.from_json(json.dumps(other))


def test_later_years_are_predicted_from_earlier_ones_only_T12():
    dataset = pretend_dataset(students=20, target_years=(2022, 2023, 2024, 2025, 2026))
    years = dataset.frame["school_year"].to_numpy()
    splits = list(held_out_splits(dataset, seed=1))
    assert len(splits) == RECENT_YEARS
    assert [set(years[predict]) for _, predict in splits] == [{2024}, {2025}, {2026}]
    assert all(years[learn].max() < years[predict].min() for learn, predict in splits)


def test_with_one_target_year_whole_schools_are_held_out_T12():
    dataset = pretend_dataset(students=80, target_years=(2026,), schools=8)
    school = dataset.frame["school_id"].to_numpy()
    splits = list(held_out_splits(dataset, seed=1))
    assert np.sum([predict for _, predict in splits], axis=0).tolist() == [1] * 80
    assert all(not set(school[learn]) & set(school[predict]) for learn, predict in splits)


def test_with_one_school_students_are_held_out():
    dataset = pretend_dataset(students=40, target_years=(2026,), schools=1)
    splits = list(held_out_splits(dataset, seed=1))
    assert [int(predict.sum()) for _, predict in splits] == [8] * 5


def test_scored_rows_hold_ones_and_zeros_at_every_threshold():
    dataset = pretend_dataset(students=10, target_years=(2026,))
    rows = scored(dataset, np.arange(10.0), Policy())
    assert rows.reached.shape == (10, 5)
    assert set(np.unique(rows.reached)) == {0.0, 1.0}
    assert rows.reached[:, 1].tolist() == dataset.y.tolist()
    assert set(rows.school_year) == {2026}


def test_a_recalibrated_model_expects_the_given_shares_and_keeps_the_order():
    calibrator, raw = calibrator_of(), pretend_scores(seed=9).raw_scores
    shares = {8: 0.45, 10: 0.36, 12: 0.28, 15: 0.2, 20: 0.11}
    moved = recalibrated(calibrator, shifts_towards(calibrator, raw, shares))
    np.testing.assert_allclose(moved.probabilities(raw).mean(axis=0), list(shares.values()), atol=2e-3)
    assert moved.slopes == calibrator.slopes
    assert np.array_equal(np.argsort(moved.risk(raw)), np.argsort(calibrator.risk(raw)))


def test_expecting_what_the_model_says_shifts_nothing():
    calibrator, raw = calibrator_of(), pretend_scores(seed=9).raw_scores
    curves = 1 / (1 + np.exp(-(raw[:, None] * calibrator.slopes + calibrator.intercepts)))
    shifts = shifts_towards(calibrator, raw, dict(zip(calibrator.percents, curves.mean(axis=0), strict=True)))
    assert max(map(abs, shifts.values())) < 1e-6


def test_a_shift_is_needed_for_every_threshold():
    with pytest.raises(KeyError):
        recalibrated(calibrator_of(), {10: 0.4})
