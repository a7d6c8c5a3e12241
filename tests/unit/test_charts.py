"""The two pictures of a training run, by the numbers behind them."""

import numpy as np
import pandas as pd
import pytest

from ews.charts import draw, gain, reliability
from ews.evaluation import MODEL


def predictions(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    probability = rng.random(rows)
    return pd.DataFrame(
        {
            "school_id": np.where(np.arange(rows) % 2, "North", "South"),
            "school_year": 2026,
            "outcome": (rng.random(rows) < probability).astype(int),
            "tie_key": rng.permutation(rows),
            MODEL: probability,
            "last year's rate": rng.random(rows),
        }
    )


def test_a_true_probability_lies_on_the_line():
    rows = predictions(20_000)
    points = reliability(rows[MODEL], rows["outcome"])
    assert len(points) == 10
    assert points["expected"].is_monotonic_increasing
    assert (points["expected"] - points["observed"]).abs().max() < 0.04


def test_a_list_of_nobody_finds_nobody_and_of_everybody_everybody():
    curve = gain(predictions(), MODEL)
    assert curve["found"].iloc[0] == 0
    assert curve["found"].iloc[-1] == pytest.approx(1)
    assert curve["found"].is_monotonic_increasing


def test_a_perfect_order_finds_all_at_the_base_rate_in_every_school():
    rows = predictions().assign(outcome=lambda made: (made.groupby("school_id").cumcount() < 10).astype(int))
    rows[MODEL] = rows["outcome"] * 1.0
    curve = gain(rows, MODEL).set_index("listed")["found"]
    assert curve[0.05] == pytest.approx(0.5)
    assert curve[0.1] == pytest.approx(1)


def test_both_pictures_are_written_and_the_same_predictions_draw_the_same(tmp_path):
    first = [path.read_bytes() for path in draw(predictions(), tmp_path / "a")]
    second = [path.read_bytes() for path in draw(predictions(), tmp_path / "b")]
    assert first == second
    assert all(picture.startswith(b"\x89PNG") for picture in first)
