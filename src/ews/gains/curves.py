"""Each student's distribution of next year's absence rate, from its probabilities at the policy's thresholds.

Between and beyond the thresholds the log-odds are taken as straight lines in the logarithm of the rate, as a
log-logistic distribution has them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.errors import InvalidPolicy

PREFIX = "probability_"
_THRESHOLD = re.compile(PREFIX + r"(\d\d)")

_RATES = np.geomspace(0.002, 0.999, 200)
"""Rates over which a distribution is summed to its mean; what lies below the first is no day of a year."""

_FAR = 40.0
"""Log-odds beyond which a probability is 0 or 1 in any float."""

_STEEP = -0.5
"""A distribution falls at least so fast in log-odds by log-rate; else its tail would have no mean."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Log-odds of missing more than a rate, as broken lines over its logarithm; one curve a student."""

    at: np.ndarray
    log_odds: np.ndarray

    @classmethod
    def of(cls, probabilities: pd.DataFrame, chronic_percent: int) -> "Curves":
        """The curves of students from columns `probability_NN`, never rising with the threshold.

        Raises:
            InvalidPolicy: fewer than two thresholds, or none at the line.
        """
        percents = _percents(probabilities, chronic_percent)
        return cls.through(probabilities[[f"{PREFIX}{percent:02d}" for percent in percents]].to_numpy(), percents)

    @classmethod
    def through(cls, beyond: np.ndarray, percents: Sequence[int]) -> "Curves":
        """The curves through probabilities of shape (students, thresholds)."""
        with np.errstate(divide="ignore"):
            log_odds = np.clip(np.log(beyond) - np.log1p(-beyond), -_FAR, _FAR)
        return cls(np.log(np.array(percents) / 100), log_odds)

    def beyond(self, rates: np.ndarray) -> np.ndarray:
        """Probability of missing at least each rate, (students, rates); the rates are (rates,) or (students, rates)."""
        where, slopes = np.log(rates), np.diff(self.log_odds, axis=1) / np.diff(self.at)
        first, last = (np.minimum(slopes[:, [end]], _STEEP) for end in (0, -1))
        log_odds = self.log_odds[:, [0]] + first * np.minimum(where - self.at[0], 0.0)
        for slope, low, high in zip(slopes.T, self.at[:-1], self.at[1:], strict=True):
            log_odds = log_odds + slope[:, None] * np.clip(where - low, 0.0, high - low)
        log_odds = log_odds + last * np.maximum(where - self.at[-1], 0.0)
        return 1 / (1 + np.exp(-np.clip(log_odds, -_FAR, _FAR)))

    def mean(self) -> np.ndarray:
        """Expected rate, shape (students,): the area under the curve."""
        return self.moments()[0]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Expected rate and its variance, both (students,): areas under the curve, plain and by twice the rate."""
        beyond = self.beyond(_RATES)
        mean = _RATES[0] + np.trapezoid(beyond, _RATES, axis=1)
        square = _RATES[0] ** 2 + np.trapezoid(2 * _RATES * beyond, _RATES, axis=1)
        return mean, np.maximum(square - mean**2, 0.0)


def _percents(probabilities: pd.DataFrame, chronic_percent: int) -> list[int]:
    percents = sorted(int(found[1]) for name in probabilities if (found := _THRESHOLD.fullmatch(str(name))))
    if len(percents) < 2 or chronic_percent not in percents:
        raise InvalidPolicy(
            "Gains need the probability of at least two thresholds, one of them the line. Score again: ews score"
        )
    return percents
