from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ews.errors import InvalidPolicy
from ews.policy import Policy


def test_the_default_policy_is_that_of_federal_counts() -> None:
    policy = Policy()
    assert (policy.chronic_percent, policy.min_days_enrolled, policy.listed_grades_from) == (10, 10, "KG")
    assert Policy.read(None) == Policy.from_toml("") == policy


@given(
    st.sets(st.integers(1, 99), max_size=4),
    st.integers(1, 90),
    st.integers(1, 100),
    st.sampled_from(["PK", "KG", "01"]),
    st.integers(0, 30),
)
def test_a_policy_written_and_read_is_the_same(
    percents: set[int], days: int, slots: int, grade: str, slack: int
) -> None:
    policy = Policy(
        threshold_percents=tuple(sorted(percents | {10})),
        min_days_enrolled=days,
        slots_percent=slots,
        listed_grades_from=grade,
        closed_year_slack_days=slack,
    )
    assert Policy.from_toml(policy.to_toml()) == policy


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("chronic_percent =", "not valid TOML"),
        ("chronic_percents = 10", "Unknown keys in the policy: chronic_percents"),
        ('min_days_enrolled = "10"', "wrong kind in the policy: min_days_enrolled"),
        ("min_days_enrolled = true", "wrong kind in the policy: min_days_enrolled"),
        ("at_risk_percent = 10", "Bands must ascend"),
        ("severe_percent = 10", "Bands must ascend"),
        ("min_days_enrolled = 0", "at least 1"),
        ("threshold_percents = [10, 8]", "must ascend"),
        ("threshold_percents = [10, 10]", "must ascend"),
        ("threshold_percents = [8, 12]", "must hold chronic_percent"),
        ("slots_percent = 0", "slots_percent"),
        ("slots_percent = 101", "slots_percent"),
        ("min_n = 4", "min_n must be at least 5"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_and_says_why(toml: str, says: str) -> None:
    with pytest.raises(InvalidPolicy, match=says):
        Policy.from_toml(toml)


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("min_days_enrolled = 45\n", encoding="utf-8")
    assert Policy.read(path) == Policy(min_days_enrolled=45)
