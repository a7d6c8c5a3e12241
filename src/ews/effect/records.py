"""Rounds as designs take them: from the records alone (no lot, no order), or from a proposal that was drawn."""

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


def of_proposal(rows: pd.DataFrame) -> pd.DataFrame:
    """What a proposal tells of the lot: who was in the band, and whom the lot gave a slot.

    Args:
        rows: of a `ews.slots.Proposal` as it was drawn, before any edit: `student`, `school_id`, `decision`, `in_band`,
            `drawn` (the place drawn in the band, 1 first).

    Returns:
        One row a student, index as given: student_id, school_id, in_band, drawn (true for as many first places of a
        school's band as were offered a slot; null outside the band). Whether each of them could be seated is chance
        only before the seating, so it is the place that counts.
    """
    offered = (rows["in_band"] & (rows["decision"] == "proposed")).groupby(rows["school_id"]).transform("sum")
    drawn = (rows["drawn"].astype("Int64") <= offered).astype("boolean").where(rows["in_band"].astype(bool))
    return pd.DataFrame(
        {"student_id": rows["student"], "school_id": rows["school_id"], "in_band": rows["in_band"], "drawn": drawn}
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
