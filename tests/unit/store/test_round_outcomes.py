"""A round with the days of its year, once that is over: what the measurement of an effect is made from."""

import numpy as np
import pandas as pd

from ews.effect import COLUMNS, checked
from ews.policy import Policy
from ews.store.round_log import LOG_COLUMNS, with_outcomes
from tests.homes import ingested_home


def a_log(students: pd.DataFrame) -> pd.DataFrame:
    """A round of these students in their order: ten slots a school, the last two and the next two by lot."""
    place = students.groupby("school_id").cumcount() + 1
    rows = students.assign(place=place, score=1 - place / 1000, lane="prevent", decision="reserve", edited_by=None)
    rows.loc[rows["place"] <= 10, "decision"] = "proposed"
    rows["in_band"] = rows["place"].between(9, 12)
    rows["drawn"] = (rows["place"] <= 10).astype("boolean").where(rows["in_band"])
    rows["accepted"] = rows["decision"] == "proposed"
    rows = rows.assign(target_year=2026, contacts=pd.array([None] * len(rows), dtype="Int64"))
    return rows.reindex(columns=[*dict.fromkeys([*LOG_COLUMNS, "contacts"])])


def test_days_of_the_year_and_of_the_one_before_are_beside_what_was_decided_MEN_9(tmp_path):
    home = ingested_home(tmp_path / "home")
    stays = pd.read_parquet(home.ingested() / "enrollments.parquet", columns=["student_id", "school_id"])
    log = a_log(stays.drop_duplicates("student_id").sort_values("student_id", ignore_index=True))
    made = with_outcomes(log, home.ingested(), Policy())
    assert len(made) == len(log)
    needed = {field.name for field in COLUMNS if not field.optional}
    assert needed <= set(made.columns)
    known = made.dropna(subset=["days_absent"])
    assert len(known) > 50
    assert (known["days_absent"] <= known["days_enrolled"]).all()
    offered = made["place"] <= 10
    assert (made.loc[offered, "distance"].dropna() > 0).all()
    assert (made.loc[~offered, "distance"].dropna() < 0).all()
    rows = checked(made, Policy())
    assert np.isfinite(rows["rate"]).sum() > 50
