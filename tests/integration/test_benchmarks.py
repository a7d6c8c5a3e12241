"""What the benchmark compares is the same thing: the yardstick in pandas makes every feature that `ews` makes."""

from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.by_pandas import by_pandas
from benchmarks.student_years import YEARS, size, write_export, write_ingest
from benchmarks.tasks import export_scan, scan
from ews.dataset import Dataset, dataset_for
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis.placed import with_tallies
from ews.tallies import OF_DAYS, with_tallies_of_days

STUDENTS = 4_000
NUMBER = pl.col("student_id").cast(pl.Int64)


@pytest.fixture(scope="module")
def ingest_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark's records, and some of what real ones have besides: gaps, newcomers, short stays, shelters, PK."""
    folder = tmp_path_factory.mktemp("bench") / "ingest"
    marks = write_ingest(folder, STUDENTS)
    assert 45 < marks / STUDENTS < 65
    days = pl.read_parquet(folder / "calendar.parquet")
    for year in YEARS:
        stays = _changed_stays(folder / "stays" / f"school_year={year}" / "stays.parquet", year, days)
        _change_marks(folder / "marks" / f"school_year={year}" / "marks.parquet", stays)
    homes = pl.when(NUMBER < 14).then(pl.lit("shelter")).when(NUMBER >= 30).then("household_id")
    pl.read_parquet(folder / "students.parquet").with_columns(household_id=homes).write_parquet(
        folder / "students.parquet"
    )
    return folder


@pytest.fixture(scope="module")
def by_ews(ingest_folder: Path) -> Dataset:
    return dataset_for(ingest_folder, [SchoolYear(YEARS[-1])], Policy())


@pytest.fixture(scope="module")
def in_pandas(ingest_folder: Path, by_ews: Dataset) -> pd.DataFrame:
    found = by_pandas(ingest_folder)
    assert sorted(found.index) == list(by_ews.frame["student_id"])
    return found.loc[by_ews.frame["student_id"]]


def test_the_yardstick_in_pandas_makes_every_feature_of_the_catalogue_and_no_other(
    by_ews: Dataset, in_pandas: pd.DataFrame
) -> None:
    outcomes = [name for name in by_ews.frame if name.startswith("outcome_")]
    assert set(in_pandas) == {*by_ews.feature_names, *outcomes}


def test_every_feature_in_pandas_is_what_ews_makes(by_ews: Dataset, in_pandas: pd.DataFrame) -> None:
    for name, expected in by_ews.x.items():
        is_count = expected.dropna().mod(1).eq(0).all()
        precision = 0 if is_count else 1e-9
        np.testing.assert_allclose(in_pandas[name], expected, rtol=precision, atol=precision, err_msg=str(name))


def test_every_outcome_in_pandas_is_what_ews_makes(by_ews: Dataset, in_pandas: pd.DataFrame) -> None:
    for name in (name for name in by_ews.frame if name.startswith("outcome_")):
        expected, found = (frame[name].to_numpy("float64", na_value=np.nan) for frame in (by_ews.frame, in_pandas))
        np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=name)


def test_the_scans_count_every_mark_as_exported_and_as_stored(ingest_folder: Path) -> None:
    write_export(ingest_folder)
    assert scan(ingest_folder) == export_scan(ingest_folder) == size(ingest_folder)[1]


def test_the_records_compared_tell_something_of_every_feature(by_ews: Dataset) -> None:
    """A feature that is the same for everybody, or never unknown where it can be, would compare nothing."""
    x = by_ews.x
    assert (x.max() > x.min()).all()
    never_unknown = {"known_years", "short_history", "grade_number", "enters_new_level"}
    assert set(x.columns[x.notna().all()]) == never_unknown
    chronic = by_ews.frame["outcome_is_chronic"]
    assert 0.1 < chronic.mean() < 0.4
    assert chronic.isna().any()


def _changed_stays(path: Path, year: int, days: pl.DataFrame) -> pl.DataFrame:
    """Of some students no earlier year, or not the last one, or only that one; of some one stay of two, or few days.

    One school is small in all years but the last.
    """
    group, is_past = NUMBER % 50, pl.lit(year < YEARS[-1])
    has_gap, has_one_year = (group == 1) & (year == YEARS[-2]), (group == 2) & (year < YEARS[-2])
    is_left_out = (group == 0) | has_gap | has_one_year | ((pl.col("school_id") == "00005") & (NUMBER % 20 > 0))
    has_moved = ~pl.col("is_only_stay")
    cut = pl.when(NUMBER % 60 == 5).then(9 + NUMBER // 60 % 2).when(group == 2).then(58 + NUMBER // 50 % 4)
    grade = pl.when(NUMBER % 200 == 3).then(pl.lit("PK")).when(NUMBER % 200 == 4).then(pl.lit("KG"))
    grade = grade.when((NUMBER % 30 == 7) & ~is_past).then(pl.lit("09"))  # their grade of the year before
    stays = pl.read_parquet(path).filter(~(is_left_out & is_past))
    stays = stays.filter(~(has_moved & (NUMBER % 4 == 0) & (pl.col("first_index") == 1)))
    stays = stays.filter(~(has_moved & (NUMBER % 4 == 1) & (pl.col("first_index") > 1))).with_columns(
        last_index=pl.when(has_moved).then("last_index").otherwise(pl.coalesce(cut, "last_index")).cast(pl.Int64),
        grade_level=pl.coalesce(grade, "grade_level"),
        is_only_stay=pl.len().over("student_id") == 1,
        is_first_stay=pl.col("entry_date") == pl.col("entry_date").min().over("student_id"),
        is_last_stay=pl.col("entry_date") == pl.col("entry_date").max().over("student_id"),
        is_first_at_school=pl.col("entry_date") == pl.col("entry_date").min().over("student_id", "school_id"),
    )
    placed = with_tallies_of_days(nw.from_native(stays.drop(OF_DAYS).lazy()), nw.from_native(days.lazy()))
    changed = placed.to_native().collect().sort("student_id", "entry_date")
    changed.write_parquet(path)
    return changed


def _change_marks(path: Path, stays: pl.DataFrame) -> None:
    """Marks within these stays only, of some students none; some days also left early."""
    bounds = stays.select("student_id", "school_id", "first_index", "last_index")
    marks = pl.read_parquet(path).filter(NUMBER % 97 != 0)
    marks = marks.join(bounds, on=["student_id", "school_id"], maintain_order="left")
    marks = marks.filter(pl.col("day_index").is_between("first_index", "last_index"))
    left_early = pl.col("is_tardy") & (pl.col("day_index") % 3 == 0)
    marks = marks.drop("first_index", "last_index").with_columns(is_early_departure=left_early)
    with_tallies(nw.from_native(marks)).to_native().write_parquet(path)
