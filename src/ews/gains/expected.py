"""What a mentor is expected to bring one student."""

import numpy as np
import pandas as pd

from ews.gains.curves import Curves
from ews.gains.prior import EffectPrior


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
    curves = Curves.of(probabilities, chronic_percent)
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
