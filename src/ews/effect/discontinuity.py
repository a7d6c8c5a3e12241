"""The discontinuity at the cut: students just above it, who would be offered a slot, beside those just below it.

Who are as good as equal except for the offer; how close is close enough is for the data to say, and what bending of
the curve remains is corrected for, by `rdrobust` (Calonico, Cattaneo, Titiunik).
"""

import numpy as np
import pandas as pd
from rdrobust import rdrobust

from ews.effect.estimate import OFFERED, TOOK, Estimate, dose
from ews.effect.registration import COVARIATES, DISCONTINUITY
from ews.errors import NotEnoughData

_FEWEST = 20
"""Students on either side within the bandwidth below which no estimate is made."""

_JUMP = 0.2
"""Share of students by which having a mentor must jump at the cut for the cut to be an instrument."""


def discontinuity(rows: pd.DataFrame, covariates: tuple[str, ...] = COVARIATES) -> tuple[Estimate, ...]:
    """The effect at the cut of being above it and, with the cut as instrument, of a mentor on those who had one.

    Each school has its own cut, and outcomes count beside the mean of their school, the same on both sides.

    Args:
        rows: a round as `ews.effect.checked` gives it.
        covariates: registered, known before the round.

    Returns:
        Both effects, bias-corrected with their robust interval; the second where a mentor hangs on the cut.

    Raises:
        NotEnoughData: a lot decided around the cut, so it is none; or too few students are near it.
    """
    if rows["in_band"].any():
        raise NotEnoughData("A lot decided around the cut, so nothing jumps there: the lottery is the design.")
    ordered = rows[rows["distance"].notna()]
    known = ordered[ordered["rate"].notna()]
    above = known["distance"] >= 0
    if min(above.sum(), (~above).sum()) < _FEWEST:
        raise NotEnoughData(f"Fewer than {_FEWEST} students on one side of the cut: no estimate at the cut.")
    within = known["rate"] - known["rate"].groupby(known["school_id"]).transform("mean")
    beside = _covariates(known, covariates)
    taken = known["accepted"].astype("float64")
    unknown = len(ordered) - len(known)
    made = [_estimate(OFFERED, known, within, beside, None, unknown)]
    if taken[above].mean() - taken[~above].mean() > _JUMP:
        made.append(_estimate(TOOK, known, within, beside, taken, unknown))
    return tuple(made)


def _covariates(known: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray | None:
    found = [known[name].fillna(known[name].mean()) for name in names if known[name].notna().any()]
    return np.column_stack(found) if found else None


def _estimate(
    of_whom: str, known: pd.DataFrame, y: pd.Series, covariates: np.ndarray | None, taken: pd.Series | None,
    unknown: int,
) -> Estimate:  # fmt: skip
    distance = known["distance"].to_numpy()
    fuzzy = None if taken is None else taken.to_numpy()
    try:
        found = rdrobust(y.to_numpy(), distance, c=0.0, fuzzy=fuzzy, covs=covariates)
    except Exception as error:  # rdrobust raises bare Exceptions where it cannot find a bandwidth
        raise NotEnoughData(f"No bandwidth around the cut could be found: {error}") from error
    if min(found.N_h) < _FEWEST:
        raise NotEnoughData(f"Fewer than {_FEWEST} students on one side near the cut: no estimate at the cut.")
    width = float(found.bws.to_numpy()[0, 0])
    near = known[np.abs(distance) <= width]
    low, high = (float(end) for end in found.ci.to_numpy()[-1])
    return Estimate(
        design=DISCONTINUITY,
        of_whom=of_whom,
        days=float(found.coef.to_numpy()[-1, 0]),
        low=low,
        high=high,
        students=len(near),
        with_slot=int((near["distance"] >= 0).sum()),
        contacts=dose(near),
        without_outcome=unknown,
        note="Of students at the cut; it says nothing of those far from it.",
    )
