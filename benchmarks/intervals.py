"""Means over districts that differ by their seed, with their 95 % intervals, as pages tell them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95 % interval (Student's t)."""

    value: float
    low: float
    high: float

    def told(self, digits: int = 3, sign: str = "") -> str:
        """`.804 (.790 to .818)`."""
        numbers = [f"{number:{sign}.{digits}f}".replace("0.", ".", 1) for number in (self.value, self.low, self.high)]
        return f"{numbers[0]} ({numbers[1]} to {numbers[2]})"

    def percent(self) -> str:
        """`94 % (91 to 97)`."""
        return f"{100 * self.value:.0f} % ({100 * self.low:.0f} to {100 * self.high:.0f})"


def over_seeds(values: Iterable[float]) -> Interval:
    """Mean and 95 % interval of one figure over districts that differ by their seed."""
    known = np.array([value for value in values if not np.isnan(value)])
    if len(known) < 2:
        return Interval(float(known.mean()) if len(known) else np.nan, np.nan, np.nan)
    half = student_t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return Interval(float(known.mean()), float(known.mean() - half), float(known.mean() + half))
