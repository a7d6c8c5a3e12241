"""What may never change a feature: anything after the as-of point, the order of rows, the names of students."""

import functools
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ews.cohort import cohort
from ews.engine import Engine, to_pandas
from ews.features import build_features, features_for
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import history_as_of, open_records
from tests.districts import District, Mark, Stay, school_days
from tests.generative.engine_features import write_records
from tests.generative.lives import runs_of_marks

TARGET = 2026
SCHOOLS = ("oak", "elm")
STUDENTS = tuple(f"{number:03d}" for number in range(60))
YEARS = (2024, 2025, TARGET)
HOUSEHOLDS = {student: f"home {int(student) // 3}" if int(student) % 5 else None for student in STUDENTS}
HOUSEHOLD = ("household_students", "household_rate", "household_ratio", "household_spell_ratio")
CONTEXT = ("school_grade_rate", "school_grade_chronic_share", "school_rate", "classmates_rate", *HOUSEHOLD[:2])


@functools.cache
def district() -> District:
    """Two schools, three short years, enough students for a context, absences in runs; some move or stay away."""
    rng = random.Random(11)
    days = [day for year in YEARS for school in SCHOOLS for day in school_days(school, year, 26)]
    stays, marks = [], []
    for number, student in enumerate(STUDENTS):
        for year in YEARS[number % 7 == 0 :]:
            school = SCHOOLS[(number + (year == 2025 and number % 11 == 0)) % 2]
            of_year = [day for day in days if (day.school_id, day.school_year) == (school, year)]
            entry = of_year[rng.choice([0, 0, 0, 5])].date
            stays.append(Stay(student, school, entry, of_year[-1].date, f"{year - 2022 + number // 2 % 2:02d}"))
            marks += runs_of_marks(rng, student, [day for day in of_year if day.date >= entry])
    return District(days, stays, marks)


def features_of(
    records: District, after_day: int, engine: Engine = "polars", households: dict[str, str | None] = HOUSEHOLDS
) -> pd.DataFrame:
    """The features of the target year, one row per student id."""
    with tempfile.TemporaryDirectory() as name:
        folder, target = write_records(Path(name), records, households), SchoolYear(TARGET)
        opened = open_records(folder, engine)
        history = history_as_of(opened, folder, target, after_day, Policy())
        students = cohort(opened, target, Policy(), after_day=after_day)
        return to_pandas(build_features(students, history, Policy())).set_index("student_id").sort_index()


@functools.cache
def known_features(after_day: int) -> pd.DataFrame:
    return features_of(district(), after_day)


@functools.cache
def target_start():
    return min(day.date for day in district().days if day.school_year == TARGET)


def test_a_mark_on_the_last_day_seen_does_change_features() -> None:
    """The leak tests could otherwise pass on features that see nothing."""
    stay = next(stay for stay in district().stays if stay.entry_date == target_start())
    day = next(d for d in district().days if d.school_id == stay.school_id and d.date == stay.entry_date)
    others = [mark for mark in district().marks if mark[:3] != (stay.student_id, day.school_id, day.date)]
    base = features_of(replace(district(), marks=others), 1)
    absent = Mark(stay.student_id, day.school_id, day.date, "excused", 10_000)
    found = features_of(replace(district(), marks=[*others, absent]), 1)
    assert base.loc[stay.student_id, "days_absent_so_far"] == 0
    assert found.loc[stay.student_id, "days_absent_so_far"] == 1
    same = [name for name in found.columns if not name.endswith("so_far")]
    pd.testing.assert_frame_equal(found[same], base[same], check_exact=True)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.sampled_from([0, 12]))
def test_neither_the_order_of_rows_nor_the_names_of_students_change_a_feature(
    rng: random.Random, after_day: int
) -> None:
    names = dict(zip(STUDENTS, rng.sample([f"student {number}" for number in range(900)], 60), strict=True))
    stays = [stay._replace(student_id=names[stay.student_id]) for stay in district().stays]
    marks = [mark._replace(student_id=names[mark.student_id]) for mark in district().marks]
    rng.shuffle(stays)
    rng.shuffle(marks)
    households = {names[student]: home for student, home in HOUSEHOLDS.items()}
    found = features_of(replace(district(), stays=stays, marks=marks), after_day, households=households)
    expected = known_features(after_day).rename(index=names).sort_index()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(STUDENTS), st.integers(0, 2**16))
def test_a_students_own_past_never_changes_what_is_told_of_the_others_around(student: str, seed: int) -> None:
    rng = random.Random(seed)
    marks = [mark for mark in district().marks if mark.student_id != student]
    for stay in district().stays:
        if stay.student_id == student:
            of_stay = [d for d in district().days if d.school_id == stay.school_id and d.date >= stay.entry_date]
            marks += runs_of_marks(rng, student, [d for d in of_stay if d.date <= stay.exit_date])
    found = features_of(replace(district(), marks=marks), 0)
    members = [one for one in [student] if one in found.index]
    own = known_features(0).loc[members, list(CONTEXT)]
    pd.testing.assert_frame_equal(found.loc[members, list(CONTEXT)], own, check_exact=True)


def test_the_context_is_known_for_many_students_of_this_district() -> None:
    """The test above could otherwise compare nothing with nothing."""
    assert (known_features(0)[[*CONTEXT, *HOUSEHOLD]].notna().mean() > 0.4).all()


@pytest.mark.parametrize("after_day", [0, 12])
def test_duckdb_and_polars_give_the_same_features_from_the_same_days(after_day: int) -> None:
    duckdb = features_of(district(), after_day, "duckdb")
    names = [entry.name for entry in features_for(after_day)]
    options = {"check_dtype": False, "rtol": 0, "atol": 1e-12}
    pd.testing.assert_frame_equal(duckdb[names], known_features(after_day)[names], **options)
