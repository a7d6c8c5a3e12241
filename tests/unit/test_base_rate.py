"""What the first days of a year tell of all of it, on a simulated district whose last year is a shock."""

import numpy as np
import pandas as pd
import pytest

from ews.base_rate import (
    YearOfDays,
    carried_over,
    first_days,
    last_complete,
    ratio_for,
    share_reaching,
    shares_reaching,
)
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from tests.homes import ingested_home

POLICY = Policy()
SHOCK = SchoolYear(2026)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = ingested_home(tmp_path_factory.mktemp("base_rate") / "home")
    return home.ingested()


def students(*absent: int, enrolled: int = 180) -> pd.DataFrame:
    return pd.DataFrame({"days_enrolled": enrolled, "days_absent": absent})


def test_the_observed_share_counts_whole_days_and_the_line_itself_I21():
    assert share_reaching(students(18, 17, 40, 0), 10, POLICY) == 0.5
    assert share_reaching(students(18, 17, 40, 0), 15, POLICY) == 0.25


def test_a_stay_too_short_to_count_is_left_out():
    rows = pd.concat([students(18, 0), students(9, enrolled=9)])
    assert share_reaching(rows, 10, POLICY) == 0.5


def test_twice_the_days_puts_over_the_line_who_stood_at_half_of_it():
    """Nine days become seventeen to nineteen, of which half lies over the line of eighteen."""
    assert share_reaching(students(10), 10, POLICY, 2.0) == 1.0
    assert share_reaching(students(9), 10, POLICY, 2.0) == pytest.approx(0.75)
    assert share_reaching(students(7), 10, POLICY, 2.0) == 0.0


def test_a_ratio_is_found_for_any_share_and_shares_fall_from_threshold_to_threshold():
    rng = np.random.default_rng(1)
    rows = students(*rng.poisson(rng.gamma(2, 6, 3000)))
    for share in (0.05, 0.3, 0.6):
        ratio = ratio_for(rows, share, POLICY)
        told = shares_reaching(rows, POLICY, ratio)
        assert told[10] == pytest.approx(share, abs=1e-3)
        assert list(told.values()) == sorted(told.values(), reverse=True)


def schools(carried: float, count: int, seed: int = 4) -> YearOfDays:
    """Schools apart by a known difference in the first days, of which a part stays."""
    apart = np.random.default_rng(seed).normal(0, 0.3, count)
    first, whole = 2000 * np.exp(apart), 15_000 * np.exp(carried * apart)
    names = [f"S{number}" for number in range(count)]
    frame = pd.DataFrame({"school_id": names, "first_days": 40_000, "first_absent": first, "days_absent": whole})
    return YearOfDays(SHOCK, frame.assign(days_enrolled=360_000))


def test_what_schools_carry_over_is_read_from_many_and_hardly_from_one():
    assert carried_over([schools(0.4, 200)]) == pytest.approx(0.4, abs=0.01)
    assert carried_over([schools(0.9, 200), schools(0.9, 200, seed=5)]) == pytest.approx(0.9, abs=0.01)
    assert carried_over([schools(0.4, 1)]) == pytest.approx(0.7)


def test_a_shock_is_seen_in_the_first_twenty_days_FAIR_24(folder):
    """A district of 300 is noisy: no less than a third of the jump is asked for, and no more than all of it."""
    told = first_days(folder, SHOCK, 20, POLICY)
    came = last_complete(folder, SHOCK.next, POLICY)
    assert came.school_year == SHOCK
    before = shares_reaching(last_complete(folder, SHOCK, POLICY).students, POLICY)
    after = shares_reaching(came.students, POLICY)
    assert told.rate > 1.4 * told.reference_rate
    assert told.reference == SHOCK.previous
    assert after[10] - before[10] > 0.08
    assert before[10] + (after[10] - before[10]) / 3 < told.shares[10] < after[10] + 0.03
    assert list(told.past_errors) == [2025]
    assert told.usual_error == abs(told.past_errors[2025])


def test_an_ordinary_year_is_expected_to_be_as_the_last(folder):
    told = first_days(folder, SHOCK.previous, 20, POLICY)
    before = last_complete(folder, SHOCK.previous, POLICY)
    assert told.shares[10] == pytest.approx(share_reaching(before.students, 10, POLICY), abs=0.06)
    assert told.past_errors == {}
    assert np.isnan(told.usual_error)


def test_nothing_after_the_first_days_of_the_open_year_is_looked_at_T01(tmp_path, folder):
    """The same expectation from records that end with day 25 of the year as from those that go on to its end."""
    from tests.homes import home_through_day

    cut = home_through_day(tmp_path / "home", SHOCK, 25)
    assert first_days(cut.ingested(), SHOCK, 20, POLICY) == first_days(folder, SHOCK, 20, POLICY)
    with pytest.raises(NotEnoughData, match="do not reach day 40"):
        first_days(cut.ingested(), SHOCK, 40, POLICY)


def test_without_an_earlier_year_there_is_nothing_to_compare_with(folder):
    with pytest.raises(NotEnoughData, match="--expected-share"):
        first_days(folder, SchoolYear(2024), 20, POLICY)
    with pytest.raises(NotEnoughData, match="No complete school year"):
        last_complete(folder, SchoolYear(2024), POLICY)
