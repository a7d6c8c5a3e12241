"""The maps that ship: the Aspen dump as it was seen, the others as their public documentation describes them."""

import shutil
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from ews.sis import IngestReport
from ews.sis.flat_map import read_flat_map
from tests.data import shared_data
from tests.unit.sis.feeds import STUDENTS, good_lines, listed, school_days, school_of, take, write_feed

MAPS = resources.files("ews.sis") / "maps"
READY = ("aspen", "powerschool", "infinite_campus", "skyward")
DAY = school_days(2026)[3]
SHORT = f"{DAY.month}/{DAY.day}/{DAY.year}"


def _marks(report: IngestReport) -> list[tuple[object, ...]]:
    return duckdb.sql(
        "select student_id, date, is_absent, kind, is_tardy, is_early_departure, missed_ten_thousandths "
        f"from '{report.folder}/marks/*/*.parquet' order by all"
    ).fetchall()


def _feed(folder: Path, name: str, lines: list[str]) -> Path:
    feed = write_feed(folder / "feed")
    (feed / "attendance.csv").unlink()
    (feed / name).write_text("\n".join(lines) + "\n")
    return feed


@pytest.mark.parametrize("name", READY)
def test_each_map_is_read_and_says_at_its_head_what_was_seen(name: str) -> None:
    read_flat_map(Path(name), ("positive",))
    head = (MAPS / f"{name}.toml").read_text(encoding="utf-8").partition("\n\n")[0]
    assert "not seen" in head or "Not seen" in head
    assert f"--map {name}" in head
    assert ("Seen:" in head) == (name == "aspen")


def test_an_aspen_dump_is_read_with_NULL_as_text_and_escaped_quotes_I11(tmp_path: Path) -> None:
    fixture = shared_data("aspen_x2_fixture/attendance_dump.csv").read_text(encoding="utf-8")
    header, first, _ = fixture.splitlines()
    columns = [name.strip("'") for name in header.split(",")]

    def row(student: str, **changed: str) -> str:
        cells = dict(zip(columns, first[1:-1].split('","'), strict=True))
        told = {"ATT_STD_OID": student, "ATT_SKL_OID": school_of(student), "ATT_DATE": str(DAY), **changed}
        return ",".join(f'"{value}"' for value in (cells | told).values())

    absent = {"ATT_ABSENT_IND": "1", "ATT_TARDY_IND": "0"}
    rows = [
        row("001"), row("002", **absent, ATT_EXCUSED_IND="NULL"), row("003", **absent, ATT_PORTION_ABSENT="0.4000"),
        row("004", **absent, ATT_DISMISSED_IND="1", ATT_PORTION_ABSENT="NULL"), row("005", ATT_TARDY_IND="0"),
    ]  # fmt: skip
    report = take(_feed(tmp_path, "attendance_dump.csv", [header, *rows]), tmp_path / "home", column_map=Path("aspen"))
    assert _marks(report) == [
        ("001", DAY, False, None, True, False, 0),
        ("002", DAY, True, "unexcused", False, False, 10_000),
        ("003", DAY, False, None, False, False, 4_000),
        ("004", DAY, True, "excused", False, True, 10_000),
    ]
    assert report.left_out == {"attendance": 1}
    assert listed(report.rejects_path) == []


