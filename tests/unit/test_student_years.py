import datetime as dt
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from ews.engine import Engine, to_pandas
from ews.errors import InputRefused, NotEnoughData
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import ingest
from ews.student_years import (
    STUDENT_YEARS,
    history_as_of,
    is_complete,
    known_school_years,
    one_student_year,
    open_records,
    opened,
    stored_student_years,
    student_years,
)
from tests import twin
from tests.districts import District, Mark, Stay, YearRow, absences, school_days, write_flat, write_ingest

ENGINES: tuple[Engine, ...] = ("duckdb", "polars")
OAK = school_days("oak", 2024)
ELM = school_days("elm", 2024, 175, dt.date(2023, 8, 14))
OAK_NEXT = school_days("oak", 2025)


def rows(folder: Path, year: int, engine: Engine = "polars", through_day: int | None = None) -> dict:
    frame = student_years(open_records(folder, engine), SchoolYear(year), Policy(), through_day=through_day)
    table = frame.collect("pyarrow").to_native().to_pylist()
    return {row.pop("student_id"): row for row in table}


def one(tmp_path: Path, stays: list[Stay], marks: list[Mark], **cut: int) -> dict:
    """The row of the only student; another one's mark on the last day makes the year complete."""
    witness = Stay("witness", "oak", OAK[0].date, None, "05")
    district = District(OAK + ELM, [*stays, witness], [*marks, *absences("witness", OAK[-1:])])
    return rows(write_ingest(tmp_path, district), 2024, **cut)["ann"]


