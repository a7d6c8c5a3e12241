"""The features as the library computes them, from a folder of records and a list of members."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from ews.engine import Engine, scan
from ews.features import KEYS, build_features
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import history_as_of, open_records
from tests.districts import District, write_ingest
from tests.twin_known import Member

Features = dict[str, dict[str, object]]


def write_records(folder: Path, district: District, households: Mapping[str, str | None]) -> Path:
    """The folder an ingest would leave, whose roster tells who lives with whom."""
    write_ingest(folder, district)
    roster = {"student_id": list(households), "household_id": list(households.values())}
    pl.DataFrame(roster, schema=dict.fromkeys(roster, pl.String)).write_parquet(folder / "students.parquet")
    return folder


def features_of(
    folder: Path, members: Sequence[Member], target_year: int, after_day: int, engine: Engine = "polars"
) -> Features:
    """Student to features, of members whom the caller chose."""
    cohort = [(*member, target_year) for member in members]
    pl.DataFrame(cohort, schema=list(KEYS), orient="row").write_parquet(folder / "cohort.parquet")
    history = history_as_of(open_records(folder, engine), folder, SchoolYear(target_year), after_day, Policy())
    features = build_features(scan(folder / "cohort.parquet", engine), history, Policy())
    return {row["student_id"]: row for row in features.collect("pyarrow").to_native().to_pylist()}
