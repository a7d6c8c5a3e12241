"""A school's list as a to-do, and its call list to print (UX-1, UX-5, UX-6, UX-7, UX-8)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from ews.access import Reason, Scope, View, may
from ews.school_year import SchoolYear
from ews.store.reading import Run, Wanted, run_in_force
from ews.store.work_lists import Brief, attendance_of, briefs
from ews_serve.asked import Asked, of_run
from ews_serve.problems import Refused
from ews_serve.routes.schools import SchoolId, every_line, refuse_unseen_school, schools_of
from ews_serve.web.filters import (
    ALL_GRADES,
    Choice,
    Filters,
    Number,
    OfGrade,
    OfLane,
    OfState,
    Show,
    Sort,
    Whose,
    school_path,
)
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.to_do import Entry, Row, counts_of, entries_of, grade_counts, judged_of, row_of
from ews_serve.web.told import as_of, notices_of
from ews_serve.web.wording import LANE_MEANS, LANES, PRIORITIES, counted, day_text, grade_text
from ews_serve.web.words import Badge
from ews_serve.web.years import attendance_in

router = APIRouter(include_in_schema=False)

EACH_PAGE = 40
"""Students a page: a page of them is read at once and weighs little."""


@dataclass(frozen=True)
class Group:
    """Rows of one band, grade or of all; `total` counts those on other pages of the list, too."""

    heading: str
    badge: Badge | None
    rows: tuple[Row, ...]
    total: str


@dataclass(frozen=True)
class SchoolPage:
    """A school's list.

    Attributes:
        name: of the school.
        path: of the list.
        year: the school year it is for.
        counts: number and words.
        grades: the list by grade.
        filters: what may be chosen.
        groups: rows in their order.
        shown: how many of how many.
        previous: address of the page before; empty on the first.
        following: of the next one.
        exports: file formats and addresses; empty where none may be taken.
        empty: heading and sentence where there is nothing to show.
        all_path: the same list with everyone.
        shows_follow_up: whether plans and contacts are told to this viewer.
        lane_means: what lanes mean.
        as_of: where the list comes from.
        judged: how often the team knew more.
    """

    name: str
    path: str
    year: str
    counts: Sequence[tuple[str, str]]
    grades: Sequence[tuple[str, str, str]]
    filters: Sequence[tuple[str, str, Sequence[Choice]]]
    groups: Sequence[Group]
    shown: str
    previous: str
    following: str
    exports: Sequence[Link]
    empty: tuple[str, str] | None
    all_path: str
    shows_follow_up: bool
    lane_means: Mapping[str, str]
    as_of: str
    judged: str


@router.get("/schools/{school_id}")
def school(
    request: Request,
    asked: PageAsking,
    school_id: SchoolId,
    grade: OfGrade = "",
    lane: OfLane = "",
    state: OfState = "",
    whose: Whose = "",
    show: Show = "to-do",
    sort: Sort = "priority",
    number: Number = 1,
) -> Response:
    """The school's list as a to-do, first whom to reach first."""
    filters = Filters(grade, lane, state, whose, show, sort)
    found = _found(asked, school_id, filters)
    shown = found.ordered(filters)
    of_page = shown[(number - 1) * EACH_PAGE : number * EACH_PAGE]
    with asked.service.store.reading() as connection:
        history = attendance_of(connection, [entry.line.student_key for entry in of_page])
    lines = [entry.line for entry in of_page]
    asked.log_list(found.scope, "shown", lines, "follow-up", school_id=school_id, **of_run(found.run))
    it = _school_page(asked, found, filters, shown, of_page, history, number)
    return page(request, "school.html", it, crumbs=(Link("Schools", "/"),), notices=_notices(asked, found.run, history))


@router.get("/schools/{school_id}/calls")
def calls(request: Request, asked: PageAsking, school_id: SchoolId) -> Response:
    """The whole school's to-do to print and to write on."""
    found = _found(asked, school_id, Filters())
    entries = found.ordered(Filters())
    lines = [entry.line for entry in entries]
    with asked.service.store.reading() as connection:
        history = attendance_of(connection, [line.student_key for line in lines])
    asked.log_list(found.scope, "shown", lines, "follow-up", school_id=school_id, **of_run(found.run))
    rows = tuple(row_of(entry, history.get(entry.line.student_key), asked.on) for entry in entries)
    it = {"name": found.name, "rows": rows, "on": day_text(asked.on), "path": school_path(school_id)}
    return page(request, "calls.html", it, crumbs=(Link("Schools", "/"), Link(found.name, school_path(school_id))))


@dataclass(frozen=True)
class Found:
    """What was read for one list."""

    scope: Scope
    run: Run | None
    name: str
    school_id: str
    entries: list[Entry]
    shows_follow_up: bool

    def ordered(self, filters: Filters) -> list[Entry]:
        """The entries a filter leaves, in its order."""
        kept = [
            entry
            for entry in self.entries
            if (filters.show == "all" or filters.state or entry.why.is_to_do)
            and filters.state in ("", entry.brief.plan.state)
        ]
        return sorted(kept, key=_ORDERS[filters.sort])


_ORDERS: Mapping[str, Any] = {
    "priority": lambda entry: entry.place,
    "grade": lambda entry: (ALL_GRADES.index(entry.told["grade_level"]), *entry.place),
    "name": lambda entry: (entry.line.name or entry.line.student_id or entry.line.student_key).casefold(),
}


