import datetime as dt
import tempfile
from pathlib import Path

import narwhals as nw
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ews.cohort import cohort
from ews.engine import Engine
from ews.errors import NotEnoughData
from ews.features import build_features
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import history_as_of, open_records
from tests.districts import Day, District, Stay, YearRow, day_indexes, write_ingest
from tests.generative.districts import LAST_DATE, SCHOOLS, STUDENTS, districts, marks_within
from tests.generative.test_feature_twin import SLOWLY

TARGET = 2024
STILL_TO_COME = dt.date(2023, 8, 1)


def first_unseen(days: list[Day], after_day: int) -> dict[str, dt.date]:
    """School to the first date not seen: the target year's day n + 1, or the day after all of them."""
    indexes = day_indexes(days)
    dates = {}
    for school in SCHOOLS:
        of_year = sorted(day.date for day in days if day.school_id == school and day.school_year == TARGET)
        unseen = [date for date in of_year if indexes[school, date] > after_day]
        seen_to_the_end = [date + dt.timedelta(days=1) for date in of_year[-1:]]
        dates[school] = min(unseen, default=min(seen_to_the_end, default=STILL_TO_COME))
    return dates


@st.composite
def another_future(draw: st.DrawFn, district: District, after_day: int) -> District:
    """The same records before the as-of point, and others after it: days, marks, exits, new stays and sheets.

    Who is enrolled on the first day is known at term start; no mark of that day is.
    """
    unseen = first_unseen(district.days, after_day)
    unseen_stays = first_unseen(district.days, max(after_day, 1))
    days = draw(other_days(district.days, unseen_stays))
    stays = []
    for student in STUDENTS:
        of_student = sorted((stay for stay in district.stays if stay.student_id == student), key=_entry_date)
        stays += draw(_other_ending(of_student, unseen_stays))
    seen = [mark for mark in district.marks if mark.date < unseen[mark.school_id]]
    new = [mark for mark in draw(marks_within(stays, days)) if mark.date >= unseen[mark.school_id]]
    return District(days, stays, seen + new, draw(other_sheets(district.sheet)))


@st.composite
def other_days(draw: st.DrawFn, days: list[Day], unseen: dict[str, dt.date]) -> list[Day]:
    """Some of the days to come fall away, and each school that goes on has another one later."""
    seen = [day for day in days if day.date < unseen[day.school_id]]
    to_come = [day for day in days if day.date >= unseen[day.school_id]]
    left_out = draw(st.sets(st.sampled_from(to_come))) if to_come else set()
    last = {day.school_id: day for day in sorted(to_come) if day.school_year == TARGET}
    added = [day._replace(date=day.date + dt.timedelta(days=1)) for day in last.values() if draw(st.booleans())]
    later = [day for day in added if day.date < dt.date(TARGET, 8, 1)]
    return seen + [day for day in to_come if day not in left_out] + later


@st.composite
def other_sheets(draw: st.DrawFn, sheet: list[YearRow]) -> list[YearRow]:
    """The sheet of the target year tells of the same students, of whom it counts other days; later ones fall away."""
    kept = [row for row in sheet if row.school_year < TARGET]
    counts = st.integers(0, 90)
    return kept + [row._replace(days_absent=draw(counts)) for row in sheet if row.school_year == TARGET]


def _entry_date(stay: Stay) -> dt.date:
    return stay.entry_date


@st.composite
def _other_ending(draw: st.DrawFn, stays: list[Stay], unseen: dict[str, dt.date]) -> list[Stay]:
    """The stays seen, the last one with any exit that is not seen yet, and perhaps a stay after all that is seen."""
    seen = [stay for stay in stays if stay.entry_date < unseen[stay.school_id]]
    if seen != stays[: len(seen)] or not seen:
        return stays
    last = seen[-1]
    if last.exit_date is None or last.exit_date >= unseen[last.school_id]:
        last = last._replace(exit_date=draw(st.none() | st.dates(unseen[last.school_id], LAST_DATE)))
    begin = draw(st.dates(max(unseen.values()), LAST_DATE))
    comes_again = last.exit_date is not None and last.exit_date < begin and draw(st.booleans())
    following = Stay(last.student_id, draw(st.sampled_from(SCHOOLS)), begin, None, last.grade_level)
    return [*seen[:-1], last, *[following] * comes_again]


def known(district: District, after_day: int, engine: Engine) -> list[list[dict]]:
    """Everything a prediction may use: past years, the year so far, the cohort, and its features."""
    with tempfile.TemporaryDirectory() as folder:
        records = open_records(write_ingest(Path(folder), district), engine)
        try:
            history = history_as_of(records, Path(folder), SchoolYear(TARGET), after_day, Policy())
            members = cohort(records, SchoolYear(TARGET), Policy(), after_day=after_day)
            frames = [history.past, history.so_far, members, build_features(members, history, Policy())]
            return [_rows(frame) for frame in frames if frame is not None]
        except NotEnoughData:
            return []


def _rows(frame: nw.LazyFrame) -> list[dict]:
    """In order. Which of the open year's days come before a break tells its calendar; no feature asks for it."""
    rows = sorted(
        frame.collect("pyarrow").to_native().to_pylist(), key=lambda row: (row["student_id"], row["school_year"])
    )
    return [
        {name: value for name, value in row.items() if row["school_year"] < TARGET or "before_break" not in name}
        for row in rows
    ]


AFTER_DAYS = st.sampled_from([0, 1, 3, 20, 60, 90])


@settings(max_examples=16, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), districts(), AFTER_DAYS)
def test_nothing_dated_on_or_after_the_as_of_point_changes_what_is_known_at_it_T01(
    data: st.DataObject, district: District, after_day: int
) -> None:
    assert_another_future_tells_nothing(data, district, after_day, "polars")


@settings(SLOWLY, max_examples=4)
@given(st.data(), districts(), AFTER_DAYS)
def test_nor_does_it_on_duckdb_which_makes_the_lists_T01(
    data: st.DataObject, district: District, after_day: int
) -> None:
    assert_another_future_tells_nothing(data, district, after_day, "duckdb")


def assert_another_future_tells_nothing(
    data: st.DataObject, district: District, after_day: int, engine: Engine
) -> None:
    other = data.draw(another_future(district, after_day))
    before = known(district, after_day, engine)
    assume(before)
    assert known(other, after_day, engine) == before
