"""The Ed-Fi Alliance's Grand Bend sample, and what it leaves out: enrolments, and for one year a calendar.

The sample's StudentEnrollment.xml and its calendar of 2010-11 as XML are not among the shared files, so they are
written here from those that are, in the same bulk format.
"""

import csv
import zipfile
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from tests.data import shared_data

VERSIONS = {2011: ("v3.x_2010-11", "2010_11", "3.3.0-a"), 2022: ("v5.2_2021-22", "2021_22", "5.2.0")}
GRADES = {"255901001": "Ninth grade", "255901044": "Sixth grade", "255901107": "First grade"}
GONE = "uri://ed-fi.org/"


def events(year: int) -> list[dict[str, str]]:
    """The sample's attendance events as they were flattened once, by other code."""
    return _rows(f"student_school_attendance_events_{VERSIONS[year][1]}.csv")


def grand_bend(folder: Path, year: int) -> Path:
    """A whole feed of one year: the sample's own XML, with enrolments and calendar beside it."""
    folder.mkdir()
    version = VERSIONS[year][0]
    with (
        zipfile.ZipFile(shared_data("edfi_grand_bend/edfi_sample_xml.zip")) as sample,
        zipfile.ZipFile(folder / "sample.zip", "w", zipfile.ZIP_DEFLATED) as ours,
    ):
        for name in ("EducationOrganization", "Student", "AttendanceEventCategoryDescriptor"):
            ours.writestr(f"{name}.xml", sample.read(f"v5.2_2021-22/{name}.xml"))
        ours.writestr("StudentSchoolAttendance.xml", sample.read(f"{version}/StudentSchoolAttendance.xml"))
        ours.writestr("Tardy.xml", sample.read("v5.2_2021-22/StudentSectionAttendance-Tardy.xml"))
    (folder / "StudentEnrollment.xml").write_text(_enrollments(year), encoding="utf-8")
    (folder / "EducationOrgCalendar.xml").write_text(_calendar(year), encoding="utf-8")
    return folder


def calendar_dates(year: int) -> list[tuple[str, str, str]]:
    """School, date and event: for 2010-11 as given, for 2021-22 the weekdays of the sample's sessions."""
    if year == 2011:
        return [(row["SchoolId"], row["Date"], row["CalendarEvent"]) for row in _rows("calendar_dates_2010_11.csv")]
    return [
        (session["SchoolId"], str(day), "Instructional day")
        for session in _rows("sessions_2021_22.csv")
        for day in _weekdays(session["BeginDate"], session["EndDate"])
    ]


def _weekdays(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    days = (begin + timedelta(days=number) for number in range((end - begin).days + 1))
    return [day for day in days if day.isoweekday() < 6]


def _enrollments(year: int) -> str:
    schools = {event["StudentUniqueId"]: event["SchoolId"] for event in events(year)}
    return _interchange(year, "StudentEnrollment", [
        f"""<StudentSchoolAssociation><StudentReference><StudentIdentity><StudentUniqueId>{student}</StudentUniqueId>
        </StudentIdentity></StudentReference><SchoolReference><SchoolIdentity><SchoolId>{school}</SchoolId>
        </SchoolIdentity></SchoolReference><EntryDate>{year - 1}-08-20</EntryDate>
        <EntryGradeLevel>{GONE}GradeLevelDescriptor#{GRADES[school]}</EntryGradeLevel></StudentSchoolAssociation>"""
        for student, school in sorted(schools.items())
    ])  # fmt: skip


def _calendar(year: int) -> str:
    return _interchange(year, "EducationOrgCalendar", [
        f"""<CalendarDate><Date>{day}</Date><CalendarEvent>{GONE}CalendarEventDescriptor#{escape(event)}</CalendarEvent>
        <CalendarReference><CalendarIdentity><CalendarCode>2010605675</CalendarCode><SchoolReference><SchoolIdentity>
        <SchoolId>{school}</SchoolId></SchoolIdentity></SchoolReference><SchoolYear>{year - 1}-{year}</SchoolYear>
        </CalendarIdentity></CalendarReference></CalendarDate>"""
        for school, day, event in calendar_dates(year)
    ])  # fmt: skip


def _interchange(year: int, name: str, records: list[str]) -> str:
    inner = "\n".join(records)
    return f'<Interchange{name} xmlns="http://ed-fi.org/{VERSIONS[year][2]}">{inner}</Interchange{name}>'


def _rows(name: str) -> list[dict[str, str]]:
    with shared_data(f"edfi_grand_bend/{name}").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