def test_the_aspen_fixture_itself_has_two_rows_that_say_the_same_I24(tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    write_feed(feed, {
        "schools": ["school_id", "SKL"], "students": ["student_id", "std"],
        "calendar": ["school_id,date,school_year", "SKL,2005-05-02,2005", "SKL,2005-05-03,2005"],
        "enrollments": ["student_id,school_id,entry_date,exit_date,grade_level", "std,SKL,2005-05-02,,04"],
    })  # fmt: skip
    shutil.copy(shared_data("aspen_x2_fixture/attendance_dump.csv"), feed)
    report = take(feed, tmp_path / "home", column_map=Path("aspen"))
    counts = report.counts["attendance"]
    assert (counts.read, counts.accepted, counts.rejected, counts.duplicates) == (2, 1, 0, 1)
    assert [row["line"] for row in listed(report.rejects_path)] == ["3"]


def test_a_PowerSchool_export_is_read_as_its_data_dictionary_says(tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    feed.mkdir()
    days = school_days(2026)
    gone = f"{days[5].month:02d}/{days[5].day:02d}/{days[5].year}"
    (begin, *_) = (f"{day.month:02d}/{day.day:02d}/{day.year}" for day in days)
    files = {
        "Schools": ["Name,School_Number", "Alder School,101"],
        "Calendar_Day": ["SchoolID,Date_Value,InSession", *(f"101,{d.month:02d}/{d.day:02d}/{d.year},1" for d in days),
                         "101,09/06/2025,0"],
        "Students": ["ID,Student_Number,LastFirst,DOB", '1,900001,"Q, Ada",05/17/2014', '2,900002,"R, Bo",05/18/2014'],
        "PS_SchoolEnrollment": ["StudentID,SchoolID,SchoolName,EntryDate,ExitDate,Grade_Level",
                                f"1,101,Alder School,{begin},,0", f"2,101,Alder School,{begin},{gone},4"],
        "PS_Attendance_Daily": ["StudentID,SchoolID,Att_Date,Att_Mode_Code,Att_Code",
                                f"1,101,{SHORT},ATT_ModeDaily,E", f"2,101,{SHORT},ATT_ModeDaily,",
                                f"2,101,{SHORT},ATT_ModeMeeting,U", f"2,101,{gone},ATT_ModeDaily,A"],
    }  # fmt: skip
    for name, lines in files.items():
        (feed / f"{name}.csv").write_text("\n".join(lines) + "\n")
    report = take(feed, tmp_path / "home", column_map=Path("powerschool"))
    assert _marks(report) == [("1", DAY, True, "excused", False, False, 10_000)]
    assert report.left_out == {"attendance": 2, "calendar": 1}
    (row,) = listed(report.rejects_path)
    assert row["rule"] == "outside_enrollment", "PowerSchool's exit date is the first day away"
    grades = duckdb.sql(f"select grade_level from '{report.folder}/enrollments.parquet' order by student_id").fetchall()
    assert grades == [("KG",), ("04",)]


def test_missed_periods_of_Infinite_Campus_make_an_absent_day_when_they_are_half_of_it_I20(tmp_path: Path) -> None:
    lines = ["studentNumber,schoolNumber,date,periodName,status,excuse"]
    lines += [f"001,ALDER,{SHORT},{period},A,{'E' if period < 3 else ''}" for period in range(1, 5)]
    lines += [f"002,ALDER,{SHORT},{period},A,U" for period in range(1, 4)]
    lines += [f"003,ALDER,{SHORT},1,T,U", f"003,ALDER,{SHORT},2,A,X", f"004,ALDER,{SHORT},7,E,"]
    feed = _feed(tmp_path, "attendance.csv", lines)
    report = take(feed, tmp_path / "home", source="positive", column_map=Path("infinite_campus"))
    assert _marks(report) == [
        ("001", DAY, True, "unexcused", False, False, 5_714),
        ("002", DAY, False, None, False, False, 4_285),
        ("003", DAY, False, None, True, False, 0),
        ("004", DAY, False, None, False, True, 0),
    ]
    assert report.left_out == {"attendance_rows": 1}, "an exempt absence is none"
    assert report.remarks == ()
    assert report.counts["calendar"].accepted == len(good_lines()["calendar"]) - 1, "silence is attendance here"


def test_a_Skyward_day_is_read_by_its_shares(tmp_path: Path) -> None:
    lines = ["StudentID,EntityID,CalendarDayDate,DaysExcused,DaysUnexcused,DaysOther,TardyCount",
             f"001,ALDER,{SHORT},1.00,0.00,0.00,0", f"002,ALDER,{SHORT},0.25,0.25,0.00,0",
             f"003,ALDER,{SHORT},0.00,0.00,0.00,2"]  # fmt: skip
    report = take(_feed(tmp_path, "StudentAttendance.csv", lines), tmp_path / "home", column_map=Path("skyward"))
    assert _marks(report) == [
        ("001", DAY, True, "excused", False, False, 10_000),
        ("002", DAY, True, "unexcused", False, False, 5_000),
        ("003", DAY, False, None, True, False, 0),
    ]
    assert len(STUDENTS) == report.counts["students"].accepted
