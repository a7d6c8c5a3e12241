import numpy as np
import pandas as pd
import pytest

from ews.errors import NotEnoughData
from ews.evaluation import METRICS, differences, evaluate, groups_of, is_listed, methods_of, table, verdict
from ews.policy import Policy
from tests.rows import pretend_predictions

POLICY = Policy()
PREDICTIONS = pretend_predictions()


def value_of(evaluation: pd.DataFrame, metric: str, group: str = "all", method: str = "LightGBM") -> float:
    return evaluation.query("group == @group and method == @method and metric == @metric")["value"].item()


def test_a_row_for_every_group_method_and_metric():
    evaluation = evaluate(PREDICTIONS, POLICY, replicates=20)
    assert list(evaluation.columns) == ["group", "method", "metric", "value", "low", "high", "students", "positives"]
    assert len(evaluation) == 4 * 2 * len(METRICS)
    assert not evaluation.duplicated(["group", "method", "metric"]).any()
    assert ((evaluation["low"] <= evaluation["value"]) & (evaluation["value"] <= evaluation["high"])).mean() > 0.9


def test_groups_go_by_what_was_known_of_last_year():
    masks = groups_of(PREDICTIONS)
    chronic = PREDICTIONS["was_chronic"]
    assert masks["all"].sum() == chronic.notna().sum()
    assert masks["not yet chronic"].sum() + masks["already chronic"].sum() == masks["all"].sum()
    assert (masks["no history"] == chronic.isna()).all()


def test_a_group_without_students_is_not_printed():
    known = PREDICTIONS[PREDICTIONS["was_chronic"].notna()]
    assert list(groups_of(known)) == ["all", "not yet chronic", "already chronic"]


def test_methods_are_the_columns_that_do_not_describe_the_student():
    assert methods_of(PREDICTIONS) == ["LightGBM", "last year's rate"]


def test_metrics_by_hand():
    """Two schools of ten and five: lists of 1 and 1 at 10 percent, rounded up."""
    rows = pd.DataFrame(
        {
            "school_id": ["A"] * 10 + ["B"] * 5,
            "school_year": 2026,
            "was_chronic": False,
            "outcome": [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
            "tie_key": range(15),
            "LightGBM": [0.9, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.8, 0.7, 0.1, 0.1, 0.1],
        }
    )
    evaluation = evaluate(rows, POLICY, replicates=5)
    assert value_of(evaluation, "precision_at_k") == 1 / 2
    assert value_of(evaluation, "recall_at_k") == 1 / 3
    assert value_of(evaluation, "lift_at_k") == pytest.approx((1 / 2) / (3 / 15))
    assert value_of(evaluation, "brier") == pytest.approx(((rows["LightGBM"] - rows["outcome"]) ** 2).mean())
    assert value_of(evaluation, "calibration_in_the_large") == pytest.approx(rows["LightGBM"].mean() - 3 / 15)
    assert set(evaluation["students"]) == {15}
    assert set(evaluation["positives"]) == {3}


@pytest.mark.parametrize(("size", "slots"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_slots_are_a_percent_of_the_school_rounded_up(size, slots):
    school = np.zeros(size, dtype=int)
    assert is_listed(np.arange(size), np.arange(size), school, POLICY).sum() == slots


def test_each_school_and_year_has_its_own_list():
    school = np.repeat([0, 1, 2], 10)
    listed = is_listed(np.arange(30.0), np.zeros(30), school, POLICY)
    assert np.flatnonzero(listed).tolist() == [9, 19, 29]


def test_equal_probabilities_go_by_the_tie_key_and_not_by_the_order_of_rows():
    keys = np.array([5, 3, 9, 1, 7, 2, 8, 4, 6, 0])
    assert np.flatnonzero(is_listed(np.zeros(10), keys, np.zeros(10, dtype=int), POLICY)).tolist() == [9]


def test_the_order_of_rows_changes_nothing():
    shuffled = PREDICTIONS.sample(frac=1, random_state=5)
    before, after = (evaluate(rows, POLICY, replicates=30) for rows in (PREDICTIONS, shuffled))
    pd.testing.assert_frame_equal(before, after)


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others():
    one, two, other = (evaluate(PREDICTIONS, POLICY, replicates=30, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert (one["value"].dropna() == other["value"].dropna()).all()
    assert (one["low"] != other["low"]).any()


def test_differences_are_paired():
    """The same resampled schools for both methods: the interval is narrower than that of two separate ones."""
    evaluation = evaluate(PREDICTIONS, POLICY, replicates=300).query("group == 'all' and metric == 'auc'")
    found = differences(PREDICTIONS, POLICY, replicates=300).query("group == 'all' and metric == 'auc'").iloc[0]
    assert (found.method, found.minus) == ("LightGBM", "last year's rate")
    assert found.value == pytest.approx(evaluation["value"].iloc[0] - evaluation["value"].iloc[1])
    separate = np.hypot(*(evaluation["high"] - evaluation["low"]))
    assert 0 < found.high - found.low < 0.9 * separate


def test_a_method_minus_its_copy_is_nothing():
    twins = PREDICTIONS.assign(**{"last year's rate": PREDICTIONS["LightGBM"]})
    found = differences(twins, POLICY, replicates=30)
    assert not found[["value", "low", "high"]].fillna(0).to_numpy().any()


def test_a_group_of_one_outcome_has_no_auc_and_no_recall_but_a_brier():
    rows = PREDICTIONS[PREDICTIONS["outcome"] == 0]
    evaluation = evaluate(rows, POLICY, replicates=20)
    for metric in ("auc", "average_precision", "recall_at_k", "lift_at_k"):
        assert np.isnan(value_of(evaluation, metric))
    assert value_of(evaluation, "brier") > 0


def test_one_school_is_resampled_by_students():
    rows = PREDICTIONS.assign(school_id="S01")
    auc = evaluate(rows, POLICY, replicates=50).query("metric == 'auc'")
    assert (auc["low"] < auc["high"]).all()


def test_nothing_to_evaluate_is_said():
    with pytest.raises(NotEnoughData, match="no predictions"):
        evaluate(PREDICTIONS.head(0), POLICY)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.01, 0.05, "LightGBM beats last year's rate in recall_at_k for all students: +0.030 (+0.010 to +0.050)."),
        (-0.01, 0.05, "LightGBM is not shown to beat last year's rate"),
        (-0.05, -0.01, "LightGBM is worse than last year's rate"),
    ],
)
def test_the_verdict_says_what_the_interval_allows(low, high, says):
    row = {"group": "all", "method": "LightGBM", "minus": "last year's rate", "metric": "recall_at_k", "value": 0.03}
    assert verdict(pd.DataFrame([{**row, "low": low, "high": high}])).startswith(says)


def test_the_table_has_a_block_a_group_and_a_line_a_method():
    text = table(evaluate(PREDICTIONS, POLICY, replicates=20))
    blocks = text.split("\n\n")
    assert [block.split(":")[0] for block in blocks] == ["all", "not yet chronic", "already chronic", "no history"]
    assert all(len(block.splitlines()) == 4 for block in blocks)
    assert "recall@k" in blocks[0]
    assert max(map(len, text.splitlines())) <= 120


def test_the_table_says_where_a_metric_has_no_meaning():
    assert "n/a" in table(evaluate(PREDICTIONS[PREDICTIONS["outcome"] == 0], POLICY, replicates=5))
