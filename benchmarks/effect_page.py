"""The section of docs/results.md on whether effects are found, from the figures that `benchmarks.effect` keeps."""

import numpy as np
import pandas as pd

from benchmarks.intervals import Interval
from ews.effect.estimate import OFFERED, TOOK
from ews.effect.registration import DIFFERENCES, DISCONTINUITY, LOTTERY

TITLE = "Whether a mentor's effect is found"
LOTS, CUTS = 5, (5, 10, 15)
"""Lots drawn in each district; cuts (slots in percent of a school's students) of the rounds without a lot."""

BEFORE_AFTER = "before and after"

DAYS_A_YEAR = 1.8
"""From days absent per 100 enrolled to days of a school year of 180."""

MOST_OFF, COVERED = 0.2, (0.93, 0.97)
"""What is promised: mean error in days of a school year, and share of the 95 % intervals that hold the truth."""

_PROMISED = (LOTTERY, DISCONTINUITY)


def summary(said: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What is kept of `benchmarks.effect.measure`: how far off each design is, by true effect, in days of a year.

    The truth is one of all districts together, for each in proportion to the days its students miss without a mentor:
    from one district's own lives it would be as noisy as an estimate.
    """
    keys = ["design", "of_whom", "percent"]
    cut = said["round"].where(said["design"] != LOTTERY, 0)
    kinds = said.assign(cut=cut.where(said["design"] != BEFORE_AFTER, 0))
    true = kinds.groupby([*keys, "cut"])[["true", "weight"]].transform("sum")
    level = kinds["level"] / kinds.drop_duplicates("seed")["level"].mean()
    kinds["truth"] = DAYS_A_YEAR * level * true["true"] / true["weight"]
    for name in ("days", "low", "high"):
        kinds[name] = DAYS_A_YEAR * kinds[name]
    kinds["error"] = kinds["days"] - kinds["truth"]
    kinds["covers"] = ((kinds["low"] <= kinds["truth"]) & (kinds["high"] >= kinds["truth"])).astype("float64")
    rows = [_row(dict(zip(keys, key, strict=True)), some) for key, some in kinds.groupby(keys, sort=False)]
    naive = said[said["design"] == BEFORE_AFTER].groupby("percent")[["with_mentor", "without", "before"]]
    return {"designs": pd.DataFrame(rows), "naive": naive.agg(["mean", "std"]).pipe(_flat)}


def _row(about: dict[str, object], some: pd.DataFrame) -> dict[str, object]:
    """Means with the standard error over districts, whose rounds share their students."""
    of_district = some.groupby("seed")[["error", "covers"]].mean()
    error, covers = of_district["error"], of_district["covers"]
    root = np.sqrt(len(of_district))
    return about | {
        "districts": len(of_district),
        "rounds": len(some),
        "students": some["students"].mean(),
        "truth": some["truth"].mean(),
        "error": error.mean(),
        "error_se": error.std(ddof=1) / root,
        "spread": some["error"].std(ddof=1),
        "said": ((some["high"] - some["low"]) / (2 * 1.96)).mean(),
        "finds": (some["high"] < 0).mean(),
        "covers": covers.mean() if about["design"] != BEFORE_AFTER else np.nan,
        "covers_se": covers.std(ddof=1) / root,
    }


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis([f"{name}_{what}" for name, what in table.columns], axis=1).reset_index()


def section(tables: dict[str, pd.DataFrame], commit: str) -> str:
    """The section as Markdown."""
    designs, naive = tables["designs"], tables["naive"]
    districts = int(designs["districts"].max())
    none = naive.set_index("percent").loc[0]
    return f"""## {TITLE}

{districts} simulated districts of 20,000 students, three school years. Each student's last year is lived without a
mentor and with one, under three effects, so that the truth is known. In each district rounds are held among students
not yet chronically absent, put in order by two years' rates: {LOTS} with a lot that decides on half of the slots'
number on either side of the cut (slots for 5 % of a school's students), and one without a lot at each of three cuts
({_cuts()} %). 85 % of the families say yes. Days are those of a school year of 180; ± is the Monte Carlo standard error
over districts; spread is how far single rounds are off, and beside it what their intervals take it for. Promised:
lottery and discontinuity off by at most {MOST_OFF} days on average, 95 % intervals that cover the truth 93 to 97 times
in 100. `python -m benchmarks.effect`.

{_table(designs)}

{_verdicts(designs)}
- What a mentor changes in one district is known only in proportion to the days its students miss, so under a large
  effect the truth itself is a little off in each, and intervals seem to cover less than they do. Without an effect the
  truth is exact.
- Students chronically absent before, half of them with a mentor by lot, **without any effect**: with a mentor they
  missed {-none["with_mentor_mean"]:.1f} % fewer days than the year before, without one {-none["without_mean"]:.1f} %
  fewer. Before and after would have called that an effect; New York reported -25 % for elementary schools.
  `ews effect report` shows both numbers, and gives no estimate of that kind.
- Differences in differences are shown since rounds without lot or cut allow nothing else. They are right here as far as
  the order in which slots were offered is recorded and goes into them; where choices were made by what no record
  tells, they are not.
- One round of one district of 20,000 students may well miss an effect of 8 %: {100 * _finds(designs, -8):.0f} % of the
  lotteries find it, and {100 * _finds(designs, -23):.0f} % one of 23 %. `ews effect minimum` says beforehand how many
  students a band would need.
- Code: `{commit or "not a checkout"}`.
"""


def _finds(designs: pd.DataFrame, percent: int) -> float:
    """Share of the lotteries whose interval for the mentor's effect leaves out 0."""
    rows = designs[(designs["design"] == LOTTERY) & (designs["percent"] == percent)]
    return float(rows["finds"].iloc[-1])


def _cuts() -> str:
    return ", ".join(map(str, CUTS))


def _table(designs: pd.DataFrame) -> str:
    heads = ("design", "effect of", "true effect on days missed", "truth, days", "mean error, days", "spread",
             "spread said", "95 % intervals that cover", "rounds")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in designs.itertuples():
        covers = "n/a" if np.isnan(row.covers) else f"{100 * row.covers:.1f} % ± {100 * row.covers_se:.1f}"
        said = "n/a" if np.isnan(row.said) else f"{row.said:.2f}"
        whom = {OFFERED: "the offer", TOOK: "the mentor"}[row.of_whom]
        lines.append(
            f"| {row.design} | {whom} | {row.percent:+.0f} % | {row.truth:.2f} | {row.error:+.2f} ± {row.error_se:.2f} "
            f"| {row.spread:.2f} | {said} | {covers} | {row.rounds:,} |".replace("+0 %", "none")
        )
    return "\n".join(lines)


def _verdicts(designs: pd.DataFrame) -> str:
    lines = []
    for design in (*_PROMISED, DIFFERENCES):
        rows = designs[designs["design"] == design]
        worst = rows.loc[rows["error"].abs().idxmax()]
        low, high = 100 * rows["covers"].min(), 100 * rows["covers"].max()
        verdict = _kept(abs(worst["error"]) <= MOST_OFF, rows["covers"], rows["covers_se"])
        told = f"off by at most {_off(worst)} days on average, intervals cover {low:.1f} to {high:.1f} %"
        lines.append(
            f"- {design}: {told}" + (f"; {verdict}." if design in _PROMISED else "; nothing is promised of it.")
        )
    return "\n".join(lines)


def _kept(right: bool, covers: pd.Series, error: pd.Series) -> str:
    """Whether both promises are kept; a share of intervals that chance alone can explain is told as such."""
    off = np.maximum(COVERED[0] - covers, covers - COVERED[1])
    if right and (off <= 0).all():
        return "the promise is kept"
    if right and (off <= 2 * error).all():
        return "the promise is kept within Monte Carlo error"
    return "the promise is **not** kept"


def _off(row: pd.Series) -> str:
    half = 1.96 * row["error_se"]
    return Interval(row["error"], row["error"] - half, row["error"] + half).told(2, "+")
