"""Homes of a small simulated district, made once a session and copied for each test."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd

from ews.home import Home
from ews.model import Parameters
from ews.policy import Policy
from ews.registry import champion_or_none, find_version, promote
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest
from ews.train import train

TARGET = SchoolYear(2027)
FAST = Parameters(rounds=12, leaves=7, min_rows_in_leaf=10)
NOON = "2026-08-03T12:00:00+00:00"


def ingested_home(place: Path) -> Home:
    """A home with the records of a district of 300 students and three school years, 2024 to 2026."""
    return Home(Path(shutil.copytree(_ingested(), place)))


def promoted_home(place: Path) -> Home:
    """The same with a champion for 2027."""
    return Home(Path(shutil.copytree(_promoted(), place)))


def promote_latest(home: Home) -> None:
    seen = champion_or_none(home)
    latest = find_version(home, "latest")
    promote(home, latest, by="Ana Reyes", why="a test", promoted_at=NOON, replaces=seen.version if seen else None)


@cache
def records() -> Path:
    """The flat files of that district."""
    folder = _folder() / "records"
    simulate(folder, students=300, years=3, last_year=SchoolYear(2026), seed=3)
    return folder


@cache
def _ingested() -> Path:
    home = Home(_folder() / "home")
    with home.locked():
        ingest(records(), home)
    return home.path


@cache
def _promoted() -> Path:
    home = ingested_home(_folder() / "home")
    train(home, TARGET, Policy(), FAST)
    promote_latest(home)
    return home.path


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ews-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def home_through_day(place: Path, school_year: SchoolYear, day: int) -> Home:
    """A home with the same district's records as they were after so many instructional days of its last year."""
    flat = place.parent / "cut"
    shutil.copytree(records(), flat)
    calendar = pd.read_csv(flat / "calendar.csv", dtype=str)
    of_year = calendar[calendar["school_year"] == str(school_year)]
    last = sorted(of_year["date"].unique())[day - 1]
    marks = pd.read_csv(flat / "attendance.csv", dtype=str, keep_default_na=False)
    return _ingested_with(flat, marks[marks["date"] <= last], place)


def home_with_marks(place: Path, marks: pd.DataFrame) -> Home:
    """A home with the same district and other marks."""
    flat = place.parent / "other"
    shutil.copytree(records(), flat)
    return _ingested_with(flat, marks, place)


def _ingested_with(flat: Path, marks: pd.DataFrame, place: Path) -> Home:
    marks.to_csv(flat / "attendance.csv", index=False)
    home = Home(place)
    with home.locked():
        ingest(flat, home)
    return home


def shocked_home(place: Path) -> Home:
    """A home whose records end with day 25 of 2026, a year of shock, with a champion trained for that year."""
    return Home(Path(shutil.copytree(_shocked(), place)))


@cache
def _shocked() -> Path:
    home = home_through_day(_folder() / "home", SchoolYear(2026), 25)
    train(home, SchoolYear(2026), Policy(), FAST)
    promote_latest(home)
    return home.path
