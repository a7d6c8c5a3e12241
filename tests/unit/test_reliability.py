"""Calibration facts: what was said before a year beside what came of it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ews.policy import Policy
from ews.reliability import BINS, bin_of, brief, calibration_table, reliability_bins
from ews.tables import GRADES

POLICY = Policy()
GRADE_AT = np.array(GRADES[1:])


def said_and_came(rows: int = 6000, *, too_sure: float = 1.0, level: float = 0.0, seed: int = 5) -> pd.DataFrame:
    """Two school years whose outcomes follow the true log-odds; said were the same, stretched and moved."""
    rng = np.random.default_rng(seed)
    true = rng.normal(-1.5, 1, rows)
    luck = rng.logistic(size=rows)
    frame = pd.DataFrame({"school_year": 2025 + np.arange(rows) % 2, "grade_level": GRADE_AT[np.arange(rows) % 13]})
    for percent in POLICY.threshold_percents:
        cut = (percent - 10) / 10
        frame[f"probability_{percent:02d}"] = 1 / (1 + np.exp(-(too_sure * (true - cut) + level)))
        frame[f"outcome_reaches_{percent:02d}"] = (true - cut + luck > 0).astype("int8")
    return frame


def test_true_probabilities_have_no_gap_and_slope_one_in_every_year_threshold_and_grade_band():
    table = calibration_table(said_and_came(60_000), POLICY)
    assert table.groupby("school_year")["group"].unique().map(list).tolist() == [["all", "KG-05", "06-08", "09-12"]] * 2
    assert sorted(table["percent"].unique()) == [8, 10, 12, 15, 20]
    everybody = table[table["group"] == "all"]
    assert everybody["in_the_large"].abs().max() < 0.01
    assert everybody["slope"].between(0.94, 1.06).all()
    assert everybody["ece"].max() < 0.02


def test_a_model_twice_too_sure_has_half_the_slope_as_a_logistic_regression_says():
    rows = said_and_came(too_sure=2.0)
    rows = rows[rows["school_year"] == 2026]
    said, came = rows["probability_10"].to_numpy(), rows["outcome_reaches_10"]
    other = LogisticRegression(C=np.inf, tol=1e-8).fit(np.log(said / (1 - said))[:, None], came)
    found = calibration_table(rows, POLICY).query("group == 'all' and percent == 10")["slope"].item()
    assert found == pytest.approx(other.coef_[0, 0], abs=2e-3)
    assert 0.45 < found < 0.55


def test_in_the_large_is_what_was_expected_minus_what_was_observed():
    rows = said_and_came(level=0.7)
    table = calibration_table(rows, POLICY)
    one = table.query("school_year == 2025 and group == '06-08' and percent == 15").iloc[0]
    of_it = rows[(rows["school_year"] == 2025) & rows["grade_level"].isin(["06", "07", "08"])]
    assert one["students"] == len(of_it)
    assert one["in_the_large"] == pytest.approx((of_it["probability_15"] - of_it["outcome_reaches_15"]).mean())
    assert one["in_the_large"] > 0.05


def test_the_expected_calibration_error_is_the_mean_gap_of_ten_equal_bins():
    rows = said_and_came(too_sure=2.0, level=1.5)
    of_year = rows[rows["school_year"] == 2025]
    tenths = pd.qcut(of_year["probability_10"], 10, labels=False)
    gaps = (of_year["probability_10"] - of_year["outcome_reaches_10"]).groupby(tenths)
    by_hand = (gaps.mean().abs() * gaps.size()).sum() / len(of_year)
    found = calibration_table(rows, POLICY).query("school_year == 2025 and group == 'all' and percent == 10")
    assert found["ece"].item() == pytest.approx(by_hand, abs=1e-9)


def test_bins_hold_all_students_lowest_probabilities_first():
    bins = reliability_bins(said_and_came(), POLICY).query("school_year == 2026 and group == 'all' and percent == 10")
    assert bins["bin"].tolist() == list(range(BINS))
    assert bins["students"].sum() == 3000
    assert bins["expected"].is_monotonic_increasing
    assert (bins["expected"] - bins["observed"]).abs().max() < 0.08


def test_few_students_are_left_out_and_have_fewer_bins():
    """A band below min_n is not told; one of 25 students has two bins of ten or more."""
    rows = said_and_came(60).assign(school_year=2026)
    rows.loc[:, "grade_level"] = ["01"] * 26 + ["07"] * 25 + ["11"] * 9
    assert calibration_table(rows, POLICY)["group"].unique().tolist() == ["all", "KG-05", "06-08"]
    bins = reliability_bins(rows, POLICY)
    assert bins["students"].min() >= POLICY.min_n
    assert bins.query("group == '06-08' and percent == 10")["bin"].tolist() == [0, 1]


def test_a_threshold_that_nobody_reached_has_no_slope():
    rows = said_and_came(200).assign(outcome_reaches_20=0)
    table = calibration_table(rows, POLICY)
    assert table[table["percent"] == 20]["slope"].isna().all()
    assert table[table["percent"] == 10].query("group == 'all'")["slope"].notna().all()


def test_equal_probabilities_are_dealt_to_bins_in_their_order():
    halves = bin_of(np.tile([0.3, 0.1, 0.2], 1000), 6)
    assert [halves[part::3].tolist() for part in (1, 2, 0)] == [
        [low + (number >= 500) for number in range(1000)] for low in (0, 2, 4)
    ]
    assert bin_of(np.array([0.9, 0.1]), 2).tolist() == [1, 0]
    assert len(bin_of(np.array([]))) == 0


def test_the_brief_table_fits_a_terminal():
    lines = brief(calibration_table(said_and_came(), POLICY)).splitlines()
    assert len(lines) == 9
    assert lines[0].split() == ["school_year", "group", "8", "%", "10", "%", "12", "%", "15", "%", "20", "%"]
    assert max(map(len, lines)) <= 120
