"""What was said against what came."""

from collections.abc import Sequence
from dataclasses import dataclass

from ews.document import Table
from ews_serve.web.charts.places import Tick, percent_text, svg_path


@dataclass(frozen=True)
class Dot:
    """A point with the range it may be in."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """What was said against what came; points on the broken line are true probabilities.

    Attributes:
        title: what it shows.
        summary: one sentence.
        table: the numbers.
        dots: one a group of students.
        path: the line through them.
        ticks: of both axes, as place and words.
        ups: the same ticks' heights.
    """

    title: str
    summary: str
    table: Table
    dots: tuple[Dot, ...]
    path: str
    ticks: tuple[Tick, ...]
    ups: tuple[Tick, ...]


def reliability_chart(title: str, summary: str, bins: Sequence[tuple[float, float, int]]) -> Reliability:
    """What was said against what came.

    Args:
        title: what it shows.
        summary: one sentence.
        bins: the mean probability said, the share that came, and of how many students.
    """
    dots = tuple(_dot(*one) for one in bins)
    ticks = [value / 5 for value in range(6)]
    return Reliability(
        title, summary,
        Table(title, ("said", "came", "students"),
              tuple((percent_text(said), percent_text(came), f"{count:,}") for said, came, count in bins)),
        dots, svg_path([(dot.x, dot.y) for dot in dots]),
        tuple(Tick(_side(value), percent_text(value)) for value in ticks),
        tuple(Tick(_rise(value), percent_text(value)) for value in ticks),
    )  # fmt: skip


SQUARE = 300.0


def _side(value: float) -> float:
    return round(40.0 + (SQUARE - 56.0) * value, 1)


def _rise(value: float) -> float:
    return round(SQUARE - 40.0 - (SQUARE - 56.0) * value, 1)


def _half(share: float, count: int) -> float:
    """Half the width of what chance allows, at 95 in 100."""
    return 1.96 * (max(share * (1 - share), 1e-9) / max(count, 1)) ** 0.5


def _dot(said: float, came: float, count: int) -> Dot:
    half = _half(came, count)
    return Dot(_side(said), _rise(came), _rise(max(came - half, 0.0)), _rise(min(came + half, 1.0)))
