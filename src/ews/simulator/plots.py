"""The report's plots: what a folder of records shows, beside published figures. One file a plot, no global state."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ews.simulator.daily_moments import autocovariance
from ews.simulator.moments import level_to_chronic, pairs, with_rates
from ews.simulator.observe import Observed
from ews.tables import GRADES

HERE, THERE = "#1b5e8c", "#c2571a"

_NEW_YORK_2019 = (43.6, 32.0, 26.1, 23.2, 21.7, 20.2, 19.9, 19.1, None, None, 30.7, None, None, 44.0)
_CONNECTICUT_2019 = (None, 11.6, 8.4, 7.4, 6.8, 6.9, 7.0, 8.2, None, None, 13.1, None, None, 18.0)
_CURVE = {3.5: 6.6, 4.5: 10.4, 5.5: 15.3, 6.5: 20.9, 7.5: 26.8, 8.5: 32.3, 9.5: 37.7, 11: 43.7, 13.5: 51.8}
_WEEK = {"Mon": 1.24, "Tue": 1.06, "Wed": 1.0, "Thu": 1.03, "Fri": 1.25}
_MONTH = {"Sep": 1.00, "Oct": 0.83, "Nov": 0.93, "Dec": 1.03, "Jan": 1.08, "Feb": 0.99, "Mar": 1.01, "Apr": 0.91,
          "May": 1.00, "Jun": 1.41}  # fmt: skip
_NOISE = {1: 0.55, 2: 0.39, 3: 0.28, 5: 0.20, 10: 0.07}


def draw_plots(seen: Observed, moments: pd.Series, out: Path) -> list[str]:
    """Write every plot into `out` and return the file names, in order."""
    out.mkdir(parents=True, exist_ok=True)
    names = []
    for name, draw in _PLOTS.items():
        figure = Figure(figsize=(6.4, 3.6), dpi=110, layout="constrained")
        draw(figure.add_subplot(), seen, moments)
        figure.savefig(out / f"{name}.png", metadata={"Software": None})
        names.append(f"{name}.png")
    return names


def _grades(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    people = with_rates(seen.student_years)
    for year, of_year in people.groupby("school_year"):
        share = of_year.groupby("grade_level")["is_chronic"].mean().reindex(list(GRADES)) * 100
        axes.plot(
            GRADES,
            share,
            color=HERE,
            alpha=0.35,
            label="here, each school year" if year == people["school_year"].min() else None,
        )
    for values, label, style in (
        (_NEW_YORK_2019, "New York City 2018-19", "o"),
        (_CONNECTICUT_2019, "Connecticut 2018-19", "s"),
    ):
        known = [(grade, value) for grade, value in zip(GRADES, values, strict=True) if value is not None]
        axes.plot(*zip(*known, strict=True), style, color=THERE, label=label)
    _label(axes, "Chronically absent by grade", "grade", "% of students")


def _distribution(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    people = with_rates(seen.student_years)
    full = people[people["days_enrolled"] >= 0.9 * people["instructional_days"]]
    axes.hist(full["days_absent"].clip(upper=80), bins=list(range(82)), color=HERE, density=True)
    axes.axvline(18, color=THERE, linestyle="--", label="a tenth of 180 days")
    _label(axes, "Days absent in a year", "days (80 and more together)", "share of students")


def _level(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    schools = level_to_chronic(with_rates(seen.student_years))
    axes.scatter(
        schools["rate"] * 100, schools["chronic"] * 100, s=8, color=HERE, alpha=0.5, label="here, a school and year"
    )
    axes.plot(list(_CURVE), list(_CURVE.values()), "o-", color=THERE, label="New York City K-5 schools 2013-18")
    _label(
        axes, "A school's mean absence rate and its share chronically absent", "mean absence rate, %", "% of students"
    )


def _persistence(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    people = with_rates(seen.student_years)
    both = pairs(people, 1)
    before = (both["rate_before"] * 100).clip(upper=30).round()
    share = both.groupby(before)["is_chronic"].agg(["mean", "size"])
    share = share[share["size"] >= 20]
    axes.plot(share.index, share["mean"] * 100, "o-", color=HERE, label="here")
    axes.axvline(10, color=THERE, linestyle="--", label="chronically absent last year")
    lags = ", ".join(f"lag {lag}: {moments.get(f'persistence.lag_{lag}', np.nan):.2f}" for lag in (1, 2, 3))
    _label(
        axes,
        f"Next year by last year's rate (correlations K-5, {lags})",
        "last year's absence rate, %",
        "% chronically absent",
    )


def _autocorrelation(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    _, _, lags = autocovariance(seen.school_days)
    axes.plot(list(lags), list(lags.values()), "o-", color=HERE, label="here")
    axes.plot(list(_NOISE), list(_NOISE.values()), "o-", color=THERE, label="New York City K-5 schools 2009-17")
    _label(axes, "Noise of a school's day: autocovariance over excess variance", "days apart", "")


def _weekday(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday")
    _bars(axes, [1.0 if name == "wednesday" else moments.get(f"weekday.{name}", np.nan) for name in names], _WEEK)
    _label(axes, "Absence by weekday, over the same week's Wednesday (elementary)", "", "ratio")


def _month(axes: Axes, seen: Observed, moments: pd.Series) -> None:
    _bars(axes, [moments.get(f"month.{name.lower()}", np.nan) for name in _MONTH], _MONTH)
    _label(axes, "Absence by month, over the year (elementary)", "", "ratio")


def _bars(axes: Axes, here: list[float], there: dict[str, float]) -> None:
    place = np.arange(len(there))
    axes.bar(place - 0.2, here, 0.4, color=HERE, label="here")
    axes.bar(place + 0.2, list(there.values()), 0.4, color=THERE, label="New York City K-5 schools 2009-17")
    axes.set_xticks(place, list(there))


def _label(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)


_PLOTS: dict[str, Callable[[Axes, Observed, pd.Series], None]] = {
    "grades": _grades,
    "distribution": _distribution,
    "level_to_chronic": _level,
    "persistence": _persistence,
    "autocorrelation": _autocorrelation,
    "weekday": _weekday,
    "month": _month,
}
