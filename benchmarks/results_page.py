"""The page of results: figures in tables, and what they say in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.intervals import Interval, over_seeds
from ews.ceilings import FLAT, OBSERVER, RATE, TRUTH, share_of_the_way
from ews.evaluation import MODEL

GROUPS = ("all", "not yet chronic", "already chronic")
METRICS = {"auc": "AUC", "average_precision": "AP", "brier": "Brier", "recall_at_k": "recall@k"}
RANKED = ("auc", "average_precision")
LOWER_IS_BETTER = ("brier",)
GOAL = 0.9
"""Share of the way from last year's rate to the observer limit that is promised."""

LOGISTIC = "logistic"
WITH_PRIOR = f"{MODEL} with prior"
"""The model of a small district whose trees begin with those of other districts (`ews train --prior`)."""

PRIOR_WORLDS = ("nyc_like", "no_shock", "persistence_low", "persistence_high", "ct_like")
"""Presets of the districts that the prior learns from, none of them of the world that is tested."""


@dataclass(frozen=True)
class Measured:
    """What the page shows.

    Attributes:
        figures: one row a size of district, seed, after_day, group, method and metric, with its value.
        limit_curve: the observer limit on more and more other districts.
        star: evaluation and paired differences a pair of years; None where the sheet is not here.
        commit: the code that was measured.
    """

    figures: pd.DataFrame
    limit_curve: pd.DataFrame
    star: dict[str, tuple[pd.DataFrame, pd.DataFrame]] | None
    commit: str


def page(found: Measured) -> str:
    """The whole page as Markdown."""
    large, small = sorted(found.figures["size"].unique())[::-1]
    parts = [
        _head(found, large, small),
        _size_part(found.figures, large),
        _later_part(found.figures, large),
        _size_part(found.figures, small),
        _limit_part(found.limit_curve),
        _star_part(found.star),
    ]
    return "\n\n".join(parts) + "\n"


def _head(found: Measured, large: int, small: int) -> str:
    seeds = {size: _listed(rows["seed"].unique()) for size, rows in found.figures.groupby("size")}
    return f"""# Results

<!-- Written by benchmarks/results.py. Run: make results -->

How good the lists are, where the truth is known (simulated districts) and on real yearly totals (Project STAR).
`make results` measures and writes this page, in about a quarter of an hour on two quiet cores; it keeps what it made in
`.results`, and a run that was stopped goes on from there.

- Districts: preset `district`, six school years with a shock in the third; {large:,} students (seeds {seeds[large]})
  and {small:,} students (seeds {seeds[small]}). Learned on target years 2022 to 2025, tested on 2026, of which nothing
  was learned.
- **The defaults were chosen on this simulator** ([experiments](experiments.md)), on some of these seeds, so the figures
  are somewhat better than a new world would give. They say what the method can do; a real district's own back-test says
  what it does there.
- In brackets: 95 % intervals over seeds (Student's t), or over schools for Project STAR. k is 10 % of each school's
  students of the group.
- Observer limit: the same features and model, learned on other districts of the same world until more no longer help.
  Truth: each student's probability given the complete latent state; what lies between the two no record holds.
  Nobody learns from students who had a mentor; all are predicted.
{_prior_told(found.figures)}- Code: `{found.commit or "not a checkout"}`.

## What it comes to

{_verdicts(found.figures, large, small)}"""


def _prior_told(figures: pd.DataFrame) -> str:
    if WITH_PRIOR not in set(figures["method"]):
        return ""
    return f"""- With prior: its trees begin with those of a model that learned on one district of 20,000 students of
  {_listed_words(PRIOR_WORLDS)}, on target years
  before 2026 (`ews train --prior`, [experiments](experiments.md)). They are other settings of the same simulator; how
  much a real neighbour would give is not known.
"""


