"""Ed-Fi files that are damaged, hostile or odd: a clean refusal, or what they truly say."""

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ews.errors import EwsError, InputRefused, InvalidPolicy
from ews.sis import IngestReport
from tests.unit.sis.feeds import listed, take

SECRET = "Zebulon"
NAMESPACE = 'xmlns="http://ed-fi.org/5.2.0"'
DAYS = [f"2025-09-{day:02d}" for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)]
ABSENT = "uri://ed-fi.org/AttendanceEventCategoryDescriptor#Unexcused Absence"
INSTRUCTION = "uri://ed-fi.org/CalendarEventDescriptor#Instructional day"


def api_records() -> dict[str, list[dict[str, object]]]:
    """Two schools and two students as the API sends them."""
    return {
        "schools": [{"schoolId": 1, "nameOfInstitution": "Oak"}, {"schoolId": 2, "nameOfInstitution": "Elm"}],
        "students": [{"studentUniqueId": "007", "firstName": SECRET, "lastSurname": "Q"}, {"studentUniqueId": "7"}],
        "calendarDates": [_day(school, day) for school in (1, 2) for day in DAYS],
        "studentSchoolAssociations": [_stay("007", 1), _stay("7", 2)],
        "studentSchoolAttendanceEvents": [event("007", 1, DAYS[3]), event("7", 2, DAYS[4])],
    }


