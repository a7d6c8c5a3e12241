"""Lists and training see the features that the twin and the leak tests look at: `dataset_for` goes another way to them.

It computes closed years of the cohort only, or takes them from a file of an earlier list, and puts both sides together
outside the engine.
"""

import datetime as dt
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ews.cohort import cohort
from ews.dataset import dataset_for
from ews.engine import Engine, to_pandas
from ews.errors import NotEnoughData
from ews.features import CONTEXT_COLUMNS, KEYS, build_features, features_for
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import history_as_of, kept_beside, open_records
from tests.generative.engine_features import write_records
from tests.generative.lives import TARGET as DRAWN_TARGET
from tests.generative.lives import Lives, lives
from tests.generative.test_feature_twin import SLOWLY
from tests.generative.varied import HOUSEHOLDS, TARGET, YEARS, district

ENGINES: tuple[Engine, ...] = ("duckdb", "polars")
AFTER_DAYS = (0, 20, 60, 90)


@pytest.fixture(scope="module", params=ENGINES)
def of_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Path]:
    """An engine and its ingest: one for all days, so that a list finds what an earlier one kept.

    Of its own, because what an engine keeps for lists is read by all, and they differ in the last bit of a quotient.
    """
    return request.param, write_records(tmp_path_factory.mktemp("home") / "ingest", district(), HOUSEHOLDS)


def built(folder: Path, target_years: Sequence[int], after_day: int, engine: Engine) -> pd.DataFrame:
    """What `build_features` tells of the target years' cohorts, in order."""
    records = open_records(folder, engine)
    rows = []
    for year in map(SchoolYear, target_years):
        history = history_as_of(records, kept_beside(folder), year, after_day, Policy())
        members = cohort(records, year, Policy(), after_day=after_day)
        rows.append(to_pandas(build_features(members, history, Policy())).sort_values("student_id"))
    return pd.concat(rows, ignore_index=True)


def in_dataset(
    folder: Path, target_years: Sequence[int], after_day: int, engine: Engine, with_outcomes: bool
) -> pd.DataFrame:
    """The same columns of the dataset that a list, or training, is made of."""
    years = [SchoolYear(year) for year in target_years]
    made = dataset_for(folder, years, Policy(), after_day=after_day, engine=engine, with_outcomes=with_outcomes)
    names = [entry.name for entry in features_for(after_day)]
    assert made.feature_names == tuple(names)
    return made.frame[[*KEYS, *names, *CONTEXT_COLUMNS]]


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """To the last bit; a year or a truth value may be kept in a column of another kind."""
    columns = list(found.columns)
    pd.testing.assert_frame_equal(
        found.astype(object).where(found.notna(), None),
        expected[columns].astype(object).where(expected[columns].notna(), None),
        check_exact=True,
    )


@pytest.mark.parametrize("after_day", AFTER_DAYS)
def test_a_dataset_holds_exactly_the_features_of_its_cohort_and_history(
    of_engine: tuple[Engine, Path], after_day: int
) -> None:
    engine, ingest = of_engine
    expected = built(ingest, YEARS[1:], after_day, engine)
    assert_same(in_dataset(ingest, YEARS[1:], after_day, engine, with_outcomes=True), expected)
    of_target = expected[expected["school_year"] == TARGET].reset_index(drop=True)
    assert_same(in_dataset(ingest, [TARGET], after_day, engine, with_outcomes=False), of_target)


def test_some_students_are_known_who_are_not_on_the_list_and_some_are_new(tmp_path: Path) -> None:
    """Without them nothing could get lost between a list and what is known."""
    folder = write_records(tmp_path / "ingest", district(), HOUSEHOLDS)
    listed = set(in_dataset(folder, [TARGET], 90, "polars", with_outcomes=False)["student_id"])
    known = {student for student, _, entry_date, *_ in district().stays if entry_date < dt.date(TARGET - 1, 7, 1)}
    assert known - listed
    assert listed - known
    homes = {HOUSEHOLDS[student] for student in known - listed} - {None}
    assert homes & {HOUSEHOLDS[student] for student in listed}


@settings(SLOWLY, max_examples=10)
@given(lives(), st.sampled_from(AFTER_DAYS), st.booleans())
def test_so_it_does_in_districts_with_odd_calendars_and_odd_lives(
    drawn: Lives, after_day: int, with_outcomes: bool
) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = write_records(Path(home) / "ingest", drawn.district, drawn.households)
        try:
            expected = built(folder, [DRAWN_TARGET], after_day, "polars")
        except NotEnoughData:
            expected = pd.DataFrame()
        assume(len(expected))
        assert_same(in_dataset(folder, [DRAWN_TARGET], after_day, "polars", with_outcomes), expected)
