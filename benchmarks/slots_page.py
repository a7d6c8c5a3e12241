"""The section of docs/results.md on what slots bring, from the figures that `benchmarks.slots` keeps."""

import pandas as pd

from benchmarks.intervals import Interval, over_seeds

TITLE = "What mentor slots bring"
RANDOM, BEST = "random", "truth's best for crossings"
NEXT = "highest estimate, not yet chronic"
OURS = ("crossings averted, not yet chronic (ours)", "crossings averted (ours)")
"""Our objective in the lane `prevent`, which is offered first by default, and over all students."""

_COLUMNS = {
    "crossings_8": "crossings averted per 100 slots, mentors change 8 %",
    "days_8": "days gained a slot, 8 %",
    "crossings_23": "crossings, 23 %",
    "days_23": "days, 23 %",
}


def section(tables: dict[str, pd.DataFrame], commit: str) -> str:
    """The section as Markdown."""
    rules, effects = tables["rules"], tables["effects"]
    true = [over_seeds(effects[name]).percent() for name in ("changed_8", "changed_23")]
    told = "\n".join(f"- {line}" for line in [*_against(tables), _way(rules), *_prior(rules)])
    return f"""## {TITLE}

Who gets a slot decides what mentors bring. {len(effects)} simulated districts of 20,000 students, slots for 5 % of
those with a known year before; estimates made before the year, by a model that learned from the years before it. Each
student's chance of a chronic year without and with a mentor is known to the simulator, so a rule is judged by what it
truly brings, without noise; no rule but the last three knows it. Mentors of a whole year change {true[0]} of the
days missed (less in lower grades, where more of the days are illness), or {true[1]}: by the simulator's table of
chances, which says about a seventh more than years lived with such mentors do.
Our objective expects -8 % (nine in ten between +3 and -18 %), more in grades whose absences are more often unexcused
(`ews.gains`); the rest follows from the probabilities of the list. `python -m benchmarks.slots` measures it.

{_table(rules)}

{told}
- Within the lane `prevent` our objective is little better than the highest estimate: both come from one distribution.
  The lane costs more: some who were chronically absent are near the line again, and a mentor averts as much there.
- Nobody knows which effect a real mentor has: with none, no rule brings anything; in grades 1 to 4 the largest trial
  detected none. That an effect acts on absences that are not illness is the simulator's assumption as well as ours.
- Code: `{commit or "not a checkout"}`.
"""


def _table(rules: pd.DataFrame) -> str:
    lines = [f"| who gets the slots | {' | '.join(_COLUMNS.values())} |", "| --- | ---: | ---: | ---: | ---: |"]
    for rule in rules["rule"].unique():
        cells = [_told(over_seeds(_of(rules, rule, name)), 2 if "days" in name else 1) for name in _COLUMNS]
        lines.append(f"| {rule} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _against(tables: dict[str, pd.DataFrame]) -> list[str]:
    """One line a rule of ours and other rule that matters: paired by district, and over resampled schools."""
    rules, moved = tables["rules"], tables["resampled"].set_index(["rule", "minus"])
    others = (RANDOM, "last year's rate", "last year's rate, not yet chronic", "highest estimate", NEXT)
    return [_one_against(rules, moved, rule, other) for rule in OURS for other in others]


def _one_against(rules: pd.DataFrame, moved: pd.DataFrame, rule: str, other: str) -> str:
    gain = over_seeds(_of(rules, rule, "crossings_8") - _of(rules, other, "crossings_8"))
    low, high = moved.loc[(rule, other), ["low", "high"]]
    verb = (
        "beats" if min(gain.low, low) > 0 else "is worse than" if max(gain.high, high) < 0 else "is not shown to beat"
    )
    return (
        f"{rule} {verb} {other}: {gain.value:+.2f} crossings per 100 slots ({gain.low:+.2f} to {gain.high:+.2f} over "
        f"districts, {low:+.2f} to {high:+.2f} over resampled schools)."
    )


def _way(rules: pd.DataFrame) -> str:
    start, best = _of(rules, RANDOM, "crossings_8"), _of(rules, BEST, "crossings_8")
    ways = [over_seeds((_of(rules, rule, "crossings_8") - start) / (best - start)) for rule in (*OURS, NEXT)]
    told = [f"{name} {way.percent()}" for name, way in zip((*OURS, NEXT), ways, strict=True)]
    goal = "reached" if all(way.value >= 0.5 for way in ways[:2]) else "**not** reached"
    return f"Of the way from random to the truth's best: {'; '.join(told)}. The goal of half of it is {goal}."


def _prior(rules: pd.DataFrame) -> list[str]:
    by_23, alike = (
        over_seeds(_of(rules, OURS[1], "crossings_8") - _of(rules, other, "crossings_8"))
        for other in (
            "crossings averted by a prior of -23 % (ours)",
            "crossings averted, every grade alike (ours)",
        )
    )
    return [
        f"A prior of -23 % in place of -8 % would order about as well: {-by_23.value:+.2f} crossings per 100 slots.",
        f"That grades answer a mentor differently brings {alike.value:+.2f} ({alike.low:+.2f} to {alike.high:+.2f}).",
    ]


def _of(rules: pd.DataFrame, rule: str, name: str) -> pd.Series:
    return rules[rules["rule"] == rule].set_index("seed")[name].sort_index()


def _told(interval: Interval, digits: int) -> str:
    return f"{interval.value:.{digits}f} ({interval.low:.{digits}f} to {interval.high:.{digits}f})"
