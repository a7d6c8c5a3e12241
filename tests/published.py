"""Homes with a scoring run to publish: before, and after a newer feed in which a few students changed."""

import atexit
import datetime as dt
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd

from ews.home import Home
from ews.score import score
from ews.sis import ingest
from ews.store.opening import Store
from ews.store.publishing import Published, publish
from tests.homes import TARGET, promoted_home, records

AUGUST = dt.datetime(2026, 8, 20, 6, 0, tzinfo=dt.UTC)
OCTOBER = dt.datetime(2026, 10, 1, 6, 0, tzinfo=dt.UTC)

TABLES = ("students", "enrollments", "attendance", "demographics", "mentoring")


def scored(place: Path) -> Home:
    """A home of 300 students and three school years, with a scoring run for 2027."""
    return Home(Path(shutil.copytree(_scored(), place)))


def scored_again(place: Path) -> Home:
    """The same after a newer feed: GONE is not in it any more, RENAMED has another name; scored anew."""
    return Home(Path(shutil.copytree(_scored_again(), place)))


@cache
def newer_records() -> Path:
    """The flat files of the newer feed."""
    flat = Path(shutil.copytree(records(), _folder() / "records"))
    for name in TABLES:
        rows = pd.read_csv(flat / f"{name}.csv", dtype=str, keep_default_na=False)
        rows = rows[rows["student_id"] != gone()]
        if name == "students":
            rows.loc[rows["student_id"] == renamed(), "name"] = "Zoë O'Neill-\u0141ukasz"
        rows.to_csv(flat / f"{name}.csv", index=False)
    return flat


def published(store: Store, home: Home, at: dt.datetime = AUGUST, run_id: str | None = None) -> Published:
    """Publish a home's run by the name of the tests."""
    return publish(store, home, by="tests", at=at, run_id=run_id)


@cache
def gone() -> str:
    """A listed student who is deleted upstream before the newer feed."""
    return str(_students()["student_id"].iloc[-1])


@cache
def renamed() -> str:
    """A listed student whose name changes."""
    return str(_students()["student_id"].iloc[-2])


def _students() -> pd.DataFrame:
    listed = pd.read_parquet(next(_scored().glob("scoring_runs/*/risk_list.parquet")))
    return listed.sort_values("student_id")


@cache
def _scored() -> Path:
    home = promoted_home(_folder() / "home")
    score(home, TARGET)
    return home.path


@cache
def _scored_again() -> Path:
    home = scored(_folder() / "home")
    with home.locked():
        ingest(newer_records(), home)
    score(home, TARGET)
    return home.path


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ews-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