def _verdicts(figures: pd.DataFrame, large: int, small: int) -> str:
    lines = [
        _way_verdict(figures, size, group, method)
        for size in (large, small)
        for method in _ours(_at_start(figures, size))
        for group in GROUPS[:2]
    ]
    lines += [
        _against(figures, size, "not yet chronic", metric, other)
        for size in (large, small)
        for other in (RATE, LOGISTIC)
        for metric in ("average_precision", "recall_at_k")
    ]
    if WITH_PRIOR in _ours(_at_start(figures, small)):
        lines += [
            _against(figures, small, group, metric, MODEL, of=WITH_PRIOR)
            for group in GROUPS[:2]
            for metric in ("average_precision", "recall_at_k")
        ]
    return "\n".join(f"- {line}" for line in lines)


def _ours(rows: pd.DataFrame) -> list[str]:
    """The model, and the model with a prior where it was measured."""
    return [MODEL, *({WITH_PRIOR} & set(rows["method"]))]


def _way_verdict(figures: pd.DataFrame, size: int, group: str, method: str) -> str:
    way = {metric: over_seeds(_ways(_at_start(figures, size), group, metric, method)) for metric in RANKED}
    told = " and ".join(f"{way[metric].percent()} in {METRICS[metric]}" for metric in RANKED)
    reached = all(one.value >= GOAL for one in way.values())
    goal = f"the goal of {100 * GOAL:.0f} % is {'reached' if reached else '**not** reached'}"
    return f"{size:,} students, {group}: from last year's rate to the observer limit, {method} comes {told}; {goal}."


def _against(figures: pd.DataFrame, size: int, group: str, metric: str, other: str, of: str = MODEL) -> str:
    gain = _gain(_at_start(figures, size), group, metric, of, other)
    verb = "is not shown to differ from"
    if gain.low > 0 or gain.high < 0:
        verb = "beats" if gain.value > 0 else "is worse than"
    return f"{size:,} students, {group}: {of} {verb} {other} in {METRICS[metric]}: {gain.told(sign='+')}."


def _size_part(figures: pd.DataFrame, size: int) -> str:
    rows = _at_start(figures, size)
    tables = "\n\n".join(_group_table(rows, group) for group in GROUPS)
    return f"""## {size:,} students, before the first day

{tables}

From last year's rate (0 %) to the observer limit (100 %):

{_way_table(rows)}"""


def _group_table(rows: pd.DataFrame, group: str) -> str:
    of_group = rows[rows["group"] == group]
    one = of_group.drop_duplicates("seed")
    share = over_seeds(one["positives"] / one["students"])
    head = [f"{group}, {100 * share.value:.1f} % chronically absent", *METRICS.values()]
    ours = _ours(rows)
    methods = [method for method in of_group["method"].unique() if method not in (*ours, OBSERVER, TRUTH)]
    return _markdown(
        head,
        [
            [method, *(over_seeds(_values(of_group, group, metric, method)).told() for metric in METRICS)]
            for method in (*methods, *ours, OBSERVER, TRUTH)
        ],
    )


def _way_table(rows: pd.DataFrame) -> str:
    metrics = (*RANKED, "recall_at_k")
    return _markdown(
        ["group", *(METRICS[metric] for metric in metrics)],
        [
            [
                f"{group}, {method}",
                *(over_seeds(_ways(rows, group, metric, method)).percent() for metric in metrics),
            ]
            for method in _ours(rows)
            for group in GROUPS
        ],
    )


def _later_part(figures: pd.DataFrame, size: int) -> str:
    rows = figures[figures["size"] == size]
    tables = "\n\n".join(_later_table(rows, group) for group in GROUPS)
    return f"""## {size:,} students, once the year has begun

What LightGBM gains over its own list of before the first day, on the students of that day.

{tables}"""


def _later_table(rows: pd.DataFrame, group: str) -> str:
    lines = []
    for day in sorted(rows["after_day"].unique()):
        values = [_values(rows[rows["after_day"] == day], group, metric, MODEL) for metric in METRICS]
        before = [_values(rows[rows["after_day"] == 0], group, metric, MODEL) for metric in METRICS]
        gains = [over_seeds(now - then).told(sign="+") if day else "" for now, then in zip(values, before, strict=True)]
        lines.append([f"day {day}", *(over_seeds(value).told() for value in values)])
        if day:
            lines.append(["gain", *gains])
    return _markdown([group, *METRICS.values()], lines)


