"""Who asks, and where a student is and whose: what a decision is made from."""

from dataclasses import dataclass
from datetime import date

from ews.access.rights import NAMELESS, NAMES, Role, View


@dataclass(frozen=True)
class Grant:
    """One role, where and when.

    Attributes:
        role: the role.
        school_id: the school; None: every school of the district.
        district_id: the district; None: every district of this store, which for most is the only one.
        starts_on: first day.
        ends_on: last day, inclusive; None: until revoked.
    """

    role: Role
    starts_on: date
    ends_on: date | None = None
    school_id: str | None = None
    district_id: str | None = None

    def holds(self, on: date) -> bool:
        """Whether the grant is in force on a day."""
        return _within(on, self.starts_on, self.ends_on)

    def covers(self, stay: "Stay") -> bool:
        """Whether a stay is where the grant is."""
        if self.school_id is not None:
            return stay.school_id == self.school_id
        return self.district_id is None or stay.district_id == self.district_id


@dataclass(frozen=True)
class Stay:
    """One enrolment of a student; `exit_date` is the last day enrolled, None while it lasts."""

    school_id: str
    entry_date: date
    exit_date: date | None = None
    district_id: str | None = None


@dataclass(frozen=True)
class Caseload:
    """That a student is somebody's, as counselor or mentor, from `starts_on` through `ends_on` (None: open)."""

    staff_key: str
    role: Role
    starts_on: date
    ends_on: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it is in force on a day."""
        return _within(on, self.starts_on, self.ends_on)


@dataclass(frozen=True)
class Place:
    """Where a student is and whose: all that a decision needs to know of a student.

    Attributes:
        student_key: the random key.
        stays: all of them.
        caseloads: those that name the viewer; others do no harm.
    """

    student_key: str
    stays: tuple[Stay, ...]
    caseloads: tuple[Caseload, ...] = ()


@dataclass(frozen=True)
class Viewer:
    """Who asks.

    Attributes:
        staff_key: the person, or the account of a program.
        login: as in the log.
        grants: all of them, also those not in force on the day asked about.
        scopes: what a token is limited to: names of views, and `names`; None for a person who signed in.
        second_factor: whether one was given in this session; a token, made where a second factor is not asked, has it.
        viewing_as: another person whose view is looked at; then only what both may see is seen (A12).
    """

    staff_key: str
    login: str
    grants: tuple[Grant, ...]
    scopes: frozenset[str] | None = None
    second_factor: bool = False
    viewing_as: "Viewer | None" = None

    def admits(self, view: View) -> bool:
        """Whether the token's scopes, if it is one, name the view."""
        return self.scopes is None or view in self.scopes

    def may_name(self, role: Role) -> bool:
        """Whether this viewer is told names in a role."""
        return role not in NAMELESS and (self.scopes is None or NAMES in self.scopes)


def _within(on: date, first: date, last: date | None) -> bool:
    return first <= on and (last is None or on <= last)
