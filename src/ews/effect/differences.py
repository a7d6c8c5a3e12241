"""Differences in differences: how the days of students with a mentor changed beside those of matched ones without.

The weakest design in use: whoever chose who got a mentor may have known what the year before does not tell. Students
are matched exactly by the rate of the year before, else the difference would be regression to the mean.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import t as student_t

from ews.effect.estimate import TOOK, Estimate, dose, interval
from ews.effect.registration import DIFFERENCES
from ews.errors import NotEnoughData

BINS = (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 50, 100.1)
"""Days absent per 100 enrolled of the year before, within which students count as alike."""

_FEWEST = 10

_NOTE = "Students without a mentor may differ in what no record tells; a lottery band in the next round would say more."


def difference_in_differences(rows: pd.DataFrame, alike: Sequence[str] = ()) -> tuple[Estimate, ...]:
    """The effect of a mentor on those who had one, beside students alike who had none.

    Where students were put in order for slots, the order counts too, as a straight line: it is what they were chosen
    by. With one year before and one after, the regression of the change on having had a mentor, within groups of
    students alike, is the one with an effect of each student and of each group and year. Standard errors hold for
    students of a school who are alike in what is not known.

    Args:
        rows: a round as `ews.effect.checked` gives it.
        alike: columns in which matched students agree, besides the year before.

    Raises:
        NotEnoughData: too few students with a mentor have somebody alike without one, or all are of one school.
    """
    known = rows[rows["rate"].notna() & rows["rate_before"].notna()]
    kind = known.groupby([pd.cut(known["rate_before"], BINS, right=False).astype(str), *(known[one] for one in alike)])
    share = kind["accepted"].transform("mean")
    matched = known[(share > 0) & (share < 1)].assign(kind=kind.ngroup(), share=share)
    with_mentor = matched["accepted"].to_numpy(dtype=bool)
    if min(with_mentor.sum(), (~with_mentor).sum()) < _FEWEST or matched["school_id"].nunique() < 2:
        raise NotEnoughData(
            f"Fewer than {_FEWEST} students with a mentor and alike without, or one school: no estimate."
        )
    days, error, freedom = _fit(matched, with_mentor)
    low, high = interval(days, error, float(student_t.ppf(0.975, freedom)))
    unmatched = int(rows["accepted"].sum() - with_mentor.sum())
    about = (len(matched), int(with_mentor.sum()), dose(matched), unmatched, _NOTE)
    return (Estimate(DIFFERENCES, TOOK, days, low, high, *about),)


def _fit(matched: pd.DataFrame, with_mentor: np.ndarray) -> tuple[float, float, int]:
    """The change beside those alike, its standard error by school, and degrees of freedom."""
    share = matched["share"].to_numpy()
    weights = np.where(with_mentor, 1.0, share / (1 - share))
    parts = [with_mentor, pd.get_dummies(matched["kind"]).to_numpy(), *_order(matched)]
    design = np.column_stack(parts).astype("float64")
    change = (matched["rate"] - matched["rate_before"]).to_numpy()
    school = pd.factorize(matched["school_id"])[0]
    found = sm.WLS(change, design, weights=weights).fit(cov_type="cluster", cov_kwds={"groups": school})
    return float(found.params[0]), float(found.bse[0]), int(school.max())


def _order(matched: pd.DataFrame) -> list[np.ndarray]:
    """The distance to the cut, centred, and whether it is unknown (then the mean); nothing where nobody was ordered."""
    distance = matched["distance"]
    if distance.notna().sum() < _FEWEST:
        return []
    centred = (distance - distance.mean()).fillna(0.0).to_numpy()
    return [centred, distance.isna().to_numpy()] if distance.isna().any() else [centred]
