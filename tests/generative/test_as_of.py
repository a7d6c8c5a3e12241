import datetime as dt
import tempfile
from pathlib import Path

import narwhals as nw
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ews.cohort import cohort
from ews.engine import Engine
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import history_as_of, open_records
from tests.districts import Day, District, Stay, day_indexes, write_ingest
from tests.generative.districts import LAST_DATE, SCHOOLS, STUDENTS, districts, marks_within

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
    """The same records before the as-of point, and others after it: marks, exits and new stays.

    Who is enrolled on the first day is known at term start; no mark of that day is.
    """
    unseen = first_unseen(district.days, after_day)
    unseen_stays = first_unseen(district.days, max(after_day, 1))
    stays = []
    for student in STUDENTS:
        of_student = sorted((stay for stay in district.stays if stay.student_id == student), key=_entry_date)
        stays += draw(_other_ending(of_student, unseen_stays))
    seen = [mark for mark in district.marks if mark.date < unseen[mark.school_id]]
    new = [mark for mark in draw(marks_within(stays, district.days)) if mark.date >= unseen[mark.school_id]]
    return District(district.days, stays, seen + new, district.sheet)


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
    """Everything a prediction may use: past years, the year so far, and the cohort."""
    with tempfile.TemporaryDirectory() as folder:
        records = open_records(write_ingest(Path(folder), district), engine)
        try:
            history = history_as_of(records, Path(folder), SchoolYear(TARGET), after_day, Policy(), engine)
            frames = [history.past, history.so_far, cohort(records, SchoolYear(TARGET), Policy(), after_day=after_day)]
            return [_rows(frame) for frame in frames if frame is not None]
        except NotEnoughData:
            return []


def _rows(frame: nw.LazyFrame) -> list[dict]:
    return sorted(
        frame.collect("pyarrow").to_native().to_pylist(), key=lambda row: (row["student_id"], row["school_year"])
    )


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), districts(), st.sampled_from([0, 1, 3, 20]))
def test_nothing_dated_on_or_after_the_as_of_point_changes_what_is_known_at_it_T01(
    data: st.DataObject, district: District, after_day: int
) -> None:
    other = data.draw(another_future(district, after_day))
    before = known(district, after_day, "polars")
    assume(before)
    assert known(other, after_day, "polars") == before
