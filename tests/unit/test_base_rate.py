"""What the first days of a year tell of all of it, on a simulated district whose last year is a shock."""

import numpy as np
import pandas as pd
import pytest

from ews.base_rate import first_days, last_complete, ratio_for, share_reaching, shares_reaching
from ews.carried import ALL, UNEXCUSED, YearOfDays, carried_over, counted_in
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from tests.homes import home_with_marks, ingested_home, records

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
    frame = pd.DataFrame({"school_id": names, "first_days": 40_000, ALL: first, UNEXCUSED: 0.4 * first})
    return YearOfDays(SHOCK, frame.assign(days_absent=whole, days_enrolled=360_000))


def test_what_schools_carry_over_is_read_from_thousands_and_hardly_from_one():
    assert carried_over([schools(0.4, 5000)], 20, UNEXCUSED) == pytest.approx(0.4, abs=0.02)
    assert carried_over([schools(0.9, 5000), schools(0.9, 5000, seed=5)], 20, ALL) == pytest.approx(0.9, abs=0.02)
    assert carried_over([schools(0.4, 1)], 20, UNEXCUSED) == pytest.approx(0.71)
    assert carried_over([schools(0.4, 1)], 20, ALL) == pytest.approx(0.84)


def test_more_days_carry_over_more_where_schools_tell_nothing():
    told = [carried_over([schools(0.4, 1)], day, UNEXCUSED) for day in (5, 20, 40, 60)]
    assert told == sorted(told)
    assert told[-1] < 1


def year_of(excused: float, unexcused: float) -> YearOfDays:
    frame = pd.DataFrame({"first_days": [1000.0], ALL: [excused + unexcused], UNEXCUSED: [unexcused]})
    return YearOfDays(SHOCK, frame)


@pytest.mark.parametrize(
    ("excused", "unexcused", "counted"),
    [
        (60, 40, UNEXCUSED),
        (100, 40, UNEXCUSED),
        (100, 39, UNEXCUSED),
        (90, 70, UNEXCUSED),
        (40, 60, ALL),
        (75, 25, ALL),
        (100, 2, ALL),
        (0, 100, ALL),
        (60, np.nan, ALL),
        (0, 0, ALL),
    ],
)
def test_unexcused_absences_count_unless_they_are_unknown_or_few_or_coded_otherwise(excused, unexcused, counted):
    """After 60 excused and 40 unexcused: an outbreak and a worse year move them as they do, a new code otherwise."""
    assert counted_in([year_of(60, 40)], year_of(excused, unexcused)) == counted


def outbreak(students_away: float) -> pd.DataFrame:
    """The district's marks, with this share of students away excused from day 5 to 9 of the ordinary last year."""
    calendar, stays, marks = (
        pd.read_csv(records() / f"{name}.csv", dtype=str) for name in ("calendar", "enrollments", "attendance")
    )
    days = calendar[calendar["school_year"] == str(SHOCK.previous)].sort_values("date")
    days = days[days.groupby("school_id").cumcount().between(4, 8)]
    there = stays.merge(days, on="school_id").query("entry_date <= date <= exit_date")
    ill = there["student_id"].drop_duplicates().sample(frac=students_away, random_state=1)
    away = there[there["student_id"].isin(ill)][["student_id", "school_id", "date"]]
    more = away.assign(category="excused", absent_share="1")
    return pd.concat([marks, more]).drop_duplicates(["student_id", "date"])


def test_an_outbreak_in_the_first_days_moves_the_level_of_no_year(tmp_path, folder):
    """A quarter of the students is ill for a week in September: counted, it would be a much worse year."""
    ill = home_with_marks(tmp_path / "home", outbreak(0.25)).ingested()
    usual, told = (first_days(one, SHOCK.previous, 20, POLICY) for one in (folder, ill))
    assert told.only_unexcused
    assert told.shares == usual.shares
    assert told.chronic_by_all > usual.chronic_by_all + 0.06
    assert "An outbreak looks like that" in told.excused_differ(told.shares[10])
    assert "missed unexcused" in told.in_words


def test_absences_that_are_coded_otherwise_are_counted_whatever_their_kind(tmp_path, folder):
    """From the last year on, every unexcused absence is an excused one, and some of the excused are not."""
    marks = pd.read_csv(records() / "attendance.csv", dtype=str)
    new = marks["date"] > "2024-08"
    other = {"unexcused": "excused", "excused": "unexcused"}
    marks.loc[new, "category"] = marks.loc[new, "category"].replace(other)
    usual = first_days(folder, SHOCK.previous, 20, POLICY)
    told = first_days(home_with_marks(tmp_path / "home", marks).ingested(), SHOCK.previous, 20, POLICY)
    assert not told.only_unexcused
    assert told.shares[10] == told.chronic_by_all == pytest.approx(usual.chronic_by_all, abs=1e-9)
    assert told.excused_differ(0.5) == ""


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
