"""An estimate with what has to stand beside it, and how it is told."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.effect.registration import OUTCOME

OFFERED, TOOK = "offered a slot", "had a mentor"
"""Of whom an effect is: of the offer, whoever took it; or, by the offer as instrument, of the mentor on those who had
one because of it."""


@dataclass(frozen=True)
class Estimate:
    """An effect on days absent per 100 enrolled; negative where fewer days were missed.

    Attributes:
        design: by which design.
        of_whom: `OFFERED` or `TOOK`.
        days: the estimate.
        low: lower end of the 95 % interval.
        high: its upper end.
        students: those it comes from.
        with_slot: those of them who were offered one, or had a mentor.
        contacts: mean contacts of those who had a mentor; NaN where they are not recorded.
        without_outcome: students of the design whose outcome is not known.
        note: what must be known to read it; may be empty.
    """

    design: str
    of_whom: str
    days: float
    low: float
    high: float
    students: int
    with_slot: int
    contacts: float = float("nan")
    without_outcome: int = 0
    note: str = ""


def in_words(found: Estimate) -> str:
    """One sentence: what the estimate is consistent with.

    >>> in_words(Estimate("lottery", OFFERED, -1.2, -2.5, 0.1, 400, 200))
    'Consistent with an effect between -2.5 and +0.1 days absent per 100 enrolled of having been offered a slot: no \
effect is among them.'
    """
    whom = "having been offered a slot" if found.of_whom == OFFERED else "a mentor on those who had one"
    if found.low <= 0 <= found.high:
        verdict = "no effect is among them"
    else:
        verdict = "fewer days absent" if found.high < 0 else "more days absent"
    return f"Consistent with an effect between {found.low:+.1f} and {found.high:+.1f} {OUTCOME} of {whom}: {verdict}."


def dose(rows: pd.DataFrame) -> float:
    """Mean contacts of those who had a mentor; NaN where nobody had one or contacts are not recorded."""
    contacts = rows.loc[rows["accepted"], "contacts"]
    return float(contacts.mean()) if contacts.notna().any() else float("nan")


def interval(days: float, error: float, quantile: float) -> tuple[float, float]:
    """Both ends around an estimate; NaN where the error is not known."""
    half = quantile * error if np.isfinite(error) else float("nan")
    return days - half, days + half
