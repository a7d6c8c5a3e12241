"""What chance and an uncertain effect leave open of a sum over some students: exact for counts, close for days."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ews.gains.curves import Curves
from ews.gains.expected import expected_gains
from ews.gains.prior import EffectPrior

FIGURES = ("would_be_chronic", "crossings_averted", "days_gained")

_FACTORS, _SUMS = 25, 15
"""Equally likely effects, and sums of rates, that an interval is a mixture of."""

_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True, eq=False)
class Chances:
    """What is expected of each student; rows as the probabilities it was made of.

    Attributes:
        risk: probability of a chronic year without a mentor, (students,).
        crossings: expected crossings averted, (students,).
        gained: expected days gained, (students,).
        averted: crossings averted under each of some equally likely effects, (students, factors); negative where one
            harms.
        answering: days absent that would answer a mentor, (students,), and their variance.
        variance: of `answering`, (students,).
        factors: the effects, as factors on days absent, (factors,).
    """

    risk: np.ndarray
    crossings: np.ndarray
    gained: np.ndarray
    averted: np.ndarray
    answering: np.ndarray
    variance: np.ndarray
    factors: np.ndarray

    @classmethod
    def of(
        cls, probabilities: pd.DataFrame, prior: EffectPrior, chronic_percent: int, days: float,
        response: pd.Series | None,
    ) -> "Chances":  # fmt: skip
        """From columns `probability_NN` and a response, as `ews.gains.expected_gains` takes them."""
        curves, line = Curves.of(probabilities, chronic_percent), np.array([chronic_percent / 100])
        power = np.ones(len(probabilities)) if response is None else response.to_numpy(dtype="float64")
        factors, risk = prior.equally_likely(_FACTORS), curves.beyond(line)
        rate, variance = curves.moments()
        gains = expected_gains(probabilities, prior, chronic_percent=chronic_percent, days=days, response=response)
        return cls(
            risk=risk[:, 0],
            crossings=gains["crossings_averted"].to_numpy(),
            gained=gains["days_gained"].to_numpy(),
            averted=risk - curves.beyond(line / factors ** power[:, None]),
            answering=rate * days * power,
            variance=variance * (days * power) ** 2,
            factors=factors,
        )

    def typical_of(self, group: np.ndarray) -> "Chances":
        """The mean of each student's group in the student's place: what somebody picked by lot brings."""
        parts = {name: values for name, values in vars(self).items() if name != "factors"}
        means = {name: pd.DataFrame(values).groupby(group).transform("mean") for name, values in parts.items()}
        shaped = {name: mean.to_numpy().reshape(parts[name].shape) for name, mean in means.items()}
        return Chances(**shaped, factors=self.factors)

    def summed(self, places: np.ndarray) -> dict[str, np.ndarray]:
        """Expectation and 95 % interval of the first 0, 1, 2 … students of each school.

        Args:
            places: (schools, places), the row of the student in each place; -1 where there is none.

        Returns:
            Of each of `FIGURES`, and with `_low` and `_high`, an array (schools, places + 1).
        """
        there = places >= 0
        risk, crossings, gained = (
            np.where(there, each[places], 0.0) for each in (self.risk, self.crossings, self.gained)
        )
        averted = np.where(there[..., None], self.averted[places], 0.0)
        low, high = zip(
            _count_interval(risk[..., None], np.ones(1)),
            _count_interval(np.abs(averted), np.sign(1 - self.factors)),
            self._days_interval(places, there),
            strict=True,
        )
        expected = (_running(risk), _running(crossings), _running(gained))
        return {
            f"{name}{end}": values
            for end, found in (("", expected), ("_low", low), ("_high", high))
            for name, values in zip(FIGURES, found, strict=True)
        }

    def _days_interval(self, places: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles over effects times sums of days, which are nearly normal."""
        days = _running(np.where(there, self.answering[places], 0.0))
        spread = np.sqrt(_running(np.where(there, self.variance[places], 0.0)))
        sums = np.maximum(days[..., None] + spread[..., None] * ndtri((np.arange(_SUMS) + 0.5) / _SUMS), 0.0)
        gained = (sums[..., None] * (1 - self.factors)).reshape(*days.shape, -1)
        low, high = np.quantile(gained, (_LOW, _HIGH), axis=-1)
        return low, high


def _running(values: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, 2 … places, (schools, places + 1)."""
    return np.pad(values.cumsum(axis=1), ((0, 0), (1, 0)))


def _count_interval(chance: np.ndarray, sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where 95 % of a count lies after each place, (schools, places + 1): one student more changes it by 0 or by one.

    Args:
        chance: (schools, places, effects), that a student counts.
        sign: (effects,), what such a student counts: 1, or -1 under an effect that harms.
    """
    schools, width, effects = chance.shape
    counts = np.zeros((schools, effects, width + 1))
    counts[..., 0] = 1.0
    ends = [_ends(counts, sign)]
    for place in range(width):
        with_one = chance[:, place, :, None]
        counts = counts * (1 - with_one) + np.pad(counts[..., :-1], ((0, 0), (0, 0), (1, 0))) * with_one
        ends.append(_ends(counts, sign))
    low, high = np.stack(ends, axis=-1).astype(float)
    return low, high


def _ends(counts: np.ndarray, sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of the mixture over effects, (schools,) each."""
    width = counts.shape[-1] - 1
    mixed = np.zeros((len(counts), 2 * width + 1))
    mixed[:, width:] += counts[:, sign >= 0].sum(axis=1)
    mixed[:, : width + 1] += counts[:, sign < 0, ::-1].sum(axis=1)
    below = mixed.cumsum(axis=1) / len(sign)
    return (below >= _LOW - 1e-12).argmax(axis=1) - width, (below >= _HIGH - 1e-12).argmax(axis=1) - width
