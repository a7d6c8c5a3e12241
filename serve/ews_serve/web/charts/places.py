"""Places, scales and words that charts share; sizes are in the units of an SVG's view box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

Values = Sequence[float | None]
Item = TypeVar("Item")
Words = Callable[[float | None], str]

WIDTH = 440.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 10.0, 16.0, 26.0


@dataclass(frozen=True)
class Shape:
    """A rectangle, and words beside it."""

    x: float
    y: float
    width: float
    height: float
    text: str = ""


@dataclass(frozen=True)
class Tick:
    """A line across with its words; `at` is the place along the axis."""

    at: float
    text: str


def spread(count: int) -> list[float]:
    """Places along the lower axis, one in the middle of each of some equal parts."""
    step = (WIDTH - LEFT - RIGHT) / max(count, 1)
    return [round(LEFT + step * (number + 0.5), 1) for number in range(count)]


def svg_path(points: Sequence[tuple[float, float]]) -> str:
    """A line through points."""
    return " ".join(f"{'L' if number else 'M'}{x:g} {y:g}" for number, (x, y) in enumerate(points))


def rounded_up(value: float) -> float:
    """The next number from which people count: 5, 10, 20, 25, 50, 100 and so on."""
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next(size * step for step in (1, 2, 2.5, 5, 10) if size * step >= value - 1e-9)


def steps(top: float) -> list[float]:
    """Where lines across stand, from zero to the top."""
    parts = 4 if f"{top:e}".startswith("2.0") else 5
    return [top * number / parts for number in range(parts + 1)]


def share_top(value: float) -> float:
    """The top of an axis of shares: the next tenth, a fifth at least."""
    return max(0.2, ceil(value * 10 - 1e-9) / 10)


def share_steps(top: float) -> list[float]:
    """Where lines across stand on an axis of shares."""
    step = 0.1 if top <= 0.5 else 0.2
    return [round(step * number, 2) for number in range(int(top / step + 1e-9) + 1)]


def some(at: Sequence[Item]) -> list[Item]:
    """Every so many of some things, seven at most, for labels that have room."""
    every = max(1, ceil(len(at) / 7))
    return list(at[::every])


def days_text(value: float) -> str:
    """Days, as 3 or 2.5."""
    return f"{value:g}"


def known_days(value: float | None) -> str:
    """Days, or that they are not known."""
    return "n/a" if value is None else days_text(value)


def number_text(value: float | None) -> str:
    """A number with one decimal where it has any."""
    return "n/a" if value is None else f"{value:,.1f}".removesuffix(".0")


def percent_text(value: float | None) -> str:
    """A share in whole percent."""
    return "n/a" if value is None else f"{100 * value:.0f} %"
