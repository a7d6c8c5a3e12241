"""The cast: fictional staff and students, one per edge case, at three schools on one frozen day.

Every name is invented. The same people stand in tests of access, store and service, in the demo and on screenshots.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from ews.access import Caseload, Grant, Place, Role, Stay, Viewer

TODAY = date(2026, 10, 5)
NOON = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 8, 24)
LONG_AGO = date(2025, 8, 25)


@dataclass(frozen=True)
class CastSchool:
    school_id: str
    district_id: str
    name: str
    level: str


@dataclass(frozen=True)
class CastStudent:
    """A student; `why` says which edge case, `habit` what the attendance of the years before was like."""

    number: int
    student_id: str
    name: str
    grade_level: str
    stays: tuple[Stay, ...]
    why: str
    do_not_score: bool = False
    withdrawn_on: date | None = None
    risk: float | None = None
    habit: str = ""

    @property
    def key(self) -> str:
        return str(UUID(int=0xE35_0000_4000_8000_0000_0000_0000 + self.number, version=4))


@dataclass(frozen=True)
class CastStaff:
    """Someone who works here; `why` says which edge case. `caseload` holds students' names."""

    number: int
    login: str
    name: str
    grants: tuple[Grant, ...]
    why: str
    caseload: tuple[str, ...] = ()
    is_active: bool = True

    @property
    def key(self) -> str:
        return str(UUID(int=0x57A_0000_4000_8000_0000_0000_0000 + self.number, version=4))

    @property
    def roles(self) -> set[Role]:
        return {grant.role for grant in self.grants}

    @property
    def role(self) -> Role:
        return self.grants[0].role

    def viewer(self, *, second_factor: bool = True, scopes: frozenset[str] | None = None) -> Viewer:
        return Viewer(self.key, self.login, self.grants, scopes, second_factor)


HARBOR = CastSchool("014", "01", "Harbor Street Elementary", "elementary")
JUNIPER = CastSchool("022", "01", "Juniper Middle", "middle")
FAIRVIEW = CastSchool("901", "09", "Fairview", "elementary")
ORCHARD = CastSchool("033", "01", "Orchard Lane School", "elementary")
SCHOOLS = (HARBOR, JUNIPER, FAIRVIEW, ORCHARD)


def _at(school: CastSchool, entry: date = LONG_AGO, exit_date: date | None = None) -> Stay:
    return Stay(school.school_id, entry, exit_date, school.district_id)


ANA = CastStudent(1, "007", "Ana Peña", "03", (_at(HARBOR),), "an id with zeros and an accent in the name")
JUN = CastStudent(2, "1002", "Jun Okonkwo-Smith", "04", (_at(HARBOR),), "two surnames; another counselor's")
ZOE = CastStudent(
    3, "1003", "Zoë Ångström", "06", (_at(HARBOR, exit_date=date(2026, 9, 28)), _at(JUNIPER, date(2026, 9, 29))),
    "moved to another school last week",
)  # fmt: skip
KAI = CastStudent(4, "1004", "Kai O'Brien", "02", (_at(HARBOR),), "the family objected to scoring", do_not_score=True)
IVY = CastStudent(
    5, "=1+1", "=HYPERLINK(Ivy)", "05", (_at(HARBOR),), "a spreadsheet would take name and id for formulas"
)
OMAR = CastStudent(6, "1006", "Omar Haddad-Lee", "KG", (_at(HARBOR, date(2026, 10, 12)),), "starts next week")
LEA = CastStudent(
    7, "1007", "Lea van den Berg", "05", (_at(HARBOR, exit_date=date(2026, 3, 13)),), "left in spring",
    withdrawn_on=date(2026, 3, 14),
)  # fmt: skip
SAM = CastStudent(8, "1008", "Sam Two Rivers", "05", (_at(HARBOR), _at(JUNIPER)), "enrolled in two schools at once")
MIA = CastStudent(9, "1009", "Mia Horvat", "07", (_at(JUNIPER),), "the other school of the district")
NOOR = CastStudent(10, "007N", "Noor Fictional", "03", (_at(FAIRVIEW),), "another district")
TEO = CastStudent(11, "1011", "Teo 张", "01", (_at(HARBOR),), "on nobody's caseload; a name in two scripts")

