"""Why before and after says nothing: what students without a mentor did who had missed as much."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.effect.differences import BINS
from ews.errors import EffectRefused, NotEnoughData


@dataclass(frozen=True)
class BeforeAfter:
    """How days absent changed of students with a mentor, and of others who had missed as much without one.

    Attributes:
        with_mentor: change in percent, of students with a mentor.
        without: change in percent of students without one, weighted so that as many had missed as much the year before.
        students: those with a mentor.
        others: those without.
    """

    with_mentor: float
    without: float
    students: int
    others: int

    def in_words(self) -> str:
        """Why the first number is no effect."""
        return (
            f"Students with a mentor missed {_change(self.with_mentor)} than the year before. Students without one who "
            f"had missed as much missed {_change(self.without)}. The first number is no effect of mentoring: whoever "
            "missed many days in a year misses, on average, fewer the year after, and the other way round."
        )


def regression_to_the_mean(rows: pd.DataFrame) -> BeforeAfter:
    """Shows on a round's own students what before and after would have called an effect.

    Args:
        rows: a round as `ews.effect.checked` gives it.

    Raises:
        NotEnoughData: nobody with a mentor has somebody without one who had missed as much.
    """
    known = rows[rows["rate"].notna() & rows["rate_before"].notna()]
    kind = pd.cut(known["rate_before"], BINS, right=False).astype(str)
    share = known["accepted"].groupby(kind).transform("mean")
    alike = known[(share > 0) & (share < 1)]
    accepted = alike["accepted"].to_numpy(dtype=bool)
    if not accepted.any():
        raise NotEnoughData("Nobody with a mentor has somebody without one who had missed as much the year before.")
    odds = share[alike.index].to_numpy() / (1 - share[alike.index].to_numpy())
    with_mentor, without = alike[accepted], alike[~accepted]
    return BeforeAfter(
        with_mentor=_changed(with_mentor, np.ones(len(with_mentor))),
        without=_changed(without, odds[~accepted]),
        students=len(with_mentor),
        others=len(without),
    )


def before_and_after(rows: pd.DataFrame) -> BeforeAfter:
    """Refuses: it is no estimate of an effect.

    Raises:
        EffectRefused: always, with what unmentored students of the same round did.
    """
    raise EffectRefused(f"Before and after is no effect. {regression_to_the_mean(rows).in_words()}")


def _changed(rows: pd.DataFrame, weights: np.ndarray) -> float:
    after, before = (float(np.average(rows[name], weights=weights)) for name in ("rate", "rate_before"))
    return 100 * (after / before - 1) if before > 0 else float("nan")


def _change(percent: float) -> str:
    return f"{abs(percent):.0f} % {'fewer' if percent < 0 else 'more'} days"
