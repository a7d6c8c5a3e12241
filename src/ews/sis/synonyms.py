"""What exports call things: names of columns by what they hold, and codes by the kind of mark they usually mean.

Names are without capitals, spaces and signs; the first of a list is the most certain. Codes differ by district, so what
is found here is a proposal for a person to confirm.
"""

COLUMNS: dict[str, tuple[str, ...]] = {
    "student_id": (
        "studentid", "studentnumber", "studentno", "stuid", "stuno", "studentnum", "pupilid", "pupilno", "pupilnumber",
        "pupil", "studentuniqueid", "sisid", "permid", "permnum", "localid", "localstudentid", "lasid", "personid",
        "stdid", "student", "studentlocalid", "stateid", "sasid", "ssid", "usersourcedid",
    ),
    "school_id": (
        "schoolid", "schoolno", "schoolnumber", "schoolcode", "schoolnum", "schid", "schno", "sklid", "campusid",
        "campusno", "campusnumber", "campus", "buildingid", "buildingcode", "building", "bldg", "bldgno", "bldgid",
        "buildingno", "buildingnumber", "siteid", "sitecode",
        "locationcode", "entityid", "schoollocalid", "school", "schoolsisid", "orgsourcedid",
    ),
    "school_name": ("schoolname", "campusname", "buildingname", "bldgname", "sitename", "name", "school"),
    "date": (
        "date", "attendancedate", "attdate", "absencedate", "absentdate", "eventdate", "calendardate", "caldate",
        "schooldate", "schoolday", "day", "dayofabsence", "datevalue",
    ),
    "school_year": ("schoolyear", "academicyear", "endyear", "schyear", "schoolyr", "year", "syear"),
    "in_session": ("insession", "isschoolday", "instructionalday", "instructional", "isinstructional",
                   "schoolinsession", "attendanceday", "open"),
    "student_name": ("studentname", "pupilname", "fullname", "lastfirst", "name", "displayname", "pupil", "student"),
    "birth_date": ("birthdate", "dob", "dateofbirth", "birthday", "bdate"),
    "household_id": ("householdid", "familyid", "household", "family", "familycode", "homeid"),
    "entry_date": (
        "entrydate", "enrollmentdate", "enrolldate", "enrollmententrydate", "startdate", "begindate", "admitdate",
        "admissiondate", "enterdate", "datefrom", "from", "entered", "joined",
    ),
    "exit_date": (
        "exitdate", "withdrawaldate", "withdrawdate", "exitwithdrawdate", "enddate", "leavedate", "leavingdate",
        "dateto", "to", "left", "gone", "exited", "withdrawn",
    ),
    "grade_level": ("gradelevel", "grade", "gradecode", "currentgrade", "entrygradelevel", "grd", "gr", "yeargroup"),
    "category": (
        "attendancecode", "attcode", "absencecode", "absencetype", "attendancetype", "attendancestatus", "status",
        "markcode", "mark", "code", "category", "reasoncode", "absencereason", "type",
    ),
    "absent_share": ("portionabsent", "portion", "dayportion", "absentshare", "fraction", "dayvalue", "daysabsent"),
}  # fmt: skip

CODES: dict[str, tuple[str, ...]] = {
    "excused": ("E", "EX", "EXC", "EA", "AE", "EXCUSED", "EXCUSED ABSENCE", "ABSENT EXCUSED", "M", "MED", "ILL"),
    "unexcused": ("U", "UN", "UNX", "UA", "AU", "UNEXC", "UNEXCUSED", "UNEXCUSED ABSENCE", "ABSENT UNEXCUSED", "TR"),
    "suspension": ("S", "SU", "SUS", "SUSP", "OSS", "SUSPENSION", "SUSPENDED", "OUT OF SCHOOL SUSPENSION"),
    "tardy": ("T", "TA", "TD", "TDY", "TE", "TU", "L", "LATE", "TARDY", "TARDY EXCUSED", "TARDY UNEXCUSED"),
    "early_departure": ("D", "ED", "DIS", "DISMISSED", "EARLY DISMISSAL", "EARLY DEPARTURE", "LE", "LEFT EARLY"),
    "present": ("P", "PR", "PRES", "PRESENT", "IN ATTENDANCE"),
}
"""A is absent for a reason that is not told, and stays to be decided: whether it is excused is the district's word."""

NULLS = ("NULL", "null", "N/A", "n/a", "NA", "None", "-", "--", "00/00/0000", "0/0/0000", "00/00/00", "0000-00-00")
"""Texts that often mean *missing*; NA is one only where no name can be, so never in a column of names."""

DATE_FORMATS = (
    "YYYY-MM-DD", "M/D/YYYY", "D/M/YYYY", "M-D-YYYY", "D-M-YYYY", "D.M.YYYY", "YYYY/MM/DD", "M/D/YY", "D/M/YY",
    "D-MMM-YYYY", "D-MMM-YY", "MMM D, YYYY", "YYYYMMDD", "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss", "M/D/YYYY hh:mm",
    "M/D/YYYY hh:mm:ss",
)  # fmt: skip
"""In the order in which they are tried; where two fit every day seen, a person decides."""