def _limit_part(curve: pd.DataFrame) -> str:
    columns = [column for column in curve.columns if column not in ("districts", "student_years")]
    lines = [
        [f"{int(row.districts)}", f"{int(row.student_years):,}", *(f"{row[name]:.3f}"[1:] for name in columns)]
        for _, row in curve.iterrows()
    ]
    names = [name.replace("average_precision", "AP").replace("auc", "AUC") for name in columns]
    rises = len(curve) < 2 or bool((curve.filter(like="auc").diff().iloc[-1] >= FLAT).any())
    verdict = "The curve is flat: more districts would tell no more."
    if rises:
        verdict = (
            f"The last doubling still brought {FLAT} of AUC or more: the limit is somewhat higher, the shares lower."
        )
    return f"""## The observer limit

Learned on other districts of {20_000:,} students, none of them tested above; judged on one more:

{_markdown(["districts", "student years", *names], lines)}

{verdict}"""


def _star_part(star: dict[str, tuple[pd.DataFrame, pd.DataFrame]] | None) -> str:
    head = "## Project STAR, real students\n\n"
    if star is None:
        return f"{head}The sheet was not here when this page was made, so nothing is claimed on real students."
    about = (
        "Yearly totals of days absent, no daily marks: most features are unknown. Schools are predicted from other\n"
        "schools (five folds); intervals from resampling schools."
    )
    return head + "\n\n".join([about, *(_star_pair(name, *of_pair) for name, of_pair in star.items())])


def _star_pair(name: str, evaluation: pd.DataFrame, paired: pd.DataFrame) -> str:
    parts = [f"### {name}"]
    for group in GROUPS[:2]:
        rows = evaluation[evaluation["group"] == group].set_index(["method", "metric"])
        methods = rows.index.get_level_values("method").unique()
        cells = [[method, *(_told(rows.loc[(method, metric)]) for metric in METRICS)] for method in methods]
        parts.append(_markdown([f"{group}, {int(rows['students'].iloc[0]):,} students", *METRICS.values()], cells))
        parts.append(" ".join(_star_verdict(paired, group, metric) for metric in (*RANKED, "recall_at_k")))
    return "\n\n".join(parts)


def _star_verdict(paired: pd.DataFrame, group: str, metric: str) -> str:
    row = paired.query("group == @group and metric == @metric and minus == @RATE").iloc[0]
    told = f"{METRICS[metric]} {Interval(row['value'], row['low'], row['high']).told(sign='+')}"
    if row["low"] > 0:
        return f"LightGBM beats {RATE}: {told}."
    return f"LightGBM is {'worse than' if row['high'] < 0 else 'not shown to beat'} {RATE}: {told}."


def _at_start(figures: pd.DataFrame, size: int) -> pd.DataFrame:
    return figures[(figures["size"] == size) & (figures["after_day"] == 0)]


def _values(rows: pd.DataFrame, group: str, metric: str, method: str) -> np.ndarray:
    """One value a seed, in the order of seeds."""
    chosen = rows[(rows["group"] == group) & (rows["metric"] == metric) & (rows["method"] == method)]
    return chosen.sort_values("seed")["value"].to_numpy()


def _gain(rows: pd.DataFrame, group: str, metric: str, of: str, minus: str) -> Interval:
    """Paired by seed; positive where `of` is better."""
    better = _values(rows, group, metric, of) - _values(rows, group, metric, minus)
    return over_seeds(-better if metric in LOWER_IS_BETTER else better)


def _ways(rows: pd.DataFrame, group: str, metric: str, method: str) -> list[float]:
    """The share of a method's way of each seed."""
    ways = [share_of_the_way(of_seed, method) for _, of_seed in rows.groupby("seed")]
    shares = [way.set_index(["group", "metric"])["share"] for way in ways]
    return [float(share[group, metric]) for share in shares]


def _told(row: pd.Series) -> str:
    return Interval(row["value"], row["low"], row["high"]).told()


def _listed_words(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _listed(seeds: Sequence[int]) -> str:
    return f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else str(seeds[0])


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [list(head), ["---", *("---:" for _ in head[1:])], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
