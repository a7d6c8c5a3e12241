"""The words of lists and student pages: what the store keeps as short codes, as people say it."""

from collections.abc import Mapping
from datetime import date, timedelta

from babel import Locale

from ews.access import Reason, Role
from ews.follow_up import Barrier, Kind, Knows, Priority, Referral, State, Why, WithWhom
from ews.school_year import day_text
from ews_serve.web.words import Badge

PRIORITIES: Mapping[Priority, Badge] = {
    Priority.FIRST: Badge("Reach out first", "1", "square", "warm"),
    Priority.SOON: Badge("Reach out soon", "2", "diamond", "accent"),
    Priority.WATCH: Badge("Keep in touch", "3", "circle"),
    Priority.USUAL: Badge("As for everyone", "4", "ring"),
}

PRIORITY_MEANS: Mapping[Priority, str] = {
    Priority.FIRST: "Among students with records like these, half or more missed a tenth of the next year.",
    Priority.SOON: "Among students with records like these, three to five in 10 did.",
    Priority.WATCH: "Among students with records like these, one to three in 10 did.",
    Priority.USUAL: "Few students with records like these did.",
}

WHYS: Mapping[Why, str] = {
    Why.RENEWED: "absent again since the last contact",
    Why.ADDED: "added by your team",
    Why.NOT_REACHED: "nobody was reached yet",
    Why.REACHED: "reached",
    Why.TAKEN_OFF: "taken off by your team",
    Why.CLOSED: "closed",
    Why.USUAL: "no step needed now",
}

STATES: Mapping[State, str] = {
    State.NEW: "New",
    State.CONTACTED: "Contacted",
    State.PLAN: "Plan made",
    State.MENTOR: "Has a mentor",
    State.MONITORING: "Checking in",
    State.CLOSED: "Closed",
}

KINDS: Mapping[Kind, str] = {
    Kind.CALL: "Phone call",
    Kind.TALK: "Talk in person",
    Kind.MESSAGE: "Message",
    Kind.LETTER: "Letter",
    Kind.VISIT: "Home visit",
    Kind.MEETING: "Meeting",
    Kind.NO_ANSWER: "Tried, no answer",
}

WITH: Mapping[WithWhom, str] = {
    WithWhom.FAMILY: "Family",
    WithWhom.STUDENT: "Student",
    WithWhom.BOTH: "Student and family",
}

BARRIERS: Mapping[Barrier, str] = {
    Barrier.HEALTH: "Health",
    Barrier.TRANSPORT: "Getting to school",
    Barrier.HOUSING: "Housing",
    Barrier.FAMILY_CARE: "Caring for family",
    Barrier.SAFETY: "Safety or bullying",
    Barrier.SCHOOL_WORK: "School work",
    Barrier.BELONGING: "Friends and belonging",
    Barrier.OTHER: "Something else",
}

REFERRALS: Mapping[Referral, str] = {Referral.MADE: "Asked for help", Referral.CLOSED: "Help is done"}

KNOWS: Mapping[Knows, str] = {
    Knows.HEALTH: "Health",
    Knows.FAMILY: "Family",
    Knows.SEEN_AT_SCHOOL: "What I see at school",
    Knows.HAS_SUPPORT: "Has support already",
    Knows.WAS_ONCE: "It happened once and is over",
    Knows.RECORD_WRONG: "The record is wrong",
    Knows.MOVES_AWAY: "Is moving away",
    Knows.OTHER: "Something else",
}

LANES: Mapping[str, str] = {"prevent": "before the line", "recover": "missed a tenth last year"}
LANE_MEANS: Mapping[str, str] = {
    "prevent": "Missed less than a tenth of last year: help now comes before the line.",
    "recover": "Missed a tenth or more of last year.",
}

BANDS: Mapping[str, str] = {
    "satisfactory": "missed less than 5 in 100 days",
    "at risk": "missed 5 to 10 in 100 days",
    "moderate chronic": "missed 10 to 20 in 100 days",
    "severe chronic": "missed 20 or more in 100 days",
}

