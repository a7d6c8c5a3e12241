"""The same expressions on real Spark: counts to the last digit, ratios to 1e-12."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from ews.dataset import Dataset, dataset_for
from ews.engine import Engine, scan, to_pandas, use_spark
from ews.errors import EngineNotInstalled
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import opened
from tests.districts import write_ingest
from tests.generative.test_features import TARGET, district


@pytest.fixture(scope="module")
def spark() -> Iterator[None]:
    """Spark runs while this module's tests do."""
    missing = [name for name, there in (("pyspark", find_spec("pyspark")), ("java", shutil.which("java"))) if not there]
    if missing:
        reason = f"{' and '.join(missing)} not installed: make spark says how"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; in CI a skip is a failure")
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as context:  # compiling takes longer than counting sixty students
        context.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        context.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")  # as spark-submit tells it
        session = use_spark()
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    session.conf.set("spark.sql.shuffle.partitions", "1")
    yield
    session.stop()


@pytest.fixture(scope="module")
def made(spark: None, tmp_path_factory: pytest.TempPathFactory) -> dict[Engine, tuple[Path, Dataset]]:
    """Each engine's own ingest folder with the student years it stored, and its dataset."""
    return {name: _made(tmp_path_factory.mktemp(name), name) for name in ("duckdb", "spark")}


def _made(folder: Path, name: Engine) -> tuple[Path, Dataset]:
    """In a folder of its own: student years are kept beside the ingest."""
    ingest = write_ingest(folder / "ingest", district())
    return folder, dataset_for(ingest, [SchoolYear(TARGET)], Policy(), after_day=12, engine=name)


def _stored(folder: Path, name: Engine = "duckdb") -> pd.DataFrame:
    years = opened(scan(sorted(folder.glob("student_years/*/*")), name))
    return to_pandas(years.sort("school_year", "student_id"))


def test_spark_counts_every_student_year_as_duckdb_does(made: dict[Engine, tuple[Path, Dataset]]) -> None:
    expected = _stored(made["duckdb"][0])
    pd.testing.assert_frame_equal(_stored(made["spark"][0]), expected, check_exact=True)
    assert expected["spells"].sum() > len(expected), "a district without absences would prove nothing"


def test_spark_gives_the_features_and_outcomes_that_duckdb_gives(made: dict[Engine, tuple[Path, Dataset]]) -> None:
    found, expected = made["spark"][1], made["duckdb"][1]
    assert found.feature_names == expected.feature_names
    pd.testing.assert_frame_equal(found.frame, expected.frame, rtol=0, atol=1e-12)
    assert expected.x.notna().any().mean() > 0.9, "most features are known of somebody"


def test_years_that_spark_stored_as_folders_are_read_by_every_engine(made: dict[Engine, tuple[Path, Dataset]]) -> None:
    folder = made["spark"][0]
    assert all(year.is_dir() for year in folder.glob("student_years/*/*"))
    for name in ("spark", "polars"):
        pd.testing.assert_frame_equal(_stored(folder, name), _stored(folder), check_exact=True)


def test_the_master_that_spark_submit_set_is_taken(spark: None) -> None:
    assert use_spark().sparkContext.master == "local[2]"


def test_without_spark_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineNotInstalled, match=r"make spark.*default-jre-headless"):
        use_spark()