def json_feed(folder: Path, **changed: list[dict[str, object]] | str) -> Path:
    """The records as files, some resources changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in {**api_records(), **changed}.items():
        text = rows if isinstance(rows, str) else "\n".join(map(json.dumps, rows))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def _day(school: int, day: str, *events: str, code: str = "A") -> dict[str, object]:
    told = [{"calendarEventDescriptor": event} for event in events or (INSTRUCTION,)]
    where = {"calendarCode": code, "schoolId": school, "schoolYear": 2026}
    return {"calendarReference": where, "date": day, "calendarEvents": told}


def _stay(student: str, school: int, **more: object) -> dict[str, object]:
    return {
        "studentReference": {"studentUniqueId": student}, "schoolReference": {"schoolId": school},
        "entryDate": DAYS[0], "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Kindergarten", **more,
    }  # fmt: skip


def event(student: str, school: int, day: str) -> dict[str, object]:
    return {
        "studentReference": {"studentUniqueId": student}, "schoolReference": {"schoolId": school},
        "eventDate": day, "attendanceEventCategoryDescriptor": ABSENT,
    }  # fmt: skip


def _take(feed: Path, tmp_path: Path) -> IngestReport:
    return take(feed, tmp_path / "home", source="edfi")


def _rows(report: IngestReport, table: str) -> list[tuple[object, ...]]:
    return duckdb.sql(f"from '{report.folder}/{table}.parquet' order by all").fetchall()


def test_the_feed_below_is_good_and_ids_stay_text_I10(tmp_path: Path) -> None:
    report = _take(json_feed(tmp_path / "feed"), tmp_path)
    assert [row[0] for row in _rows(report, "students")] == ["007", "7"]
    assert report.counts["attendance"].accepted == 2
    assert listed(report.rejects_path) == []


ENTITIES = "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMB = (
    f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]>'
    f"<InterchangeStudent {NAMESPACE}><Student><StudentUniqueId>&i;</StudentUniqueId></Student></InterchangeStudent>"
)
OUTSIDE = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    f"<InterchangeStudent {NAMESPACE}><Student><StudentUniqueId>&a;</StudentUniqueId></Student></InterchangeStudent>"
)
CUT = f"<InterchangeStudent {NAMESPACE}><Student><StudentUniqueId>{SECRET}</StudentUniqueId></Student><Student><Stud"


def _zip(path: Path, **files: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)


def _zip_that_claims_terabytes(path: Path) -> None:
    _zip(path, students="x" * 1000)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(bytes(data))


def _locked_zip(path: Path) -> None:
    _zip(path, **{"students.json": "{}"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))


def _damaged_zip(path: Path) -> None:
    _zip(path, **{"students.json": json.dumps({"studentUniqueId": SECRET}) * 50})
    data = bytearray(path.read_bytes())
    data[45] ^= 0xFF
    path.write_bytes(bytes(data))


def _endless_record(feed: Path) -> None:
    with (feed / "a.xml").open("w") as file:
        file.write(f"<InterchangeStudent {NAMESPACE}><Student><StudentUniqueId>")
        for _ in range(70):
            file.write("9" * (1 << 20))


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "I34_entities_that_multiply": (lambda feed: (feed / "a.xml").write_text(BOMB), "declares a document type"),
    "I34_an_entity_that_reads_a_file": (lambda feed: (feed / "a.xml").write_text(OUTSIDE), "declares a document type"),
    "I02_XML_cut_off": (lambda feed: (feed / "a.xml").write_text(CUT), "a.xml is no whole XML"),
    "I08_an_encoding_that_is_none": (
        lambda feed: (feed / "a.xml").write_text('<?xml version="1.0" encoding="ebcdic-x"?><a/>'),
        "a.xml is no whole XML",
    ),
    "I34_a_record_that_does_not_end": (_endless_record, "a.xml has a record longer than any can be"),
    "I02_JSON_cut_off": (
        lambda feed: json_feed(feed, students=f'{{"studentUniqueId": "1"}}\n{{"studentUniqueId": "{SECRET}'),
        "Record 2 of students.jsonl is no whole JSON object",
    ),
    "I02_a_JSON_array_cut_off": (
        lambda feed: json_feed(feed, students=f'[{{"studentUniqueId": "{SECRET}"}}'),
        "students.jsonl is no whole JSON array",
    ),
    "JSON_that_is_no_object": (lambda feed: json_feed(feed, students=f'"{SECRET}"'), "is no whole JSON object"),
    "I34_JSON_of_bottomless_depth": (
        lambda feed: json_feed(feed, students="[" * 200_000),
        "students.jsonl is no whole JSON array",
    ),
    "I34_JSON_lines_of_bottomless_depth": (
        lambda feed: json_feed(feed, students='{"a":' * 200_000),
        "is no whole JSON object",
    ),
    "I08_bytes_that_are_not_UTF_8": (
        lambda feed: (feed / "students.jsonl").write_bytes(b'{"studentUniqueId": "\xff"}'),
        "students.jsonl is not written in UTF-8",
    ),
    "I34_an_archive_that_claims_terabytes": (
        lambda feed: _zip_that_claims_terabytes(feed / "more.zip"),
        "more.zip unpacks to far more",
    ),
    "a_locked_archive": (lambda feed: _locked_zip(feed / "more.zip"), "more.zip is locked"),
    "a_damaged_archive": (lambda feed: _damaged_zip(feed / "more.zip"), "more.zip is a damaged ZIP"),
    "I35_a_link": (lambda feed: (feed / "x.json").symlink_to("/etc/hostname"), "x.json is not a plain file"),
    "I35_a_pipe": (lambda feed: os.mkfifo(feed / "x.json"), "x.json is not a plain file"),
    "I01_nothing_of_a_resource": (
        lambda feed: (feed / "calendarDates.jsonl").unlink(),
        "The Ed-Fi feed has no calendarDates",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words_and_nothing_is_half_taken(case: str, tmp_path: Path) -> None:
    spoil, words = REFUSED[case]
    feed = json_feed(tmp_path / "feed")
    spoil(feed)
    with pytest.raises(InputRefused, match=words) as refusal:
        _take(feed, tmp_path)
    assert SECRET not in str(refusal.value)
    assert not list((tmp_path / "home").rglob("*.parquet"))


def test_names_within_an_archive_are_never_paths_I33(tmp_path: Path) -> None:
    feed = json_feed(tmp_path / "feed", students="")
    (feed / "students.jsonl").unlink()
    rows = "\n".join(json.dumps({"studentUniqueId": student}) for student in ("007", "7", "bad/id"))
    with zipfile.ZipFile(feed / "roster.zip", "w") as archive:
        archive.writestr("../../../../escaped/students.json", rows)
    before = set(tmp_path.rglob("*"))
    report = _take(feed, tmp_path)
    (row,) = listed(report.rejects_path)
    assert (row["file"], row["line"], row["rule"]) == ("students.json", "3", "malformed_id")
    outside = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(tmp_path / "home") for path in outside)
    assert not any(path.name == "escaped" for path in tmp_path.parent.rglob("escaped"))


def test_bulk_files_may_name_a_record_by_its_id_in_the_file(tmp_path: Path) -> None:
    feed = json_feed(tmp_path / "feed", studentSchoolAttendanceEvents="")
    (feed / "attendance.xml").write_text(
        f"""<InterchangeStudentAttendance {NAMESPACE}>
        <Student id="S1"><StudentUniqueId>8</StudentUniqueId><Name><FirstName>Ada</FirstName></Name></Student>
        <School id="SCH"><SchoolId>3</SchoolId><NameOfInstitution>Fir</NameOfInstitution></School>
        <StudentSchoolAttendanceEvent><AttendanceEvent><EventDate>{DAYS[2]}</EventDate>
        <AttendanceEventCategory>{ABSENT}</AttendanceEventCategory></AttendanceEvent>
        <StudentReference ref="S1"/><SchoolReference ref="SCH"/></StudentSchoolAttendanceEvent>
        <StudentSchoolAttendanceEvent><AttendanceEvent><EventDate>{DAYS[2]}</EventDate>
        <AttendanceEventCategory>{ABSENT}</AttendanceEventCategory></AttendanceEvent>
        <StudentReference ref="NOBODY"/><SchoolReference ref="SCH"/></StudentSchoolAttendanceEvent>
        </InterchangeStudentAttendance>"""
    )
    more = [_stay("007", 1), _stay("7", 2), _stay("8", 3)]
    json_feed(feed, studentSchoolAssociations=more, studentSchoolAttendanceEvents="",
               calendarDates=[_day(school, day) for school in (1, 2, 3) for day in DAYS])  # fmt: skip
    report = _take(feed, tmp_path)
    assert report.counts["attendance"].accepted == 1
    (row,) = listed(report.rejects_path)
    assert (row["file"], row["line"], row["column"], row["rule"]) == ("attendance.xml", "4", "student_id", "empty_cell")


def test_a_day_that_was_called_off_later_is_no_instructional_day_I30(tmp_path: Path) -> None:
    snow = "uri://ed-fi.org/CalendarEventDescriptor#Weather day"
    late = "uri://ed-fi.org/CalendarEventDescriptor#Student late arrival/early dismissal"
    days = [_day(school, day) for school in (1, 2) for day in DAYS[:8]]
    days += [_day(1, DAYS[8], INSTRUCTION, snow), _day(1, DAYS[9], late), _day(2, DAYS[8], snow)]
    report = _take(json_feed(tmp_path / "feed", calendarDates=days), tmp_path)
    last = duckdb.sql(
        f"select school_id, max(date)::varchar from '{report.folder}/calendar.parquet' group by 1 order by 1"
    ).fetchall()
    assert last == [("1", DAYS[9]), ("2", DAYS[7])]
    assert report.counts["calendar"].accepted == 17
    assert report.left_out["calendar"] == 2


def test_of_several_calendars_the_one_most_students_follow_is_the_school_s(tmp_path: Path) -> None:
    days = [_day(school, day) for school in (1, 2) for day in DAYS] + [_day(1, day, code="B") for day in DAYS[:4]]
    stays = [_stay("007", 1, calendarReference={"calendarCode": "B"}), _stay("7", 2)]
    report = _take(json_feed(tmp_path / "feed", calendarDates=days, studentSchoolAssociations=stays), tmp_path)
    counted = duckdb.sql(f"select count(*) from '{report.folder}/calendar.parquet' where school_id = '1'").fetchall()
    assert counted == [(4,)]


def test_the_same_student_from_the_ODS_of_two_years_is_one_student(tmp_path: Path) -> None:
    feed = json_feed(tmp_path / "feed")
    for year, name in ((2025, "Ad"), (2026, "Ada")):
        there = feed / f"year={year}"
        there.mkdir()
        (feed / "students.jsonl").unlink(missing_ok=True)
        rows = [
            {"id": f"a{year}", "studentUniqueId": "007", "firstName": name},
            {"id": f"b{year}", "studentUniqueId": "7"},
        ]
        (there / "students.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = _take(feed, tmp_path)
    assert [(row[0], row[1]) for row in _rows(report, "students")] == [("007", "Ada"), ("7", None)]


@pytest.mark.parametrize(("deleted", "students"), [("2026-01-01", 3), ("2026-02-01", 2), ("2026-03-01", 2)])
def test_a_record_sent_again_after_its_delete_is_in_force_I32(deleted: str, students: int, tmp_path: Path) -> None:
    feed = json_feed(tmp_path / "feed")
    sent = {
        "students/upserts/rundate=2026-02-01/part-0.json": {"id": "again", "studentUniqueId": "8"},
        f"students/deletes/rundate={deleted}/part-0.json": {"Id": "again", "ChangeVersion": "1"},
    }
    for name, record in sent.items():
        (feed / name).parent.mkdir(parents=True)
        (feed / name).write_text(json.dumps(record))
    assert _take(feed, tmp_path).counts["students"].accepted == students


def test_a_row_is_told_with_its_own_file_and_its_place_in_it(tmp_path: Path) -> None:
    feed = json_feed(tmp_path / "feed")
    more = [event("007", 1, DAYS[5]), event("nobody", 1, DAYS[6]), event("7", 2, DAYS[7])]
    # An array with the mark that some systems put before it.
    (feed / "weeks later").mkdir()
    (feed / "weeks later" / "studentSchoolAttendanceEvents.json").write_text(
        "\ufeff\r\n" + json.dumps(more), encoding="utf-8"
    )
    report = _take(feed, tmp_path)
    (row,) = listed(report.rejects_path)
    assert (row["file"], row["line"], row["rule"]) == ("studentSchoolAttendanceEvents.json", "2", "unknown_student")
    assert report.counts["attendance"].accepted == 4


def test_audit_attributes_come_when_the_district_sends_them(tmp_path: Path) -> None:
    of = "uri://ed-fi.org/"
    told = [
        {
            "studentReference": {"studentUniqueId": "007"}, "sexDescriptor": f"{of}SexDescriptor#Female",
            "hispanicLatinoEthnicity": False, "races": [{"raceDescriptor": f"{of}RaceDescriptor#Asian"}],
            "limitedEnglishProficiencyDescriptor": f"{of}LimitedEnglishProficiencyDescriptor#Limited",
            "studentCharacteristics": [
                {"studentCharacteristicDescriptor": f"{of}StudentCharacteristicDescriptor#Economic Disadvantaged"}
            ],
        },
        {"studentReference": {"studentUniqueId": "7"}, "hispanicLatinoEthnicity": True},
    ]  # fmt: skip
    report = _take(json_feed(tmp_path / "feed", studentEducationOrganizationAssociations=told), tmp_path)
    assert _rows(report, "demographics") == [
        ("007", 2026, "Asian", "Female", "yes", None, "yes", None),
        ("7", 2026, "Hispanic or Latino", None, None, None, "no", None),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Nonsense]\na = 'b'", "Unknown kind of descriptor"),
        ("[AttendanceEventCategoryDescriptor]\n'Tardy' = 'late'", "must be one of excused"),
        ("[", "not valid TOML"),
    ],
)
def test_a_table_of_descriptors_is_checked_before_anything_is_read(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InvalidPolicy, match=words):
        take(json_feed(tmp_path / "feed"), tmp_path / "home", source="edfi", column_map=tmp_path / "own.toml")


def test_a_feed_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EwsError, match="There is no file or folder"):
        _take(tmp_path / "nowhere", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EwsError, match="No Ed-Fi XML or JSON"):
        _take(tmp_path / "empty", tmp_path)
