"""What the model looks at: the `shap` package's summary bar and beeswarm over its exact contributions.

The only home of shap, which takes seconds to import.
"""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ews.charts.picture import in_words, png
from ews.document import Chart, Table
from ews.reasons import Explainable

MOST_ROWS = 2000
SHOWN_FEATURES = 15
_SEED = 7


def contribution_charts(model: Explainable, x: pd.DataFrame) -> tuple[Chart, Chart]:
    """A bar of mean sizes, and a beeswarm of at most 2,000 students without names.

    Args:
        model: its contributions are exact and sum to its raw score, in log-odds.
        x: features of the students to show, the model's columns.
    """
    rows = x.sample(min(len(x), MOST_ROWS), random_state=_SEED)
    values = model.contributions(rows)
    names = [in_words(name) for name in model.feature_names]
    facts = _facts(values[:, :-1], rows, names)
    first = ", ".join(facts.index[:3])
    bar = Chart(
        "contributions",
        png(9, 6, lambda figure: _draw("bar", figure, values, rows, names)),
        f"What moves the estimates most, as the mean size of its contribution in log-odds: {first}. Patterns the model "
        "used, not causes.",
        _bar_table(facts),
    )
    swarm = Chart(
        "beeswarm",
        png(9, 6, lambda figure: _draw("beeswarm", figure, values, rows, names)),
        f"Each of {len(rows):,} students is a dot in each row: to the right it raises the estimate, to the left it "
        "lowers it; dark dots are high values of the feature, light ones low values.",
        _swarm_table(facts),
    )
    return bar, swarm


def _facts(values: np.ndarray, rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """One row a feature, the most important first."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
    size = np.abs(values).mean(axis=0)
    known = rows.notna().mean().to_numpy()
    facts = pd.DataFrame({"size": size, "low": low, "middle": middle, "high": high, "known": known}, index=names)
    return facts.sort_values("size", ascending=False, kind="stable").head(SHOWN_FEATURES)


def _bar_table(facts: pd.DataFrame) -> Table:
    return Table(
        "Mean size of each feature's contribution, in log-odds, and the share of students of whom it is known",
        ("feature", "mean size", "known of"),
        tuple((str(name), f"{row['size']:.3f}", f"{100 * row['known']:.0f} %") for name, row in facts.iterrows()),
    )


def _swarm_table(facts: pd.DataFrame) -> Table:
    return Table(
        "Contributions in log-odds: of one student in twenty it is below the first number, of one in twenty above the "
        "last",
        ("feature", "5 %", "middle", "95 %"),
        tuple(
            (str(name), *(f"{row[place]:+.2f}" for place in ("low", "middle", "high")))
            for name, row in facts.iterrows()
        ),
    )


def _draw(kind: str, figure: Figure, values: np.ndarray, rows: pd.DataFrame, names: list[str]) -> None:
    shap = _shap()
    told = shap.Explanation(
        values=values[:, :-1], base_values=values[:, -1], data=rows.to_numpy(dtype="float64"), feature_names=names
    )
    common = {"max_display": SHOWN_FEATURES, "show": False, "ax": figure.add_subplot()}
    if kind == "bar":
        _in_black(shap.plots.bar(told, **common))
    else:
        with _seeded():
            shap.plots.beeswarm(told, plot_size=None, color=_greys(), group_remaining_features=False, **common)


def _in_black(axes: Any) -> None:
    """Shap's bars take no colour of the caller's."""
    for bar in axes.patches:
        bar.set(facecolor="0.25", edgecolor="0.25")
    for text in axes.texts:
        text.set_color("black")


def _shap() -> Any:
    """Shap, imported on first need; it asks matplotlib for what a later version will no longer have."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The set_(bad|over|under) function", category=PendingDeprecationWarning
        )
        import shap
    return shap


def _greys() -> Any:
    """From light to dark, so that print and colour-blind readers see what is high."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low to high", ["0.8", "0.1"])


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """The beeswarm scatters its dots by numpy's global generator; it is put back as it was."""
    kept = np.random.get_state()  # noqa: NPY002  # shap takes no generator of its own
    np.random.mtrand._rand.seed(_SEED)
    try:
        yield
    finally:
        np.random.set_state(kept)  # noqa: NPY002  # as above
