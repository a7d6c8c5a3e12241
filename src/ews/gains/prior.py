"""What is believed of a mentor's effect before anybody measured it here."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from ews.errors import InvalidPolicy

_NODES = 15


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
        return np.exp(self._middle + self.sd * nodes), weights / weights.sum()

    def equally_likely(self, count: int) -> np.ndarray:
        """So many equally likely factors, shape (count,), ascending."""
        return np.exp(self._middle + self.sd * ndtri((np.arange(count) + 0.5) / count))

    @property
    def _middle(self) -> float:
        return float(np.log1p(self.mean_percent / 100) - self.sd**2 / 2)


CAUTIOUS = EffectPrior()
CHECK_AND_CONNECT = EffectPrior(-23.0, 0.0)
"""Sensitivity: what the Chicago trial of Check & Connect found in grades 5 to 7; in grades 1 to 4 it found nothing."""
