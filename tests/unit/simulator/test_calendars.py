"""School calendars."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.simulator.calendars import Calendar, draw_calendar
from ews.simulator.parameters import CalendarNumbers


def calendar(ending: int, seed: int = 0, *, august: bool = False) -> Calendar:
    numbers = CalendarNumbers(180, 0.0, 1.5, 0.4)
    return draw_calendar(np.random.default_rng(seed), ending, numbers, 2, starts_in_august=august)


@settings(max_examples=60, deadline=None)
@given(ending=st.integers(1995, 2100), seed=st.integers(0, 5), august=st.booleans())
def test_a_year_has_175_to_180_weekdays_from_late_summer_to_june(ending: int, seed: int, *, august: bool) -> None:
    drawn = calendar(ending, seed, august=august)
    assert 175 <= drawn.days <= 180
    assert drawn.weekday.max() <= 4
    assert np.all(np.diff(drawn.dates.astype(int)) > 0)
    assert np.datetime64(f"{ending - 1}-08-25") <= drawn.dates[0] <= np.datetime64(f"{ending - 1}-09-10")
    assert np.datetime64(f"{ending}-05-25") <= drawn.dates[-1] <= np.datetime64(f"{ending}-06-30")
    assert drawn.snow.sum() == 2
    assert np.isin(drawn.month[drawn.snow], (1, 2, 3)).all()


def test_thanksgiving_the_winter_break_and_memorial_day_are_free() -> None:
    dates = set(calendar(2026).dates.astype(str))
    for free in ("2025-09-01", "2025-11-27", "2025-11-28", "2025-12-25", "2026-01-01", "2026-01-19", "2026-05-25"):
        assert free not in dates
    assert {"2025-09-03", "2025-11-26", "2026-01-05"} <= dates


def test_the_days_before_long_breaks_are_marked() -> None:
    drawn = calendar(2026)
    before = set(drawn.dates[drawn.before_break].astype(str))
    assert {"2025-11-26", "2025-12-23"} <= before
    assert "2025-10-10" not in before, "a Monday holiday is no long break"


def test_weeks_go_on_through_breaks() -> None:
    drawn = calendar(2026)
    assert drawn.week[0] == 0
    assert drawn.weeks == (drawn.dates[-1] - drawn.dates[0]).astype(int) // 7 + 1 or drawn.weeks > 40
