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

_NOTHING_LEFT = 1e-9
"""Variance of having had a mentor, school, year before and order known, below which nobody can be compared."""

_NOTE = "Students without a mentor may differ in what no record tells; a lottery band in the next round would say more."


def difference_in_differences(rows: pd.DataFrame, alike: Sequence[str] = ()) -> tuple[Estimate, ...]:
    """The effect of a mentor on those who had one, beside students alike who had none.

    Students are compared within their school: slots are given there, and a school's year is nobody's effect. Where they
    were put in order for slots, the order counts too, since it is what they were chosen by: as a straight line, with a
    slope of its own for students with a mentor, since those who miss most have most to gain. With one year before and
    one after, the regression of the change on having had a mentor, within groups of students alike, is the one with an
    effect of each student and of each group and year. Standard errors hold for students of a school who are alike in
    what is not known.

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
    """The change beside those alike, its standard error by school, and degrees of freedom.

    Schools, groups and order are taken out first (Frisch, Waugh and Lovell), since they may follow from each other: a
    school where nobody was put in order has no known distance.
    """
    share = matched["share"].to_numpy()
    weights = np.where(with_mentor, 1.0, share / (1 - share))
    alike = [pd.get_dummies(matched[name]).to_numpy() for name in ("kind", "school_id")]
    beside = np.column_stack([*alike, *_order(matched, with_mentor)]).astype("float64")
    both = np.column_stack([matched["rate"] - matched["rate_before"], with_mentor]).astype("float64")
    root = np.sqrt(weights)[:, None]
    part, _, rank, _ = np.linalg.lstsq(root * beside, root * both, rcond=None)
    change, had = (both - beside @ part).T
    if had.var() < _NOTHING_LEFT:
        raise NotEnoughData("Who had a mentor follows from school, year before and order alone: no estimate.")
    school = pd.factorize(matched["school_id"])[0]
    found = sm.WLS(change, had, weights=weights).fit(cov_type="cluster", cov_kwds={"groups": school})
    freedom_spent = np.sqrt((len(had) - 1) / max(len(had) - 1 - int(rank), 1))
    return float(found.params[0]), float(found.bse[0] * freedom_spent), int(school.max())


def _order(matched: pd.DataFrame, with_mentor: np.ndarray) -> list[np.ndarray]:
    """The distance to the cut, the same of students with a mentor, and where it is unknown; nothing without an order.

    It counts from the mean of students with a mentor, so that the effect beside it is the mean over just these.
    """
    distance = matched["distance"]
    if distance[with_mentor].notna().sum() < _FEWEST:
        return []
    centred = (distance - distance[with_mentor].mean()).fillna(0.0).to_numpy()
    parts = [centred, centred * with_mentor]
    return [*parts, distance.isna().to_numpy()] if distance.isna().any() else parts
