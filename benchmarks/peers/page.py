"""The page of peers: tables, and in sentences who is first, who is tied and who is ahead."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.peers.recipes import PEERS
from ews.evaluation import MODEL

GROUPS = ("all", "not yet chronic", "already chronic")
METRICS = {"auc": "AUC", "average_precision": "AP", "brier": "Brier", "recall_at_k": "recall@k"}
LOWER_IS_BETTER = ("brier",)


@dataclass(frozen=True)
class Compared:
    """What the page shows.

    Attributes:
        values: one row a group, method and metric, as `ews.evaluation.evaluate` gives it.
        paired: ours minus each other method, as `ews.evaluation.differences` gives it.
        at_half: one row a group and method: flagged, recall and precision when .5 decides.
        hindsight: one row a group and method: brier, and recalibrated, the Brier score with the best level and slope.
        seeds: the districts.
        students: in each.
        commit: the code that was measured.
    """

    values: pd.DataFrame
    paired: pd.DataFrame
    at_half: pd.DataFrame
    hindsight: pd.DataFrame
    seeds: tuple[int, ...]
    students: int
    commit: str


def page(found: Compared) -> str:
    """The whole page as Markdown."""
    parts = [
        _head(found),
        "## What it comes to\n\n" + "\n".join(f"- {line}" for line in _verdicts(found.paired)),
        "## Side by side",
        *(_values_table(found, group) for group in GROUPS),
        "## Ours minus each of them\n\n"
        "In thousandths; in brackets 95 % intervals, paired, from resampling schools. Of Brier scores, less is better.",
        *(_paired_table(found.paired, group) for group in GROUPS),
        _hindsight_part(found.hindsight),
        _half_part(found.at_half),
        _recipes_part(),
        LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def standing(paired: pd.DataFrame, group: str, metric: str) -> dict[str, list[str]]:
    """The other methods by how ours does against them: `beaten`, `tied` (zero within the interval) or `ahead`."""
    rows = paired[(paired["group"] == group) & (paired["metric"] == metric)]
    sign = -1 if metric in LOWER_IS_BETTER else 1
    low, high = (rows["low"], rows["high"]) if sign > 0 else (-rows["high"], -rows["low"])
    names = rows["minus"]
    return {
        "beaten": names[low > 0].tolist(),
        "tied": names[(low <= 0) & (high >= 0)].tolist(),
        "ahead": names[high < 0].tolist(),
    }


def _verdicts(paired: pd.DataFrame) -> list[str]:
    return [_verdict(paired, group, metric) for group in GROUPS for metric in METRICS]


def _verdict(paired: pd.DataFrame, group: str, metric: str) -> str:
    found = standing(paired, group, metric)
    told = f"{group}, {METRICS[metric]}: "
    if found["ahead"]:
        return told + f"**behind {_listed(found['ahead'])}**" + _tied(found["tied"]) + "."
    if found["tied"]:
        return told + f"{MODEL} is not shown to differ from {_listed(found['tied'])}, and beats the others."
    return told + f"{MODEL} is first."


def _tied(names: Sequence[str]) -> str:
    return f", not shown to differ from {_listed(names)}" if names else ""


def _head(found: Compared) -> str:
    return f"""# Peers

<!-- Written by benchmarks/peers. Run: make compare -->

Other people's models beside ours: the same students, the same years learned from, the same list lengths.
`make compare` fits, measures and writes this page; it installs the peers' libraries first (`make peers`).

- Districts: preset `district`, six school years with a shock in the third, {found.students:,} students, seeds
  {_listed([str(seed) for seed in found.seeds])}, pooled. Learned on target years 2022 to 2025, tested on 2026, day 0.
- k is 10 % of each school's students of the group. Only students with a known last year.
- The peers keep to their recipes (below). Two of them, *chosen*, had a small search and a calibration, as a careful
  user would do: our defaults were chosen on this simulator ([experiments](experiments.md)), so theirs should be, too.
