import narwhals as nw
import polars as pl
import pytest

from ews.labels import labels
from ews.policy import Policy


def outcomes(days_absent: int, days_enrolled: int, policy: Policy | None = None) -> dict:
    frame = pl.LazyFrame(
        {"student_id": ["s"], "school_year": [2024], "days_absent": [days_absent], "days_enrolled": [days_enrolled]}
    )
    return labels(nw.from_native(frame), policy or Policy()).collect("pyarrow").to_native().to_pylist()[0]


def test_eighteen_of_one_hundred_and_eighty_reaches_ten_percent_and_not_twelve() -> None:
    assert outcomes(18, 180) == {
        "student_id": "s",
        "school_year": 2024,
        "outcome_days_enrolled": 180,
        "outcome_days_absent": 18,
        "outcome_rate": 0.1,
        "outcome_is_chronic": True,
        "outcome_reaches_08": True,
        "outcome_reaches_10": True,
        "outcome_reaches_12": False,
        "outcome_reaches_15": False,
        "outcome_reaches_20": False,
    }


def test_a_stay_too_short_has_days_but_no_outcome() -> None:
    row = outcomes(9, 9)
    assert (row["outcome_days_absent"], row["outcome_rate"]) == (9, 1.0)
    assert {row[name] for name in row if "reaches" in name or "chronic" in name} == {None}


@pytest.mark.parametrize("percents", [(5, 10), (10, 12, 33)])
def test_there_is_one_outcome_a_threshold_of_the_policy(percents: tuple[int, ...]) -> None:
    row = outcomes(20, 100, Policy(threshold_percents=percents))
    assert [name for name in row if "reaches" in name] == [f"outcome_reaches_{percent:02d}" for percent in percents]
    assert [row[f"outcome_reaches_{percent:02d}"] for percent in percents] == [percent <= 20 for percent in percents]
