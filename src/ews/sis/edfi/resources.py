"""Which Ed-Fi records are read, and where each value stands in them: one entry serves JSON and XML."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One value of a record.

    Attributes:
        name: its column in the working tables.
        json: its JSON path in the API.
        xml: its path below the element in bulk XML.
        many: whether it repeats; then the column is a list.
        refers_to: the element whose `id` a bulk file may name instead of repeating its identity.
    """

    name: str
    json: str
    xml: str
    many: bool = False
    refers_to: str | None = None


@dataclass(frozen=True)
class Resource:
    """One kind of record.

    Attributes:
        name: as the API calls the collection.
        element: as bulk XML calls one record.
        fields: its values; the first one identifies a record that others refer to.
        required: whether a feed without any file of it is refused.
    """

    name: str
    element: str
    fields: tuple[Field, ...]
    required: bool = True

    @property
    def table(self) -> str:
        """The working table of its records."""
        return f"edfi_{self.element.lower()}"


_STUDENT = Field(
    "student_id", "$.studentReference.studentUniqueId",
    "StudentReference/StudentIdentity/StudentUniqueId", refers_to="Student",
)  # fmt: skip
_SCHOOL = Field(
    "school_id", "$.schoolReference.schoolId", "SchoolReference/SchoolIdentity/SchoolId", refers_to="School"
)
_IN_CALENDAR = "CalendarReference/CalendarIdentity"

AGENCIES = Resource(
    "localEducationAgencies", "LocalEducationAgency",
    (Field("district_id", "$.localEducationAgencyId", "LocalEducationAgencyId"),),
    required=False,
)  # fmt: skip
SCHOOLS = Resource(
    "schools", "School",
    (
        Field("school_id", "$.schoolId", "SchoolId"),
        Field("name", "$.nameOfInstitution", "NameOfInstitution"),
        Field(
            "district_id", "$.localEducationAgencyReference.localEducationAgencyId",
            "LocalEducationAgencyReference/LocalEducationAgencyIdentity/LocalEducationAgencyId",
            refers_to="LocalEducationAgency",
        ),
        Field("categories", "$.schoolCategories[*].schoolCategoryDescriptor", "SchoolCategory", many=True),
    ),
)  # fmt: skip
CALENDAR_DATES = Resource(
    "calendarDates", "CalendarDate",
    (
        Field("calendar_code", "$.calendarReference.calendarCode", f"{_IN_CALENDAR}/CalendarCode"),
        Field(
            "school_id", "$.calendarReference.schoolId", f"{_IN_CALENDAR}/SchoolReference/SchoolIdentity/SchoolId"
        ),
        Field("school_year", "$.calendarReference.schoolYear", f"{_IN_CALENDAR}/SchoolYear"),
        Field("date", "$.date", "Date"),
        Field("events", "$.calendarEvents[*].calendarEventDescriptor", "CalendarEvent", many=True),
    ),
)  # fmt: skip
STUDENTS = Resource(
    "students", "Student",
    (
        Field("student_id", "$.studentUniqueId", "StudentUniqueId"),
        Field("first_name", "$.firstName", "Name/FirstName"),
        Field("last_name", "$.lastSurname", "Name/LastSurname"),
        Field("birth_date", "$.birthDate", "BirthData/BirthDate"),
    ),
)  # fmt: skip
ENROLLMENTS = Resource(
    "studentSchoolAssociations", "StudentSchoolAssociation",
    (
        _STUDENT,
        _SCHOOL,
        Field("entry_date", "$.entryDate", "EntryDate"),
        Field("exit_date", "$.exitWithdrawDate", "ExitWithdrawDate"),
        Field("grade", "$.entryGradeLevelDescriptor", "EntryGradeLevel"),
        Field("calendar_code", "$.calendarReference.calendarCode", f"{_IN_CALENDAR}/CalendarCode"),
    ),
)  # fmt: skip
ATTENDANCE = Resource(
    "studentSchoolAttendanceEvents", "StudentSchoolAttendanceEvent",
    (
        _STUDENT,
        _SCHOOL,
        Field("date", "$.eventDate", "AttendanceEvent/EventDate"),
        Field("category", "$.attendanceEventCategoryDescriptor", "AttendanceEvent/AttendanceEventCategory"),
        Field("duration", "$.eventDuration", "AttendanceEvent/EventDuration"),
    ),
)  # fmt: skip
DEMOGRAPHICS = Resource(
    "studentEducationOrganizationAssociations", "StudentEducationOrganizationAssociation",
    (
        _STUDENT,
        Field("sex", "$.sexDescriptor", "Sex"),
        Field("hispanic", "$.hispanicLatinoEthnicity", "HispanicLatinoEthnicity"),
        Field("races", "$.races[*].raceDescriptor", "Race", many=True),
        Field("proficiency", "$.limitedEnglishProficiencyDescriptor", "LimitedEnglishProficiency"),
        Field(
            "characteristics", "$.studentCharacteristics[*].studentCharacteristicDescriptor",
            "StudentCharacteristic/StudentCharacteristic", many=True,
        ),
        Field("disabilities", "$.disabilities[*].disabilityDescriptor", "Disability/Disability", many=True),
    ),
    required=False,
)  # fmt: skip

RESOURCES = (AGENCIES, SCHOOLS, CALENDAR_DATES, STUDENTS, ENROLLMENTS, ATTENDANCE, DEMOGRAPHICS)
"""Every kind of record that is read, what others refer to first."""

BY_ELEMENT = {resource.element: resource for resource in RESOURCES}
BY_NAME = {resource.name.lower(): resource for resource in RESOURCES}
