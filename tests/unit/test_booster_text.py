"""Trees as text: what is stretched or put together scores exactly so, and LightGBM writes it like its own."""

import lightgbm
import numpy as np
import pytest

from ews.booster_text import joined, ranges_seen, stretched, without_threads

RNG = np.random.default_rng(4)
X = RNG.normal(size=(400, 3))


def trained(seed: int, rounds: int = 7) -> lightgbm.Booster:
    settings = {"objective": "cross_entropy", "num_leaves": 5, "seed": seed, "verbosity": -1, "num_threads": 1}
    y = 1 / (1 + np.exp(-X[:, seed % 3] + RNG.normal(size=400)))
    data = lightgbm.Dataset(X, y, init_score=np.full(400, 0.1), feature_name=["a", "b", "c"])
    return lightgbm.train({**settings, "boost_from_average": False}, data, num_boost_round=rounds)


ONE, OTHER = trained(1), trained(2)


def scores(text: str) -> np.ndarray:
    return lightgbm.Booster(model_str=text).predict(X, raw_score=True)


def test_stretched_leaves_stretch_scores_and_contributions():
    wider = lightgbm.Booster(model_str=stretched(ONE.model_to_string(), 2.5))
    assert wider.predict(X, raw_score=True) == pytest.approx(2.5 * ONE.predict(X, raw_score=True), abs=1e-12)
    assert wider.predict(X, pred_contrib=True) == pytest.approx(2.5 * ONE.predict(X, pred_contrib=True), abs=1e-12)


def test_scores_and_contributions_of_two_boosters_add_up():
    both = lightgbm.Booster(model_str=joined(ONE.model_to_string(), OTHER.model_to_string()))
    assert both.num_trees() == 14
    for what in ({"raw_score": True}, {"pred_contrib": True}):
        expected = ONE.predict(X, **what) + OTHER.predict(X, **what)
        assert both.predict(X, **what) == pytest.approx(expected, abs=1e-12)


def test_what_lightgbm_writes_of_it_reads_the_same_again():
    """A bundle keeps that text; its numbers and sizes of trees are LightGBM's own again."""
    written = lightgbm.Booster(model_str=joined(ONE.model_to_string(), OTHER.model_to_string())).model_to_string()
    assert "tree_sizes=" in written
    assert lightgbm.Booster(model_str=written).model_to_string() == written
    assert scores(written) == pytest.approx(ONE.predict(X, raw_score=True) + OTHER.predict(X, raw_score=True))


def test_a_booster_that_found_nothing_to_split_adds_nothing():
    nothing = lightgbm.Dataset(X, np.full(400, 0.5), init_score=np.zeros(400), feature_name=["a", "b", "c"])
    flat = lightgbm.train({"objective": "cross_entropy", "verbosity": -1}, nothing, num_boost_round=3).model_to_string()
    some, expected = ONE.model_to_string(), ONE.predict(X, raw_score=True)
    assert scores(joined(flat, some)) == pytest.approx(expected)
    assert scores(joined(some, flat)) == pytest.approx(expected)


def test_ranges_are_those_of_training_and_threads_are_left_out():
    text = ONE.model_to_string()
    assert ranges_seen(text) == [pytest.approx((X[:, column].min(), X[:, column].max())) for column in range(3)]
    assert "[num_threads: 0]" in without_threads(text)
    assert "[num_threads: 1]" not in without_threads(text)