LENA = CastStudent(
    21, "2001", "Lena Fjord", "06", (_at(ORCHARD),), "missed far more than a tenth, in long spells",
    risk=0.86, habit="spells 0.20 0.24 0.26",
)  # fmt: skip
MATEO = CastStudent(
    22, "2002", "Mateo García Márquez", "05", (_at(ORCHARD),), "two surnames and diacritics; Mondays",
    risk=0.63, habit="mondays 0.05 0.07 0.095",
)  # fmt: skip
RUBY = CastStudent(
    23, "2003", "Ruby Castellan", "04", (_at(ORCHARD),), "mentored since September", risk=0.58,
    habit="single 0.08 0.11 0.12",
)  # fmt: skip
ELI = CastStudent(
    24, "2004", "Eli Castellan", "02", (_at(ORCHARD),), "the sibling of Ruby", risk=0.52, habit="single 0.06 0.09"
)
NIA = CastStudent(
    25, "2005", "Nia Brightwater-Oyelaran de la Fuente", "07", (_at(ORCHARD),),
    "a name longer than its column; the family opted out of mentoring", risk=0.41, habit="mondays 0.06 0.06 0.08",
)  # fmt: skip
PIA = CastStudent(
    26, "2006", "Pia <script>alert(1)</script>", "03", (_at(ORCHARD),), "a name that is markup", risk=0.37,
    habit="winter 0.04 0.07",
)  # fmt: skip
HUGO = CastStudent(
    27, "2007", "Hugo Lindgren", "KG", (_at(ORCHARD, date(2026, 8, 24)),), "new to the district, no history", risk=0.33
)
SANA = CastStudent(
    28, "2008", "Sana Iqbal", "08", (_at(ORCHARD),), "yearly totals only; the last of them unknown", risk=0.29,
    habit="unknown",
)  # fmt: skip
BO = CastStudent(
    29, "2009", "Bo Achterberg", "01", (_at(ORCHARD, date(2026, 9, 29)),), "came from elsewhere last week", risk=0.24,
    habit="winter 0.05",
)  # fmt: skip
TOM = CastStudent(
    30, "2010", "Tom Waverly", "05", (_at(ORCHARD),), "near a line, and fewer days missed than before", risk=0.16,
    habit="single 0.09 0.05",
)  # fmt: skip
YUKI = CastStudent(
    31, "2011", "Yuki Tanabe", "06", (_at(ORCHARD),), "was there every single day", risk=0.03, habit="single 0 0 0"
)
ADA = CastStudent(
    32, "2012", "Ada Quill", "04", (_at(ORCHARD),), "not to be scored, at the family's wish", do_not_score=True,
    habit="single 0.05 0.06",
)  # fmt: skip

AT_ORCHARD = (LENA, MATEO, RUBY, ELI, NIA, PIA, HUGO, SANA, BO, TOM, YUKI, ADA)
"""One student for each case that a page has to word well; the school that screenshots show."""

STUDENTS = (ANA, JUN, ZOE, KAI, IVY, OMAR, LEA, SAM, MIA, NOOR, TEO, *AT_ORCHARD)


def _grant(role: Role, school: CastSchool | None = None, district: str | None = "01", **more: date) -> Grant:
    place = {"school_id": school.school_id} if school else {"district_id": district}
    return Grant(role, more.pop("starts_on", LONG_AGO), **place, **more)


