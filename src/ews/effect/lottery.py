"""The lottery band: of students for whom a lot decided, those who drew a slot beside those who did not.

Nothing but chance differs between the two, stratum by stratum, so their difference is the offer's effect. Strata count
by their students, whatever share of them drew a slot; the year before makes the estimate more precise, no more.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import t as student_t

from ews.effect.estimate import OFFERED, TOOK, Estimate, dose, interval
from ews.effect.registration import COVARIATES, LOTTERY
from ews.errors import NotEnoughData

_FEWEST = 10
"""Students on either side below which no estimate is made."""

_WEAK = 10.0
"""F of the first stage below which an instrument tells nothing."""


def lottery(rows: pd.DataFrame, covariates: Sequence[str] = COVARIATES) -> tuple[Estimate, ...]:
    """The effect of the offer and, with the lot as instrument, of a mentor on those who had one because of it.

    Args:
        rows: a round as `ews.effect.checked` gives it.
        covariates: registered, known before the round.

    Returns:
        The effect of the offer; and that of the mentor, unless the lot hardly changed who had one.

    Raises:
        NotEnoughData: too few students for whom a lot decided have a known outcome.
    """
    band, known = _drawn_from(rows)
    drawn = known["drawn"].astype(bool).to_numpy()
    if min(drawn.sum(), (~drawn).sum()) < _FEWEST:
        raise NotEnoughData(
            f"Fewer than {_FEWEST} students who drew a slot, or who did not, have a known outcome: no lottery estimate."
        )
    design, weights, groups = _design(known, drawn, covariates), _weights(known, drawn), _together(known)
    outcome, taken = (
        _fit(known[name].to_numpy(dtype="float64"), design, weights, groups) for name in ("rate", "accepted")
    )
    empty = Estimate(
        LOTTERY,
        OFFERED,
        np.nan,
        np.nan,
        np.nan,
        len(known),
        int(drawn.sum()),
        dose(known[drawn]),
        len(band) - len(known),
    )
    made = [_told(empty, OFFERED, *outcome)]
    if abs(taken[0]) >= np.sqrt(_WEAK) * taken[1] and taken[0] != 0:
        effect = outcome[0] / taken[0]
        left = (known["rate"] - effect * known["accepted"]).to_numpy(dtype="float64")
        _, error, freedom = _fit(left, design, weights, groups)
        made.append(_told(empty, TOOK, effect, error / abs(taken[0]), freedom))
    return tuple(made)


def _drawn_from(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The band, and of it those with known outcomes in strata in which both sides have some."""
    band = rows[rows["in_band"] & rows["drawn"].notna()]
    known = band[band["rate"].notna()]
    share = known["drawn"].astype("float64").groupby(known["stratum"]).transform("mean")
    return band, known[(share > 0) & (share < 1)]


def _weights(known: pd.DataFrame, drawn: np.ndarray) -> np.ndarray:
    """Inverse chances, so that each stratum counts by its students: shape (students,)."""
    share = pd.Series(drawn, index=known.index).groupby(known["stratum"]).transform("mean").to_numpy(dtype="float64")
    return np.where(drawn, 1 / share, 1 / (1 - share)) / 2


def _design(known: pd.DataFrame, drawn: np.ndarray, covariates: Sequence[str]) -> np.ndarray:
    """The lot first, then strata and covariates (centred, unknown = mean, and whether unknown where any is)."""
    parts = [drawn[:, None].astype("float64"), pd.get_dummies(known["stratum"]).to_numpy(dtype="float64")]
    for name in covariates:
        values = known[name]
        parts.append((values - values.mean()).fillna(0.0).to_numpy()[:, None])
        if 0 < values.isna().sum() < len(values):
            parts.append(values.isna().to_numpy(dtype="float64")[:, None])
    return np.concatenate(parts, axis=1)


def _together(known: pd.DataFrame) -> np.ndarray | None:
    """Numbers of those drawn together; None where everybody was drawn alone."""
    if "household_id" not in known or not known["household_id"].dropna().duplicated().any():
        return None
    own = "alone " + known["student_id"].astype(str)
    return pd.factorize(known["household_id"].astype("object").where(known["household_id"].notna(), own))[0]


def _fit(y: np.ndarray, design: np.ndarray, weights: np.ndarray, groups: np.ndarray | None) -> tuple[float, float, int]:
    """What the lot changed, its standard error, and degrees of freedom."""
    model = sm.WLS(y, design, weights=weights)
    if groups is None:
        found = model.fit(cov_type="HC2")
        freedom = int(found.df_resid)
    else:
        found = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
        freedom = int(groups.max())
    return float(found.params[0]), float(found.bse[0]), freedom


def _told(empty: Estimate, of_whom: str, days: float, error: float, freedom: int) -> Estimate:
    low, high = interval(days, error, float(student_t.ppf(0.975, max(freedom, 1))))
    return replace(empty, of_whom=of_whom, days=days, low=low, high=high)
