"""How many students were chronically absent, school year by school year."""

from pathlib import Path

import narwhals as nw
import pandas as pd

from ews.absence import is_chronically_absent
from ews.policy import Policy
from ews.student_years import is_complete, kept_beside, known_school_years, open_records, opened, stored_student_years


def chronic_by_year(folder: Path, policy: Policy) -> pd.DataFrame:
    """The chronically absent students of each complete school year.

    Args:
        folder: the tables of one ingest.
        policy: what is chronic, and from how many enrolled days on a student has a status.

    Returns:
        One row a school_year (by its end), ascending: students (with a status), chronic; a year of fewer than `min_n`
        students is left out.

    Raises:
        NotEnoughData: no school year is known.
    """
    records = open_records(folder)
    years = opened(stored_student_years(kept_beside(folder), records, policy))
    status = is_chronically_absent(nw.col("days_absent"), nw.col("days_enrolled"), policy)
    counted = (
        years.select("school_year", chronic=status)
        .filter(~nw.col("chronic").is_null())
        .group_by("school_year")
        .agg(students=nw.len(), chronic=nw.col("chronic").cast(nw.Int64).sum())
        .sort("school_year")
    )
    found = counted.collect("pandas").to_native()
    complete = {year.ending for year in known_school_years(records) if is_complete(records, year, policy)}
    return found[found["school_year"].isin(complete) & (found["students"] >= policy.min_n)].reset_index(drop=True)
