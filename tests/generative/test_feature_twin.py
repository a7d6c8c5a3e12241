"""Every feature of the catalogue against its twin, in districts with odd calendars and odd lives."""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from ews.engine import Engine
from ews.features import FEATURES
from tests.districts import District, school_days
from tests.generative.districts import SCHOOLS, YEARS
from tests.generative.engine_features import features_of, write_records
from tests.generative.lives import CROWD, NEW, TARGET, Lives, crowd, lives
from tests.twin_compared import any_tie, differences
from tests.twin_features import TWINS
from tests.twin_known import Member, known_years, world_of

SLOWLY = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
"""Without shrinking, which takes minutes here: the differences name student, feature and both values."""

AFTER_DAYS = st.sampled_from([1, 3, 7, 20, 60, 90])


def test_every_feature_of_the_catalogue_has_a_twin_and_no_twin_is_left_over() -> None:
    assert set(TWINS) == set(FEATURES)


@pytest.mark.parametrize("size", [10, 11, 12])
def test_groups_of_nine_ten_and_eleven_others_are_told_of_where_the_twin_tells_of_them(size: int) -> None:
    """Where a group begins is too narrow a place to be left to chance; some stays are too short to count as known."""
    days = [day for year in YEARS for day in school_days(SCHOOLS[0], year, 100)]
    stays, marks = crowd(random.Random(size), days, size)
    ordinary = tuple(Member(student, SCHOOLS[0], "07") for student in (*CROWD[:size], NEW))
    assert_as_the_twin(Lives(District(days, stays, marks), {}, ordinary), (0,), "polars")


@settings(SLOWLY, max_examples=20)
@given(lives(), AFTER_DAYS)
def test_polars_finds_what_the_twin_finds_at_term_start_and_after_some_days(drawn: Lives, after_day: int) -> None:
    assume(is_comparable(drawn.district))
    assert_as_the_twin(drawn, (0, after_day), "polars")


@settings(SLOWLY, max_examples=5)
@given(lives(), AFTER_DAYS)
def test_duckdb_finds_what_the_twin_finds_after_some_days(drawn: Lives, after_day: int) -> None:
    assume(is_comparable(drawn.district))
    assert_as_the_twin(drawn, (after_day,), "duckdb")


def is_comparable(district: District) -> bool:
    """Whether a year before the target year is known, and the target year has days."""
    has_past = any(year < TARGET for year in known_years(district))
    has_target = any(day.school_year == TARGET for day in district.days)
    return has_past and has_target and not any_tie(world_of(district, TARGET, 0))


def assert_as_the_twin(drawn: Lives, after_days: tuple[int, ...], engine: Engine) -> None:
    """Both of the same district, once for each as-of day."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_records(Path(name), drawn.district, drawn.households)
        for after_day in after_days:
            world = world_of(drawn.district, TARGET, after_day, drawn.households)
            features = features_of(folder, drawn.members, TARGET, after_day, engine)
            assert differences(features, drawn.members, world, after_day) == []
