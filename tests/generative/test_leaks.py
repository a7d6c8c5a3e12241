"""No feature of any family sees a record dated on or after the as-of point, whatever becomes of that record (T01)."""

import datetime as dt
import functools
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ews.engine import Engine
from ews.features import FAMILIES, features_for
from tests.districts import District
from tests.generative.engine_features import Features, features_of, write_records
from tests.generative.futures import FUTURES, HOUSEHOLDS, MEMBERS, TARGET, district, holds

AFTER_DAYS = (0, 1, 20, 60, 90)
ONLY_OF_THE_MEMBER = "grade"
"""The family that looks at nothing but the grade in which a member is listed."""


@functools.cache
def features_in(future: str | None, after_day: int) -> Features:
    """The features of the same members, in the district as it is or with another future."""
    other = FUTURES[future](random.Random(after_day), after_day) if future else district()
    return computed(other, after_day)


def computed(records: District, after_day: int, engine: Engine = "polars") -> Features:
    with tempfile.TemporaryDirectory() as folder:
        return features_of(write_records(Path(folder), records, HOUSEHOLDS), MEMBERS, TARGET, after_day, engine)


def changed(before: Features, after: Features, family: str, after_day: int) -> set[str]:
    """The family's features that are another for any student."""
    names = {entry.name for entry in FAMILIES[family]} & {entry.name for entry in features_for(after_day)}
    return {name for name in names for student in before if before[student][name] != after[student][name]}


@pytest.mark.parametrize("after_day", AFTER_DAYS)
@pytest.mark.parametrize("future", FUTURES)
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_dated_on_or_after_the_as_of_point_changes_a_feature_T01(
    family: str, future: str, after_day: int
) -> None:
    assert changed(features_in(None, after_day), features_in(future, after_day), family, after_day) == set()


@functools.cache
def on_duckdb(future: str | None) -> Features:
    return computed(FUTURES[future](random.Random(60), 60) if future else district(), 60, "duckdb")


@pytest.mark.parametrize("future", FUTURES)
def test_nor_does_it_on_duckdb_which_makes_the_lists_T01(future: str) -> None:
    """At one day, because it is slower; odd districts and other days are drawn in `test_as_of`."""
    found = {family: changed(on_duckdb(None), on_duckdb(future), family, 60) for family in FAMILIES}
    assert found == dict.fromkeys(FAMILIES, set())


@pytest.mark.parametrize("future", FUTURES)
def test_every_other_future_is_another_one(future: str) -> None:
    """A future that changes nothing would let any leak pass."""
    for after_day in AFTER_DAYS:
        assert FUTURES[future](random.Random(after_day), after_day) != district()


@functools.cache
def features_of_another_past() -> Features:
    """Every third student came a week later last year, and two thirds of all marks are gone."""
    late = {stay for stay in district().stays if int(stay.student_id) % 3 == 0 and stay.grade_level == "05"}
    stays = [s._replace(entry_date=s.entry_date + dt.timedelta(days=7)) if s in late else s for s in district().stays]
    kept = [mark for mark in district().marks if mark.date.day % 3 == 0]
    marks = [mark for mark in kept if any(holds(stay, mark) for stay in stays)]
    return computed(replace(district(), stays=stays, marks=marks), 60)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {ONLY_OF_THE_MEMBER}))
def test_records_before_the_as_of_point_do_change_every_family(family: str) -> None:
    """The test above could otherwise pass on features that see nothing."""
    assert changed(features_in(None, 60), features_of_another_past(), family, 60)
