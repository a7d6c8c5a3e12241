"""What a mentor is expected to bring one student."""

import numpy as np
import pandas as pd

from ews.gains.curves import Curves
from ews.gains.prior import EffectPrior


def expected_gains(
    probabilities: pd.DataFrame,
    prior: EffectPrior,
    *,
    chronic_percent: int,
    days: float | pd.Series = 180.0,
    response: pd.Series | None = None,
) -> pd.DataFrame:
    """What a mentor is expected to bring each student, from the calibrated distribution of next year's absence rate.

    Args:
        probabilities: one row a student, with a column `probability_NN` for each threshold in percent of days missed,
            as a risk list has them; never rising with the threshold.
        prior: what is believed of the effect.
        chronic_percent: the line.
        days: days enrolled that are expected, one number or one a student.
        response: how strongly each student's absences answer a mentor, as `response_by_grade` gives it: the power of
            the prior's factor; by default 1 for everybody.

    Returns:
        One row a student, index as given: `expected_rate` (share of days absent without a mentor),
        `crossings_averted` (probability that the line is crossed without a mentor, less the one with), `days_gained`.
        With an effect of zero both gains are 0.

    Raises:
        InvalidPolicy: fewer than two thresholds, or none at the line.
    """
    curves = Curves.of(probabilities, chronic_percent)
    factors, weights = prior.factors()
    power = np.ones(len(probabilities)) if response is None else response.to_numpy(dtype="float64")
    own, line = factors ** power[:, None], np.array([chronic_percent / 100])
    expected, risk = curves.mean(), curves.beyond(line)[:, 0]
    return pd.DataFrame(
        {
            "expected_rate": expected,
            "crossings_averted": risk - curves.beyond(line / own) @ weights,
            "days_gained": expected * (1 - own @ weights) * np.asarray(days, dtype=float),
        },
        index=probabilities.index,
    )
