"""The section on whether effects are found says what the kept figures say."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from benchmarks.effect_page import BEFORE_AFTER, DAYS_A_YEAR, section, summary
from ews.effect.estimate import OFFERED, TOOK
from ews.effect.registration import DIFFERENCES, DISCONTINUITY, LOTTERY


def said(bias: float = 0.0, half: float = 1.0) -> pd.DataFrame:
    """Statements of forty districts whose truth is -1, off by `bias` and noise, with intervals of `half` a width."""
    noise = np.random.default_rng(2).permutation(ndtri((np.arange(40) + 0.5) / 40))
    rows = []
    for seed in range(40):
        for percent in (0, -8, -23):
            true = -1.0 if percent else 0.0
            for design, whom in ((LOTTERY, OFFERED), (DISCONTINUITY, TOOK), (DIFFERENCES, TOOK), (BEFORE_AFTER, TOOK)):
                days = true + bias + half / 1.96 * noise[seed]
                rows.append({"design": design, "of_whom": whom, "percent": percent, "round": 0, "seed": seed, "cut": 5,
                             "days": days, "low": days - half, "high": days + half, "students": 100, "true": true,
                             "with_mentor": -26.0, "without": -25.0, "before": 16.0})  # fmt: skip
    return pd.DataFrame(rows)


def designs(rows: pd.DataFrame) -> pd.DataFrame:
    return summary(rows)["designs"].set_index(["design", "percent"])


def test_errors_are_told_in_days_of_a_school_year():
    found = designs(said(bias=0.5)).loc[(LOTTERY, -8)]
    assert found["truth"] == pytest.approx(-DAYS_A_YEAR)
    assert found["error"] == pytest.approx(0.5 * DAYS_A_YEAR, abs=3 * found["error_se"])
    assert found["said"] == pytest.approx(DAYS_A_YEAR / 1.96)
    assert found["rounds"] == found["districts"] == 40


def test_an_interval_is_held_against_the_truth_of_its_own_rounds_students():
    rows = said(half=0.5)
    apart = np.where(rows["seed"] < 20, -2.0, 2.0)
    columns = ["true", "days", "low", "high"]
    rows[columns] += np.where(rows["percent"] == -23, apart, 0.0)[:, None]
    found = designs(rows)
    assert found.loc[(LOTTERY, -23), "truth_sd"] == pytest.approx(2 * DAYS_A_YEAR, rel=0.05)
    for name in ("covers", "spread"):
        assert found.loc[(LOTTERY, -23), name] == pytest.approx(found.loc[(LOTTERY, -8), name])
    text = section(summary(rows), "abc")
    assert "At -23 % districts differ by 3.6" in text
    assert "would cover 0.0 % in place of 95.0 %" in text


def test_differences_in_differences_are_told_by_cut():
    rows = said()
    rows["cut"] = np.where(rows["seed"] < 20, 5, 15)
    rows.loc[rows["seed"] < 20, "days"] = rows["true"] + 0.5
    rows.loc[rows["seed"] >= 20, "days"] = rows["true"] - 0.1 * (rows["percent"] == 0)
    assert "+0.90 to +0.90 at 5 %, -0.18 to +0.00 at 15 %" in section(summary(rows), "abc")


def test_the_promise_is_kept_only_where_error_and_coverage_are():
    def verdict(rows: pd.DataFrame) -> str:
        return next(line for line in section(summary(rows), "abc").splitlines() if line.startswith(f"- {LOTTERY}"))

    assert "the promise is kept" in verdict(said())
    assert "**not** kept" in verdict(said(bias=0.5))
    narrow = said()
    narrow[["low", "high"]] = np.c_[narrow["days"] - 0.2, narrow["days"] + 0.2]
    assert "**not** kept" in verdict(narrow)


def test_before_and_after_is_told_with_what_others_did_and_without_an_interval():
    text = section(summary(said()), "abc123")
    assert "missed 26.0 % fewer days than the year before, without one 25.0 %" in text
    assert "| before and after | the mentor | none |" in text
    assert "`abc123`" in text


def test_how_often_a_lottery_finds_an_effect_is_told():
    rows = said(half=0.4)
    assert "may well miss an effect of 8 %: 100 % of the" in section(summary(rows), "abc")
    rows["high"] = 0.1
    assert "may well miss an effect of 8 %: 0 % of the" in section(summary(rows), "abc")
