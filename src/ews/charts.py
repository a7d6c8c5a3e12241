"""Two pictures a data scientist asks for first: is the probability true, and what does a longer list find?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ews.evaluation import MODEL

RATE = "last year's rate"
BINS = 10


def draw(predictions: pd.DataFrame, folder: Path) -> list[Path]:
    """Write `reliability.png` and `gain.png` into `folder`, from out-of-time predictions.

    Args:
        predictions: rows with outcome (0 or 1), school_id, school_year, tie_key and one probability a method.
        folder: made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _picture(predictions, folder / "reliability.png", _draw_reliability),
        _picture(predictions, folder / "gain.png", _draw_gain),
    ]


def reliability(probability: pd.Series, outcome: pd.Series) -> pd.DataFrame:
    """Mean probability and observed share in ten groups of equal size, lowest first: columns expected, observed."""
    place = probability.rank(method="first").sub(1) * BINS // len(probability)
    return pd.DataFrame({"expected": probability.groupby(place).mean(), "observed": outcome.groupby(place).mean()})


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


def _picture(predictions: pd.DataFrame, path: Path, paint: Callable[[Axes, pd.DataFrame], None]) -> Path:
    figure = Figure(figsize=(5, 5), layout="constrained")
    paint(figure.add_subplot(), predictions)
    figure.savefig(path, dpi=120)
    return path


def _draw_reliability(axes: Axes, predictions: pd.DataFrame) -> None:
    points = reliability(predictions[MODEL], predictions["outcome"])
    limit = float(points.to_numpy().max()) * 1.05
    axes.plot([0, limit], [0, limit], color="grey", linestyle=":", label="true probability")
    axes.plot(points["expected"], points["observed"], marker="o", color="black", label=MODEL)
    axes.set(xlabel="mean probability", ylabel="observed share", title="Out-of-time reliability, tenths of students")
    axes.legend()


def _draw_gain(axes: Axes, predictions: pd.DataFrame) -> None:
    for method, style in ((MODEL, "-"), (RATE, "--")):
        curve = gain(predictions, method)
        axes.plot(curve["listed"], curve["found"], style, color="black", label=method)
    axes.set(xlabel="share of each school listed", ylabel="share of chronically absent students found")
    axes.legend()
