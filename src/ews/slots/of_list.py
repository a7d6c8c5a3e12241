"""Each school's slots as a share of its students, in the order of a rule that can be read aloud.

The case without a file of mentors: students not yet chronically absent first, since a mentor can come before the line;
among them, and after them among the others, in the order of the school's risk list, whose ties are broken by its stored
random key.
"""

import numpy as np
import pandas as pd

from ews.errors import InvalidFeatures
from ews.policy import Policy

RULE = "within each school: lane prevent first, then recover; in each lane by the risk list's rank; up to the slots"
"""The rule in words, stored with every proposal."""

COLUMNS = ("school_id", "place", "is_proposed", "student_id", "lane", "risk", "rank", "why")

_NEEDED = ("rank", "student_id", "school_id", "risk", "lane")


def slots_of(students: np.ndarray, policy: Policy) -> np.ndarray:
    """Mentor slots of schools with so many students, shape (schools,): `slots_percent` of them, rounded up."""
    return -(-np.asarray(students, dtype=np.int64) * policy.slots_percent // 100)


def propose(risk_list: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Propose students for the slots of each school; the others follow as its reserve list, in the same order.

    The same list and policy give the same proposal, whatever the order of the list's rows. Nobody is in it twice, and
    no school gets more than its slots.

    Args:
        risk_list: as `ews.risk_list.risk_list` makes it; each student once.
        policy: its `slots_percent` are the slots of a school, in percent of its students on the list, rounded up.

    Returns:
        One row a student, sorted by school and place: school_id, place (1 = first offered in the school), is_proposed
        (whether the place is within the slots), student_id, lane, risk, rank (in the school's risk list), and why: one
        sentence on why the student is proposed or is not.

    Raises:
        InvalidFeatures: a column is missing, or a student is on the list twice.
    """
    _refuse_odd_list(risk_list)
    rows = risk_list[list(_NEEDED)].assign(is_later=risk_list["lane"] != "prevent")
    rows = rows.sort_values(["school_id", "is_later", "rank", "student_id"], ignore_index=True)
    of_school = rows.groupby("school_id", sort=False)
    rows["place"] = of_school.cumcount() + 1
    slots = pd.Series(slots_of(of_school["rank"].transform("size").to_numpy(), policy), index=rows.index)
    rows["is_proposed"] = rows["place"] <= slots
    return rows.assign(why=_why(rows, slots))[list(COLUMNS)]


def _refuse_odd_list(risk_list: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in risk_list]
    if missing:
        raise InvalidFeatures(f"The risk list has no column: {', '.join(missing)}. Make it with: ews score")
    if risk_list["student_id"].duplicated().any():
        raise InvalidFeatures("A student is on the risk list twice, and nobody can have two slots.")


def _why(rows: pd.DataFrame, slots: pd.Series) -> pd.Series:
    """One sentence a student; it tells of nobody else."""
    place, number = (rows.groupby(by).cumcount().add(1).astype(str) for by in ("school_id", ["school_id", "lane"]))
    lane = pd.Series(np.where(rows["is_later"], "chronically absent last year", "not chronically absent so far"))
    order = "number " + number + " by estimate of those " + lane
    after = "Place " + place + ", after the " + slots.astype(str) + " slots: "
    proposed = "Slot " + place + " of " + slots.astype(str) + ": " + order + "."
    by_order, by_lane = after + order + _tied(rows) + ".", after + _LATER_LANE
    full_before = rows.groupby(["school_id", "lane"])["is_proposed"].transform("any")
    return pd.Series(
        np.select([rows["is_proposed"], rows["is_later"] & ~full_before], [proposed, by_lane], by_order), rows.index
    )


_LATER_LANE = "they went to those not chronically absent so far, whom a mentor can reach before the line."


def _tied(rows: pd.DataFrame) -> pd.Series:
    """Words where the last one proposed of the same lane has the very same estimate, so that chance decided."""
    last = rows["risk"].where(rows["is_proposed"]).groupby([rows["school_id"], rows["lane"]]).transform("min")
    return pd.Series(
        np.where(rows["risk"] == last, ", which is equal to the last proposed; a lot decided", ""), rows.index
    )
