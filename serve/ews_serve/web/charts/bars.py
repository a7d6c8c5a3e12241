"""Bars, one a row of a table: shares of schools, grades or weekdays."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ews_serve.web.charts.places import days_text


@dataclass(frozen=True)
class Share:
    """One bar.

    Attributes:
        label: what it is of.
        share: its length, 0 to 1; None where it is not told or not known, and no bar is drawn.
        text: the value in words.
        of: of how many, in words; may be empty.
        compared: where a tick stands to compare with, 0 to 1; None: nowhere.
        path: where the label leads; empty: nowhere.
    """

    label: str
    share: float | None
    text: str
    of: str = ""
    compared: float | None = None
    path: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar, measured: 0 to 100 wide."""

    label: str
    path: str
    text: str
    of: str
    width: float | None
    tick: float | None


@dataclass(frozen=True)
class Bars:
    """A table with a bar in each row; it is its own table of numbers.

    Attributes:
        title: what it shows, the table's caption.
        summary: one sentence.
        heads: of the label, the bar, the value, and of how many (empty: no such column).
        bars: in order.
    """

    title: str
    summary: str
    heads: tuple[str, str, str, str]
    bars: tuple[Bar, ...]


def bars_chart(
    title: str, summary: str, heads: tuple[str, str, str, str], shares: Sequence[Share], *, full: float | None = None
) -> Bars:
    """Bars side by side.

    Args:
        title: what they show.
        summary: one sentence.
        heads: of the columns.
        shares: one a row.
        full: the share whose bar fills the column; None: the next tenth above the longest.
    """
    longest = max((value for one in shares for value in (one.share, one.compared) if value is not None), default=0.0)
    most = full or max(0.1, ceil(longest * 10 - 1e-9) / 10)
    measured = (
        Bar(one.label, one.path, one.text, one.of, _part(one.share, most), _part(one.compared, most)) for one in shares
    )
    return Bars(title, summary, heads, tuple(measured))


def _part(value: float | None, most: float) -> float | None:
    return None if value is None else round(100 * min(max(value / most, 0.0), 1.0), 2)


@dataclass(frozen=True)
class Weekdays:
    """Five bars, Monday to Friday."""

    title: str
    summary: str
    bars: Bars


def weekdays_chart(title: str, summary: str, days: Sequence[tuple[str, float, int]]) -> Weekdays:
    """Days missed of each weekday.

    Args:
        title: what it shows.
        summary: one sentence.
        days: name, days missed, school days enrolled.
    """
    shares = [
        Share(name, absent / enrolled, f"{days_text(absent)} of {enrolled}") if enrolled else Share(name, None, "n/a")
        for name, absent, enrolled in days
    ]
    return Weekdays(title, summary, bars_chart(title, "", ("Day", "", "Days missed", ""), shares))
