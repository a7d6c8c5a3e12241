"""How often each group's chronically absent students were listed."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ews.charts.picture import in_words, percent, png
from ews.document import Chart, Table
from ews.privacy import HIDDEN, name_of
from ews.subgroups import TWO_WAY

_NOT_DRAWN = ("school_id", *map(name_of, TWO_WAY))
"""Schools and pairs of attributes would be pictures of their own; the audit's table has them."""

_PER_GROUP = 0.24
_FRAME = 1.2


def recall_chart(told: pd.DataFrame) -> Chart:
    """Recall at the lists' length of every group but schools and pairs; of hidden groups the name only.

    Args:
        told: an audit as `ews.subgroups.published` leaves it.
    """
    rows = told[(told["quantity"] == "recall_at_k") & ~told["dimension"].isin(_NOT_DRAWN)].reset_index(drop=True)
    names = [_name(*pair) for pair in zip(rows["dimension"], rows["group"], strict=True)]
    shown = rows[~rows["suppressed"].astype(bool)]
    everybody = float(rows["value"].iloc[0])
    lowest = names[shown["value"].idxmin()] if shown["value"].notna().any() else "no group"
    return Chart(
        "recall-by-group",
        png(8, _FRAME + _PER_GROUP * len(rows), lambda figure: _draw(figure, rows, names)),
        f"Share of each group's chronically absent students who were listed, {percent(everybody)} of all; the lowest "
        f"value is that of {lowest}. {int(rows['suppressed'].sum())} of {len(rows)} groups are hidden, being small or "
        "giving a small one away.",
        Table(
            "Share of the chronically absent students who were listed, by group",
            ("group", "listed of those chronically absent", "95 % interval", "students"),
            tuple(_cells(name, row) for name, (_, row) in zip(names, rows.iterrows(), strict=True)),
        ),
    )


def _draw(figure: Figure, rows: pd.DataFrame, names: list[str]) -> None:
    axes = figure.add_subplot()
    place = np.arange(len(rows))
    values = rows["value"].to_numpy(dtype="float64")
    axes.hlines(place, rows["low"].to_numpy(dtype="float64"), rows["high"].to_numpy(dtype="float64"), color="0.45")
    axes.plot(values, place, "o", color="black", markersize=5)
    axes.axvline(values[0], color="0.6", linestyle=":", zorder=0)
    for hidden in np.flatnonzero(rows["suppressed"].to_numpy(dtype=bool)):
        axes.text(
            0.01, float(hidden), HIDDEN, va="center", fontsize=8, color="0.35", transform=axes.get_yaxis_transform()
        )
    axes.set_yticks(place, names, fontsize=8)
    axes.set(
        xlabel="share of the chronically absent students who were listed", xlim=(0, None), ylim=(-0.7, len(rows) - 0.3)
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.invert_yaxis()


def _name(dimension: str, group: str) -> str:
    return group if dimension == group else f"{in_words(dimension)}: {group}"


def _cells(name: str, row: pd.Series) -> tuple[str, str, str, str]:
    if row["suppressed"]:
        return name, HIDDEN, HIDDEN, HIDDEN
    return name, percent(row["value"]), f"{percent(row['low'])} to {percent(row['high'])}", f"{row['students']:,.0f}"