- Code: `{found.commit or "not a checkout"}`."""


def _values_table(found: Compared, group: str) -> str:
    rows = found.values[found.values["group"] == group]
    first = rows.iloc[0]
    cells = rows.pivot_table("value", "method", "metric", sort=False)[list(METRICS)]
    head = [f"{group}, {first['students']:,} students, {first['positives'] / first['students']:.1%}", *METRICS.values()]
    best_first = cells.sort_values("average_precision", ascending=False)
    return _markdown(head, [[str(name), *map(_digits, best_first.loc[name])] for name in best_first.index])


def _paired_table(paired: pd.DataFrame, group: str) -> str:
    rows = paired[(paired["group"] == group) & paired["metric"].isin(METRICS)]
    text = rows.apply(lambda row: f"{1000 * row.value:+.1f} ({1000 * row.low:+.1f} to {1000 * row.high:+.1f})", axis=1)
    cells = rows.assign(text=text).pivot_table("text", "minus", "metric", aggfunc="first", sort=False)[list(METRICS)]
    return _markdown([group, *METRICS.values()], [[str(name), *cells.loc[name]] for name in cells.index])


def _hindsight_part(hindsight: pd.DataFrame) -> str:
    """What is lost by calibration, and what by not knowing more."""
    ours = hindsight[hindsight["method"] == MODEL].set_index("group")
    lost = {group: 1000 * (ours.loc[group, "brier"] - ours.loc[group, "recalibrated"]) for group in GROUPS}
    told = ", ".join(f"{group} {points:.1f}" for group, points in lost.items())
    tables = []
    for group in GROUPS:
        rows = hindsight[hindsight["group"] == group].sort_values("recalibrated")
        tables.append(
            _markdown(
                [group, "Brier", "with hindsight", "lost by calibration"],
                [
                    [row.method, f"{1000 * row.brier:.1f}", f"{1000 * row.recalibrated:.1f}",
                     f"{1000 * (row.brier - row.recalibrated):.1f}"]
                    for row in rows.itertuples()
                ],
            )
        )  # fmt: skip
    return "\n\n".join(
        [
            f"""## Where Brier is lost

Thousandths. With hindsight: after the logistic curve that fits each district's outcomes of that year best, which nobody
knows beforehand; what remains is how well students are told apart. Ours loses by calibration: {told}.""",
            *tables,
        ]
    )


def _half_part(at_half: pd.DataFrame) -> str:
    tables = [
        _markdown(
            [group, "flagged", "recall", "precision"],
            [
                [row.method, f"{row.flagged:.1%}", _digits(row.recall), _digits(row.precision)]
                for row in rows.itertuples()
            ],
        )
        for group, rows in at_half.groupby("group", sort=False)
    ]
    return "\n\n".join([_half_told(at_half.set_index(["group", "method"]).loc["all"]), *tables])


def _half_told(rows: pd.DataFrame) -> str:
    plain, smote, indicators = (rows.loc[name] for name in ("XGBoost", "XGBoost + SMOTE", "EWS-like logistic"))
    return f"""## Decided at .5

Where a recipe flags every student above .5, its recall goes with how many it flags, of all students:
early warning logistic {_told(indicators)}; XGBoost {_told(plain)};
XGBoost with SMOTE {_told(smote)}.
The tables above compare at one length of list, where only who stands before whom counts."""


def _told(decided: pd.Series) -> str:
    return f"recall {_digits(decided['recall'])} with {decided['flagged']:.1%} flagged"


def _recipes_part() -> str:
    return "## The recipes\n\n" + "\n".join(f"- **{name}**: {peer.recipe}" for name, peer in PEERS.items())


LIMITS = """## What this does not show

- Real students. The districts are simulated, and our features and defaults were chosen on some of them.
- How the peers do with their authors' own records. All but the early warning logistic see our features here.
- The chance of training: one fit a district and method, so less than 2 thousandths of average precision is read as
  nothing.
- Other worlds. Here a shock lies in the years learned from, which favours whoever forgets fast. That the last two years
  serve EBM better was seen on the tested year itself and not chosen beforehand; in a calm world ours with a shorter
  memory does worse ([experiments](experiments.md)).
- What a long search would find. The *chosen* peers had four and six settings to choose from; XGBoost, with and without
  SMOTE, had none, and EBM two."""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _digits(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [list(head), ["---", *("---:" for _ in head[1:])], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
