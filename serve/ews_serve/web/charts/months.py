"""Bars of months, with the services that ran meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

from ews.document import Table
from ews_serve.web.charts.places import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Shape,
    Tick,
    days_text,
    known_days,
    rounded_up,
    steps,
)


@dataclass(frozen=True)
class Month:
    """Days of one month.

    Attributes:
        label: its name, short.
        enrolled: school days enrolled; 0: nothing is known, and no bar is drawn.
        absent: days missed.
        compared: days missed the year before in the same month; None: not known.
    """

    label: str
    enrolled: int
    absent: float
    compared: float | None = None


@dataclass(frozen=True)
class Service:
    """Something that helped, laid over the months it ran.

    Attributes:
        label: what it was.
        starts: in months from the start of the first one, as 2.5 for the middle of the third.
        ends: the same; None: it goes on.
    """

    label: str
    starts: float
    ends: float | None


@dataclass(frozen=True)
class Months:
    """Bars of months.

    Attributes:
        title: what it shows.
        summary: one sentence.
        table: the numbers.
        height: of the picture; it is WIDTH wide.
        floor: where bars stand.
        bars: days missed.
        compared: days missed the year before, behind them.
        labels: of the months.
        grid: lines across.
        services: bands over the months.
    """

    title: str
    summary: str
    table: Table
    height: float
    floor: float
    bars: tuple[Shape, ...]
    compared: tuple[Shape, ...]
    labels: tuple[Tick, ...]
    grid: tuple[Tick, ...]
    services: tuple[Shape, ...]


def months_chart(title: str, summary: str, months: Sequence[Month], services: Sequence[Service] = ()) -> Months:
    """Days missed month by month, the year before behind them, and services over them.

    Args:
        title: what it shows.
        summary: one sentence.
        months: in the order of the school year.
        services: what ran meanwhile.
    """
    top = TOP + 14.0 * len(services)
    floor = top + 110.0
    most = max(5.0, *(value for one in months for value in (one.absent, one.compared or 0.0)))
    step, unit = (WIDTH - LEFT - RIGHT) / max(len(months), 1), 110.0 / rounded_up(most)
    places = [LEFT + step * number for number in range(len(months))]
    marks = [(at, one) for at, one in zip(places, months, strict=True) if one.enrolled]
    return Months(
        title, summary, _months_table(title, months, services), floor + BOTTOM, floor,
        bars=tuple(_stands(at + step * 0.3, floor, step * 0.5, one.absent * unit, days_text(one.absent))
                   for at, one in marks),
        compared=tuple(_stands(at + step * 0.12, floor, step * 0.5, (one.compared or 0.0) * unit) for at, one in marks),
        labels=tuple(Tick(round(at + step / 2, 1), one.label) for at, one in zip(places, months, strict=True)),
        grid=tuple(Tick(floor - unit * value, f"{value:g}") for value in steps(rounded_up(most))),
        services=tuple(_band(number, one, step, floor) for number, one in enumerate(services)),
    )  # fmt: skip


def _stands(x: float, floor: float, width: float, height: float, text: str = "") -> Shape:
    return Shape(round(x, 1), round(floor - height, 1), round(width, 1), round(height, 1), text)


def _band(number: int, service: Service, step: float, floor: float) -> Shape:
    begin = LEFT + step * max(service.starts, 0.0)
    end = WIDTH - RIGHT if service.ends is None else min(LEFT + step * service.ends, WIDTH - RIGHT)
    y = TOP + 14.0 * number - 4.0
    return Shape(round(begin, 1), y, round(max(end - begin, 2.0), 1), round(floor - y, 1), service.label)


def _months_table(title: str, months: Sequence[Month], services: Sequence[Service]) -> Table:
    before = any(one.compared is not None for one in months)
    heads = ("month", "days missed", "school days", *(("the year before",) if before else ()))
    rows = tuple(
        (
            one.label,
            days_text(one.absent) if one.enrolled else "n/a",
            str(one.enrolled),
            *((known_days(one.compared),) if before else ()),
        )
        for one in months
    )
    also = f" Meanwhile: {', '.join(one.label for one in services)}." if services else ""
    return Table(f"{title}.{also}", heads, rows)
