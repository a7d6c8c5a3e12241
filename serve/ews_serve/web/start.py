"""The first page: where to begin, by role (UX-6, UX-8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ews.access import Reason, View, may, scope_of
from ews.store.reading import School, run_in_force
from ews.store.work_lists import mentees
from ews_serve.asked import Asked
from ews_serve.routes.schools import schools_of
from ews_serve.web.filters import school_path
from ews_serve.web.frame import Link, PageAsking, page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class StartPage:
    """Where to begin.

    Attributes:
        schools: whose lists may be seen.
        mentees: of a mentor: path and name.
        needs_second_factor: whether that would open more.
        is_published: whether there is any list.
    """

    schools: Sequence[School]
    mentees: Sequence[Link]
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


def _mentees(connection: Any, asked: Asked) -> tuple[Link, ...]:
    """A mentor's students, each read in the log."""
    if not asked.is_offered(View.ATTENDANCE):
        return ()
    scope = asked.scope(View.ATTENDANCE)
    found = mentees(connection, scope)
    if found:
        asked.log_list(scope, "shown", found)
    return tuple(Link(one.name or one.student_id or "", f"/students/{one.student_key}") for one in found)
