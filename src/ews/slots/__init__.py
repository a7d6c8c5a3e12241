"""Mentor slots: who is proposed for one, within capacity, by a rule that is data and can be read aloud.

`propose` is the case without a file of mentors: each school's slots are a share of its students. With mentors,
`allocate` proposes a round: who is offered which mentor, who is next, and of everybody else why not. Both are
proposals, never assignments: a team edits them, families agree or not, and nobody below the line is told anything.
"""

from ews.slots.allocate import DECISIONS, EXCLUDED, NOT_OFFERED, PROPOSED, RESERVE, Proposal, all_of_one_grade, allocate
from ews.slots.eligibility import Students
from ews.slots.mentors import MOST_CAP, USUAL_CAP, Mentor, read_mentors
from ews.slots.of_list import COLUMNS, RULE, propose, slots_of
from ews.slots.of_rows import prior_of, rows_of_list, rows_with_gains
from ews.slots.order import lot_of
from ews.slots.rule import Rule, in_words

__all__ = [
    "COLUMNS",
    "DECISIONS",
    "EXCLUDED",
    "MOST_CAP",
    "NOT_OFFERED",
    "PROPOSED",
    "RESERVE",
    "RULE",
    "USUAL_CAP",
    "Mentor",
    "Proposal",
    "Rule",
    "Students",
    "all_of_one_grade",
    "allocate",
    "in_words",
    "lot_of",
    "prior_of",
    "propose",
    "read_mentors",
    "rows_of_list",
    "rows_with_gains",
    "slots_of",
]
