"""What each role may look at: the table of rights, and a district's choices about when a relationship counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from ews.errors import InvalidPolicy
from ews.policy import read_toml

LEAST_LOG_DAYS = 365
MOST_BREACH_HOURS = 60 * 24

MOST_GRACE_DAYS = 14
"""Calendar days that hold ten school days (SEC-11)."""

NAMES = "names"
"""The scope a token needs, beside the view's, to be told names and the district's ids."""


class Role(StrEnum):
    """What someone is here for; the rights are in :data:`MAY`."""

    DISTRICT_ADMIN = "district_admin"
    DATA_SCIENTIST = "data_scientist"
    SCHOOL_LEAD = "school_lead"
    COUNSELOR = "counselor"
    MENTOR = "mentor"
    AUDITOR = "auditor"
    SERVICE = "service"


class View(StrEnum):
    """What can be looked at or written. The first nine are of students, the others of nobody in particular.

    `PLAN` is a student's plan, judgements and notes, `CONTACT` the log of contacts, `SLOTS` rounds and assignments of
    mentors: who may read one of them may write it.
    """

    RISK_LIST = "risk_list"
    ATTENDANCE = "attendance"
    EXPLANATION = "explanation"
    NUMBERS = "numbers"
    EXPORT = "export"
    WHO_CAN_SEE = "who_can_see"
    PLAN = "plan"
    CONTACT = "contact"
    SLOTS = "slots"
    SCORE = "score"
    RUNS = "runs"
    AGGREGATES = "aggregates"
    AUDIT_LOG = "audit_log"
    VIEW_AS = "view_as"


class Reach(StrEnum):
    """Whom a role reaches with a view; a view that a role does not name reaches nobody."""

    ALL = "all"
    CASELOAD = "caseload"
    PURPOSE = "caseload, others with a stated purpose"
    NO_STUDENT = "no student in it"


class Reason(StrEnum):
    """Why something may be seen, or why not."""

    DISTRICT = "district"
    SCHOOL = "school"
    CASELOAD = "caseload"
    PURPOSE = "purpose"
    GRACE = "grace"
    ROLE = "role"
    NEEDS_SECOND_FACTOR = "needs a second factor"
    NEEDS_PURPOSE = "needs a purpose"
    NO_RELATIONSHIP = "no relationship"


_OF_STUDENTS = (View.RISK_LIST, View.ATTENDANCE, View.EXPLANATION, View.NUMBERS, View.EXPORT, View.WHO_CAN_SEE)
_FOLLOW_UP = (View.PLAN, View.CONTACT, View.SLOTS)
STUDENT_VIEWS = frozenset((*_OF_STUDENTS, *_FOLLOW_UP))

_to = dict.fromkeys

MAY: Mapping[Role, Mapping[View, Reach]] = MappingProxyType(
    {
        Role.DISTRICT_ADMIN: _to((*_OF_STUDENTS, *_FOLLOW_UP), Reach.ALL)
        | _to((View.SCORE, View.RUNS, View.AGGREGATES, View.AUDIT_LOG, View.VIEW_AS), Reach.NO_STUDENT),
        Role.DATA_SCIENTIST: _to((View.RISK_LIST, View.EXPLANATION, View.NUMBERS, View.EXPORT), Reach.ALL)
        | _to((View.SCORE, View.RUNS, View.AGGREGATES), Reach.NO_STUDENT),
        Role.SCHOOL_LEAD: _to(
            (View.RISK_LIST, View.ATTENDANCE, View.EXPLANATION, View.EXPORT, View.WHO_CAN_SEE, *_FOLLOW_UP), Reach.ALL
        )
        | _to((View.RUNS, View.AGGREGATES), Reach.NO_STUDENT),
        Role.COUNSELOR: _to((View.RISK_LIST, View.ATTENDANCE, View.EXPLANATION, View.PLAN, View.CONTACT), Reach.PURPOSE)
        | _to((View.EXPORT, View.WHO_CAN_SEE, View.SLOTS), Reach.CASELOAD)
        | _to((View.RUNS, View.AGGREGATES), Reach.NO_STUDENT),
        Role.MENTOR: _to((View.ATTENDANCE, View.CONTACT), Reach.CASELOAD),
        Role.AUDITOR: _to((View.RUNS, View.AGGREGATES, View.AUDIT_LOG), Reach.NO_STUDENT),
        Role.SERVICE: _to((View.RISK_LIST, View.ATTENDANCE, View.EXPLANATION, View.NUMBERS, View.EXPORT), Reach.ALL)
        | _to((View.SCORE, View.RUNS, View.AGGREGATES), Reach.NO_STUDENT),
    }
)
"""The whole of the rights. A view that is not named for a role is refused to it."""

NAMELESS = frozenset({Role.DATA_SCIENTIST})
"""Roles that are told neither names nor the district's ids of students."""

NEED_SECOND_FACTOR = frozenset({Role.DISTRICT_ADMIN, Role.DATA_SCIENTIST})
"""Roles whose grants count for nothing until a second factor was given (SEC-1); for an export it is every role."""


@dataclass(frozen=True)
class AccessPolicy:
    """A district's choices: when a relationship counts, how long the log is at hand, when a leak must be told.

    Attributes:
        grace_days: calendar days a school keeps access after a student's last day there; 0 ends it the day after.
        ahead_days: calendar days before a student's first day on which the receiving school may already look.
        log_days: days for which entries stay in the log of reads before they may go into an archive.
        breach_hours: hours from noticing a leak until whoever has to be told must be told; states differ.
    """

    grace_days: int = 0
    ahead_days: int = 60
    log_days: int = 730
    breach_hours: int = 72

    def __post_init__(self) -> None:
        if not 0 <= self.grace_days <= MOST_GRACE_DAYS:
            raise InvalidPolicy(f"grace_days must be 0 to {MOST_GRACE_DAYS}: at most ten school days.")
        if not 0 <= self.ahead_days <= 120:
            raise InvalidPolicy("ahead_days must be 0 to 120: from one school year's end to the next one's start.")
        if self.log_days < LEAST_LOG_DAYS:
            raise InvalidPolicy(f"log_days must be {LEAST_LOG_DAYS} or more: families ask about the year before.")
        if not 1 <= self.breach_hours <= MOST_BREACH_HOURS:
            raise InvalidPolicy(
                f"breach_hours must be 1 to {MOST_BREACH_HOURS}: 60 days are the longest that laws allow."
            )

    @classmethod
    def read(cls, path: Path) -> "AccessPolicy":
        """The choices in a TOML file; the defaults where there is none.

        Raises:
            InvalidPolicy: an unknown key, or a value that is not allowed.
        """
        return read_toml(cls, path.read_text(encoding="utf-8"), "access policy") if path.exists() else cls()
