"""The same expressions on real Spark: counts to the last digit, ratios to 1e-12."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ews.dataset import Dataset, dataset_for
from ews.engine import Engine, scan, to_pandas, use_spark
from ews.errors import EngineNotInstalled
from ews.features import features_for
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import opened
from tests.generative.engine_features import write_records
from tests.generative.varied import HOUSEHOLDS, OPEN_DAY, TARGET, YEARS, district
from tests.homes import promoted_home

AsOf = tuple[int, bool]
"""Instructional days of the target year already seen, and whether outcomes are looked up: a list has none."""

AS_OF: tuple[AsOf, ...] = ((0, True), (0, False), (OPEN_DAY, True), (OPEN_DAY, False))
SHEET = YEARS[0] - 1
WHOLE = ("count", "days", "flag", "years")
"""Units that are counted; the others are divided."""

QUICK = {
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
    "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.sql.codegen.wholeStage=false pyspark-shell",
}
"""Compiling takes longer than counting some students. The master is told as spark-submit tells it."""


@pytest.fixture(scope="module")
def spark() -> Iterator[None]:
    """Spark runs while this module's tests do."""
    missing = [name for name, there in (("pyspark", find_spec("pyspark")), ("java", shutil.which("java"))) if not there]
    if missing:
        reason = f"{' and '.join(missing)} not installed: make spark says how"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; in CI a skip is a failure")
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as context:
        for name, value in QUICK.items():
            context.setenv(name, value)
        session = use_spark()
    session.conf.set("spark.sql.shuffle.partitions", "1")
    yield
    session.stop()


@dataclass(frozen=True)
class Made:
    """What one engine made of the district, in a home of its own: what is kept lies beside the ingest."""

    home: Path
    datasets: dict[AsOf, Dataset]


@pytest.fixture(scope="module")
def made(spark: None, tmp_path_factory: pytest.TempPathFactory) -> dict[Engine, Made]:
    return {name: _made(tmp_path_factory.mktemp(name), name) for name in ("duckdb", "spark")}


def _made(home: Path, name: Engine) -> Made:
    ingest = write_records(home / "ingest", district(), HOUSEHOLDS)
    ask = partial(dataset_for, ingest, [SchoolYear(TARGET)], Policy(), engine=name)
    return Made(home, {as_of: ask(after_day=as_of[0], with_outcomes=as_of[1]) for as_of in AS_OF})


def _stored(home: Path, name: Engine = "duckdb") -> pd.DataFrame:
    years = opened(scan(sorted(home.glob("student_years/*/*")), name))
    return to_pandas(years.sort("school_year", "student_id"))


def test_spark_counts_every_student_year_as_duckdb_does(made: dict[Engine, Made]) -> None:
    expected = _stored(made["duckdb"].home)
    pd.testing.assert_frame_equal(_stored(made["spark"].home), expected, check_exact=True)
    assert expected["school_year"].unique().tolist() == [SHEET, *YEARS[:2]]
    assert expected["spells"].sum() > len(expected), "a district without absences would prove nothing"


@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_spark_gives_the_features_and_outcomes_that_duckdb_gives(made: dict[Engine, Made], as_of: AsOf) -> None:
    found, expected = made["spark"].datasets[as_of], made["duckdb"].datasets[as_of]
    assert found.feature_names == expected.feature_names
    pd.testing.assert_frame_equal(found.frame, expected.frame, rtol=0, atol=1e-12)
    whole = [entry.name for entry in features_for(as_of[0]) if entry.unit in WHOLE]
    pd.testing.assert_frame_equal(found.x[whole], expected.x[whole], check_exact=True)


@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_every_feature_varies_in_this_district(made: dict[Engine, Made], as_of: AsOf) -> None:
    """The engines agree on a column without a value, or with one, whatever either computes."""
    expected = made["duckdb"].datasets[as_of]
    assert [name for name in expected.feature_names if expected.x[name].nunique() < 2] == []
    assert set(expected.y[~np.isnan(expected.y)]) == ({0, 1} if as_of[1] else set())


def test_years_that_spark_stored_as_folders_are_read_by_every_engine(made: dict[Engine, Made]) -> None:
    home = made["spark"].home
    assert all(year.is_dir() for year in home.glob("student_years/*/*"))
    for name in ("spark", "polars"):
        pd.testing.assert_frame_equal(_stored(home, name), _stored(home), check_exact=True)


def test_what_spark_kept_for_the_next_list_another_engine_reads_on(made: dict[Engine, Made]) -> None:
    (kept,) = (made["spark"].home / "features").iterdir()
    assert kept.is_dir(), "Spark wrote it"
    ask = partial(dataset_for, made["spark"].home / "ingest", [SchoolYear(TARGET)], Policy(), with_outcomes=False)
    found = ask(after_day=OPEN_DAY, engine="duckdb").frame
    assert list((made["spark"].home / "features").iterdir()) == [kept]
    pd.testing.assert_frame_equal(found, made["duckdb"].datasets[OPEN_DAY, False].frame, rtol=0, atol=1e-12)


def test_a_list_is_made_on_spark_by_one_command(spark: None, tmp_path: Path) -> None:
    """Another process: of Spark there is one session in each."""
    lists = {}
    for name, words in {"duckdb": [], "spark": ["--engine", "spark", "--master", "local[2]"]}.items():
        home, out = promoted_home(tmp_path / name), tmp_path / f"list of {name}"
        ews = [sys.executable, "-m", "ews.cli", "score", "--target-year", "2027", "--home", home.path, "--out", out]
        done = subprocess.run([*ews, *words], env=os.environ | QUICK, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        (kept,) = (home.path / "tables" / "features").iterdir()
        assert kept.is_dir() == (name == "spark")
        lists[name] = (out / "risk_list.csv").read_bytes()
    assert lists["spark"] == lists["duckdb"]


def test_the_master_that_spark_submit_set_is_taken(spark: None) -> None:
    assert use_spark().sparkContext.master == "local[2]"


def test_without_spark_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineNotInstalled, match=r"make spark.*default-jre-headless"):
        use_spark()
