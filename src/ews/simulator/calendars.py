"""School calendars: the instructional days of a district's school year, with holidays, breaks and snow closures."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.parameters import CalendarNumbers

_DAY = np.timedelta64(1, "D")
LONG_BREAK_DAYS = 4
"""A break of at least this many calendar days between two instructional days: Thanksgiving, recesses."""


@dataclass(frozen=True)
class Calendar:
    """The day axis of a district's school year; arrays have one entry per instructional day.

    Attributes:
        dates: datetime64[D], ascending.
        weekday: 0 (Monday) to 4.
        month: 1 to 12.
        week: calendar weeks since the first day; weeks without instruction count, so that breaks take their time.
        before_break: whether a long break follows.
        snow: whether it snowed and schools stayed open.
    """

    dates: NDArray[np.datetime64]
    weekday: NDArray[np.int64]
    month: NDArray[np.int64]
    week: NDArray[np.int64]
    before_break: NDArray[np.bool_]
    snow: NDArray[np.bool_]

    @property
    def days(self) -> int:
        """Instructional days."""
        return len(self.dates)

    @property
    def weeks(self) -> int:
        """Calendar weeks from the first to the last instructional day."""
        return int(self.week[-1]) + 1


def draw_calendar(
    rng: np.random.Generator, ending: int, numbers: CalendarNumbers, snow_open_days: int, *, starts_in_august: bool
) -> Calendar:
    """The calendar of the school year that ends in `ending`."""
    planned = _weekdays(_first_day(ending, starts_in_august), dt.date(ending, 7, 1))
    planned = planned[~np.isin(planned, _holidays(ending))][: numbers.instructional_days]
    winter = np.flatnonzero((planned >= _day(ending, 1, 4)) & (planned <= _day(ending, 3, 10)))
    chosen = rng.permutation(winter)
    closed = chosen[snow_open_days : snow_open_days + min(rng.poisson(numbers.snow_closures_mean), 5)]
    dates = np.delete(planned, closed)
    return _described(dates, np.isin(dates, planned[chosen[:snow_open_days]]))


def _described(dates: NDArray[np.datetime64], snow: NDArray[np.bool_]) -> Calendar:
    days = dates.astype("datetime64[D]").astype(np.int64)
    weekday = (days + 3) % 7
    monday = days - weekday
    gap = np.append(np.diff(days), 0)
    return Calendar(
        dates=dates,
        weekday=weekday,
        month=dates.astype("datetime64[M]").astype(np.int64) % 12 + 1,
        week=(monday - monday[0]) // 7,
        before_break=gap > LONG_BREAK_DAYS,
        snow=snow,
    )


def _first_day(ending: int, starts_in_august: bool) -> dt.date:
    labor_day = _nth_monday(ending - 1, 9, 1)
    return labor_day - dt.timedelta(days=6) if starts_in_august else labor_day + dt.timedelta(days=2)


def _weekdays(first: dt.date, last: dt.date) -> NDArray[np.datetime64]:
    days = np.arange(np.datetime64(first), np.datetime64(last))
    return days[np.is_busday(days)]


def _holidays(ending: int) -> NDArray[np.datetime64]:
    autumn = ending - 1
    thanksgiving = _nth_monday(autumn, 11, 1) + dt.timedelta(days=24 if _nth_monday(autumn, 11, 1).day <= 5 else 17)
    presidents = _nth_monday(ending, 2, 3)
    spring = _nth_monday(ending, 4, 2)
    last_of_may = dt.date(ending, 5, 31)
    memorial = last_of_may - dt.timedelta(days=last_of_may.weekday())
    spans = [
        (_nth_monday(autumn, 9, 1), 1), (_nth_monday(autumn, 10, 2), 1), (dt.date(autumn, 11, 11), 1),
        (thanksgiving, 2), (dt.date(autumn, 12, 24), 9), (_nth_monday(ending, 1, 3), 1), (presidents, 5),
        (spring, 5), (memorial, 1), (dt.date(ending, 6, 19), 1),
    ]  # fmt: skip
    return np.concatenate([np.datetime64(start, "D") + np.arange(length) * _DAY for start, length in spans])


def _nth_monday(year: int, month: int, nth: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(-first.weekday()) % 7 + 7 * (nth - 1))


def _day(year: int, month: int, day: int) -> np.datetime64:
    return np.datetime64(dt.date(year, month, day), "D")
