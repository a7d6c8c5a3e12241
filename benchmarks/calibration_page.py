"""The page that `benchmarks.calibration` writes: what was promised, and what was measured."""

import pandas as pd

from ews.policy import Policy
from ews.school_year import SchoolYear

MOST_OFF, MOST_OFF_AFTER_SHOCK, SLOPES = 0.01, 0.02, (0.9, 1.1)
"""In-the-large as a share of students in ordinary years and after recalibration; the slopes that are promised."""

_HEAD = """# Calibration

<!-- Written by benchmarks/calibration.py. Run: python -m benchmarks.calibration -->

Are the probabilities true? Simulated districts of {students:,} students, six school years, each target year predicted
by a model that learned from the years before it only. *Off* is the mean probability less the share of students that
reached the threshold, in points; the slope is 1 where the model is as sure as it may be, below 1 where it is too sure.
Lowest and highest of the districts. Promised for ordinary years: off by at most 1 point, slope within .9 and 1.1; after
a shock, once twenty days of it are known and the level is set anew ([monitoring](monitoring.md)): off by at most 2.

What it was measured with: the code at {commit}.
"""


def page(facts: pd.DataFrame, students: int, policy: Policy, commit: str) -> str:
    """The page as Markdown.

    Args:
        facts: as `benchmarks.calibration.measure` gives them.
        students: of a district.
        policy: names the chronic threshold.
        commit: what it was measured with.
    """
    parts = [_HEAD.format(students=students, commit=f"`{commit}`")]
    for (world, year, way), rows in facts.groupby(["world", "school_year", "way"], sort=False):
        asked = (str(world), str(way), SchoolYear(int(year)))
        in_passing = way == "first days" and not _is_shock(asked[0], asked[2])
        parts.append(_in_passing(rows, policy) if in_passing else _section(*asked, rows, policy))
    return "\n".join(parts)


def _in_passing(rows: pd.DataFrame, policy: Policy) -> str:
    """What recalibration would have made of an ordinary year, in two sentences."""
    off = 100 * rows[rows["percent"] == policy.chronic_percent]["in_the_large"]
    return (
        f"With the level of the first twenty days it would have been {off.min():+.1f} to {off.max():+.1f} points off "
        f"at {policy.chronic_percent} %.{_alarms(rows, policy)}\n"
    )


def _is_shock(world: str, year: SchoolYear) -> bool:
    return world == "district" and year.ending == 2023


def _section(world: str, way: str, year: SchoolYear, rows: pd.DataFrame, policy: Policy) -> str:
    shocked = _is_shock(world, year)
    how = ", with the level of its first twenty days" if way == "first days" else ""
    limit = MOST_OFF_AFTER_SHOCK if shocked else MOST_OFF
    lines = [
        f"## {_WORLDS[world, shocked]}, {year.label}{how}\n",
        "| days missed | students who reached it | off, points | within the promise | slope | within .9 and 1.1 |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
        *(_line(int(str(percent)), some, limit) for percent, some in rows.groupby("percent")),
    ]
    return "\n".join(lines) + ("\n\n" + _alarms(rows, policy).strip() if way == "first days" else "") + "\n"


_WORLDS = {
    ("district+no_shock", False): "A calm world",
    ("district", True): "The year of a shock",
    ("district", False): "A world that recovers slowly from a shock",
}


def _line(percent: int, rows: pd.DataFrame, limit: float) -> str:
    off, slope = rows["in_the_large"], rows["slope"]
    seen = f"{100 * rows['observed'].min():.0f} to {100 * rows['observed'].max():.0f} %"
    points = f"{100 * off.min():+.1f} to {100 * off.max():+.1f}"
    within, fits = int((off.abs() <= limit).sum()), int(slope.between(*SLOPES).sum())
    districts = len(rows)
    return (
        f"| {percent} % | {seen} | {points} | {within} of {districts} | {slope.min():.2f} to {slope.max():.2f} "
        f"| {fits} of {districts} |"
    )


def _alarms(rows: pd.DataFrame, policy: Policy) -> str:
    levels = rows[rows["percent"] == policy.chronic_percent]["alarm"]
    fired, watched = int((levels == "alarm").sum()), int((levels == "watch").sum())
    watch = f", in {watched} it said to watch" if watched else ""
    return f" The alarm of the base rate fired in {fired} of {len(levels)} districts{watch}."
