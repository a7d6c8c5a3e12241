"""The first page: where to begin, by role (UX-6, UX-8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ews.access import Reason, View, may, scope_of
from ews.store.reading import Line, School, run_in_force
from ews.store.team import Mentee, team_list
from ews.store.work_lists import mentees
from ews_serve.asked import Asked
from ews_serve.routes.schools import schools_of
from ews_serve.web.filters import school_path
from ews_serve.web.frame import PageAsking, page
from ews_serve.web.team import alerts_text, contacts_text

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class MenteeRow:
    """One student of a mentor.

    Attributes:
        name: of the student.
        path: of the student's page.
        look: what to act on today, as absences in a row.
        about: contacts of the week, and the goal; empty where no meeting was set here.
    """

    name: str
    path: str
    look: tuple[str, ...]
    about: tuple[str, ...]


@dataclass(frozen=True)
class StartPage:
    """Where to begin.

    Attributes:
        schools: whose lists may be seen.
        mentees: of a mentor.
        needs_second_factor: whether that would open more.
        is_published: whether there is any list.
    """

    schools: Sequence[School]
    mentees: Sequence[MenteeRow]
    needs_second_factor: bool
    is_published: bool


@router.get("/")
def start(request: Request, asked: PageAsking) -> Response:
    """My schools, or my students; whoever has one school only is at its list at once."""
    scope, viewer = scope_of(asked.viewer, View.RISK_LIST, asked.on, policy=asked.service.policy), asked.viewer
    with asked.service.store.reading() as connection:
        schools = schools_of(connection, scope)
        mine = () if schools else _mentees(connection, asked)
        is_published = run_in_force(connection) is not None
    if len(schools) == 1:
        return RedirectResponse(school_path(schools[0].school_id), 303)
    lacks_code = may(viewer, View.RISK_LIST, asked.on).reason is Reason.NEEDS_SECOND_FACTOR
    return page(request, "start.html", StartPage(schools, mine, lacks_code, is_published))


def _mentees(connection: Any, asked: Asked) -> tuple[MenteeRow, ...]:
    """A mentor's students, those to look at first, each read in the log (MEN-6, MEN-7)."""
    if not asked.is_offered(View.ATTENDANCE):
        return ()
    scope, own = asked.scope(View.ATTENDANCE), asked.viewer.staff_key
    found = mentees(connection, scope)
    told = {one.student_key: one for one in team_list(connection, scope, asked.on, contacts_by=own)}
    if found:
        asked.log_list(scope, "shown", found)
    rows = [_row(one, told.get(one.student_key)) for one in found]
    return tuple(sorted(rows, key=lambda row: not row.look))


def _row(one: Line, told: Mentee | None) -> MenteeRow:
    name, path = one.name or one.student_id or "", f"/students/{one.student_key}"
    if told is None or told.starts_on is None:
        return MenteeRow(name, path, (), ())
    goal = (f"Goal: {told.goal}",) if told.goal else ()
    return MenteeRow(name, path, alerts_text(told), (contacts_text(told), *goal))
