"""The team's weekly list: students with a mentor, what is due, and whom to look at first (MEN-7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ews.access import View
from ews.store.reading import Line
from ews.store.team import EXPECTED_CONTACTS, Mentee, team_list
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.round_rows import ASSIGNED
from ews_serve.web.wording import counted, day_text

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Row:
    """One student with a mentor, in words."""

    name: str
    path: str
    mentor: str
    state: str
    contacts: str
    attendance: str
    goal: str
    look: tuple[str, ...]


@dataclass(frozen=True)
class TeamPage:
    """The list: those to look at, and the others; and by which days absences in a row are counted."""

    first: tuple[Row, ...]
    others: tuple[Row, ...]
    day: str
    counted_by: str


@router.get("/team")
def team(
    request: Request, asked: PageAsking, school: Annotated[str | None, Query(min_length=1, max_length=64)] = None
) -> Response:
    """The weekly list, of one school where one is named."""
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection:
        found = team_list(connection, scope, asked.on, school)
    lines = [Line(one.student_key, "", one.student_id, one.name, "") for one in found]
    asked.log_list(scope, "shown", lines, "mentors contacts")
    first = tuple(_row(one) for one in found if one.alert or one.flags)
    others = tuple(_row(one) for one in found if not (one.alert or one.flags))
    model = TeamPage(first, others, day_text(asked.on), _counted_by(found))
    return page(request, "team.html", model, crumbs=(Link("Mentor slots", "/slots"),))


def _counted_by(found: Sequence[Mentee]) -> str:
    """By which days absences in a row are counted: a day off breaks a run only where the days are not known."""
    if all(one.by_calendar for one in found):
        return "Days in a row are counted by each school's own days: weekends, holidays and closed days do not count."
    whose = f" for {counted(sum(not one.by_calendar for one in found), 'student')}"
    some = whose if any(one.by_calendar for one in found) else ""
    return (
        f"Days in a row are counted by weekdays{some}, since the school's days are not in the records yet. A day off "
        "between two absences counts as a day at school, so a run may be missed."
    )


def _row(one: Mentee) -> Row:
    return Row(
        name=one.name or one.student_id or "A student",
        path=f"/students/{one.student_key}",
        mentor=one.mentor,
        state=ASSIGNED[one.state] + (f" since {day_text(one.starts_on)}" if one.starts_on else ""),
        contacts=contacts_text(one),
        attendance=_attendance(one),
        goal=one.goal or "",
        look=alerts_text(one) + one.flags,
    )


def contacts_text(one: Mentee) -> str:
    """The contacts of the week, with a gentle reminder where they are few (MEN-6)."""
    if one.state != "active":
        return "The first meeting is still to come."
    words = f"{counted(one.contacts, 'contact')} in seven days"
    last = f"; last {day_text(one.last_contact_on)}" if one.last_contact_on else "; none yet"
    return words + last + ("" if one.contacts >= EXPECTED_CONTACTS else f". About {EXPECTED_CONTACTS} a week help.")


def _attendance(one: Mentee) -> str:
    of = f"{one.absent_since} of {one.days_since} days" if one.days_since else counted(one.absent_since or 0, "day")
    since = "" if one.absent_since is None else f"{of} missed since the first meeting"
    before = f"{one.last_year[0]} of {one.last_year[1]} last year" if one.last_year else ""
    return "; ".join(part for part in (since, before) if part) or "not known"


def alerts_text(one: Mentee) -> tuple[str, ...]:
    """That a student was absent two school days in a row or more, to act on today (MEN-7)."""
    if not one.alert:
        return ()
    first, last = one.alert[0], one.alert[-1]
    return (f"Absent {len(one.alert)} school days in a row, {day_text(first)} to {day_text(last)}. Reach out today.",)