@pytest.fixture
def district() -> District:
    return District(
        days=OAK + ELM + OAK_NEXT,
        stays=[
            Stay("007", "oak", dt.date(2023, 7, 1), None, "03"),
            Stay("ann", "oak", dt.date(2023, 9, 2), dt.date(2023, 12, 3), "KG"),
            Stay("ann", "elm", dt.date(2023, 12, 4), dt.date(2024, 3, 1), "KG"),
            Stay("ann", "oak", dt.date(2024, 4, 1), None, "KG"),
            Stay("gone", "oak", dt.date(2022, 1, 1), dt.date(2022, 6, 1), "KG"),
        ],
        marks=[
            *absences("007", OAK[3:6] + OAK[8:9] + OAK[100:101] + OAK[-1:]),
            *absences("007", OAK_NEXT[10:12]),
            Mark("ann", "elm", dt.date(2024, 1, 8), "tardy", 700),
            Mark("ann", "elm", dt.date(2024, 1, 9), "excused", 4999),
            *absences("ann", [OAK[20], OAK[21]], "excused"),
        ],
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("through_day", [None, 110])
def test_every_engine_counts_what_the_twin_counts(
    tmp_path: Path, district: District, engine: Engine, through_day: int | None
) -> None:
    write_ingest(tmp_path, district)
    assert rows(tmp_path, 2024, engine, through_day) == twin.student_years(district, 2024, through_day=through_day)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_have_exactly_the_columns_of_the_dictionary_in_order(
    tmp_path: Path, district: District, engine: Engine
) -> None:
    write_ingest(tmp_path, district)
    frame = to_pandas(student_years(open_records(tmp_path, engine), SchoolYear(2024), Policy()))
    assert tuple(frame.columns) == STUDENT_YEARS.column_names
    texts = {"student_id", "school_id", "grade_level"}
    assert {str(frame[name].dtype) for name in frame.columns if name not in texts} == {"int64"}


def test_a_student_of_the_whole_year_is_enrolled_on_every_instructional_day(tmp_path: Path) -> None:
    row = one(tmp_path, [Stay("ann", "oak", dt.date(2023, 7, 1), None, "03")], [])
    assert (row["days_enrolled"], row["instructional_days"], row["days_absent"], row["spells"]) == (180, 180, 0, 0)
    assert (row["late_entry_days"], row["early_exit_days"], row["stays"], row["schools_attended"]) == (0, 0, 1, 1)


def test_entry_on_a_saturday_counts_from_monday_and_exit_on_a_sunday_to_friday(tmp_path: Path) -> None:
    saturday, sunday = OAK[4].date + dt.timedelta(days=1), OAK[9].date + dt.timedelta(days=2)
    assert (saturday.isoweekday(), sunday.isoweekday()) == (6, 7)
    row = one(tmp_path, [Stay("ann", "oak", saturday, sunday, "03")], [])
    assert (row["days_enrolled"], row["late_entry_days"], row["early_exit_days"]) == (5, 5, 170)
    assert [row[f"days_enrolled_weekday_{day}"] for day in range(1, 6)] == [1, 1, 1, 1, 1]


def test_a_stay_of_a_weekend_only_is_no_stay(tmp_path: Path) -> None:
    saturday = OAK[4].date + dt.timedelta(days=1)
    stays = [Stay("ann", "elm", saturday, saturday, "03"), Stay("ann", "oak", OAK[5].date, None, "03")]
    row = one(tmp_path, stays, [])
    assert (row["stays"], row["schools_attended"], row["days_enrolled"]) == (1, 1, 175)


def test_a_move_keeps_the_windows_of_each_school(tmp_path: Path) -> None:
    stays = [
        Stay("ann", "elm", ELM[0].date, ELM[99].date, "03"),
        Stay("ann", "oak", ELM[100].date, None, "03"),
    ]
    row = one(tmp_path, stays, absences("ann", ELM[5:7] + ELM[98:100] + OAK[170:173]))
    assert (row["school_id"], row["stays"], row["schools_attended"], row["days_absent"]) == ("oak", 2, 2, 7)
    assert (row["days_absent_first_20"], row["days_enrolled_first_20"]) == (2, 20)
    assert (row["days_absent_last_30"], row["days_enrolled_last_30"]) == (3, 30)


def test_who_left_before_the_last_days_has_none_of_none_in_them(tmp_path: Path) -> None:
    row = one(tmp_path, [Stay("ann", "oak", OAK[0].date, OAK[99].date, "03")], absences("ann", OAK[90:100]))
    assert (row["days_absent_last_30"], row["days_enrolled_last_30"], row["early_exit_days"]) == (0, 0, 80)


def test_a_spell_is_a_run_of_instructional_days_over_weekends_and_ends_with_the_school(tmp_path: Path) -> None:
    stays = [
        Stay("ann", "oak", OAK[0].date, OAK[10].date, "03"),
        Stay("ann", "elm", OAK[11].date, None, "03"),
    ]
    following = [day for day in ELM if day.date >= OAK[11].date][:2]
    friday_to_monday = OAK[4:6]
    row = one(tmp_path, stays, absences("ann", friday_to_monday + OAK[10:11] + following))
    assert (row["spells"], row["longest_spell"], row["single_day_spells"], row["monday_spells"]) == (3, 2, 1, 1)


def test_absences_on_the_same_day_index_in_two_schools_do_not_cut_each_others_spells(tmp_path: Path) -> None:
    stays = [
        Stay("ann", "elm", ELM[0].date, ELM[39].date, "03"),
        Stay("ann", "oak", ELM[40].date, None, "03"),
    ]
    assert OAK[32].date > ELM[39].date
    row = one(tmp_path, stays, absences("ann", ELM[31:37] + OAK[32:35]))
    assert (row["days_absent"], row["spells"], row["longest_spell"]) == (9, 2, 6)


def test_the_last_thirty_days_begin_thirty_days_before_the_end(tmp_path: Path) -> None:
    row = one(tmp_path, [Stay("ann", "oak", OAK[0].date, None, "03")], absences("ann", OAK[119:121] + OAK[149:151]))
    assert (row["days_absent_last_30"], row["days_absent_last_60"]) == (1, 3)
    assert (row["days_enrolled_last_30"], row["days_enrolled_last_60"]) == (30, 60)


def test_a_stay_over_several_years_is_one_grade_higher_each_year(tmp_path: Path) -> None:
    days = [day for year in (2023, 2024, 2025) for day in school_days("oak", year, 40)]
    marks = [mark for year in (2023, 2024, 2025) for mark in absences("ann", school_days("oak", year, 40)[-1:])]
    stays = [
        Stay("ann", "oak", dt.date(2022, 8, 1), None, "KG"),
        Stay("ben", "oak", dt.date(2020, 10, 1), None, "03"),
        Stay("eva", "oak", dt.date(2023, 7, 1), None, "03"),
        Stay("old", "oak", dt.date(2022, 8, 1), None, "12"),
    ]
    write_ingest(tmp_path, District(days, stays, marks))
    grades = {year: {name: row["grade_level"] for name, row in rows(tmp_path, year).items()} for year in (2023, 2025)}
    assert grades[2023] == {"ann": "KG", "ben": "05", "old": "12"}
    assert grades[2025] == {"ann": "02", "ben": "07", "eva": "04", "old": "12"}


def test_through_day_n_a_later_exit_a_later_stay_and_later_marks_are_not_seen(tmp_path: Path) -> None:
    stays = [
        Stay("ann", "oak", OAK[5].date, OAK[50].date, "03"),
        Stay("ann", "oak", OAK[60].date, None, "03"),
    ]
    row = one(tmp_path, stays, absences("ann", OAK[9:11]), through_day=10)
    assert (row["days_enrolled"], row["days_absent"], row["instructional_days"]) == (5, 1, 10)
    assert (row["early_exit_days"], row["stays"], row["longest_spell"]) == (0, 1, 1)


def test_an_open_year_ends_at_its_last_mark_since_later_days_are_not_known_to_be_presence(tmp_path: Path) -> None:
    stays = [Stay("ann", "oak", OAK[0].date, None, "03")]
    write_ingest(tmp_path, District(OAK, stays, absences("ann", OAK[59:60])))
    row = rows(tmp_path, 2024)["ann"]
    assert (row["days_enrolled"], row["instructional_days"], row["days_absent_last_30"]) == (60, 60, 1)


def test_a_yearly_sheet_gives_totals_and_leaves_every_pattern_unknown(tmp_path: Path) -> None:
    sheet = [
        YearRow("ann", "oak", 2024, "KG", 80, 5, 1, 4, 0),
        YearRow("ann", "elm", 2024, "KG", 80, 7, None, 2, 0),
        YearRow("none", "elm", 2024, "KG", 0, 0),
    ]
    records = open_records(write_ingest(tmp_path, District(sheet=sheet)))
    [row] = student_years(records, SchoolYear(2024), Policy()).collect("pyarrow").to_native().to_pylist()
    known = {name: value for name, value in row.items() if value is not None}
    assert known == {
        "student_id": "ann", "school_year": 2024, "school_id": "elm", "grade_level": "KG",
        "days_enrolled": 160, "days_absent": 12, "days_unexcused": 6, "days_suspended": 0,
    }  # fmt: skip
    assert known_school_years(records) == [SchoolYear(2024)]
    assert is_complete(records, SchoolYear(2024), Policy())
    assert not is_complete(records, SchoolYear(2023), Policy())


def test_a_sheet_that_sums_up_a_year_is_not_seen_through_day_n_of_it(tmp_path: Path) -> None:
    records = open_records(write_ingest(tmp_path, District(sheet=[YearRow("ann", "oak", 2024, "KG", 80, 5)])))
    with pytest.raises(NotEnoughData, match="Of 2023-24 only a yearly sheet is known"):
        student_years(records, SchoolYear(2024), Policy(), through_day=20)


def test_daily_records_of_a_student_go_before_a_sheet(tmp_path: Path) -> None:
    sheet = [YearRow("007", "elm", 2024, "05", 99, 9), YearRow("from afar", "elm", 2024, "05", 99, 9)]
    stays, marks = [Stay("007", "oak", OAK[0].date, None, "03")], absences("007", OAK[-1:])
    write_ingest(tmp_path, District(OAK, stays, marks, sheet))
    days = {name: row["days_enrolled"] for name, row in rows(tmp_path, 2024).items()}
    assert days == {"007": 180, "from afar": 99}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kept_year_of_days_and_of_a_sheet_opens_to_what_was_computed(tmp_path: Path, engine: Engine) -> None:
    sheet = [YearRow("far", "elm", 2024, "05", 90, 9, 2, None, 0), YearRow("wide", "elm", 2024, "05", 900, 600, 600, 0)]
    stays, marks = [Stay(name, "oak", OAK[0].date, None, "03") for name in ("007", "008")], absences("007", OAK[-3:])
    records = open_records(write_ingest(tmp_path / "ingest", District(OAK, stays, marks, sheet)), engine)
    kept = opened(stored_student_years(tmp_path / "kept", records, Policy())).select(STUDENT_YEARS.column_names)
    computed = student_years(records, SchoolYear(2024), Policy())
    first, again = (frame.sort("student_id").collect("pyarrow").to_native().to_pylist() for frame in (kept, computed))
    assert first == again
    kinds = {
        row["student_id"]: [row[f"days_{kind}"] for kind in ("excused", "unexcused", "suspended")] for row in first
    }
    assert kinds == {"007": [0, 3, 0], "008": [0, 0, 0], "far": [2, None, 0], "wide": [600, 0, None]}
    assert [row["partial_ten_thousandths"] for row in first] == [0, 0, None, None]


def test_ingest_stores_stays_of_several_together_and_where_each_stands(tmp_path: Path, district: District) -> None:
    home = Home(tmp_path / "home")
    with home.locked():
        folder = ingest(write_flat(tmp_path / "flat", district), home).folder
    stays = pl.read_parquet(folder / "stays" / "school_year=2024" / "*.parquet")
    told = ("student_id", "instructional_days", "is_first_stay", "is_last_stay", "is_first_at_school")
    assert stays.select(told).rows() == [
        ("ann", 180, True, False, True),
        ("ann", 175, False, False, True),
        ("ann", 180, False, True, False),
        ("007", 180, True, True, True),
    ]


@pytest.mark.parametrize("through_day", [None, 62, 110])
@pytest.mark.parametrize("year", [2024, 2025])
def test_stays_as_older_ingests_stored_them_give_the_same_years(
    tmp_path: Path, district: District, year: int, through_day: int | None
) -> None:
    first = rows(write_ingest(tmp_path, district), year, through_day=through_day)
    new = ["instructional_days", "is_first_stay", "is_last_stay", "is_first_at_school"]
    for file in (tmp_path / "stays").rglob("*.parquet"):
        pl.read_parquet(file).drop(new).write_parquet(file)
    assert rows(tmp_path, year, through_day=through_day) == first


def kept_in(place: Path) -> dict[str, int]:
    """The kept files: school year to when it was written."""
    return {file.name[:16]: file.stat().st_mtime_ns for file in sorted(place.rglob("school_year=*.parquet"))}


def test_stored_years_are_computed_once(tmp_path: Path, district: District) -> None:
    records = open_records(write_ingest(tmp_path / "ingest", district), "polars")
    first = to_pandas(stored_student_years(tmp_path / "kept", records, Policy()))
    stamps = kept_in(tmp_path / "kept")
    assert list(stamps) == ["school_year=2024", "school_year=2025"]
    again = to_pandas(stored_student_years(tmp_path / "kept", records, Policy()))
    assert kept_in(tmp_path / "kept") == stamps
    assert again.equals(first)
    assert list(first["school_year"].unique()) == [2024, 2025]


@pytest.mark.parametrize("engine", ENGINES)
def test_one_year_is_read_where_it_is_kept_and_else_counted_and_not_kept(
    tmp_path: Path, district: District, engine: Engine
) -> None:
    def found(place: Path) -> pd.DataFrame:
        frame = opened(one_student_year(place, records, SchoolYear(2025), Policy()))
        return to_pandas(frame.select(STUDENT_YEARS.column_names)).sort_values("student_id", ignore_index=True)

    records = open_records(write_ingest(tmp_path / "ingest", district), engine)
    counted = found(tmp_path / "kept")
    assert len(counted) > 1
    assert kept_in(tmp_path / "kept") == {}
    stored_student_years(tmp_path / "kept", records, Policy())
    for file in tmp_path.rglob("marks/*/*.parquet"):
        file.unlink()
    pd.testing.assert_frame_equal(found(tmp_path / "kept"), counted)


def test_a_later_ingest_computes_the_open_year_anew_and_takes_the_closed_one_as_it_is(
    tmp_path: Path, district: District
) -> None:
    def days_absent(flat: Path) -> tuple[dict[int, int], dict[str, int]]:
        with home.locked():
            folder = ingest(flat, home).folder
        frame = to_pandas(stored_student_years(tmp_path / "kept", open_records(folder), Policy()))
        return frame.groupby("school_year")["days_absent"].sum().to_dict(), kept_in(tmp_path / "kept")

    home = Home(tmp_path / "home")
    before, stamps = days_absent(write_flat(tmp_path / "monday", district))
    district.marks += absences("ann", OAK_NEXT[12:14])
    after, later_stamps = days_absent(write_flat(tmp_path / "friday", district))
    assert (after[2024], after[2025]) == (before[2024], before[2025] + 2)
    assert later_stamps["school_year=2024"] == stamps["school_year=2024"]
    assert later_stamps["school_year=2025"] != stamps["school_year=2025"]
    district.marks += absences("ann", OAK[22:23])
    corrected, last_stamps = days_absent(write_flat(tmp_path / "corrected", district))
    assert (corrected[2024], len(last_stamps)) == (before[2024] + 1, 2)


def test_records_that_an_older_version_ingested_are_to_be_ingested_again(tmp_path: Path, district: District) -> None:
    write_ingest(tmp_path, district)
    (tmp_path / "manifest.json").write_text('{"id": "old"}', encoding="utf-8")
    with pytest.raises(InputRefused, match="Ingest the same files again"):
        open_records(tmp_path)


def test_stored_years_of_an_open_year_follow_the_policy_that_says_when_a_year_is_open(
    tmp_path: Path, district: District
) -> None:
    records = open_records(write_ingest(tmp_path, district), "polars")
    closed = Policy(closed_year_slack_days=200)
    days = {}
    for policy in (Policy(), closed):
        frame = to_pandas(stored_student_years(tmp_path, records, policy))
        days[policy] = int(frame.loc[frame["school_year"] == 2025, "days_enrolled"].max())
    assert days == {Policy(): 12, closed: 180}


def test_a_history_holds_years_before_the_target_year_and_the_days_already_seen(
    tmp_path: Path, district: District
) -> None:
    records = open_records(write_ingest(tmp_path, district), "polars")
    at_start = history_as_of(records, tmp_path, SchoolYear(2025), 0, Policy())
    assert at_start.so_far is None
    assert set(to_pandas(at_start.past)["school_year"]) == {2024}
    later = history_as_of(records, tmp_path, SchoolYear(2025), 11, Policy())
    assert later.so_far is not None
    seen = to_pandas(later.so_far).set_index("student_id")
    assert seen.loc["007", ["days_enrolled", "days_absent"]].tolist() == [11, 1]


def test_without_any_year_before_the_target_year_there_is_no_history(tmp_path: Path, district: District) -> None:
    records = open_records(write_ingest(tmp_path, district), "polars")
    with pytest.raises(NotEnoughData, match="No school year before 2023-24 is known"):
        history_as_of(records, tmp_path, SchoolYear(2024), 0, Policy())
    with pytest.raises(NotEnoughData, match="No school year is known"):
        stored_student_years(tmp_path, open_records(tmp_path / "nothing"), Policy())


def test_a_grade_counts_on_over_a_year_that_the_calendar_lacks(tmp_path: Path) -> None:
    """Ann entered in fall 2023, of which there is no calendar; her grade then was 03."""
    days = school_days("oak", 2023, 40) + school_days("oak", 2025, 40)
    stays = [Stay("ann", "oak", dt.date(2023, 9, 4), None, "03"), Stay("ben", "oak", days[0].date, None, "03")]
    records = open_records(write_ingest(tmp_path, District(days, stays, absences("ann", days[-1:]))))
    rows = student_years(records, SchoolYear(2025), Policy()).collect("pyarrow").to_native().to_pylist()
    assert {row["student_id"]: row["grade_level"] for row in rows} == {"ann": "04", "ben": "05"}
