"""Ed-Fi records of the API: a landing of upserts and deletes, the fictitious Northridge district.

The landing has no calendar and no attendance, so both are written here in the API's own form.
"""

import csv
import json
import shutil
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from ews.errors import InputRefused
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import IngestReport
from ews.student_years import open_records, student_years
from tests.data import shared_data
from tests.unit.sis.feeds import listed, take

SCHOOLS = ("255901001", "255901002", "255901003", "255901004", "255901005")
DAYS = [
    day for number in range(278)
    if (day := date(2016, 8, 22) + timedelta(days=number)).isoweekday() < 6
    and not date(2016, 12, 19) <= day <= date(2016, 12, 30)
]  # fmt: skip
EVENT = "uri://ed-fi.org/AttendanceEventCategoryDescriptor#"


def _enrollments() -> list[dict[str, str]]:
    path = shared_data("oea_northridge_contoso/edfi_northridge_student_school_associations.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _calendar_date(school: str, day: date) -> dict[str, object]:
    return {
        "id": f"{school} {day}",
        "calendarReference": {"calendarCode": "all", "schoolId": int(school), "schoolYear": 2017},
        "date": str(day),
        "calendarEvents": [{"calendarEventDescriptor": "uri://ed-fi.org/CalendarEventDescriptor#Instructional day"}],
    }


def _event(student: str, school: str, day: date, category: str, **more: object) -> dict[str, object]:
    return {
        "id": f"{student} {day}", "studentReference": {"studentUniqueId": student},
        "schoolReference": {"schoolId": int(school)}, "eventDate": str(day),
        "attendanceEventCategoryDescriptor": category if "#" in category else EVENT + category, **more,
    }  # fmt: skip


def northridge(folder: Path) -> Path:
    """The landing as it is, a calendar as one JSON array, and a first delivery of events, one JSON object a line."""
    folder.mkdir(parents=True)
    shutil.copy(shared_data("oea_northridge_contoso/edfi_northridge_json.zip"), folder)
    days = [_calendar_date(school, day) for school in SCHOOLS for day in DAYS]
    (folder / "calendarDates.json").write_text(json.dumps(days, indent=1), encoding="utf-8")
    _send(folder, "2016-09-30", [
        _event("004958", "255901004", DAYS[3], "Excused Absence", eventDuration=1.0),
        _event("004958", "255901004", DAYS[4], "Unexcused Absence", eventDuration=0.5),
        _event("004958", "255901004", DAYS[5], "Tardy"),
        _event("004958", "255901004", DAYS[6], "In Attendance"),
        _event("004959", "255901004", DAYS[3], "Partial", eventDuration=0.33),
        _event("004959", "255901004", DAYS[4], "Excused Absence"),
        _event("004959", "255901004", DAYS[7], "Partial"),
    ])  # fmt: skip
    return folder


def _send(folder: Path, run: str, events: list[dict[str, object]], kind: str = "upserts") -> None:
    there = folder / "studentSchoolAttendanceEvents" / kind / f"rundate={run}"
    there.mkdir(parents=True)
    (there / "part-0.json").write_text("\ufeff" + "\n".join(map(json.dumps, events)), encoding="utf-8")


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return northridge(tmp_path_factory.mktemp("northridge") / "feed")


@pytest.fixture(scope="module")
def taken(feed: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestReport:
    return take(feed, tmp_path_factory.mktemp("northridge_home"), source="edfi")


def _student_years(report: IngestReport) -> dict[str, dict[str, object]]:
    frame = student_years(open_records(report.folder), SchoolYear(2017), Policy(), through_day=len(DAYS))
    return {row["student_id"]: row for row in frame.collect("pyarrow").to_native().to_pylist()}


def test_6501_students_and_6503_enrolments_are_in_force_after_upserts_and_deletes(taken: IngestReport) -> None:
    students, stays = taken.counts["students"], taken.counts["enrollments"]
    assert (students.read, students.accepted) == (6_501, 6_501)
    assert (stays.read, stays.accepted, stays.rejected, stays.duplicates) == (6_503, 6_503, 0, 0)
    assert [row["rule"] for row in listed(taken.rejects_path)] == ["overlapping_stay"] * 2


def test_records_sent_again_replace_earlier_ones_and_a_delete_that_cannot_be_is_told(taken: IngestReport) -> None:
    assert taken.counts["schools"].accepted == 6
    assert taken.left_out["schools"] == 2
    assert taken.remarks == (
        "Of schools, 2 were replaced by later records and 0 deleted. "
        "1 listed as deleted are kept, since enrolments in force still name them.",
    )


def test_late_entries_and_early_exits_are_in_the_enrolled_days(taken: IngestReport) -> None:
    stays: dict[str, set[date]] = {}
    for row in _enrollments():
        until = date.fromisoformat(row["exitWithdrawDate"]) if row["exitWithdrawDate"] else DAYS[-1]
        there = {day for day in DAYS if date.fromisoformat(row["entryDate"]) <= day <= until}
        stays.setdefault(row["studentUniqueId"], set()).update(there)
    years = _student_years(taken)
    assert {student: row["days_enrolled"] for student, row in years.items()} == {
        student: len(days) for student, days in stays.items() if days
    }
    assert sum(row["entryDate"] > "2016-08-31" for row in _enrollments()) == 595
    shorter = [row for row in years.values() if row["days_enrolled"] < len(DAYS)]
    assert len(shorter) > 900


def test_events_are_absent_days_by_their_share_and_presence_is_no_mark_I20(taken: IngestReport) -> None:
    assert taken.counts["attendance"].read == 6
    assert taken.left_out["attendance"] == 1
    years = _student_years(taken)
    assert (years["004958"]["days_absent"], years["004958"]["days_tardy"]) == (2, 1)
    assert years["004959"]["days_absent"] == 1, "a third of a day is no absent day, an unknown part neither"


def test_a_landing_without_calendar_and_attendance_is_refused_by_name(tmp_path: Path) -> None:
    landing = shared_data("oea_northridge_contoso/edfi_northridge_json.zip")
    with pytest.raises(InputRefused, match=r"no calendarDates .* studentSchoolAttendanceEvents"):
        take(landing, tmp_path / "home", source="edfi")
    assert not list((tmp_path / "home" / "tables").iterdir())


def test_a_later_delivery_changes_adds_and_withdraws_I32(feed: Path, tmp_path: Path, taken: IngestReport) -> None:
    later = shutil.copytree(feed, tmp_path / "feed")
    _send(later, "2016-10-31", [
        _event("004958", "255901004", DAYS[3], "Tardy"),
        _event("004960", "255901004", DAYS[9], "Excused Absence"),
    ])  # fmt: skip
    _send(later, "2016-11-30", [{"id": f"004958 {DAYS[4]}", "changeVersion": 9}], "deletes")
    report = take(later, tmp_path / "home", source="edfi")
    years = _student_years(report)
    assert (years["004958"]["days_absent"], years["004958"]["days_tardy"]) == (0, 2)
    assert years["004960"]["days_absent"] == 1
    assert report.id != taken.id
    assert "Of studentSchoolAttendanceEvents, 1 were replaced by later records and 1 deleted." in report.remarks


def test_a_student_deleted_with_the_enrolment_is_gone_I32(feed: Path, tmp_path: Path) -> None:
    later = shutil.copytree(feed, tmp_path / "feed")
    ids = _ids(later, "004960")
    for resource, record_id in ids.items():
        path = later / resource / "deletes" / "rundate=2023-01-01" / "part-0.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"Id": record_id, "ChangeVersion": "7"}), encoding="utf-8")
    report = take(later, tmp_path / "home", source="edfi")
    assert (report.counts["students"].accepted, report.counts["enrollments"].accepted) == (6_500, 6_502)
    assert "004960" not in _student_years(report)


def _ids(folder: Path, student: str) -> dict[str, str]:
    found = {}
    with zipfile.ZipFile(folder / "edfi_northridge_json.zip") as archive:
        for name in archive.namelist():
            resource = name.split("/")[1]
            for line in archive.read(name).decode("utf-8").replace("\ufeff", "").splitlines():
                if f'"{student}"' in line:
                    found[resource] = json.loads(line)["id"]
    return found


def test_a_descriptor_that_no_table_knows_is_told_by_name_and_its_rows_are_listed(feed: Path, tmp_path: Path) -> None:
    other = shutil.copytree(feed, tmp_path / "feed")
    odd = "uri://state.example/AttendanceEventCategoryDescriptor#Field trip"
    _send(other, "2016-10-31", [_event("004960", "255901004", DAYS[9], odd)])
    report = take(other, tmp_path / "home", source="edfi")
    (row,) = (row for row in listed(report.rejects_path) if row["file"] == "part-0.json")
    assert (row["rule"], row["column"], row["line"]) == ("unknown_value", "category", "1")
    assert "Field trip" in row["row"]
    assert any(odd in remark and "came 1 times" in remark for remark in report.remarks), report.remarks
    own = tmp_path / "own.toml"
    own.write_text(f'[AttendanceEventCategoryDescriptor]\n"{odd}" = "present"\n"excused absence" = "suspension"\n')
    told = take(other, tmp_path / "other_home", source="edfi", column_map=own)
    assert told.counts["attendance"].rejected == 0
    assert not any(odd in remark for remark in told.remarks)
    assert _student_years(told)["004958"]["days_suspended"] == 1, "a district's own meaning goes before ours"
