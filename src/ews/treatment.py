"""Students who had a mentor: their outcome tells what came with a mentor, which is not what lists ask about.

A model that learned from those outcomes would take students a mentor helped for students in no need, and drop them.
So training leaves these student years out, or lets similar students without a mentor stand for them. Where mentoring
is not recorded, treatment is unknown: training goes on, and the model says so.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ews.errors import InvalidPolicy
from ews.policy import Policy

TREATED = "was_mentored"
"""Whether the student had a mentor in the target year; null where mentoring is not recorded. Never a feature: it is
not known at the as-of point."""

UNKNOWN = "treatment unknown"
KNOWN = "treatment known"

MOST_WEIGHT = 10.0
"""Students one student may stand for; more would let a few decide."""

_KEYS = ["student_id", "school_year"]
_LIKE = ("school_year", "band_last_year")
"""What students have in common where one stands for another: the target year, and last year's band."""


def mentored_in(mentoring: pd.DataFrame, calendar: pd.DataFrame) -> pd.DataFrame:
    """Who had a mentor in which school year: student_id and school_year, each pair once.

    An assignment counts where the student took it up and at least one of its days lies within the school year.
    """
    days = pd.to_datetime(calendar["date"]).groupby(calendar["school_year"].astype("int64")).agg(["min", "max"])
    taken = mentoring[mentoring["accepted"].astype("boolean").fillna(False)]
    each = taken[["student_id", "start_date", "end_date"]].merge(days.reset_index(), how="cross")
    starts, ends = pd.to_datetime(each["start_date"]), pd.to_datetime(each["end_date"])
    within = (starts <= each["max"]) & (ends.isna() | (ends >= each["min"]))
    return each.loc[within, _KEYS].drop_duplicates(ignore_index=True)


def mentored_students(folder: Path) -> pd.DataFrame | None:
    """The same from the folder of one ingest; None where mentoring is not recorded, so that treatment is unknown."""
    mentoring, calendar = folder / "mentoring.parquet", folder / "calendar.parquet"
    if not (mentoring.exists() and calendar.exists()):
        return None
    days = pd.read_parquet(calendar, columns=["date", "school_year"]).drop_duplicates()
    return mentored_in(pd.read_parquet(mentoring), days)


def was_mentored(rows: pd.DataFrame, mentored: pd.DataFrame | None) -> pd.Series:
    """Of each row whether the student had a mentor in that school year.

    Args:
        rows: student_id and school_year.
        mentored: as `mentored_students` gives it.

    Returns:
        boolean, in the order of `rows`; null everywhere where `mentored` is None.
    """
    if mentored is None:
        return pd.Series(pd.NA, index=rows.index, dtype="boolean")
    pairs = pd.MultiIndex.from_frame(mentored[_KEYS].astype({"school_year": "int64"}))
    found = pd.MultiIndex.from_frame(rows[_KEYS].astype({"school_year": "int64"})).isin(pairs)
    return pd.Series(found, index=rows.index, dtype="boolean")


def learning_weights(rows: pd.DataFrame, policy: Policy) -> np.ndarray:
    """How much training learns from each row, shape (rows,); 0 leaves it out, and so does nothing but the policy.

    `exclude`: 0 for students with a mentor, 1 for the others. `weight`: 0 too, and each of the others stands for the
    mentored of its target year and last year's band as well (the inverse of the share without a mentor, at most
    `MOST_WEIGHT`). `keep`, or treatment unknown: 1 for all.

    Args:
        rows: school_year, band_last_year, and `was_mentored` where it is known.
        policy: its `treated_students`.
    """
    treated = _treated(rows)
    if policy.treated_students == "keep":
        return np.ones(len(rows))
    if policy.treated_students == "exclude":
        return 1.0 - treated
    like = [rows[name].astype("object").fillna("not known").to_numpy() for name in _LIKE]
    share = pd.Series(treated).groupby(like).transform("mean").to_numpy()
    stands_for = 1 / np.maximum(1 - share, 1 / MOST_WEIGHT)
    return np.where(treated > 0, 0.0, stands_for)


def account(rows: pd.DataFrame, policy: Policy, why_kept: str = "") -> dict[str, object]:
    """What a model's manifest says of the students with a mentor among the rows it was given.

    Args:
        rows: one row a student and target year, with `was_mentored`.
        policy: its `treated_students` and `min_n`.
        why_kept: the reason given for learning from treated outcomes all the same.

    Returns:
        rule, why_kept, and by_year: of each target year students, mentored (null where unknown, or fewer than
        `min_n`), and treatment (`KNOWN` or `UNKNOWN`).
    """
    years = {str(year): _of_year(of_year, policy) for year, of_year in rows.groupby("school_year")}
    return {"rule": policy.treated_students, "why_kept": why_kept, "by_year": years}


def refuse_silent_keeping(rows: pd.DataFrame, policy: Policy, why_kept: str) -> None:
    """Learning from treated outcomes needs a reason, and a reason needs something to be given for.

    Raises:
        InvalidPolicy: the policy keeps students with a mentor, some rows have one, and no reason is given; or a reason
            is given, and the policy does not keep them.
    """
    if why_kept and policy.treated_students != "keep":
        raise InvalidPolicy(
            f"A reason to keep students with a mentor was given, and the policy says: {policy.treated_students}. "
            'Put treated_students = "keep" into policy.toml, or leave --keep-treated out.'
        )
    if policy.treated_students == "keep" and not why_kept.strip() and _treated(rows).any():
        raise InvalidPolicy(
            'The policy says treated_students = "keep": the model would learn that students whom a mentor helped need '
            'none. Set it to "exclude" or "weight", or say why it must be: ews train --keep-treated REASON'
        )


def _treated(rows: pd.DataFrame) -> np.ndarray:
    """1.0 where a student is known to have had a mentor, shape (rows,)."""
    if TREATED not in rows:
        return np.zeros(len(rows))
    return rows[TREATED].astype("boolean").fillna(False).to_numpy(dtype="float64")


def _of_year(rows: pd.DataFrame, policy: Policy) -> dict[str, object]:
    known = TREATED in rows and bool(rows[TREATED].notna().any())
    mentored = int(_treated(rows).sum())
    told = mentored if known and (mentored == 0 or mentored >= policy.min_n) else None
    return {"students": len(rows), "mentored": told, "treatment": KNOWN if known else UNKNOWN}
