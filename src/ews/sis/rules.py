"""Every rule a row must keep, once: what it checks, when it matters, how to mend it.

The validator, `rejects.csv` and the documentation read these same entries.
"""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["rejected", "duplicate", "trimmed"]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: the word in the column `rule` of `rejects.csv`.
        checks: what is not as it must be.
        matters: what would go wrong if the row were taken.
        fix: what a registrar does about it; printed beside the row.
        outcome: what becomes of the row: `rejected` (not taken), `duplicate` (a row like it was taken)
            or `trimmed` (taken, with fewer days).
    """

    id: str
    checks: str
    matters: str
    fix: str
    outcome: Outcome = "rejected"


_STRUCTURE = (
    Rule(
        "too_few_fields", "The line has fewer fields than the header.",
        "Values would move into the wrong columns.",
        "Export the row again; a comma inside a value needs quotes around the value.",
    ),
    Rule(
        "too_many_fields", "The line has more fields than the header.",
        "Values would move into the wrong columns.",
        "Put quotes around values that hold a comma, or export the row again.",
    ),
    Rule(
        "stray_quote", "A quote is opened and not closed, or stands inside a quoted value.",
        "Everything up to the next quote would become one value.",
        'Double the quotes inside a quoted value ("" for "), or close the quote.',
    ),
    Rule(
        "not_utf8", "The line holds bytes that are not UTF-8.",
        "Names and ids would be garbled and no longer match.",
        "Save the file as UTF-8.",
    ),
    Rule(
        "line_too_long", "The line is longer than any record can be.",
        "A damaged file could fill the memory.",
        "Look for a missing line end or quote in this line.",
    ),
)  # fmt: skip

_CELLS = (
    Rule(
        "empty_cell", "A value that every row must have is missing.",
        "The row cannot be placed.", "Fill the cell.",
    ),
    Rule(
        "outer_spaces", "The value begins or ends with a space.",
        "The same student or school would look like two.", "Remove the spaces around the value.",
    ),
    Rule(
        "malformed_id", "An id holds a control character or a slash, or more than 64 characters.",
        "Such ids are mistakes of an export and can mislead file systems and pages.", "Correct the id at its source.",
    ),
    Rule(
        "unreadable_text", "A text holds control characters, a line end or more than 200 characters.",
        "It is a sign of a damaged file, or of a quote that swallowed the next row.",
        "Remove what is not text; look for a quote that is not closed.",
    ),
    Rule(
        "unknown_value", "The value is not one of those this column may hold.",
        "A guess would change what is counted.",
        "Use one of the values in the data dictionary, or map the value in the column map.",
    ),
    Rule(
        "malformed_date", "The value is not a day of the calendar in the declared format.",
        "A guess would swap day and month.",
        "Write dates as YYYY-MM-DD, as 2026-02-09; 29 February exists in leap years only.",
    ),
    Rule(
        "not_a_whole_number", "The value is not a whole number, zero or more.",
        "Days are counted in whole numbers; less than zero days cannot be.",
        "Write a whole number without sign, point or separator.",
    ),
    Rule(
        "not_a_school_year", "The value is not a year between 1900 and 2200.",
        "The row cannot be placed in a school year.", "Write the year in which the school year ends: 2026 for 2025-26.",
    ),
    Rule(
        "not_a_share", "The value is not a number from 0 to 1.",
        "More than a whole day cannot be missed in a day.",
        "Write the share of the day missed: 1 for the day, 0.5 for half of it.",
    ),
    Rule(
        "not_yes_or_no", "The value is neither yes nor no.",
        "A guess would change what is counted.", "Write yes or no (also taken: true, false, 1, 0).",
    ),
)  # fmt: skip

_KEYS = (
    Rule(
        "duplicate_row", "The same row came before.",
        "Counted twice, it would double an absence.", "Nothing: the first one is kept.", "duplicate",
    ),
    Rule(
        "conflicting_rows", "Several rows have the same key and say different things.",
        "Nobody can tell here which one is true, so none is taken.",
        "Decide which row is true and remove the others.",
    ),
)  # fmt: skip

_RELATIONS = (
    Rule(
        "chained_merge", "The id it was merged into was given up itself.",
        "The records would stand under an id nobody uses.", "Write the id that is in use now.",
    ),
    Rule(
        "merged_id", "The id was given up; its records count for the id it was merged into.",
        "One student would look like two.", "Nothing: the records were taken under the other id.", "duplicate",
    ),
    Rule(
        "reused_id", "Name and birth date are both others than when this id came in last.",
        "A new student would inherit another student's history.",
        "Give the new student an id of their own. If it is one student of whom both were corrected, bring in one of "
        "the corrections first.",
    ),
    Rule(
        "unknown_student", "The student is not in the students table, or was rejected there.",
        "The row belongs to nobody we know.", "Add the student, or mend the student's own row first.",
    ),
    Rule(
        "unknown_school", "The school is not in the schools table, or was rejected there.",
        "The row belongs to no school we know.", "Add the school, or mend the school's own row first.",
    ),
    Rule(
        "date_outside_school_year", "The day is not in its school year (June before it to July at its end).",
        "The day would be counted in another year.", "Correct the date or the school year; 2026 is 2025-26.",
    ),
    Rule(
        "implausible_date", "The date is more than 30 years before or a year after the calendar.",
        "A typing error would stretch or empty a stay.",
        "Correct the date; leave exit_date empty for a student who is still enrolled.",
    ),
    Rule(
        "exit_before_entry", "The stay ends before it begins.",
        "It would have a negative length.", "Correct entry_date or exit_date.",
    ),
    Rule(
        "overlapping_stay", "The student has a later stay on some of the same days.",
        "Days would be counted twice.",
        "Nothing, if the later stay is right: it owns the days both claim. Otherwise correct the dates.", "trimmed",
    ),
    Rule(
        "stay_without_days", "Other stays of the student own every day of this one.",
        "Days would be counted twice.", "Remove the stay, or correct the dates of the others.",
    ),
    Rule(
        "date_outside_known_years", "The date is in no school year of this school's calendar.",
        "It cannot be counted against enrolled days.", "Correct the date, or add the year to the calendar.",
    ),
    Rule(
        "non_instructional_day", "The school's calendar has no instruction on this day.",
        "An absence needs a school day: a holiday or a closure is not missed.",
        "Correct the date, or add the day to the calendar if there was school.",
    ),
    Rule(
        "outside_enrollment", "The student is not enrolled in this school on this day.",
        "Days absent could exceed days enrolled.", "Correct the date or the school, or mend the student's stays.",
    ),
    Rule(
        "no_enrolled_days", "The year has no enrolled day.",
        "Over no day there is no rate; it is unknown, not zero.", "Correct days_enrolled, or remove the row.",
    ),
    Rule(
        "more_days_than_a_year", "The year has more than 366 enrolled days.",
        "The rate would be too low.", "Correct days_enrolled.",
    ),
    Rule(
        "more_absent_than_enrolled", "More days absent than enrolled.",
        "A rate above 1 cannot be; cutting it silently would hide the mistake.",
        "Correct days_absent or days_enrolled.",
    ),
    Rule(
        "reasons_exceed_absences", "Excused, unexcused and suspended days add up to more than days_absent.",
        "The kinds of absence would be wrong.", "Correct the days by reason, or days_absent.",
    ),
    Rule(
        "daily_marks_exist", "The school's calendar covers this year, so its days are counted from the marks.",
        "The year would be counted twice.", "Remove the row, or remove the year from the calendar.",
    ),
    Rule(
        "end_before_start", "The assignment ends before it starts.",
        "It would have a negative length.", "Correct start_date or end_date.",
    ),
)  # fmt: skip

RULES = {rule.id: rule for rule in (*_STRUCTURE, *_CELLS, *_KEYS, *_RELATIONS)}
"""All rules by id, in the order in which they are applied."""
