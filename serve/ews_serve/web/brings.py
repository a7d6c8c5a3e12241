"""What slots bring at one school: for some more and fewer of them, and beside the highest estimate first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ews.errors import NotEnoughData
from ews.gains import HONESTLY, reach
from ews.slots import Rule, prior_of
from ews.store.mentors import KnownMentor
from ews.store.reading import run_in_force
from ews.store.round_pool import lines_with_gains
from ews_serve.asked import Asked
from ews_serve.web.charts import Curve, curve_chart

OURS, HIGHEST = "Our order", "Highest estimate first"
AROUND = 5


@dataclass(frozen=True)
class More:
    """What so many slots would be expected to bring: slots, crossings and days with their intervals, as words."""

    slots: str
    crossings: str
    days: str
    is_here: bool


@dataclass(frozen=True)
class Brings:
    """What slots bring at one school.

    Attributes:
        curve: crossings averted by our order and by the highest estimate.
        rows: for some more and fewer slots.
        sentences: what the curve means here.
        honestly: what to remember.
    """

    curve: Curve
    rows: tuple[More, ...]
    sentences: tuple[str, ...]
    honestly: str


def brings_of(
    connection: Any, asked: Asked, school_id: str, mentors: Sequence[KnownMentor], held: dict[str, int]
) -> Brings | None:
    """What one more mentor would bring here, and why the highest estimate is the wrong order for crossings."""
    run = run_in_force(connection)
    if run is None:
        return None
    rule = Rule()
    try:
        rows, percent = lines_with_gains(connection, run, school_id, rule)
    except NotEnoughData:
        return None
    has = min(sum(one.mentor.slots(asked.on) for one in mentors), len(rows))
    orders = {OURS: rows["crossings_averted"] - 2.0 * (rows["lane"] != "prevent"), HIGHEST: rows["risk"]}
    every = reach(
        rows, {school_id: has}, prior_of(rule), chronic_percent=percent, around=len(rows), response=rows["response"],
        rules=orders,
    )  # fmt: skip
    ours, highest = (every[every["rule"] == name].set_index("slots") for name in orders)
    near = ours[abs(ours["more"]) <= AROUND]
    curve = curve_chart(
        "Crossings averted by so many slots",
        "The line shows how many fewer students would miss a tenth, for each number of slots.",
        "slots",
        [float(at) for at in ours.index],
        {name: [max(float(value), 0.0) for value in one["crossings_averted"]] for name, one in
         ((OURS, ours), (HIGHEST, highest))},
        here=float(has),
        here_text="slots now",
    )  # fmt: skip
    more = tuple(
        More(
            f"{at}",
            f"{row.crossings_averted:.2f} ({row.crossings_averted_low:.0f} to {row.crossings_averted_high:.0f})",
            f"{row.days_gained:.1f} ({row.days_gained_low:.0f} to {row.days_gained_high:.0f})",
            at == has,
        )
        for at, row in ((row.Index, row) for row in near.itertuples())
    )
    return Brings(curve, more, tuple(_sentences(ours, highest, has)), HONESTLY)


def _sentences(ours: Any, highest: Any, has: int) -> list[str]:
    at = has if has in ours.index and has else min(5, int(ours.index.max()))
    first, second = (float(one.loc[at, "crossings_averted"]) for one in (ours, highest))
    return [
        f"With {at} slots, our order is expected to keep {first:.2f} students below a tenth missed; going by the "
        f"highest estimate, {second:.2f}.",
        "Students with the highest estimates are mostly far past a tenth, and a mentor rarely brings them back below "
        "it. Near the line a few days decide. If days won are your aim, choose that goal instead.",
    ]
