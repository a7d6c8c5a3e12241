"""Is the probability true, what does a longer list find, and did the level move?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ews.charts.picture import percent, png
from ews.document import Chart, Table
from ews.evaluation import MODEL, groups_of
from ews.policy import Policy
from ews.reliability import EVERYBODY, reliability_bins
from ews.school_year import SchoolYear

RATE = "last year's rate"
STYLES = {MODEL: "-", RATE: "--", "logistic": "-."}
SHOWN_GROUPS = ("all", "not yet chronic")
SHOWN_LENGTHS = (0.05, 0.10, 0.15, 0.20, 0.30, 0.50)
_COLUMNS = 3


def reliability_chart(predictions: pd.DataFrame, policy: Policy) -> Chart:
    """Probability said and share observed, in tenths of the students, at each threshold, of the last school year.

    Args:
        predictions: out of time, as `ews.backtest.backtest` makes them.
        policy: names the thresholds.
    """
    bins = reliability_bins(predictions, policy)
    of_all = bins[(bins["group"] == EVERYBODY) & (bins["school_year"] == bins["school_year"].max())]
    off = (of_all["expected"] - of_all["observed"]).abs()
    worst = of_all.loc[off.idxmax()]
    return Chart(
        "reliability",
        png(9, 6, lambda figure: _draw_reliability(figure, of_all)),
        f"Reliability at {', '.join(f'{number} %' for number in of_all['percent'].unique())} of days missed: points on "
        f"the dotted line are true probabilities. The point farthest off is at {worst['percent']:.0f} %, where "
        f"{percent(worst['expected'])} was said and {percent(worst['observed'])} came.",
        _reliability_table(of_all),
    )


def gain_chart(predictions: pd.DataFrame, policy: Policy) -> Chart:
    """Share of the chronically absent students found by lists of any length, for all and for the not yet chronic."""
    masks = groups_of(predictions)
    curves = {
        (group, method): gain(predictions[masks[group]], method)
        for group in SHOWN_GROUPS
        if group in masks
        for method in STYLES
        if method in predictions
    }
    at_k = {key: _at(curve, policy.slots_percent / 100) for key, curve in curves.items()}
    group = next(iter(curves))[0]
    return Chart(
        "gain",
        png(9, 4.5, lambda figure: _draw_gain(figure, curves, policy)),
        f"Gain: when every school lists {policy.slots_percent} % of its students, {MODEL} finds "
        f"{percent(at_k[group, MODEL])} of the chronically absent students, and {RATE} "
        f"{percent(at_k.get((group, RATE), np.nan))} (group: {group}).",
        _gain_table(curves),
    )


def base_rate_chart(rows: pd.DataFrame, predictions: pd.DataFrame) -> Chart:
    """How many were chronically absent in each target year, and how many were expected where a year was predicted.

    Args:
        rows: one row a student and target year with a known outcome: school_year, outcome_is_chronic.
        predictions: out of time.
    """
    observed = rows.groupby("school_year")["outcome_is_chronic"].agg(["mean", "size"]).astype("float64")
    expected = predictions.groupby("school_year")[MODEL].mean()
    years = observed.assign(expected=expected.reindex(observed.index))
    low, high = years["mean"].min(), years["mean"].max()
    return Chart(
        "base-rate",
        png(6, 3.8, lambda figure: _draw_base_rate(figure, years)),
        f"Chronic absence by school year: between {100 * low:.1f} % and {100 * high:.1f} % of the students. "
        "Where the level moves, probabilities learned before it are off until they are recalibrated.",
        Table(
            "Students, share chronically absent, and share expected before the year",
            ("school year", "students", "chronically absent", "expected"),
            tuple(
                (
                    SchoolYear(int(year)).label,
                    f"{row['size']:,.0f}",
                    f"{100 * row['mean']:.1f} %",
                    _one(row["expected"]),
                )
                for year, row in years.iterrows()
            ),
        ),
    )


def gain(predictions: pd.DataFrame, method: str) -> pd.DataFrame:
    """Share of all chronically absent students found when every school lists the same share of its students.

    Returns:
        Columns listed and found, shares in [0, 1], from short lists to whole schools.
    """
    school = ["school_id", "school_year"]
    ordered = predictions.sort_values([method, "tie_key"], ascending=[False, True])
    groups = ordered.groupby(school)
    depth = (groups.cumcount() + 1) / groups["outcome"].transform("size")
    listed = np.linspace(0, 1, 101)
    positives = ordered["outcome"].to_numpy()
    at = np.searchsorted(np.sort(depth), listed, side="right")
    found = np.concatenate([[0], np.cumsum(positives[np.argsort(depth, kind="stable")])])[at]
    return pd.DataFrame({"listed": listed, "found": found / max(positives.sum(), 1)})


def _draw_reliability(figure: Figure, bins: pd.DataFrame) -> None:
    thresholds = list(bins.groupby("percent"))
    panels = figure.subplots(-(-len(thresholds) // _COLUMNS), _COLUMNS, squeeze=False).ravel()
    for axes, (threshold, points) in zip(panels, thresholds, strict=False):
        limit = float(points[["expected", "observed"]].to_numpy().max()) * 1.08 + 0.01
        axes.plot([0, limit], [0, limit], color="0.5", linestyle=":")
        axes.plot(points["expected"], points["observed"], marker="o", markersize=4, color="black")
        axes.set(title=f"at least {threshold} % of days", xlabel="probability said", ylabel="share that came")
        _in_percent(axes)
    for axes in panels[len(thresholds) :]:
        axes.set_axis_off()


def _draw_gain(figure: Figure, curves: dict[tuple[str, str], pd.DataFrame], policy: Policy) -> None:
    names = list(dict.fromkeys(group for group, _ in curves))
    for axes, group in zip(figure.subplots(1, len(names), squeeze=False).ravel(), names, strict=True):
        for (of_group, method), curve in curves.items():
            if of_group == group:
                axes.plot(curve["listed"], curve["found"], STYLES[method], color="black", label=method)
        axes.plot([0, 1], [0, 1], ":", color="0.5", label="by lot")
        axes.axvline(policy.slots_percent / 100, color="0.7", linewidth=1, zorder=0)
        axes.set(title=group, xlabel="share of each school listed", ylabel="share of the chronically absent found")
        axes.legend(loc="lower right", frameon=False)
        _in_percent(axes)


def _draw_base_rate(figure: Figure, years: pd.DataFrame) -> None:
    axes = figure.add_subplot()
    axes.plot(years.index, years["mean"], "o-", color="black", label="observed")
    if years["expected"].notna().any():
        axes.plot(years.index, years["expected"], "x--", color="0.35", label="expected before the year")
    axes.set(xlabel="school year, named by its end", ylabel="share chronically absent")
    axes.set_ylim(0, 1.15 * float(years[["mean", "expected"]].max(axis=None)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(frameon=False)


def _in_percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _reliability_table(bins: pd.DataFrame) -> Table:
    pairs = bins["expected"].map(percent) + " / " + bins["observed"].map(percent)
    wide = bins.assign(pair=pairs).pivot_table(values="pair", index="bin", columns="percent", aggfunc="first")
    return Table(
        "Probability said / share that came, in tenths of the students from the lowest probability to the highest",
        ("tenth", *(f"at least {threshold} % of days" for threshold in wide.columns)),
        tuple((str(number + 1), *cells) for number, cells in zip(wide.index, wide.to_numpy().tolist(), strict=True)),
    )


def _gain_table(curves: dict[tuple[str, str], pd.DataFrame]) -> Table:
    return Table(
        "Share of the chronically absent students found, by the share of each school that is listed",
        ("group and method", *(percent(length) for length in SHOWN_LENGTHS)),
        tuple(
            (f"{group}: {method}", *(percent(_at(curve, length)) for length in SHOWN_LENGTHS))
            for (group, method), curve in curves.items()
        ),
    )


def _at(curve: pd.DataFrame, listed: float) -> float:
    return float(np.interp(listed, curve["listed"], curve["found"]))


def _one(share: float) -> str:
    return "n/a" if np.isnan(share) else f"{100 * share:.1f} %"