def _found(asked: Asked, school_id: str, filters: Filters) -> Found:
    """The list with its follow-up, in one transaction.

    Raises:
        Refused: 404, there is no such school for this viewer.
    """
    scope = asked.scope(View.RISK_LIST)
    grades = (filters.grade,) if filters.grade else ()
    caseload_of = asked.viewer.staff_key if filters.whose else None
    wanted = Wanted(school_id, grades, filters.lane or None, caseload_of)
    with asked.service.store.reading() as connection:
        run = run_in_force(connection)
        names = {one.school_id: one.name or f"School {one.school_id}" for one in schools_of(connection, scope)}
        if run is None:
            if school_id not in names:
                raise Refused(404)
            return Found(scope, None, names[school_id], school_id, [], False)
        lines = list(every_line(connection, run, scope, wanted))
        refuse_unseen_school(connection, scope, school_id, lines)
        about = _briefs(connection, asked, run, school_id)
        reached = [key for key, brief in about.items() if brief.reached_on]
        entries = entries_of(lines, about, attendance_of(connection, reached))
    name = names.get(school_id, f"School {school_id}")
    return Found(scope, run, name, school_id, entries, asked.is_offered(View.PLAN))


def _briefs(connection: Any, asked: Asked, run: Run, school_id: str) -> dict[str, Brief]:
    plans, contacts, slots = (
        asked.scope(view) if asked.is_offered(view) else None for view in (View.PLAN, View.CONTACT, View.SLOTS)
    )
    year = SchoolYear(run.target_year)
    return briefs(connection, run.run_id, school_id, year, plans=plans, contacts=contacts, slots=slots)


def _school_page(
    asked: Asked,
    found: Found,
    filters: Filters,
    shown: Sequence[Entry],
    of_page: Sequence[Entry],
    history: Mapping[str, str],
    number: int,
) -> SchoolPage:
    path, first = school_path(found.school_id), (number - 1) * EACH_PAGE
    year = SchoolYear(found.run.target_year).label if found.run else ""
    return SchoolPage(
        name=found.name,
        path=path,
        year=year,
        counts=counts_of(found.entries) if found.shows_follow_up else (),
        grades=grade_counts(found.entries),
        filters=filters.choices(may_choose_state=found.shows_follow_up),
        groups=_groups(asked, shown, of_page, history, filters.sort),
        shown=f"{first + 1} to {first + len(of_page)} of {len(shown)} students" if of_page else "",
        previous=f"{path}{filters.query(number - 1)}" if number > 1 else "",
        following=f"{path}{filters.query(number + 1)}" if first + EACH_PAGE < len(shown) else "",
        exports=_exports(asked, found),
        empty=None if of_page else _empty(found, filters, number),
        all_path=f"{path}?show=all",
        shows_follow_up=found.shows_follow_up,
        lane_means={LANES[lane]: text for lane, text in LANE_MEANS.items()},
        as_of=as_of(found.run),
        judged=judged_of(found.entries),
    )


def _groups(
    asked: Asked, shown: Sequence[Entry], of_page: Sequence[Entry], history: Mapping[str, str], sort: str
) -> tuple[Group, ...]:
    """Rows under headings: by band, by grade, or under none."""
    numbers_only = not asked.is_offered(View.ATTENDANCE)
    groups: dict[str, tuple[Badge | None, list[Row]]] = {}
    totals = Counter(_heading(entry, sort)[0] for entry in shown)
    for entry in of_page:
        heading, badge = _heading(entry, sort)
        row = row_of(entry, history.get(entry.line.student_key), asked.on, numbers_only=numbers_only)
        groups.setdefault(heading, (badge, []))[1].append(row)
    return tuple(
        Group(heading, badge, tuple(rows), counted(totals[heading], "student"))
        for heading, (badge, rows) in groups.items()
    )


def _heading(entry: Entry, sort: str) -> tuple[str, Badge | None]:
    if sort == "grade":
        return grade_text(entry.told["grade_level"]), None
    if sort == "name":
        return "By name", None
    if entry.place[0] == 0:
        return "Absent again since the last contact", None
    if entry.place[0] == 1:
        return "Added by your team", None
    return PRIORITIES[entry.priority].text, PRIORITIES[entry.priority]


def _exports(asked: Asked, found: Found) -> tuple[Link, ...]:
    decision = may(asked.viewer, View.EXPORT, asked.on)
    if decision.reason is Reason.NEEDS_SECOND_FACTOR:
        here = quote(school_path(found.school_id))
        return (Link("Give the second factor to take a file", f"/second-factor?next={here}"),)
    if found.run is None or not decision.allowed:
        return ()
    path = f"/v1{school_path(found.school_id)}/export"
    return Link("Workbook", f"{path}?format=xlsx"), Link("CSV", f"{path}?format=csv")


def _empty(found: Found, filters: Filters, number: int) -> tuple[str, str]:
    if found.run is None:
        return (
            "No list was published yet",
            "The first list comes from whoever runs this service: a model is trained on your records, somebody "
            "answers for it, and the list appears here.",
        )
    if number > 1:
        return "The list ends before this page", "Go back to its first page."
    if not found.entries:
        return "Nobody fits these filters", "Choose other filters, or show everyone on the list."
    if filters.state:
        return "Nobody stands there now", "Choose another place in the work, or show everyone on the list."
    return "Everybody was reached", "Nobody on this list waits for a first contact. Show everyone to look back."


def _notices(asked: Asked, run: Run | None, history: Mapping[str, str]) -> list[str]:
    """The list is old, its model cannot be read, or only totals of years are known (UX-8)."""
    notices = notices_of(run, asked.at, asked.service.live.trouble)
    if history and all(attendance_in(text).is_yearly for text in history.values()):
        notices.append("Your records hold totals of whole years only: no months, weekdays or single days are shown.")
    return notices
