"""What an effect is estimated from: one row a student of a round, offered a mentor or not.

Rounds come from anywhere: the store, a file, records of mentoring. This is all that the designs ask of them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.errors import EffectRefused
from ews.policy import Policy

DAYS = 100
"""Outcomes are days absent per so many enrolled."""


@dataclass(frozen=True)
class Field:
    """One column of a round.

    Attributes:
        name: of the column.
        meaning: one sentence.
        optional: whether the whole column may be left out.
    """

    name: str
    meaning: str
    optional: bool = False


COLUMNS = (
    Field("student_id", "The student; once in a round."),
    Field("school_id", "The school at the start of the round."),
    Field("distance", "By what the student was put in order, less the school's cut: 0 and more would be offered a slot "
          "by the rule; null = not put in order. See `distance_to_cut`.", optional=True),
    Field("in_band", "Whether a lot decided on the student.", optional=True),
    Field("drawn", "Whether the lot gave the student a slot; null outside the band.", optional=True),
    Field("accepted", "Whether the student had a mentor: was offered one, and family and student said yes."),
    Field("contacts", "Contacts logged over the time of the outcome; null = not recorded.", optional=True),
    Field("days_absent", "Days absent over the registered time; null = not known."),
    Field("days_enrolled", "Days enrolled over the registered time; null = not known."),
    Field("days_absent_before", "Days absent in the school year before; null = not known."),
    Field("days_enrolled_before", "Days enrolled in the school year before; null = not known."),
    Field("stratum", "Where each lot was drawn; by default the school.", optional=True),
    Field("household_id", "Who were drawn together; by default everybody alone.", optional=True),
)  # fmt: skip
"""Any other column is a group that may be told apart, if it was registered."""

_DEFAULTS: dict[str, object] = {"distance": np.nan, "in_band": False, "drawn": pd.NA, "contacts": np.nan}
_NUMBERS = ("distance", "contacts", "days_absent", "days_enrolled", "days_absent_before", "days_enrolled_before")


def checked(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """A round as the designs take it.

    Args:
        rows: columns as in `COLUMNS`.
        policy: its `min_days_enrolled` are those below which a rate is unknown.

    Returns:
        The rows with every column, and `rate`, `rate_before` (days absent per 100 enrolled, NaN = unknown).

    Raises:
        EffectRefused: a column is missing, a student is in the round twice, or days cannot be so.
    """
    missing = [field.name for field in COLUMNS if not field.optional and field.name not in rows]
    if missing:
        raise EffectRefused(f"The round has no column: {', '.join(missing)}. See docs/mentoring.md for its columns.")
    if rows["student_id"].duplicated().any():
        raise EffectRefused("A student is in the round twice; it is one row a student.")
    made = rows.reset_index(drop=True).assign(**{name: value for name, value in _DEFAULTS.items() if name not in rows})
    made = made.assign(**{name: made[name].astype("Float64").astype("float64") for name in _NUMBERS})
    for name in ("in_band", "accepted"):
        made[name] = made[name].astype("boolean").fillna(False).astype(bool)
    made["drawn"] = made["drawn"].astype("boolean").where(made["in_band"])
    made["stratum"] = made["stratum"] if "stratum" in made else made["school_id"]
    _refuse_odd_days(made)
    return made.assign(rate=_rate(made, "", policy), rate_before=_rate(made, "_before", policy))


def distance_to_cut(score: pd.Series, school_id: pd.Series, offered: pd.Series) -> pd.Series:
    """How far each student was from the cut of the school, in the score's own unit; 0 and more would be offered.

    Args:
        score: by what the school's students were put in order, the highest first; null = was not.
        school_id: the school.
        offered: whether the rule gave the student a slot, before any lot or edit.

    Returns:
        The score less the middle between the last offered and the first not offered of the school; NaN in schools
        where all or none were, since they have no cut.
    """
    offered = offered.astype("boolean").fillna(False).astype(bool)
    last = score.where(offered).groupby(school_id).transform("min")
    first = score.where(~offered).groupby(school_id).transform("max")
    return (score - (last + first) / 2).astype("float64")


def _rate(rows: pd.DataFrame, when: str, policy: Policy) -> pd.Series:
    enrolled = rows[f"days_enrolled{when}"]
    return DAYS * rows[f"days_absent{when}"] / enrolled.where(enrolled >= policy.min_days_enrolled)


def _refuse_odd_days(rows: pd.DataFrame) -> None:
    for when in ("", "_before"):
        absent, enrolled = rows[f"days_absent{when}"], rows[f"days_enrolled{when}"]
        if (absent < 0).any() or (absent > enrolled).any():
            raise EffectRefused(f"days_absent{when} must be 0 to days_enrolled{when}.")
