"""The tables of the store: what was published, who works here, who may ask, and what a school does about it.

*Published* tables hold scoring runs and the roster they were made for; a run's rows never change after its commit, so a
reader who holds a run's id reads one run whole. *People* are staff, what each was granted, and which students are
theirs. *Keys* are what a person or a program signs in with. *Mentoring* and *follow-up* are what people write.

Students are named by a random key (PRV-8): it is what addresses and answers carry, the district's own id is a column.
Times are UTC, dates are the school's.
"""

from ews.store.schema.columns import HASH, ID, INSTANT, KEY, METADATA, Instant
from ews.store.schema.follow_up import CONTACTS, JUDGEMENTS, NOTES, PLAN_CHANGES, PLANS
from ews.store.schema.keys import FAILED_SIGN_INS, KNOWN_BROWSERS, OIDC_FLOWS, SESSIONS, SETUP_LINKS, TOKENS
from ews.store.schema.mentoring import (
    ASSIGNMENTS,
    EXCLUSIONS,
    MATCH_FACTS,
    MENTOR_SCHOOLS,
    MENTORS,
    ROUND_EDITS,
    ROUND_ROWS,
    ROUNDS,
)
from ews.store.schema.people import CASELOADS, GRANTS, STAFF
from ews.store.schema.published import HISTORIES, IN_FORCE, RISK_ROWS, RUNS, SCHOOL_DAYS, SCHOOLS, STAYS, STUDENTS

__all__ = [
    "ASSIGNMENTS",
    "CASELOADS",
    "CONTACTS",
    "EXCLUSIONS",
    "FAILED_SIGN_INS",
    "GRANTS",
    "HASH",
    "HISTORIES",
    "ID",
    "INSTANT",
    "IN_FORCE",
    "JUDGEMENTS",
    "KEY",
    "KNOWN_BROWSERS",
    "MATCH_FACTS",
    "MENTORS",
    "MENTOR_SCHOOLS",
    "METADATA",
    "NOTES",
    "OIDC_FLOWS",
    "PLANS",
    "PLAN_CHANGES",
    "RISK_ROWS",
    "ROUNDS",
    "ROUND_EDITS",
    "ROUND_ROWS",
    "RUNS",
    "SCHOOLS",
    "SCHOOL_DAYS",
    "SESSIONS",
    "SETUP_LINKS",
    "STAFF",
    "STAYS",
    "STUDENTS",
    "TOKENS",
    "Instant",
]
