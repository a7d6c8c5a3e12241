"""Which groups a student belongs to: attributes from the audit table, and circumstances from the records.

This is the one place where demographics meet rows of students, and what it makes goes into the audit and nowhere
else: nothing that learns, ranks or explains imports it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ews.features import FEATURES
from ews.tables import GRADES, PROTECTED
from ews.treatment import mentored_students

ATTRIBUTES = PROTECTED
"""Dimensions from the table `demographics`."""

TWO_WAY = (("race_ethnicity", "disability"),)
"""Pairs of dimensions that are audited together, where the students are enough."""

MISSING_SHARE = "missing_share"
KEYS = ["student_id", "school_year"]

_BANDS = {"PK-02": GRADES[:4], "03-05": GRADES[4:7], "06-08": GRADES[7:10], "09-12": GRADES[10:]}
_BAND_OF = {grade: band for band, grades in _BANDS.items() for grade in grades}
_ABOVE_KINDERGARTEN = GRADES[2:]


def groups_of(
    frame: pd.DataFrame, demographics: pd.DataFrame | None, mentored: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The groups of each student and target year.

    Args:
        frame: the frame of a dataset: one row a student and target year.
        demographics: the table of that name, or None. Of each student the latest row up to the target year counts.
        mentored: student_id and school_year of those with a mentor in that year, each once, or None where mentoring
            is not recorded: then treatment is unknown, and no such dimension is made.

    Returns:
        One row a student and target year, in the order of `frame`: student_id, school_year, one column a dimension
        (text, null = not known): the attributes that are known of anyone, grade_band, school_id, short_history,
        moved_or_new (more than one school last year, a gap, or no earlier record above kindergarten), mentored;
        and `missing_share`, the share of the student's features that are not known.
    """
    made = frame[KEYS].reset_index(drop=True)
    if demographics is not None:
        made = made.merge(_latest(made, demographics), on=KEYS, how="left", validate="one_to_one")
    made["grade_band"] = frame["grade_level"].map(_BAND_OF).to_numpy()
    made["school_id"] = frame["school_id"].to_numpy()
    made["short_history"] = _yes_no(_numbers(frame, "short_history") > 0, _numbers(frame, "short_history"))
    made["moved_or_new"] = _moved_or_new(frame)
    if mentored is not None:
        made["mentored"] = _has_row(made, mentored)
    names = [name for name in FEATURES if name in frame]
    made[MISSING_SHARE] = frame[names].isna().mean(axis=1).to_numpy()
    return made


def attributes_for(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """The groups that need no features: attributes from the audit table, grade band and school.

    Args:
        folder: of one ingest, which may hold no demographics.
        rows: student_id and school_year (each pair may stand several times), grade_level, school_id.

    Returns:
        One row a row, in the same order: one column a dimension, text, null = not known.
    """
    made = pd.DataFrame({"grade_band": rows["grade_level"].map(_BAND_OF), "school_id": rows["school_id"]}, rows.index)
    path = folder / "demographics.parquet"
    if not path.exists():
        return made
    known = _latest(rows[KEYS].drop_duplicates(), pd.read_parquet(path))
    found = rows[KEYS].merge(known, on=KEYS, how="left", validate="many_to_one").set_index(rows.index)
    return pd.concat([found.drop(columns=KEYS), made], axis=1)


def tables_of(rows: pd.DataFrame, dimensions: Sequence[str]) -> list[tuple[str, ...]]:
    """The tables that are told: of each dimension with more than one group, and of the pairs that go together."""
    compared = [name for name in dimensions if len(rows[name].unique()) > 1]
    return [*((name,) for name in compared), *(pair for pair in TWO_WAY if set(pair) <= set(compared))]


def groups_for(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """The same from the folder of one ingest, which may hold neither demographics nor mentoring."""

    def table(name: str) -> pd.DataFrame | None:
        path = folder / f"{name}.parquet"
        return pd.read_parquet(path) if path.exists() else None

    return groups_of(frame, table("demographics"), mentored_students(folder))


def _latest(rows: pd.DataFrame, demographics: pd.DataFrame) -> pd.DataFrame:
    """Each row's attributes, from the student's latest demographics up to the target year."""
    known = [name for name in ATTRIBUTES if name in demographics and demographics[name].notna().any()]
    right = demographics[[*KEYS, *known]].astype({"school_year": "int64"}).sort_values("school_year")
    left = rows[KEYS].astype({"school_year": "int64"}).sort_values("school_year")
    return pd.merge_asof(left, right, on="school_year", by="student_id")


def _moved_or_new(frame: pd.DataFrame) -> np.ndarray:
    schools, gap = _numbers(frame, "schools_attended_last_year"), _numbers(frame, "has_gap")
    has_history = frame["last_school_year"].notna().to_numpy()
    above_kindergarten = frame["grade_level"].isin(_ABOVE_KINDERGARTEN).to_numpy()
    yes = (schools > 1) | (gap > 0) | (~has_history & above_kindergarten)
    return _yes_no(yes, np.where(yes | ~has_history, 1.0, schools))


def _has_row(rows: pd.DataFrame, mentored: pd.DataFrame) -> np.ndarray:
    found = rows[KEYS].merge(mentored.assign(mentored="yes"), on=KEYS, how="left", validate="one_to_one")
    return found["mentored"].fillna("no").to_numpy()


def _yes_no(yes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`yes` or `no`, None where `known` is NaN."""
    words = np.where(yes, "yes", "no").astype(object)
    words[np.isnan(known)] = None
    return words


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as float64; NaN everywhere where the frame has none."""
    if name not in frame:
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy(dtype="float64", na_value=np.nan)
