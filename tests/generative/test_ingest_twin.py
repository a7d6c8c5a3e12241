"""From a registrar's files to features: stays that overlap go through the real ingest, and the twin shares them out."""

import datetime as dt
import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from ews.cohort import cohort
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import ingest
from ews.student_years import open_records
from tests.districts import Day, District, Stay, school_days, write_flat
from tests.generative.districts import SCHOOLS, YEARS, marks_within
from tests.generative.engine_features import features_of
from tests.generative.lives import DRAWN, TARGET, covers_leap_day, crowd
from tests.twin_compared import any_tie, differences
from tests.twin_known import Member, world_of
from tests.twin_stays import without_overlaps

WINTER_BREAK = range(80, 90)
GRADES_HELD = ("05", "06", "07")


def calendar() -> list[Day]:
    """Weekdays with a winter break; one school is closed in the first year."""
    every = [day for year in YEARS for school in SCHOOLS for day in school_days(school, year, 150)]
    opens = {(day.school_id, day.school_year): index for index, day in reversed(list(enumerate(every)))}
    return [
        day
        for index, day in enumerate(every)
        if index - opens[day.school_id, day.school_year] not in WINTER_BREAK and day[::2] != ("elm", YEARS[0])
    ]


@st.composite
def overlapping_stays(draw: st.DrawFn, student: str) -> list[Stay]:
    """Stays as schools report them, each for itself: a move whose old stay nobody ended, a stay within another."""
    dates = st.dates(dt.date(YEARS[0] - 1, 8, 1), dt.date(TARGET, 6, 30))
    stays = {}
    for _ in range(draw(st.integers(1, 5))):
        school, entry = draw(st.sampled_from(SCHOOLS)), draw(dates)
        until = draw(st.none() | st.integers(0, 500))
        leaves = None if until is None else min(entry + dt.timedelta(days=until), dt.date(TARGET, 7, 31))
        stays[school, entry] = Stay(student, school, entry, leaves, draw(st.sampled_from(GRADES_HELD)))
    return list(stays.values())


@settings(
    deadline=None,
    max_examples=3,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data(), st.integers(0, 2**32), st.sampled_from([0, 20]))
def test_features_of_overlapping_stays_in_csv_files_are_the_twins_of_stays_shared_out(
    data: st.DataObject, seed: int, after_day: int
) -> None:
    days = calendar()
    reported = [stay for student in DRAWN for stay in data.draw(overlapping_stays(student))]
    shared_out = without_overlaps(reported)
    assume(shared_out != sorted(reported))
    crowd_stays, crowd_marks = crowd(random.Random(seed), days)
    marks = data.draw(marks_within(shared_out, days)) + crowd_marks
    twin = District(days, shared_out + crowd_stays, marks)
    with tempfile.TemporaryDirectory() as name:
        folder = ingested(Path(name), District(days, reported + crowd_stays, marks))
        members = members_of(folder, after_day)
        world = world_of(twin, TARGET, after_day)
        assume(not any_tie(world))
        assert differences(features_of(folder, members, TARGET, after_day), members, world, after_day) == []


def ingested(folder: Path, district: District) -> Path:
    report = ingest(write_flat(folder / "feed", district), Home(folder / "home"))
    assert report.counts["attendance"].rejected == 0
    return report.folder


def members_of(folder: Path, after_day: int) -> list[Member]:
    """The cohort that the library finds, the grade and school of each taken over."""
    found = cohort(open_records(folder, "polars"), SchoolYear(TARGET), Policy(), after_day=after_day)
    rows = found.select("student_id", "school_id", "grade_level").collect("pyarrow").to_native().to_pylist()
    assert rows
    return [Member(**row) for row in rows]


def test_the_calendar_has_a_leap_day_a_break_and_a_year_without_days() -> None:
    days = calendar()
    assert covers_leap_day(days)
    assert not any(day[::2] == ("elm", YEARS[0]) for day in days)
    assert dt.date(2023, 12, 26) not in {day.date for day in days}