MENTORING: Mapping[str, str] = {"offered": "mentor offered", "agreed": "mentor agreed", "active": "has a mentor"}

ROLES: Mapping[Role, str] = {
    Role.DISTRICT_ADMIN: "district office",
    Role.DATA_SCIENTIST: "data scientist (sees no name)",
    Role.SCHOOL_LEAD: "school lead",
    Role.COUNSELOR: "counselor",
    Role.MENTOR: "mentor",
    Role.AUDITOR: "auditor",
    Role.SERVICE: "program",
}

WAYS_IN: Mapping[Reason, str] = {
    Reason.DISTRICT: "works for the whole district",
    Reason.SCHOOL: "works for the whole school",
    Reason.CASELOAD: "the student is in this person's care",
    Reason.PURPOSE: "may look after saying why",
    Reason.GRACE: "the student left a short time ago",
    Reason.ROLE: "by role",
}

GRADES: Mapping[str, str] = {"PK": "Pre-K", "KG": "Kindergarten"}


def language_text(code: str) -> str:
    """A language as people call it; a code that is not known stays as it is.

    >>> language_text("es"), language_text("pt-BR"), language_text("xx")
    ('Spanish', 'Portuguese', 'xx')
    """
    return Locale("en").languages.get(code.split("-")[0].lower(), code)


def grade_text(grade_level: str) -> str:
    """A grade as people say it.

    >>> grade_text("03"), grade_text("KG")
    ('Grade 3', 'Kindergarten')
    """
    return GRADES.get(grade_level) or f"Grade {grade_level.lstrip('0')}"


def ago_text(day: date, on: date) -> str:
    """How long ago a day was.

    >>> ago_text(date(2026, 10, 5), date(2026, 10, 5)), ago_text(date(2026, 10, 2), date(2026, 10, 5))
    ('today', '3 days ago')
    """
    days = (on - day) // timedelta(days=1)
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 60 else day_text(day)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "day"), counted(0, "day"), counted(2, "family", "families")
    ('1 day', '0 days', '2 families')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def in_ten(share: float) -> str:
    """A chance in words that are never certain (UX-2).

    >>> in_ten(0.62), in_ten(0.04), in_ten(0.98), in_ten(0.1)
    ('about 6 in 10', 'fewer than 1 in 10', 'more than 9 in 10', 'about 1 in 10')
    """
    if share < 0.095:
        return "fewer than 1 in 10"
    if share > 0.905:
        return "more than 9 in 10"
    return f"about {min(max(round(share * 10), 1), 9)} in 10"


RANGE = 0.1
"""Half of the range told with an estimate: half a tenth is lost by rounding, and a release allows five points."""


def range_in_ten(share: float) -> str:
    """The range of an estimate in words.

    >>> range_in_ten(0.62), range_in_ten(0.04), range_in_ten(0.97)
    ('between 5 and 7 in 10', 'at most 2 in 10', 'at least 8 in 10')
    """
    low, high = round((share - RANGE) * 10), round((share + RANGE) * 10)
    if low < 1:
        return f"at most {max(high, 2)} in 10"
    if high > 9:
        return f"at least {min(low, 8)} in 10"
    return f"between {low} and {high} in 10"


def share_text(days_absent: int, days_enrolled: int) -> str:
    """Days missed of days enrolled, and their share, never rounded up over a line.

    >>> share_text(22, 178), share_text(0, 180), share_text(0, 0), share_text(1999, 20000)
    ('22 of 178 days (12.3 %)', '0 of 180 days (0.0 %)', 'not known', '1999 of 20000 days (9.9 %)')
    """
    if days_enrolled <= 0:
        return "not known"
    return f"{days_absent} of {days_enrolled} days ({1000 * days_absent // days_enrolled / 10:.1f} %)"