DANA = CastStaff(1, "dana.okafor", "Dana Okafor", (_grant(Role.DISTRICT_ADMIN),), "runs the programme in district 01")
WEI = CastStaff(2, "wei.lindqvist", "Wei Lindqvist", (_grant(Role.DATA_SCIENTIST),), "trains the model; sees no name")
ROSA = CastStaff(3, "rosa.imani", "Rosa Imani", (_grant(Role.SCHOOL_LEAD, HARBOR),), "principal of Harbor Street")
TOMAS = CastStaff(
    4, "tomas.nunez", "Tomás Núñez", (_grant(Role.COUNSELOR, HARBOR),), "counselor; one of his students moved",
    caseload=("Ana Peña", "Zoë Ångström", "Kai O'Brien", "Omar Haddad-Lee"),
)  # fmt: skip
BEA = CastStaff(
    5, "bea.kowalski", "Bea Kowalski", (_grant(Role.COUNSELOR, HARBOR),), "the other counselor of the same school",
    caseload=("Jun Okonkwo-Smith", "=HYPERLINK(Ivy)", "Sam Two Rivers"),
)  # fmt: skip
MO = CastStaff(
    6, "mo.haddad", "Mo Haddad", (_grant(Role.MENTOR, HARBOR),), "a volunteer with two mentees",
    caseload=("Ana Peña", "Jun Okonkwo-Smith"),
)  # fmt: skip
INES = CastStaff(7, "ines.aumann", "Ines Aumann", (_grant(Role.AUDITOR),), "reads logs, no student's page")
PIET = CastStaff(
    8, "piet.devries", "Piet de Vries", (_grant(Role.SCHOOL_LEAD, FAIRVIEW),), "principal in another district"
)
NIGHTLY = CastStaff(9, "dashboard", "Nightly dashboard", (_grant(Role.SERVICE, HARBOR),), "a program, not a person")
LOU = CastStaff(
    10, "lou.ferrante", "Lou Ferrante", (_grant(Role.SCHOOL_LEAD, HARBOR),), "left; the account is closed",
    is_active=False,
)  # fmt: skip
UMA = CastStaff(
    11, "uma.stand-in", "Uma Stand-in",
    (_grant(Role.SCHOOL_LEAD, JUNIPER, starts_on=date(2026, 9, 1), ends_on=date(2026, 10, 4)),),
    "stood in for a principal until yesterday",
)  # fmt: skip
VAL = CastStaff(12, "val.nobody", "Val Nobody", (), "works here and was granted nothing")
CORA = CastStaff(
    13, "cora.bloom", "Cora Bloom", (_grant(Role.SCHOOL_LEAD, ORCHARD),), "coordinates mentors at Orchard Lane"
)
ED = CastStaff(
    14, "ed.nakamura", "Ed Nakamura", (_grant(Role.COUNSELOR, ORCHARD),), "counselor with half of the school",
    caseload=("Lena Fjord", "Ruby Castellan", "Eli Castellan", "Hugo Lindgren", "Ada Quill"),
)  # fmt: skip
SOL = CastStaff(
    15, "sol.reyes", "Sol Reyes", (_grant(Role.MENTOR, ORCHARD),), "mentor of one student", caseload=("Ruby Castellan",)
)
STAFF = (DANA, WEI, ROSA, TOMAS, BEA, MO, INES, PIET, NIGHTLY, LOU, UMA, VAL, CORA, ED, SOL)

_CASELOAD_ROLES = (Role.COUNSELOR, Role.MENTOR)


def caseloads_of(student: CastStudent) -> tuple[Caseload, ...]:
    """Every caseload row that names the student."""
    return tuple(
        Caseload(staff.key, staff.role, FIRST_DAY)
        for staff in STAFF
        if student.name in staff.caseload and staff.role in _CASELOAD_ROLES
    )


def caseload_rows(role: Role) -> list[tuple[str, str]]:
    """Login and student's id, as a file of caseloads has them."""
    return [(staff.login, named(name).student_id) for staff in STAFF if role in staff.roles for name in staff.caseload]


def place(student: CastStudent) -> Place:
    return Place(student.key, student.stays, caseloads_of(student))


def named(name: str) -> CastStudent:
    return next(student for student in STUDENTS if student.name == name)
