"""A round from the records alone: who had a mentor in a school year, and everybody else; no lot, and no order."""

from pathlib import Path

import numpy as np
import pandas as pd

from ews.dataset import dataset_for
from ews.effect.frames import distance_to_cut
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.treatment import mentored_in

_COLUMNS = {
    "student_id": "student_id", "school_id": "school_id", "grade_level": "grade_level",
    "outcome_days_absent": "days_absent", "outcome_days_enrolled": "days_enrolled",
    "days_absent_last_year": "days_absent_before", "days_enrolled_last_year": "days_enrolled_before",
}  # fmt: skip


def round_of_records(folder: Path, school_year: SchoolYear, policy: Policy) -> pd.DataFrame:
    """The students of a school year that is over, as `ews.effect.checked` takes them.

    Args:
        folder: of one ingest.
        school_year: which.
        policy: the district's.

    Raises:
        NotEnoughData: mentoring is not recorded, or the year is not over.
    """
    path = folder / "mentoring.parquet"
    if not path.exists():
        raise NotEnoughData("Mentoring is not recorded, so nobody can tell what it did. Ingest a table `mentoring`.")
    frame = dataset_for(folder, [school_year], policy).labelled().frame
    rows = frame.rename(columns=_COLUMNS)[list(_COLUMNS.values())].reset_index(drop=True)
    mentoring = pd.read_parquet(path)
    calendar = pd.read_parquet(folder / "calendar.parquet", columns=["date", "school_year"]).drop_duplicates()
    accepted = mentored_in(mentoring, calendar[calendar["school_year"] == school_year.ending])["student_id"]
    return rows.assign(
        accepted=rows["student_id"].isin(accepted), contacts=_contacts(rows, mentoring, calendar, school_year)
    )


def slots_of(rows: pd.DataFrame, percent: int) -> pd.Series:
    """Slots of each school, so many percent of its rows, rounded up; by school_id."""
    return -(-rows.groupby("school_id").size() * percent // 100)


def in_order_of_the_year_before(rows: pd.DataFrame, slots: pd.Series) -> pd.DataFrame:
    """The rows with the `distance` they would have if the highest rates of the year before were offered the slots."""
    place = rows.groupby("school_id")["rate_before"].rank(ascending=False, method="first")
    offered = place <= rows["school_id"].map(slots).fillna(0)
    return rows.assign(distance=distance_to_cut(rows["rate_before"], rows["school_id"], offered))


def _contacts(rows: pd.DataFrame, mentoring: pd.DataFrame, calendar: pd.DataFrame, year: SchoolYear) -> pd.Series:
    """Contacts logged of assignments that began in the year; NaN where none are recorded."""
    if "contacts" not in mentoring:
        return pd.Series(np.nan, index=rows.index)
    days = pd.to_datetime(calendar.loc[calendar["school_year"] == year.ending, "date"])
    begun = mentoring[pd.to_datetime(mentoring["start_date"]).between(days.min(), days.max())]
    logged = begun.groupby("student_id")["contacts"].sum(min_count=1)
    return rows["student_id"].map(logged).astype("Float64").astype("float64")
