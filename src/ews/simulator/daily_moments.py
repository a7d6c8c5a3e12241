"""Moments of schools' days: weekday, season, the day before a break, snow, and the noise of a school's day."""

import numpy as np
import pandas as pd

_LAGS = (1, 2, 3, 5, 10)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_MONTHS = {9: "sep", 10: "oct", 11: "nov", 12: "dec", 1: "jan", 2: "feb", 3: "mar", 4: "apr", 5: "may", 6: "jun"}


def daily_moments(days: pd.DataFrame) -> dict[str, float]:
    """All moments of school days, by name; elementary schools only.

    Args:
        days: one row per school and instructional day, as :class:`ews.simulator.observe.Observed` has them.
    """
    return _week(days) | _season(days) | _noise(days)


def autocovariance(days: pd.DataFrame) -> tuple[float, float, dict[int, float]]:
    """The noise of a school's day: daily rates without the school's year and without the day that all schools share.

    Elementary schools of at least 100 students; days on which absence is more than twice the usual (snow, the last day)
    are left out, since what they do to a school is no noise.

    Returns:
        Variance over binomial variance, excess standard deviation, and autocovariance over the excess variance by lag.
    """
    days = days[days["is_elementary"].fillna(value=False) & (days["enrolled"] >= 100)]
    rate = days["absent"] / days["enrolled"]
    ordinary = rate.groupby(days["date"]).transform("mean") < 2 * rate.mean()
    days = days.assign(rate=rate)[ordinary]
    if days.groupby("date")["school_id"].nunique().max() in (np.nan, 1, 2):
        return np.nan, np.nan, dict.fromkeys(_LAGS, np.nan)
    left = days["rate"] - days.groupby(["school_id", "school_year"])["rate"].transform("mean")
    by_date = left.groupby(days["date"])
    count = by_date.transform("size")
    left = ((left - by_date.transform("mean")) / np.sqrt(np.maximum(count - 1, 1) / count)).where(count > 1)
    table = days.assign(left=left).pivot_table(index=["school_id", "school_year"], columns="day_index", values="left")
    values = table.to_numpy()
    binomial = (days["rate"] * (1 - days["rate"]) / days["enrolled"]).mean()
    excess = np.nanmean(values**2) - binomial
    lags = {lag: float(np.nanmean(values[:, lag:] * values[:, :-lag]) / excess) for lag in _LAGS}
    return float(np.nanmean(values**2) / binomial), float(np.sqrt(max(excess, 0))), lags


def _week(days: pd.DataFrame) -> dict[str, float]:
    """The median ratio of a weekday's rate to the same week's Wednesday, elementary schools."""
    young = days[days["is_elementary"].fillna(value=False) & (days["enrolled"] >= 50)]
    week = pd.to_datetime(young["date"]).dt.to_period("W").astype(str)
    table = young.assign(rate=young["absent"] / young["enrolled"], week=week).pivot_table(
        index=["school_id", "week"], columns="weekday", values="rate"
    )
    if 3 not in table:
        return {}
    wednesday = table[3].where(table[3] > 0)
    return {
        f"weekday.{name}": (table[number] / wednesday).median()
        for number, name in enumerate(_WEEKDAYS, start=1)
        if number != 3 and number in table
    }


def _season(days: pd.DataFrame) -> dict[str, float]:
    young = days[days["is_elementary"].fillna(value=False) & (days["enrolled"] >= 50)]
    rate = young["absent"] / young["enrolled"]
    overall = rate.median()
    by_month = rate.groupby(young["month"]).median() / overall
    nearby = rate.groupby([young["school_id"], young["school_year"], young["month"]]).transform("median")
    ratio = rate / nearby.where(nearby > 0)
    return {f"month.{name}": by_month.get(number, np.nan) for number, name in _MONTHS.items()} | {
        "day.before_long_break": ratio[young["days_to_next"] > 4].median(),
        "day.worst_of_winter": _worst_of_winter(young, ratio),
    }


def _worst_of_winter(days: pd.DataFrame, ratio: pd.Series) -> float:
    """The worst district-wide day of January to March of each year, as a ratio to its month: snow, schools open."""
    winter = days["month"].isin((1, 2, 3))
    by_date = ratio[winter].groupby([days["school_year"][winter], days["date"][winter]]).median()
    return float(by_date.groupby(level=0).max().mean()) if len(by_date) else np.nan


def _noise(days: pd.DataFrame) -> dict[str, float]:
    ratio, excess, lags = autocovariance(days)
    return {"noise.variance_to_binomial": ratio, "noise.excess_sd": excess} | {
        f"noise.lag_{lag}": value for lag, value in lags.items()
    }
