"""The section of docs/results.md on whether effects are found, from the figures that `benchmarks.effect` keeps."""

import numpy as np
import pandas as pd

from benchmarks.intervals import Interval
from ews.effect.estimate import OFFERED, TOOK
from ews.effect.registration import DIFFERENCES, DISCONTINUITY, LOTTERY

TITLE = "Whether a mentor's effect is found"
LOTS, AT_A_CUT, CUTS = 10, 2, (5, 10, 15)
"""Rounds with a lot in each district, each in a year lived anew; of those without one how many at each cut; the cuts
(slots in percent of a school's students)."""

BEFORE_AFTER = "before and after"

DAYS_A_YEAR = 1.8
"""From days absent per 100 enrolled to days of a school year of 180."""

MOST_OFF, COVERED = 0.2, (0.93, 0.97)
"""What is promised: mean error in days of a school year, and share of the 95 % intervals that hold the truth."""

_PROMISED = (LOTTERY, DISCONTINUITY)


def summary(said: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What is kept of `benchmarks.effect.measure`: how far off each design is, by true effect, in days of a year.

    Each statement is held against the truth of its own round's students: districts differ in what mentors change there,
    and no interval promises to hold what is true elsewhere.
    """
    keys = ["design", "of_whom", "percent"]
    kinds = said.assign(**{name: DAYS_A_YEAR * said[name] for name in ("days", "low", "high")})
    kinds["truth"] = DAYS_A_YEAR * said["true"]
    kinds["error"] = kinds["days"] - kinds["truth"]
    kinds["covers"] = ((kinds["low"] <= kinds["truth"]) & (kinds["high"] >= kinds["truth"])).astype("float64")
    rows = [_row(dict(zip(keys, key, strict=True)), some) for key, some in kinds.groupby(keys, sort=False)]
    cuts = kinds[kinds["design"].isin((DISCONTINUITY, DIFFERENCES)) & (kinds["of_whom"] == TOOK)]
    naive = said[said["design"] == BEFORE_AFTER].groupby("percent")[["with_mentor", "without", "before"]]
    return {
        "designs": pd.DataFrame(rows),
        "cuts": cuts.groupby(["design", "percent", "cut"], sort=False)[["error", "covers"]].mean().reset_index(),
        "naive": naive.agg(["mean", "std"]).pipe(_flat),
    }


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
        "truth_sd": some.groupby("seed")["truth"].mean().std(ddof=1),
        "error": error.mean(),
        "error_se": error.std(ddof=1) / root,
        "spread": some["error"].std(ddof=1),
        "said": ((some["high"] - some["low"]) / (2 * 1.96)).mean(),
        "finds": (some["high"] < 0).mean(),
        "covers": covers.mean() if about["design"] != BEFORE_AFTER else np.nan,
        "covers_mean": ((some["low"] <= some["truth"].mean()) & (some["high"] >= some["truth"].mean())).mean(),
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

{districts} simulated districts of 20,000 students, three school years. Each student's last year is lived ten times,
without a mentor and with one, under three effects; a mentor takes spells away from the very year that was lived
without one. In each district rounds are held among students not yet chronically absent, put in order by two years'
rates: {LOTS} with a lot that decides on half of the slots' number on either side of the cut (slots for 5 % of a
school's students), and {AT_A_CUT} without a lot at each of three cuts ({_cuts()} %), each round in a year lived anew.
85 % of the families say yes. **The truth of a round** is what a mentor is expected to change for just its students: of
the lottery the mean over its band, of the discontinuity that at the cut, of differences in differences the mean over
those who had one. Days are those of a school year of 180; ± is the Monte Carlo standard error over districts, whose
rounds share their students; spread is how far single rounds are off, and beside it what their intervals take it for.
Promised: lottery and discontinuity off by at most {MOST_OFF} days on average, 95 % intervals that cover the truth 93
to 97 times in 100. `python -m benchmarks.effect`.

{_table(designs)}

{_verdicts(designs)}
- {_own_truth(designs)}
- Students chronically absent before, half of them with a mentor by lot, **without any effect**: with a mentor they
  missed {-none["with_mentor_mean"]:.1f} % fewer days than the year before, without one {-none["without_mean"]:.1f} %
  fewer. Before and after would have called that an effect; New York reported -25 % for elementary schools.
  `ews effect report` shows both numbers, and gives no estimate of that kind.
- Differences in differences are shown since rounds without lot or cut allow nothing else. They are right here as far as
  the order in which slots were offered is recorded, goes into them, and is a straight line. By cut they are off by
  {_by_cut(tables["cuts"])} days.
  Where choices were made by what no record tells, they are wrong by as much as that makes.
- One round of one district of 20,000 students may well miss an effect of 8 %: {100 * _finds(designs, -8):.0f} % of the
  lotteries find it, and {100 * _finds(designs, -23):.0f} % one of 23 %. `ews effect minimum` says beforehand how many
  students a band would need.
- Code: `{commit or "not a checkout"}`.
"""


def _finds(designs: pd.DataFrame, percent: int) -> float:
    """Share of the lotteries whose interval for the mentor's effect leaves out 0."""
    rows = designs[(designs["design"] == LOTTERY) & (designs["percent"] == percent)]
    return float(rows["finds"].iloc[-1])


def _own_truth(designs: pd.DataFrame) -> str:
    """Why an interval is held against its own round's truth, on the largest effect."""
    lotteries = designs[designs["design"] == LOTTERY]
    row = lotteries[lotteries["percent"] == lotteries["percent"].min()].iloc[-1]
    return (
        f"At {row['percent']:.0f} % districts differ by {row['truth_sd']:.2f} days (standard deviation) in what is "
        "true of a band's\n  mentors. An interval is one of its own district's students: held against the mean of all "
        f"districts the lottery's\n  would cover {100 * row['covers_mean']:.1f} % in place of "
        f"{100 * row['covers']:.1f} %."
    )


def _by_cut(cuts: pd.DataFrame) -> str:
    """Mean errors of differences in differences at each cut, the lowest and the highest of the three effects."""
    own = cuts[cuts["design"] == DIFFERENCES].groupby("cut")["error"].agg(["min", "max"])
    return ", ".join(f"{row['min']:+.2f} to {row['max']:+.2f} at {cut} %" for cut, row in own.iterrows())


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
