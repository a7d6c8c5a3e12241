"""Lines: a share over the years, and any curve over a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ews.document import Table
from ews_serve.web.charts.places import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Tick,
    Values,
    Words,
    number_text,
    percent_text,
    rounded_up,
    share_steps,
    share_top,
    some,
    spread,
    steps,
    svg_path,
)


@dataclass(frozen=True)
class Point:
    """A place in the picture; `text` may stand beside it."""

    x: float
    y: float
    text: str = ""


@dataclass(frozen=True)
class Line:
    """A line through points.

    Attributes:
        label: what it is.
        path: of the line, as an SVG path.
        points: on it.
        is_second: drawn broken, and in another colour.
    """

    label: str
    path: str
    points: tuple[Point, ...]
    is_second: bool = False


@dataclass(frozen=True)
class Plot:
    """Lines between two axes.

    Attributes:
        title: what it shows.
        summary: one sentence.
        table: the numbers.
        height: of the picture; it is WIDTH wide.
        floor: where the lower axis is.
        lines: drawn in order.
        labels: along the lower axis.
        grid: lines across.
        limit: a line across that means something; None: none.
        here: a line up that means something; None: none.
        axis: what the lower axis counts; may be empty.
    """

    title: str
    summary: str
    table: Table
    height: float
    floor: float
    lines: tuple[Line, ...]
    labels: tuple[Tick, ...]
    grid: tuple[Tick, ...]
    limit: Tick | None = None
    here: Tick | None = None
    axis: str = ""


Years = Plot
Curve = Plot

_HIGH = 130.0


def years_chart(
    title: str,
    summary: str,
    rates: Sequence[tuple[str, float | None]],
    *,
    compared: Sequence[float | None] = (),
    compared_label: str = "",
    label: str = "this student",
    limit: float | None = 0.1,
) -> Years:
    """Shares of days missed, year by year.

    Args:
        title: what it shows.
        summary: one sentence.
        rates: year and share; None: not known, and the line is broken there.
        compared: the same years of something to compare with.
        compared_label: what that is.
        label: what the first line is of.
        limit: a share that is marked, as the line of a tenth; None: none.
    """
    series: dict[str, Values] = {label: [value for _, value in rates]}
    if compared:
        series[compared_label] = compared
    known = [value for values in series.values() for value in values if value is not None]
    most = share_top(max([*known, limit or 0.0], default=0.0))
    xs = spread(len(rates))
    return Plot(
        title, summary, _series_table(title, "school year", [year for year, _ in rates], series, percent_text),
        TOP + _HIGH + BOTTOM, TOP + _HIGH,
        lines=tuple(_line(name, xs, values, most, None if number else percent_text, number)
                    for number, (name, values) in enumerate(series.items())),
        labels=tuple(some([Tick(x, year) for x, (year, _) in zip(xs, rates, strict=True)])),
        grid=tuple(Tick(_up(value, most), percent_text(value)) for value in share_steps(most)),
        limit=Tick(_up(limit, most), percent_text(limit)) if limit else None,
    )  # fmt: skip


def curve_chart(
    title: str,
    summary: str,
    axis: str,
    at: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    here: float | None = None,
    here_text: str = "",
) -> Curve:
    """One or two curves over a number, as what so many mentor slots bring.

    Args:
        title: what it shows.
        summary: one sentence.
        axis: what the number is.
        at: the number, ascending.
        series: label and values, none negative; the second is drawn broken.
        here: a number that is marked; None: none.
        here_text: what it means.
    """
    top = rounded_up(max((value for values in series.values() for value in values), default=1.0))
    low, high = at[0], max(at[-1], at[0] + 1e-9)

    def across(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low), 1)

    xs = [across(value) for value in at]
    return Plot(
        title, summary, _series_table(title, axis, [f"{value:g}" for value in at], series, number_text),
        TOP + _HIGH + BOTTOM + 12.0, TOP + _HIGH,
        lines=tuple(_line(name, xs, values, top, None, number) for number, (name, values) in enumerate(series.items())),
        labels=tuple(Tick(across(value), f"{value:g}") for value in some(at)),
        grid=tuple(Tick(_up(value, top), f"{value:g}") for value in steps(top)),
        here=None if here is None else Tick(across(min(max(here, low), high)), here_text),
        axis=axis,
    )  # fmt: skip


def _line(label: str, xs: Sequence[float], values: Values, most: float, words: Words | None, number: int) -> Line:
    known = [(x, value) for x, value in zip(xs, values, strict=True) if value is not None]
    points = tuple(Point(x, _up(value, most), words(value) if words else "") for x, value in known)
    pieces = _unbroken([None if value is None else (x, _up(value, most)) for x, value in zip(xs, values, strict=True)])
    return Line(label, " ".join(svg_path(piece) for piece in pieces), points, is_second=number > 0)


def _unbroken(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(point)
    return [piece for piece in pieces if piece]


def _up(value: float, most: float) -> float:
    return round(TOP + _HIGH * (1 - value / most), 1)


def _series_table(title: str, head: str, names: Sequence[str], series: Mapping[str, Values], words: Words) -> Table:
    columns = [[words(value) for value in values] for values in series.values()]
    return Table(title, (head, *series), tuple(zip(names, *columns, strict=True)))
