"""What changed between two lists of the same target year: who entered or left each school's first, and why.

The first are as many as the policy has slots for. Why is told by the groups of reasons whose part of the estimate
changed most in the direction of the change; a student may also be passed by others, and have changed little.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ews.features import GROUPS
from ews.home import write_atomically
from ews.risk_list import contribution_column, to_csv
from ews.score import EXPLANATIONS, ScoringRun, read_list

FILE = "list_changes.csv"
TOLD_GROUPS = 2
COLUMNS = (
    "school_id", "student_id", "change", "why", "rank_before", "rank_now", "risk_before", "risk_now",
    *(f"{part}_{number}" for number in range(1, TOLD_GROUPS + 1) for part in ("group", "group_change")),
)  # fmt: skip

WHY = {
    "entered": ("newly listed at this school", "the estimate rose", "others left or fell"),
    "left": ("no longer listed at this school", "the estimate fell", "others entered or rose"),
}
"""By change: no row in the other list, the own estimate moved that way, or it did not."""

_KEYS = ["school_id", "student_id"]
_PARTS = [contribution_column(group) for group in GROUPS]


def list_changes(before: ScoringRun, now: ScoringRun) -> pd.DataFrame:
    """Who is among a school's first now and was not before, or was and is no longer.

    Args:
        before: an earlier run of the same target year.
        now: a later one; its `slots_percent` is the length of both lists, per school, rounded up.

    Returns:
        One row per student and school with a change, sorted by school, change and rank, with `COLUMNS`: change
        (entered or left), why (as in `WHY`), ranks and risks (null where the student is in one list only), and the
        groups of reasons that changed most in that direction with their change in log-odds (empty where none did).
    """
    slots = int(str(now.provenance["slots_percent"]))
    both = _placed(before, slots).merge(_placed(now, slots), how="outer", on=_KEYS, suffixes=("_before", "_now"))
    was, is_now = (both[f"is_first_{when}"].fillna(value=False).astype(bool) for when in ("before", "now"))
    both["change"] = np.where(is_now, "entered", "left")
    changed = both[was != is_now].reset_index(drop=True)
    told = pd.concat([changed, _why(changed)], axis=1)[list(COLUMNS)]
    return told.sort_values(["school_id", "change", "rank_now", "rank_before", "student_id"], ignore_index=True)


def summary(changes: pd.DataFrame) -> str:
    """How many entered and left, and for what, in one sentence without a student."""
    counts = changes["change"].value_counts()
    groups = changes["group_1"][changes["group_1"] != ""].value_counts().head(3)
    mostly = ", ".join(f"{group} ({count})" for group, count in groups.items())
    moved = f"{counts.get('entered', 0)} entered and {counts.get('left', 0)} left the first of their school"
    return f"{moved}, most for: {mostly}" if mostly else moved


def write_changes(changes: pd.DataFrame, out: Path) -> Path:
    """Put the table into `out` as `list_changes.csv`, whole or not at all."""
    write_atomically(out / FILE, to_csv(changes))
    return out / FILE


def no_changes() -> pd.DataFrame:
    """The table where there is no earlier run to compare with: its columns and no row."""
    return pd.DataFrame(columns=list(COLUMNS), dtype="object")


def _placed(run: ScoringRun, slots_percent: int) -> pd.DataFrame:
    """One row per student: school, rank, risk, whether among the school's first, and each group's contribution."""
    rows = read_list(run)[[*_KEYS, "rank", "risk"]].astype({"rank": "Int64"})
    students = rows.groupby("school_id")["rank"].transform("size")
    rows["is_first"] = rows["rank"] <= -(-students * slots_percent // 100)
    parts = pd.read_parquet(run.folder / EXPLANATIONS, columns=[*_KEYS, *_PARTS])
    return rows.merge(parts, on=_KEYS)


def _why(changed: pd.DataFrame) -> pd.DataFrame:
    """Why each row changed, and the groups that changed most that way, strongest first."""
    left = (changed["change"] == "left").to_numpy(int)
    before, now = (changed[[f"{part}_{when}" for part in _PARTS]].to_numpy(float) for when in ("before", "now"))
    moved = now - before
    in_both = ~np.isnan(moved).any(axis=1)
    way = np.where(left, -1, 1)[:, None] * np.where(in_both[:, None], moved, 0.0)
    case = np.select([~in_both, way.sum(axis=1) > 0], [0, 1], default=2)
    told = {"why": list(np.array([WHY["entered"], WHY["left"]])[left, case])}
    order = np.argsort(-way, axis=1, kind="stable")
    rows = np.arange(len(changed))
    for number in range(TOLD_GROUPS):
        group = order[:, number]
        is_told = way[rows, group] > 0
        told[f"group_{number + 1}"] = list(np.where(is_told, np.array(GROUPS)[group], ""))
        told[f"group_change_{number + 1}"] = list(np.where(is_told, moved[rows, group], np.nan))
    return pd.DataFrame(told)
