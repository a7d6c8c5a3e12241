"""A school's list as a to-do: who is still to be reached, why, and what comes next; words only, made from what is read.

The order is the list's own: who was absent again after a contact first, then whom the team added, then by the
estimate's place in the school.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ews.follow_up import Kind, Priority, Standing, Why, absences_after, is_close_to_the_line, priority_of, why
from ews.store.reading import Line
from ews.store.work_lists import Brief
from ews_serve.web.wording import (
    KINDS,
    LANES,
    MENTORING,
    PRIORITIES,
    STATES,
    WHYS,
    ago_text,
    counted,
    day_text,
    grade_text,
    share_text,
)
from ews_serve.web.words import Badge
from ews_serve.web.years import Attendance, Trend, attendance_in, trend_of

NOTHING = Brief()

FIRST_OF_ALL = (Why.RENEWED, Why.ADDED)

NO_REASON = "No single pattern stands out; the estimate comes from many small ones."


@dataclass(frozen=True)
class Entry:
    """One student of a list with what decides about the to-do.

    Attributes:
        line: as published.
        told: the line's values.
        brief: follow-up.
        why: whether to act, and why.
        priority: the band.
    """

    line: Line
    told: Mapping[str, Any]
    brief: Brief
    why: Why
    priority: Priority

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the to-do."""
        return FIRST_OF_ALL.index(self.why) if self.why in FIRST_OF_ALL else len(FIRST_OF_ALL), self.told["rank"]


@dataclass(frozen=True)
class Row:
    """One student of the list in words.

    Attributes:
        path: of the student's page.
        name: or a word for it where names are not told.
        student_id: empty where it is not told.
        about: grade, and what is special: new here, near the line.
        priority: the band.
        reasons: two at most.
        last_year: days missed last year, before the line or past it.
        year_before: the same of the year before; empty without one.
        trend: of both.
        contact: the last one that reached somebody.
        state: of the plan, the mentor, and why the student is here again, added or taken off.
        step: what comes next.
        step_path: where that is done.
    """

    path: str
    name: str
    student_id: str
    about: str
    priority: Badge
    reasons: tuple[str, ...]
    last_year: str
    year_before: str
    trend: Trend
    contact: str
    state: str
    step: str
    step_path: str


def entries_of(lines: Sequence[Line], briefs: Mapping[str, Brief], attendance: Mapping[str, str]) -> list[Entry]:
    """Every line with its standing.

    Args:
        lines: of one school's list.
        briefs: follow-up by student, of those with any.
        attendance: JSON text by student, at least of everybody who was reached.
    """
    return [_entry(line, briefs.get(line.student_key, NOTHING), attendance.get(line.student_key)) for line in lines]


def _entry(line: Line, brief: Brief, attendance: str | None) -> Entry:
    told = json.loads(line.line)
    priority = priority_of(told["risk"])
    marks = json.loads(attendance)["days"] if attendance and brief.reached_on else ()
    absences = absences_after(marks, brief.reached_on)
    standing = Standing(priority, brief.plan.state, brief.reached_on, absences, brief.adds)
    return Entry(line, told, brief, why(standing), priority)


def row_of(entry: Entry, attendance: str | None, on: date, *, numbers_only: bool = False) -> Row:
    """One row in words.

    Args:
        entry: the student.
        attendance: JSON text; None: no history.
        on: today.
        numbers_only: the viewer reads numbers and sees no student's page.
    """
    history = attendance_in(attendance)
    path = f"/students/{entry.line.student_key}"
    last = entry.told["last_school_year"]
    years = tuple(year for year in history.years if last is None or year.year.ending <= last)
    step, anchor = _step(entry, on)
    return Row(
        path=f"{path}/numbers" if numbers_only else path,
        name=entry.line.name or entry.line.student_id or f"Student {entry.line.student_key[:8]}",
        student_id=entry.line.student_id or "",
        about=", ".join(_about(entry, history)),
        priority=PRIORITIES[entry.priority],
        reasons=tuple(entry.told["reasons"][:2]) or (NO_REASON,),
        last_year=_last_year(entry),
        year_before=_year_before(years),
        trend=trend_of(years),
        contact=_contact(entry.brief, on),
        state=_state(entry),
        step="" if numbers_only else step,
        step_path=f"{path}{anchor}",
    )


