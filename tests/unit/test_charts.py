"""The pictures, by the numbers and words that stand beside them."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ews.charts import base_rate_chart, gain, gain_chart, recall_chart, reliability_chart
from ews.charts.contributions import contribution_charts
from ews.evaluation import MODEL
from ews.policy import Policy
from ews.privacy import HIDDEN
from ews.reliability import probability_column, reached_column

POLICY = Policy(threshold_percents=(10, 20))


def predictions(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    probability, draw = rng.random(rows), rng.random(rows)
    made = pd.DataFrame(
        {
            "school_id": np.where(np.arange(rows) % 2, "North", "South"),
            "school_year": 2026,
            "grade_level": "03",
            "was_chronic": rng.random(rows) < 0.4,
            "outcome": (draw < probability).astype(int),
            "tie_key": rng.permutation(rows),
            MODEL: probability,
            "last year's rate": rng.random(rows),
        }
    )
    for percent, factor in ((10, 1.0), (20, 0.5)):
        made[probability_column(percent)] = probability * factor
        made[reached_column(percent)] = (draw < probability * factor).astype(int)
    return made


def told() -> pd.DataFrame:
    """A published audit of three groups, of which one is hidden."""
    groups = [("all", "all", 0.3, False), ("gender", "female", 0.2, False), ("gender", "male", np.nan, True)]
    return pd.DataFrame(
        {"dimension": dimension, "group": group, "quantity": "recall_at_k", "value": value, "low": value - 0.1,
         "high": value + 0.1, "students": np.nan if hidden else 50.0, "positives": np.nan, "suppressed": hidden}
        for dimension, group, value, hidden in groups
    )  # fmt: skip


class Linear:
    """A model whose contributions are known: the first feature counts twice as much as the second."""

    feature_names = ("absence_rate_last_year", "grade_number")

    def contributions(self, x: pd.DataFrame) -> np.ndarray:
        return np.column_stack([2 * x.iloc[:, 0], -x.iloc[:, 1], np.full(len(x), -1.0)])


def features(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    return pd.DataFrame({name: rng.random(rows) for name in Linear.feature_names})


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


def test_reliability_is_told_at_every_threshold_and_a_true_probability_lies_on_the_line():
    chart = reliability_chart(predictions(20_000), POLICY)
    assert chart.table.heads == ("tenth", "at least 10 % of days", "at least 20 % of days")
    assert len(chart.table.rows) == 10
    for cell in (cell for row in chart.table.rows for cell in row[1:]):
        said, came = (int(part.removesuffix(" %")) for part in cell.split(" / "))
        assert abs(said - came) <= 5


def test_gain_is_told_for_all_and_for_the_not_yet_chronic_and_names_the_lists_length():
    chart = gain_chart(predictions(), POLICY)
    assert [row[0] for row in chart.table.rows] == [
        f"{group}: {method}" for group in ("all", "not yet chronic") for method in (MODEL, "last year's rate")
    ]
    at_k = dict(zip(chart.table.heads, chart.table.rows[0], strict=True))["10 %"]
    assert f"every school lists 10 % of its students, LightGBM finds {at_k}" in chart.alt


def test_the_level_is_told_by_year_and_what_was_expected_only_where_it_was_predicted():
    rows = pd.DataFrame({"school_year": [2025] * 10 + [2026] * 10, "outcome_is_chronic": [True] * 2 + [False] * 18})
    chart = base_rate_chart(rows, predictions().assign(LightGBM=0.25))
    assert chart.table.rows == (("2024-25", "10", "20.0 %", "n/a"), ("2025-26", "10", "0.0 %", "25.0 %"))


def test_of_a_hidden_group_the_picture_tells_its_name_and_nothing_else_PRV10_P04():
    chart = recall_chart(told())
    assert chart.table.rows[2] == ("gender: male", HIDDEN, HIDDEN, HIDDEN)
    assert chart.table.rows[1] == ("gender: female", "20 %", "10 % to 30 %", "50")
    assert "the lowest value is that of gender: female" in chart.alt
    assert "1 of 3 groups are hidden" in chart.alt


def test_contributions_are_told_in_order_of_size_with_their_spread():
    bar, swarm = contribution_charts(Linear(), features())
    assert [row[0] for row in bar.table.rows] == ["absence rate last year", "grade number"]
    assert float(bar.table.rows[0][1]) == pytest.approx(2 * float(bar.table.rows[1][1]), rel=0.25)
    assert [row[0] for row in swarm.table.rows] == ["absence rate last year", "grade number"]
    assert swarm.table.rows[1][1].startswith("-")
    assert "not causes" in bar.alt


def test_shap_leaves_numpys_generator_as_it_was():
    np.random.mtrand._rand.seed(1)
    expected = np.random.mtrand._rand.random_sample(3)
    np.random.mtrand._rand.seed(1)
    contribution_charts(Linear(), features())
    assert (np.random.mtrand._rand.random_sample(3) == expected).all()


def every_chart() -> list:
    rows = pd.DataFrame({"school_year": [2025, 2026], "outcome_is_chronic": [True, False]})
    some = predictions()
    charts = [reliability_chart(some, POLICY), gain_chart(some, POLICY), base_rate_chart(rows, some)]
    return [*charts, recall_chart(told()), *contribution_charts(Linear(), features())]


def test_the_same_numbers_draw_the_same_bytes_in_grey_and_each_picture_has_words_and_numbers():
    first, second = every_chart(), every_chart()
    assert [chart.png for chart in first] == [chart.png for chart in second]
    assert len({chart.name for chart in first}) == len(first) == 6
    for chart in first:
        assert len(chart.alt) > 40
        assert chart.table.rows
        pixels = np.asarray(Image.open(io.BytesIO(chart.png)).convert("RGB")).astype(int)
        assert np.ptp(pixels, axis=2).max() <= 8, f"{chart.name} has colours that print alike"
