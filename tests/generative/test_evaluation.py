"""Weighted ranks against scikit-learn, and intervals against a world whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ews.evaluation import evaluate, rank_metrics
from ews.policy import Policy

ROW = st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3))


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROW, min_size=2, max_size=40), weights=st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_ranks_are_those_of_scikit_learn_with_ties_and_repeated_schools(rows, weights):
    scores, outcome, school = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    school = school.astype(int)
    times = np.array([[1, 1, 1, 1], weights])
    auc, precision = rank_metrics(scores / 7, outcome, school, times)
    for replicate, per_school in enumerate(times):
        each = np.repeat(np.arange(len(scores)), per_school[school])
        if len(set(outcome[each])) < 2:
            assert np.isnan(auc[replicate])
            continue
        assert auc[replicate] == pytest.approx(roc_auc_score(outcome[each], scores[each]), abs=1e-12)
        assert precision[replicate] == pytest.approx(average_precision_score(outcome[each], scores[each]), abs=1e-12)


def test_many_replicates_at_once_are_those_taken_in_parts(monkeypatch):
    rng = np.random.default_rng(1)
    scores, outcome, school = rng.random(200), rng.integers(0, 2, 200).astype(float), rng.integers(0, 5, 200)
    weights = rng.multinomial(5, np.full(5, 0.2), size=23)
    whole = rank_metrics(scores, outcome, school, weights)
    monkeypatch.setattr("ews.evaluation._CELLS_AT_ONCE", 1000)
    np.testing.assert_allclose(rank_metrics(scores, outcome, school, weights), whole)


def world(seed: int, schools: int, students: int = 40) -> pd.DataFrame:
    """Schools differ in level and in how well the score tells: what a school more or less would change."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(schools), students)
    score = rng.normal(size=schools * students)
    log_odds = -1 + rng.normal(0, 0.7, schools)[school] + (1 + rng.normal(0, 0.4, schools)[school]) * score
    return pd.DataFrame(
        {
            "school_id": school.astype(str),
            "school_year": 2026,
            "was_chronic": False,
            "tie_key": rng.random(len(school)),
            "outcome": (rng.random(len(school)) < 1 / (1 + np.exp(-log_odds))).astype(int),
            "LightGBM": 1 / (1 + np.exp(1 - score)),
        }
    )


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """95 percent are claimed; 40 schools and the percentile bootstrap give a little less."""
    policy, metrics = Policy(), ["auc", "average_precision", "brier", "precision_at_k", "recall_at_k"]
    truth = evaluate(world(0, schools=6000), policy, replicates=1).query("group == 'all'").set_index("metric")["value"]
    held = []
    for seed in range(1, 81):
        found = evaluate(world(seed, schools=40), policy, replicates=200).query("group == 'all'").set_index("metric")
        held.append([found.loc[name, "low"] <= truth[name] <= found.loc[name, "high"] for name in metrics])
    coverage = dict(zip(metrics, np.mean(held, axis=0), strict=True))
    assert all(0.87 <= share <= 1 for share in coverage.values()), coverage
    assert np.mean(held) < 0.995
