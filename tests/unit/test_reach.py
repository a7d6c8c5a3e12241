"""How far the records of a school year reach: whether it is complete, known, or begun."""

import datetime as dt
from pathlib import Path

import pytest

from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import is_complete, known_school_years, open_records, reaches_day, student_years
from tests.districts import District, Stay, YearRow, absences, school_days, write_ingest

OAK, OAK_NEXT = school_days("oak", 2024), school_days("oak", 2025)


def test_a_year_is_complete_when_its_last_mark_is_close_enough_to_its_end_T02(tmp_path: Path) -> None:
    for last, expected in ((174, True), (173, False)):
        folder = tmp_path / str(last)
        write_ingest(folder, District(OAK, [Stay("ann", "oak", OAK[0].date, None, "03")], absences("ann", [OAK[last]])))
        assert is_complete(open_records(folder), SchoolYear(2024), Policy()) is expected
    assert is_complete(open_records(tmp_path / "173"), SchoolYear(2024), Policy(closed_year_slack_days=6))


def test_a_year_reaches_a_day_when_nine_in_ten_schools_had_it_by_the_last_mark(tmp_path: Path) -> None:
    """Nine schools open on 28 August, one two weeks later; the last mark is of the first nine's day 30."""
    nine = [day for number in range(9) for day in school_days(f"school {number}", 2024)]
    late = school_days("late", 2024, first=dt.date(2023, 9, 11))
    marks = absences("s1", [nine[29]])
    stay = Stay("s1", "school 0", nine[0].date, None, "03")
    mostly = open_records(write_ingest(tmp_path / "ten", District([*nine, *late], [stay], marks)))
    assert [reaches_day(mostly, SchoolYear(2024), day) for day in (20, 30, 31)] == [True, True, False]
    eight = [day for day in nine if day.school_id != "school 8"]
    fewer = open_records(write_ingest(tmp_path / "nine", District([*eight, *late], [stay], marks)))
    assert [reaches_day(fewer, SchoolYear(2024), day) for day in (20, 21, 30)] == [True, False, False]


def test_a_school_whose_year_is_shorter_reaches_every_later_day_and_a_year_not_begun_none(tmp_path: Path) -> None:
    oak, elm = school_days("oak", 2024, 40), school_days("elm", 2024, 15)
    stay = Stay("s1", "oak", oak[0].date, None, "03")
    records = open_records(write_ingest(tmp_path, District([*oak, *elm], [stay], absences("s1", [oak[29]]))))
    assert [reaches_day(records, SchoolYear(2024), day) for day in (30, 31)] == [True, False]
    assert not reaches_day(records, SchoolYear(2025), 1)


def test_a_year_without_a_mark_is_neither_known_nor_complete(tmp_path: Path) -> None:
    days = OAK + OAK_NEXT
    district = District(days, [Stay("ann", "oak", OAK[0].date, None, "03")], absences("ann", OAK[-1:]))
    records = open_records(write_ingest(tmp_path, district))
    assert known_school_years(records) == [SchoolYear(2024)]
    assert not is_complete(records, SchoolYear(2025), Policy())
    with pytest.raises(NotEnoughData, match="No records of 2024-25"):
        student_years(records, SchoolYear(2025), Policy())


def test_a_calendar_without_a_mark_does_not_open_a_year_of_which_there_is_a_sheet(tmp_path: Path) -> None:
    """One school's calendar came with the daily records; the year's outcomes are on the sheet of another."""
    sheet = [YearRow("eli", "elm", year, "03", 170, 20) for year in (2024, 2025)]
    stay = Stay("ann", "oak", OAK_NEXT[0].date, None, "03")
    records = open_records(write_ingest(tmp_path, District(OAK_NEXT, [stay], [], sheet)))
    assert is_complete(records, SchoolYear(2025), Policy())
    rows = student_years(records, SchoolYear(2025), Policy()).collect("pyarrow").to_native().to_pylist()
    assert [(row["student_id"], row["days_absent"]) for row in rows] == [("eli", 20)]
