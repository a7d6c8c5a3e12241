"""What closed years tell, kept from one list of a target year to the next."""

from collections.abc import Callable
from pathlib import Path

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from ews.dataset import dataset_for
from ews.engine import Engine
from ews.features import FEATURES
from ews.features.closed_years import _wide_frame, of_closed_years, totals_of_past
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import ingest
from ews.student_years import History
from tests.districts import District, Mark, Stay, absences, school_days, write_flat
from tests.unit.features.rows import _SCHEMA, student_year
from tests.unit.features.rows import TARGET as TARGET_YEAR

TARGET = SchoolYear(2025)
OAK, OAK_NEXT = school_days("oak", 2024, 40), school_days("oak", 2025, 40)


@pytest.fixture
def district() -> District:
    students = ("ann", "ben", "cat")
    stays = [Stay(student, "oak", OAK[0].date, None, "03") for student in students]
    stays.append(Stay("new", "oak", OAK_NEXT[3].date, None, "KG"))
    marks = [*absences("ann", OAK[5:9] + OAK[-1:] + OAK_NEXT[2:5]), *absences("ben", OAK[20:21] + OAK_NEXT[24:26])]
    return District(OAK + OAK_NEXT, stays, marks)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def ingested(tmp_path: Path, home: Home) -> Callable[[District, str], Path]:
    def ingested(district: District, when: str) -> Path:
        with home.locked():
            return ingest(write_flat(tmp_path / when, district), home).folder

    return ingested


def listed(folder: Path, after_day: int, policy: Policy | None = None, engine: Engine = "polars") -> pd.DataFrame:
    """The students and features of a list, which keeps what closed years tell; by the engine that starts fastest."""
    return dataset_for(
        folder, [TARGET], policy or Policy(), after_day=after_day, with_outcomes=False, engine=engine
    ).frame


def anew(folder: Path, after_day: int, engine: Engine) -> pd.DataFrame:
    """The features, with nothing taken from what is kept."""
    return dataset_for(folder, [TARGET], Policy(), after_day=after_day, engine=engine).x


def kept(home: Home) -> dict[str, int]:
    """The kept files: name to when it was written."""
    return {file.name: file.stat().st_mtime_ns for file in (home.tables / "features").iterdir()}


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_the_next_list_takes_what_the_first_one_kept(
    engine: Engine, district: District, home: Home, ingested: Callable
) -> None:
    folder = ingested(district, "monday")
    listed(folder, 0, engine=engine)
    first = kept(home)
    assert [name[:17] for name in first] == ["target_year=2025-"]
    for day in (1, 26):
        expected = anew(folder, day, engine)
        found = listed(folder, day, engine=engine)[expected.columns]
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert kept(home) == first


def test_records_of_the_open_year_change_neither_what_is_kept_nor_an_earlier_list_T01(
    district: District, home: Home, ingested: Callable
) -> None:
    before, first = listed(ingested(district, "monday"), 20), kept(home)
    district.marks += absences("ann", OAK_NEXT[20:25])
    district.stays.append(Stay("late", "oak", OAK_NEXT[22].date, None, "04"))
    after = listed(ingested(district, "friday"), 20)
    assert kept(home) == first
    pd.testing.assert_frame_equal(after, before)


def test_a_corrected_mark_of_a_closed_year_is_seen_and_what_was_kept_before_goes(
    district: District, home: Home, ingested: Callable
) -> None:
    before, first = listed(ingested(district, "monday"), 20), kept(home)
    district.marks.append(Mark("cat", "oak", OAK[30].date, "unexcused", 10_000))
    folder = ingested(district, "corrected")
    after = listed(folder, 20).set_index("student_id")["days_absent_last_year"]
    assert (before.set_index("student_id").loc["cat", "days_absent_last_year"], after["cat"]) == (0, 1)
    assert len(kept(home)) == 1
    assert set(kept(home)).isdisjoint(first)


def test_another_policy_makes_anew_what_is_kept(district: District, home: Home, ingested: Callable) -> None:
    folder = ingested(district, "monday")
    assert listed(folder, 20).set_index("student_id").loc["ann", "chronic_years"] == 1
    first = kept(home)
    stricter = Policy(min_days_enrolled=41)
    assert listed(folder, 20, stricter).set_index("student_id").loc["ann", "chronic_years"] == 0
    assert set(kept(home)).isdisjoint(first)


def test_another_code_makes_anew_what_is_kept(
    district: District, home: Home, ingested: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ingested(district, "monday")
    listed(folder, 20)
    first = kept(home)
    monkeypatch.setattr("ews.features.kept._BEHIND", ("features", "student_years"))
    listed(folder, 20)
    assert set(kept(home)).isdisjoint(first)


def test_a_write_that_fails_leaves_what_was_kept_and_nothing_half_written(
    district: District, home: Home, ingested: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(ingested(district, "monday"), 20)
    first = kept(home)
    district.marks += absences("cat", OAK[30:31])
    folder = ingested(district, "corrected")
    with monkeypatch.context() as broken:
        broken.setattr("ews.features.kept.of_closed_years", lambda *_: failing())
        with pytest.raises(Exception, match="abc"):
            listed(folder, 20)
    assert kept(home) == first
    assert listed(folder, 20).set_index("student_id").loc["cat", "days_absent_last_year"] == 1


def failing() -> nw.LazyFrame:
    """Rows that fail while they are written."""
    rows = pl.LazyFrame({"student_id": ["7"] * 100_000 + ["abc"]})
    return nw.from_native(rows).select(nw.col("student_id").cast(nw.Int64))


def test_of_who_has_no_known_year_closed_years_tell_nothing() -> None:
    """Such a student is in no row of what is kept, and a feature that is not null then would be lost."""
    past = nw.from_native(pl.DataFrame([student_year()], schema=_SCHEMA).lazy())
    history = History(TARGET_YEAR, 0, past, None)
    wide = _wide_frame(history, Policy(), totals_of_past(history, Policy()))
    nothing = wide.select(nw.lit(None).cast(kind).alias(name) for name, kind in wide.collect_schema().items())
    entries = [entry for entry in FEATURES.values() if not entry.looks_at_list]
    values = nothing.select(entry.expression.alias(entry.name) for entry in entries).collect().to_native()
    assert len(entries) > 40
    assert values.row(0) == (None,) * len(entries)


def test_what_closed_years_tell_does_not_look_at_the_days_of_the_target_year() -> None:
    past = nw.from_native(pl.DataFrame([student_year()], schema=_SCHEMA).lazy())
    at_start, later = (
        of_closed_years(History(TARGET_YEAR, day, past, None if day == 0 else past), Policy()).collect().to_native()
        for day in (0, 90)
    )
    assert at_start.equals(later)
