"""Why: one sentence a student, on the student, the rule and the slots; it tells of nobody else."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ews.slots.rule import Rule

CAUSES: Mapping[str, str] = {
    "mentored": "Not in the pool: has a mentor already, who stays",
    "tier_3": "Not in the pool: is in individual support (Tier 3), which goes before mentoring",
    "opted_out": "Not in the pool: said no to mentoring",
    "leaving": "Not in the pool: is known to leave",
    "lane": "Not in the pool: the rule of this round leaves this lane out",
    "grade": "Not in the pool: the rule of this round leaves this grade out",
    "low_estimate": "Not in the pool: the estimate is below the rule's",
    "few_days": "Not in the pool: fewer days missed last year than the rule asks for",
    "no_slots": "No mentor has a free slot at this school",
    "family": "Not offered: one offer to a family at a time, and this family has one",
    "language": "Not offered: no mentor with a free slot at this school speaks ",
    "grade_of_mentor": "Not offered: no mentor with a free slot at this school works with grade ",
    "time": "Not offered: no mentor with a free slot at this school can meet when the student can",
    "conflict": "Not offered: something stands between the student and each mentor with a free slot at this school",
    "no_fit": "Not offered: no mentor with a free slot at this school fits language, grade and times together",
    "full": "Not offered: at this place no free slot was left of a mentor who fits",
}
"""What stands for each cause; a sentence ends with its place where there is one."""

_BY = {
    "crossings_averted": "by the chance that a mentor keeps the year below a tenth missed",
    "days_gained": "by the days that a mentor may win", "risk": "by estimate",
}  # fmt: skip
_LANES = {"prevent": "not chronically absent so far", "recover": "chronically absent last year"}
_LATER = "they go first to those not chronically absent so far, whom a mentor can reach before the line"


def why(rows: pd.DataFrame, slots: Mapping[str, int], rule: Rule) -> pd.Series:
    """The sentence of each row of a proposal, same index.

    Args:
        rows: a proposal's rows, with `number` (place in the lane) and `languages`.
        slots: slots of each school.
        rule: what it went by.
    """
    own = rows["school_id"].map(pd.Series(dict(slots), dtype="int64")).fillna(0).astype("int64")
    place, number = rows["place"].astype("string"), rows["number"].astype("string")
    lot = pd.Series(np.where(rows["in_band"], "; around the last slot a lot decided", ""), rows.index)
    ranked = "number " + number + " of those " + _lane(rows) + f", {_BY[rule.objective]}"
    slot_words = own.astype("string") + np.where(own == 1, " slot", " slots")
    proposed = "Place " + place + " for the " + slot_words + ": " + ranked + lot + "."
    next_one = "Place " + place + ", after the " + slot_words + ": " + _behind(rows, rule, ranked) + lot + "."
    told = rows["cause"].map(CAUSES).astype("string").fillna("")
    of_cause = told + _detail(rows) + _at(rows, place) + "."
    return pd.Series(
        np.select([rows["decision"] == "proposed", rows["cause"] != ""], [proposed, of_cause], next_one), rows.index
    )


def _lane(rows: pd.DataFrame) -> pd.Series:
    return rows["lane"].map(_LANES).astype("string")


def _behind(rows: pd.DataFrame, rule: Rule, ranked: pd.Series) -> pd.Series:
    """Where the slots never came to the student's lane, that is why."""
    proposed = (rows["decision"] == "proposed").groupby([rows["school_id"], rows["lane"]]).transform("any")
    is_later = (rows["lane"] == "recover") & ~proposed & (rule.lanes[0] == "prevent")
    return ranked.mask(is_later, _LATER)


def _detail(rows: pd.DataFrame) -> pd.Series:
    needed = rows.loc[rows["cause"] == "language", "languages"].explode().astype("string")
    spoken = needed.groupby(level=0).agg(" or ".join).reindex(rows.index)
    grade = rows["grade_level"].astype("string").where(rows["cause"] == "grade_of_mentor")
    return spoken.astype("string").fillna(grade).fillna("")


def _at(rows: pd.DataFrame, place: pd.Series) -> pd.Series:
    return (" (place " + place + ")").where(rows["place"].notna(), "").fillna("")
