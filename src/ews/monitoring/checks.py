"""A check: one thing looked at, what it was and what it is, and whether a person should look too."""

from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd

Level = Literal["fine", "watch", "alarm", "not known"]

AREAS = ("inputs", "scores", "codes", "calendar", "base rate", "calibration", "freshness")


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        area: one of `AREAS`.
        name: what of it: a feature, a kind of absence, a grade band.
        level: fine; watch (look when there is time); alarm (look before the next list); or not known.
        value: as it is now; None where not known.
        reference: as it was; None where there is nothing to compare.
        limit: beyond which it is an alarm; None where there is none.
        text: one sentence.
    """

    area: str
    name: str
    level: Level
    value: float | None
    reference: float | None
    limit: float | None
    text: str


def graded(value: float, watch: float, alarm: float) -> Level:
    """The level of a size that is better small.

    >>> graded(0.05, 0.1, 0.25), graded(0.2, 0.1, 0.25), graded(0.3, 0.1, 0.25)
    ('fine', 'watch', 'alarm')
    """
    if value != value:  # NaN
        return "not known"
    if value > alarm:
        return "alarm"
    return "watch" if value > watch else "fine"


def unknown(area: str, name: str, why: str) -> Check:
    """A check that cannot be made."""
    return Check(area, name, "not known", None, None, None, why)


def as_frame(checks: tuple[Check, ...]) -> pd.DataFrame:
    """One row a check, in order: the attributes of `Check`."""
    return pd.DataFrame([asdict(check) for check in checks], columns=list(Check.__dataclass_fields__))