def _about(entry: Entry, history: Attendance) -> list[str]:
    words = [grade_text(entry.told["grade_level"])]
    if not history.years:
        words.append("new here, no history")
    elif len(history.years) == 1:
        words.append("one year of history")
    if is_close_to_the_line(entry.told["risk"]):
        words.append("near the line: your call")
    return words


def _last_year(entry: Entry) -> str:
    enrolled = entry.told["days_enrolled_last_year"] or 0
    if not enrolled:
        return "not known"
    return f"{share_text(entry.told['days_absent_last_year'] or 0, enrolled)}, {LANES[entry.told['lane']]}"


def _year_before(years: Sequence[Any]) -> str:
    if len(years) < 2:
        return ""
    return share_text(years[-2].days_absent or 0, years[-2].days_enrolled or 0)


def _contact(brief: Brief, on: date) -> str:
    if brief.reached_on is None or brief.reached_how is None:
        return "none yet this year"
    return f"{KINDS[Kind(brief.reached_how)]}, {ago_text(brief.reached_on, on)}, by {brief.reached_by}"


def _state(entry: Entry) -> str:
    brief, words = entry.brief, [STATES[entry.brief.plan.state]]
    if brief.mentoring:
        words.append(f"{MENTORING.get(brief.mentoring.state, brief.mentoring.state)}: {brief.mentoring.mentor}")
    if entry.why in _TOLD:
        words.append(WHYS[entry.why])
    return "; ".join(words)


_TOLD = (Why.RENEWED, Why.ADDED, Why.TAKEN_OFF)
"""Whys that the plan's state does not tell."""


def _step(entry: Entry, on: date) -> tuple[str, str]:
    """What comes next, and where on the student's page."""
    plan = entry.brief.plan
    if entry.why is Why.RENEWED:
        return "Ask again how things are", "#contact"
    if entry.why in (Why.NOT_REACHED, Why.ADDED):
        return "Log a contact", "#contact"
    if plan.next_step:
        due = f" (by {day_text(plan.next_step_on)})" if plan.next_step_on else ""
        return f"{plan.next_step[:80]}{due}", "#plan"
    return ("Make a plan", "#plan") if entry.why is Why.REACHED else ("Look", "")


def counts_of(entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """The head of the list: number and words."""
    to_do = sum(entry.why.is_to_do for entry in entries)
    again = sum(entry.why is Why.RENEWED for entry in entries)
    reached = sum(entry.brief.reached_on is not None for entry in entries)
    mentors = sum(entry.brief.mentoring is not None for entry in entries)
    return (
        (f"{to_do:,}", "still to reach"),
        (f"{again:,}", "absent again since the last contact"),
        (f"{reached:,}", "reached this year"),
        (f"{mentors:,}", "with a mentor or an offer"),
    )


def judged_of(entries: Sequence[Entry]) -> str:
    """How often the team knew more than the list; empty where it never did."""
    added, taken = (sum(entry.brief.adds is adds for entry in entries) for adds in (True, False))
    if not added and not taken:
        return ""
    return f"Your team knew more: {added} added, {taken} taken off."


def grade_counts(entries: Sequence[Entry]) -> tuple[tuple[str, str, str], ...]:
    """The list by grade: grade, students, of them still to reach."""
    grades = sorted({entry.told["grade_level"] for entry in entries}, key=_grade_order)
    of = {grade: [entry for entry in entries if entry.told["grade_level"] == grade] for grade in grades}
    return tuple(
        (grade_text(grade), counted(len(some), "student"), f"{sum(one.why.is_to_do for one in some)} to reach")
        for grade, some in of.items()
    )


def _grade_order(grade: str) -> int:
    return {"PK": -1, "KG": 0}.get(grade, 0) if not grade.isdecimal() else int(grade)
