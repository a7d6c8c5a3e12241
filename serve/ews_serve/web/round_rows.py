"""How a round reads: its students by decision, each with the sentence why, and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from ews.store.rounds import Round, RoundRow
from ews_serve.web.slots import GOALS
from ews_serve.web.wording import day_text, grade_text, language_text

ASSIGNED = {
    "offered": "offered", "agreed": "all agreed", "active": "meets the mentor", "declined": "said no", "ended": "ended",
}  # fmt: skip
MOST_RESERVE = 15
"""Next in line that a page shows; the others wait behind them."""

MOST_SHOWN = 200
"""Of each other decision: a round of a whole district is looked through school by school, or as a file."""


@dataclass(frozen=True)
class Row:
    """One student of the round, in words."""

    key: str
    name: str
    about: str
    last_year: str
    place: str
    mentor: str
    why: str
    edited: str
    state: str
    path: str
    decision: str
    mentor_key: str


@dataclass(frozen=True)
class Part:
    """Students with the same decision."""

    heading: str
    explained: str
    rows: tuple[Row, ...]
    left_out: int


def about_round(one: Round) -> str:
    """When it was proposed and by whom, for what, and where it stands."""
    done = f" {day_text(one.confirmed_at.date())} by {one.confirmed_by}" if one.confirmed_at else ""
    goal = GOALS[one.rule.objective].lower()
    said = f"Proposed {day_text(one.proposed_at.date())} by {one.proposed_by}. Goal: {goal}."
    return f"{said} {_STANDS[one.state]}{done}."


_STANDS = {"proposed": "It waits for the team", "confirmed": "Confirmed", "withdrawn": "Taken back"}


def counts_of(rows: Sequence[RoundRow]) -> tuple[tuple[str, str], ...]:
    """Numbers and words: who is offered a mentor, the pool, and what is expected."""
    offered = [row for row in rows if row.decision == "proposed"]
    pool = sum(row.place is not None for row in rows)
    crossings, days = sum(row.crossings_averted for row in offered), sum(row.days_gained for row in offered)
    return (
        (str(len(offered)), "students to be offered a mentor"),
        (str(pool), "students in the pool"),
        (f"{crossings:.1f}", "fewer past a tenth expected, no promise"),
        (f"{days:.0f}", "days won expected, no promise"),
    )


def parts_of(rows: Sequence[RoundRow], first: str) -> tuple[Part, ...]:
    """The students by decision; `first` heads those with a slot."""
    reserve = [row for row in rows if row.decision == "reserve"]
    return (
        _part(first, "In the order of places.", [row for row in rows if row.decision == "proposed"]),
        _part(
            "Just below the line",
            "Next in line, if a family says no or a mentor more comes.",
            reserve[:MOST_RESERVE],
            len(reserve) - MOST_RESERVE,
        ),
        _part(
            "Passed over, and why",
            "No mentor fits, or somebody decided so. Look at these first: another mentor may help.",
            [row for row in rows if row.decision == "not_offered"],
        ),
        _part("Not in the pool", "Kept apart by the rule.", [row for row in rows if row.decision == "excluded"]),
    )


def _part(heading: str, explained: str, rows: Sequence[RoundRow], left_out: int = 0) -> Part:
    shown = rows[:MOST_SHOWN]
    return Part(heading, explained, tuple(row_of(row) for row in shown), max(left_out, 0) + len(rows) - len(shown))


def row_of(row: RoundRow) -> Row:
    """One student, in words."""
    edited = f"Decided by {row.edited_by}: {row.edit_reason}" if row.edited_by else ""
    return Row(
        key=row.student_key,
        name=row.name or row.student_id or "A student",
        about=grade_text(row.grade_level),
        last_year=_last_year(row),
        place=str(row.place or ""),
        mentor=row.mentor or "",
        why=_spoken(row.why),
        edited=edited,
        state=ASSIGNED.get(row.state or "", ""),
        path=f"/students/{row.student_key}/mentor",
        decision=row.decision,
        mentor_key=row.mentor_key or "",
    )


def _spoken(why: str) -> str:
    """The sentence with languages as people call them, where it tells of languages that nobody speaks."""
    head, speaks, rest = why.partition(" speaks ")
    codes, ending, tail = rest.partition(" (place ") if " (place " in rest else rest.partition(".")
    return head + speaks + " or ".join(map(language_text, codes.split(" or "))) + ending + tail if speaks else why


def _last_year(row: RoundRow) -> str:
    if row.absent_last_year is None or row.enrolled_last_year is None:
        return "not known"
    return f"{row.absent_last_year} of {row.enrolled_last_year} days missed"
