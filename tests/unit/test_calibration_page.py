"""The page of calibration says what was promised and how many districts kept it, in the words of the page."""

import pandas as pd

from benchmarks.calibration_page import page
from ews.policy import Policy

ROWS = [
    ("district+no_shock", 1, 2026, "model", 0.004, 1.02, None),
    ("district+no_shock", 2, 2026, "model", -0.013, 0.88, None),
    ("district", 1, 2023, "model", -0.15, 1.1, None),
    ("district", 1, 2023, "first days", 0.019, 1.1, "alarm"),
    ("district", 2, 2023, "first days", -0.021, 1.1, "watch"),
    ("district+no_shock", 1, 2026, "first days", -0.007, 1.1, "fine"),
    ("district+no_shock", 2, 2026, "first days", 0.011, 1.1, "fine"),
]
FACTS = pd.DataFrame(ROWS, columns=["world", "seed", "school_year", "way", "in_the_large", "slope", "alarm"]).assign(
    percent=10, observed=0.25
)


def test_each_world_and_year_has_its_table_with_lowest_and_highest_and_who_kept_the_promise():
    text = page(FACTS, 20_000, Policy(), "abc")
    assert "## A calm world, 2025-26\n" in text
    assert "| 10 % | 25 to 25 % | -1.3 to +0.4 | 1 of 2 | 0.88 to 1.02 | 1 of 2 |" in text


def test_after_twenty_days_two_points_are_promised_and_the_alarms_are_counted():
    text = page(FACTS, 20_000, Policy(), "abc")
    assert "## The year of a shock, 2022-23, with the level of its first twenty days" in text
    assert "| 10 % | 25 to 25 % | -2.1 to +1.9 | 1 of 2 | 1.10 to 1.10 | 2 of 2 |" in text
    assert "The alarm of the base rate fired in 1 of 2 districts, in 1 it said to watch." in text


def test_of_an_ordinary_year_it_says_what_recalibration_would_have_done():
    text = page(FACTS, 20_000, Policy(), "abc")
    assert (
        "With the level of the first twenty days it would have been -0.7 to +1.1 points off at 10 %. "
        "The alarm of the base rate fired in 0 of 2 districts."
    ) in text
    assert text.count("## ") == 3
