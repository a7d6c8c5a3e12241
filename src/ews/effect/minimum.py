"""Before a round starts: the smallest effect it could tell from chance, and how wide a lottery band it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from ews.errors import NotEnoughData

POWER, SIGNIFICANCE = 0.8, 0.05


def minimum_detectable(
    drawn: float, not_drawn: float, spread: float, *, takes_up: float = 1.0, power: float = POWER,
    significance: float = SIGNIFICANCE,
) -> float:  # fmt: skip
    """The smallest effect, in the unit of `spread`, that a lottery finds with this power, two-sided.

    Args:
        drawn: students who draw a slot.
        not_drawn: students who do not.
        spread: standard deviation of what the strata and the year before leave open of the outcome.
        takes_up: share of those drawn who take a mentor up, less that share of the others; 1 gives the effect of the
            offer, less the larger effect of the mentor that the same lottery can find.
        power: chance of finding an effect of that size.
        significance: chance of finding one where there is none.

    >>> round(minimum_detectable(200, 200, 8.0), 2)
    2.24
    """
    reach = float(norm.ppf(1 - significance / 2) + norm.ppf(power))
    return reach * spread * float(np.sqrt(1 / drawn + 1 / not_drawn)) / takes_up


def students_needed(
    effect: float, spread: float, *, takes_up: float = 1.0, power: float = POWER, significance: float = SIGNIFICANCE
) -> int:
    """Students in the band, half of whom draw a slot, for a lottery that finds an effect of this size.

    Args:
        effect: on days absent per 100 enrolled, of a mentor; its sign does not matter.
        spread: as for `minimum_detectable`.
        takes_up: as for `minimum_detectable`.
        power: as for `minimum_detectable`.
        significance: as for `minimum_detectable`.

    >>> students_needed(2.2414, 8.0)
    400
    """
    smallest = minimum_detectable(1, 1, spread, takes_up=takes_up, power=power, significance=significance)
    return int(2 * np.ceil((smallest / effect) ** 2 - 1e-3))


@dataclass(frozen=True, eq=False)
class Plan:
    """What bands of different width could tell.

    Attributes:
        bands: one row a width: width_percent (of the slots, on either side of the cut), students (in the band), drawn,
            offer and mentor (smallest effects found with 80 % power, days absent per 100 enrolled).
        spread: standard deviation of the outcome within schools, the year before known.
        expected: days absent per 100 enrolled that students around the cut are expected to miss.
        needed: students in the band for an effect of -8 % on their days.
    """

    bands: pd.DataFrame
    spread: float
    expected: float
    needed: int

    def in_words(self) -> str:
        """What it comes to."""
        widest = self.bands.iloc[-1]
        return (
            f"Students around the cut miss about {self.expected:.1f} days of 100, so -8 % is "
            f"{0.08 * self.expected:.1f} days. The widest band of this round ({int(widest['students'])} students, half "
            f"of them drawn) finds a mentor's effect from {widest['mentor']:.1f} days on, four times in five. For "
            f"-8 % a band of {self.needed:,} students would be needed: several rounds, or districts, together."
        )


def plan(
    rows: pd.DataFrame, slots: pd.Series, *, takes_up: float = 0.8, widths: Sequence[int] = (10, 20, 30, 40, 50)
) -> Plan:
    """What a round with these slots could learn, from what the last year did to the same order.

    Args:
        rows: students as `ews.effect.checked` gives them, `distance` by the order the round would have, and as outcome
            the last complete year.
        slots: slots of each school, by school_id.
        takes_up: share of those offered a slot who are expected to take it up.
        widths: of the band on either side of the cut, percent of the slots.

    Raises:
        NotEnoughData: no school has slots and students on both sides of the cut.
    """
    ordered = rows[rows["distance"].notna()].assign(has=rows["school_id"].map(slots).fillna(0).astype(int))
    place = ordered.sort_values("distance", ascending=False).groupby("school_id").cumcount().reindex(ordered.index) + 1
    bands = [_band(ordered, place, width, takes_up) for width in widths]
    around = ordered[(place - ordered["has"] - 0.5).abs() < np.maximum(1, -(-ordered["has"] * max(widths) // 100))]
    around = around[around["has"] > 0]
    if len(around) < 2 * len(slots[slots > 0]) or around["rate"].notna().sum() < 20:
        raise NotEnoughData("Too few students around the cuts have a known year, so nothing can be said beforehand.")
    spread, expected = _spread(around), float(around["rate"].mean())
    found = pd.DataFrame(bands, columns=["width_percent", "students", "drawn"])
    for name, share in (("offer", 1.0), ("mentor", takes_up)):
        found[name] = [
            minimum_detectable(row.drawn, row.students - row.drawn, spread, takes_up=share)
            for row in found.itertuples()
        ]
    return Plan(found, spread, expected, students_needed(0.08 * expected, spread, takes_up=takes_up))


def _band(ordered: pd.DataFrame, place: pd.Series, width: int, takes_up: float) -> tuple[int, int, int]:
    """Students in a band of this width, and how many of them draw a slot."""
    reach = -(-ordered["has"] * width // 100)
    behind = place.groupby(ordered["school_id"]).transform("max") - ordered["has"]
    reach = np.minimum(reach, behind.clip(lower=0))
    in_band = (place > ordered["has"] - reach) & (place <= ordered["has"] + reach)
    return width, int(in_band.sum()), int((in_band & (place <= ordered["has"])).sum())


def _spread(around: pd.DataFrame) -> float:
    """What schools and the year before leave open of the outcome."""
    known = around[around["rate"].notna() & around["rate_before"].notna()]
    within = known[["rate", "rate_before"]] - known.groupby("school_id")[["rate", "rate_before"]].transform("mean")
    slope = (within["rate"] @ within["rate_before"]) / max(float(within["rate_before"] @ within["rate_before"]), 1e-9)
    left = within["rate"] - slope * within["rate_before"]
    return float(np.sqrt((left @ left) / max(len(known) - known["school_id"].nunique() - 1, 1)))
