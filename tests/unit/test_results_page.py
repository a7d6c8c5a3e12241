"""The page of results says what the figures say, and no more."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.results_page import GOAL, METRICS, WITH_PRIOR, Measured, over_seeds, page
from ews.backtest import METHODS
from ews.ceilings import OBSERVER, RATE, TRUTH
from ews.evaluation import MODEL

LARGE, SMALL = 20_000, 2_000
VALUES = {RATE: 0.70, "chronic flag": 0.60, "school x grade rate": 0.55, "logistic": 0.75, OBSERVER: 0.80, TRUTH: 0.85}


def figures(model: float, *, noise: float = 0.001) -> pd.DataFrame:
    """Three seeds a size, in which every metric of a method is one number and a little noise, shared by all methods."""
    rng = np.random.default_rng(1)
    rows = []
    for size, days in ((LARGE, (0, 20, 60)), (SMALL, (0,))):
        for day in days:
            for seed in (1, 2, 3):
                shift = rng.normal(0, noise)
                rows += [
                    {"size": size, "seed": seed, "after_day": day, "group": group, "method": method, "metric": metric,
                     "value": {**VALUES, MODEL: model + day / 1000}[method] + shift, "students": 100, "positives": 20}
                    for group in ("all", "not yet chronic", "already chronic")
                    for method in (*METHODS, OBSERVER, TRUTH)
                    for metric in METRICS
                ]  # fmt: skip
    return pd.DataFrame(rows)


def curve_of(last_step: float) -> pd.DataFrame:
    points = [(4, 0.85), (8, 0.85 + last_step)]
    return pd.DataFrame([{"districts": many, "student_years": many * 100_000, "auc all": auc} for many, auc in points])


CURVE = curve_of(0.0005)


def page_of(model: float, last_step: float = 0.0005) -> str:
    return page(Measured(figures(model), curve_of(last_step), star=None, commit="abc123"))


def test_an_interval_over_seeds_is_students_t():
    found = over_seeds([1.0, 2.0, 3.0])
    assert found.value == 2.0
    assert found.high - found.value == pytest.approx(4.3027 / np.sqrt(3), abs=1e-3)


def test_a_model_nine_tenths_of_the_way_reaches_the_goal_and_one_below_is_told_so():
    assert GOAL == 0.9
    assert "not** reached" not in page_of(0.792)
    below = page_of(0.788)
    assert below.count("**not** reached") == 4
    assert "LightGBM comes 88 % (88 to 88) in AUC and 88 % (88 to 88) in AP" in below


def test_the_row_of_a_small_district_with_a_prior_stands_beside_its_own_model_where_it_was_measured():
    assert WITH_PRIOR not in page_of(0.75)
    own = figures(0.75)
    small = own[(own["size"] == SMALL) & (own["method"] == MODEL)]
    both = pd.concat([own, small.assign(method=WITH_PRIOR, value=small["value"] + 0.03)], ignore_index=True)
    text = page(Measured(both, CURVE, star=None, commit="abc123"))
    assert "2,000 students, all: from last year's rate to the observer limit, LightGBM with prior comes 80 %" in text
    assert "2,000 students, not yet chronic: LightGBM with prior beats LightGBM in AP: +.030" in text
    assert "20,000 students, all: from last year's rate to the observer limit, LightGBM with prior" not in text
    small_part = text.split("## 2,000 students")[1]
    rows = ("| LightGBM | .75", "| LightGBM with prior | .78", "| observer limit | .80")
    assert sorted(rows, key=small_part.index) == list(rows)
    assert "`ews train --prior`" in text


def test_a_gain_within_its_interval_is_no_gain():
    assert "LightGBM beats logistic in AP: +.042" in page_of(0.792)
    assert "LightGBM is not shown to differ from logistic in AP" in page_of(0.75)
    assert "LightGBM is worse than logistic in AP: -.010" in page_of(0.74)


def test_the_gain_of_later_days_is_told_beside_them():
    assert "| gain | +.060" in page_of(0.75)


def test_a_limit_that_still_rises_is_told_so():
    assert "The curve is flat" in page_of(0.79)
    assert "the limit is somewhat higher, the shares lower" in page_of(0.79, last_step=0.002)


def test_without_the_sheet_nothing_is_claimed_on_real_students():
    assert "nothing is claimed on real students" in page_of(0.79)


def test_the_page_names_commit_seeds_and_where_the_defaults_were_chosen():
    text = page_of(0.79)
    assert "`abc123`" in text
    assert "20,000 students (seeds 1 to 3)" in text
    assert "defaults were chosen on this simulator" in text
