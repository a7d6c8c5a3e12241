"""What a mentor is expected to bring a student: crossings averted and days gained, under a stated effect.

Nobody knows what mentoring does to a student, so it is a prior: the share
by which absences change, with its spread. From the calibrated distribution of next year's absence rate follows who is
near the line: a mentor who takes 8 % off the absences of a student who is expected far past it, or far before it,
averts no crossing. So the highest risk is the wrong order where crossings are to be averted, and nearly the right one
where days are.

The distribution is known at the policy's thresholds. Between and beyond them its log-odds are taken as straight lines
in the logarithm of the rate, as a log-logistic distribution has them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.errors import InvalidPolicy

PREFIX = "probability_"
_THRESHOLD = re.compile(PREFIX + r"(\d\d)")

_NODES = 15
_RATES = np.geomspace(0.002, 0.999, 200)
"""Rates over which a distribution is summed to its mean; what lies below the first is no day of a year."""

_FAR = 40.0
"""Log-odds beyond which a probability is 0 or 1 in any float."""

_STEEP = -0.5
"""A distribution falls at least so fast in log-odds by log-rate; else its tail would have no mean."""


@dataclass(frozen=True)
class EffectPrior:
    """What is believed of a mentor's effect on days absent, as a log-normal factor.

    Attributes:
        mean_percent: expected change of days absent, in percent.
        sd: standard deviation of the logarithm of the factor; by default nine in ten effects lie in +3 to -18 %,
            as wide as the interval of 0 to -20 % that small trials leave around -8 %.
    """

    mean_percent: float = -8.0
    sd: float = 0.068

    def __post_init__(self) -> None:
        if not -100 < self.mean_percent <= 0 or not 0 <= self.sd < 1:
            raise InvalidPolicy("An effect prior needs -100 < mean_percent <= 0 and 0 <= sd < 1.")

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Factors on days absent and their weights, both (nodes,); one node where nothing is uncertain."""
        if self.sd == 0:
            return np.array([1 + self.mean_percent / 100]), np.ones(1)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        middle = np.log1p(self.mean_percent / 100) - self.sd**2 / 2
        return np.exp(middle + self.sd * nodes), weights / weights.sum()


CAUTIOUS = EffectPrior()
NO_EFFECT = EffectPrior(0.0, 0.0)
CHECK_AND_CONNECT = EffectPrior(-23.0, 0.0)
"""Sensitivity: what the Chicago trial of Check & Connect found in grades 5 to 7; in grades 1 to 4 it found nothing."""


def expected_gains(
    probabilities: pd.DataFrame, prior: EffectPrior, *, chronic_percent: int, days: float | pd.Series = 180.0
) -> pd.DataFrame:
    """What a mentor is expected to bring each student, from the calibrated distribution of next year's absence rate.

    Args:
        probabilities: one row a student, with a column `probability_NN` for each threshold in percent of days missed,
            as a risk list has them; never rising with the threshold.
        prior: what is believed of the effect.
        chronic_percent: the line.
        days: days enrolled that are expected, one number or one a student.

    Returns:
        One row a student, index as given: `expected_rate` (share of days absent without a mentor),
        `crossings_averted` (probability that the line is crossed without a mentor, less the one with), `days_gained`.
        With an effect of zero both gains are 0.

    Raises:
        InvalidPolicy: fewer than two thresholds, or none at the line.
    """
    percents = _percents(probabilities, chronic_percent)
    curves = _Curves.through(probabilities[[f"{PREFIX}{percent:02d}" for percent in percents]].to_numpy(), percents)
    factors, weights = prior.factors()
    line = chronic_percent / 100
    with_mentor = sum(
        weight * curves.beyond(np.array([line / factor]))[:, 0] for factor, weight in zip(factors, weights, strict=True)
    )
    expected = curves.mean()
    return pd.DataFrame(
        {
            "expected_rate": expected,
            "crossings_averted": curves.beyond(np.array([line]))[:, 0] - with_mentor,
            "days_gained": expected * (1 - float(factors @ weights)) * np.asarray(days, dtype=float),
        },
        index=probabilities.index,
    )


@dataclass(frozen=True, eq=False)
class _Curves:
    """Log-odds of missing more than a rate, as broken lines over its logarithm; one curve a student."""

    at: np.ndarray
    log_odds: np.ndarray

    @classmethod
    def through(cls, beyond: np.ndarray, percents: Sequence[int]) -> "_Curves":
        with np.errstate(divide="ignore"):
            log_odds = np.clip(np.log(beyond) - np.log1p(-beyond), -_FAR, _FAR)
        return cls(np.log(np.array(percents) / 100), log_odds)

    def beyond(self, rates: np.ndarray) -> np.ndarray:
        """Probability of missing at least each rate, shape (students, rates)."""
        where = np.log(rates)
        left = np.clip(np.searchsorted(self.at, where) - 1, 0, len(self.at) - 2)
        slopes = np.diff(self.log_odds, axis=1) / np.diff(self.at)
        outside = (where < self.at[0]) | (where > self.at[-1])
        slope = np.where(outside, np.minimum(slopes[:, left], _STEEP), slopes[:, left])
        knot = np.where(where > self.at[-1], len(self.at) - 1, left)
        log_odds = self.log_odds[:, knot] + slope * (where - self.at[knot])
        return 1 / (1 + np.exp(-np.clip(log_odds, -_FAR, _FAR)))

    def mean(self) -> np.ndarray:
        """Expected rate, shape (students,): the area under the curve."""
        beyond = self.beyond(_RATES)
        return _RATES[0] + np.trapezoid(beyond, _RATES, axis=1)


def _percents(probabilities: pd.DataFrame, chronic_percent: int) -> list[int]:
    percents = sorted(int(found[1]) for name in probabilities if (found := _THRESHOLD.fullmatch(str(name))))
    if len(percents) < 2 or chronic_percent not in percents:
        raise InvalidPolicy(
            "Gains need the probability of at least two thresholds, one of them the line. Score again: ews score"
        )
    return percents
