"""A student's page in the order of UX-3, and the sheet of it for a team meeting.

What a viewer may not see is not read: each section belongs to a view, and every view that is shown is in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ews.access import Place, View
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.store import follow_up
from ews.store.profiles import Profile, profile_of
from ews_serve.asked import Asked, Seen
from ews_serve.routes.students import StudentKey
from ews_serve.web.attended import Attended, attended, strengths
from ews_serve.web.filters import school_path
from ews_serve.web.forms import CHOICES, Choices, Form, new_contact_form, plan_form
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.student_read import Read, read_student
from ews_serve.web.told import (
    NOT_LISTED,
    NOT_SCORED,
    NOTHING_PUBLISHED,
    Estimate,
    Seer,
    Told,
    changes_told,
    contacts_told,
    estimate_of,
    helped_of,
    judgements_told,
    notices_of,
    quality_of,
    unknown_of,
)
from ews_serve.web.wording import day_text, grade_text
from ews_serve.web.years import Attendance, attendance_in

router = APIRouter(include_in_schema=False)

KEPT = {
    "contact": "The contact is in the log.",
    "plan": "The plan is changed.",
    "judgement": "What you know is kept. Your team sees it.",
    "taken-back": "It is taken back.",
    "note": "The note is kept.",
}
"""What was done, after a form: said once on the page it leads to."""

SUMMER = timedelta(days=100)
"""The longest time between two stays that are one."""

MOST_TOLD = 12
"""Entries of a log that a page shows."""

Kept = Annotated[str, Query(alias="kept", max_length=20)]


@dataclass(frozen=True)
class FollowedUp:
    """Plan, contacts, judgements and notes; an empty part is one that this viewer may not see, or has no entry."""

    plan: follow_up.Plan | None
    contacts: tuple[Told, ...]
    changes: tuple[Told, ...]
    judgements: tuple[Told, ...]
    notes: tuple[Told, ...]
    stands: str
    mentor: str


@dataclass(frozen=True)
class Forms:
    """The forms of the page; None: not offered to this viewer."""

    contact: Form | None
    plan: Form | None
    judgement: Form | None
    note: Form | None


@dataclass(frozen=True)
class StudentPage:
    """A student in the order of the page.

    Attributes:
        name: or id where no name is known.
        path: of the page.
        about: grade, school and since when, id.
        list_path: back to the list.
        strengths: what went well.
        helped: what has been done.
        attended: the history.
        estimate: None where there is none, or none for this viewer.
        no_estimate: why there is none; empty where none is told at all.
        unknown: what the model does not know.
        followed: plan, contacts and the rest.
        forms: to write with.
        choices: of their fields.
        quality: where facts come from.
        seers: who may see the student; None: not for this viewer.
        kept: what was done just now; empty otherwise.
        sees_estimates: whether estimates are for this viewer at all.
        mentor_path, numbers_path, family_path: further pages; empty where they do not open.
        today: in words.
    """

    name: str
    path: str
    about: str
    list_path: str
    strengths: tuple[str, ...]
    helped: tuple[str, ...]
    attended: Attended
    estimate: Estimate | None
    no_estimate: str
    unknown: tuple[str, ...]
    followed: FollowedUp
    forms: Forms
    choices: Choices
    quality: tuple[tuple[str, str], ...]
    seers: tuple[Seer, ...] | None
    kept: str
    sees_estimates: bool
    mentor_path: str
    numbers_path: str
    family_path: str
    today: str


@router.get("/students/{student_key}")
async def show_student(request: Request, student_key: StudentKey, asked: PageAsking, kept: Kept = "") -> Response:
    """The student's page."""
    return await student_page(request, asked, student_key, kept=KEPT.get(kept, ""))


@router.get("/students/{student_key}/sheet")
async def show_sheet(request: Request, student_key: StudentKey, asked: PageAsking) -> Response:
    """One page of paper for the team's meeting."""
    return await student_page(request, asked, student_key, template="sheet.html")


async def student_page(
    request: Request,
    asked: Asked,
    student_key: str,
    *,
    kept: str = "",
    form: str = "",
    typed: Form | None = None,
    refusal: str = "",
    status: int = 200,
    template: str = "student.html",
) -> Response:
    """The page, after the read of every view on it is in the log.

    Args:
        request: for the frame.
        asked: who asks.
        student_key: the student.
        kept: what was done just now.
        form: the form that was not taken.
        typed: what was typed into it, and what was wrong.
        refusal: why it was not taken, for the top of the page.
        status: of the answer.
        template: the page or its sheet.
    """
    seen = await asked.student(student_key, View.ATTENDANCE, profile_of)

    def make() -> Response:
        read = read_student(asked, seen)
        asked.log_views(seen, read.views, read.run)
        it = _page_of(request, asked, seen, read, kept, {form: typed} if typed else {})
        crumbs = (Link("Students", "/"),) if not it.sees_estimates else (Link("List", it.list_path),)
        notices = notices_of(read.run, asked.at, asked.service.live.trouble) if it.sees_estimates else ()
        return page(request, template, it, crumbs=crumbs, notices=notices, refusal=refusal, status=status)

    return await run_in_threadpool(make)


def list_path(asked: Asked, place: Place) -> str:
    """The list on which this viewer finds the student: of the latest school where the viewer has a role."""
    if not asked.is_offered(View.RISK_LIST):
        return "/"
    scope = asked.scope(View.RISK_LIST)
    stays = sorted(place.stays, key=lambda stay: stay.entry_date, reverse=True)
    near = (stay for stay in stays if scope.counts(stay) and any(part.grant.covers(stay) for part in scope.parts))
    school_id = next((stay.school_id for stay in near), None)
    return "/" if school_id is None else school_path(school_id)


def _page_of(
    request: Request, asked: Asked, seen: Seen[Profile], read: Read, kept: str, typed: Mapping[str, Form]
) -> StudentPage:
    profile, history = seen.found, attendance_in(seen.found.attendance)
    target = SchoolYear(read.run.target_year) if read.run else None
    path, sees_estimates = f"/students/{profile.student_key}", View.EXPLANATION in read.views
    return StudentPage(
        name=profile.name or profile.student_id,
        path=path,
        about=_about(profile),
        list_path=list_path(asked, seen.place),
        strengths=strengths(history, target),
        helped=helped_of(read.contacts, read.mentoring, read.plan, target, asked.on),
        attended=_attended(history, target, read, profile),
        estimate=estimate_of(read.found) if read.found else None,
        no_estimate=_no_estimate(read, profile) if sees_estimates else "",
        unknown=unknown_of(history, read.run) if sees_estimates else (),
        followed=_followed(read, asked.on),
        forms=_forms(asked, read, typed),
        choices=CHOICES,
        quality=quality_of(history, read.run if sees_estimates else None),
        seers=read.seers,
        kept=kept,
        sees_estimates=sees_estimates,
        mentor_path=_further(request, asked, seen, "mentor", View.SLOTS),
        numbers_path=_further(request, asked, seen, "numbers", View.NUMBERS),
        family_path=_further(request, asked, seen, "family", View.ATTENDANCE) if sees_estimates else "",
        today=day_text(asked.on),
    )


def _attended(history: Attendance, target: SchoolYear | None, read: Read, profile: Profile) -> Attended:
    services = [(f"Mentor: {read.mentoring.mentor}", read.mentoring.since)] if read.mentoring else []
    return attended(
        history,
        target,
        days_in_year=read.days_in_year,
        entered=profile.stays[-1].entry_date if profile.stays else None,
        services=services,
        chronic_percent=Policy().chronic_percent,
    )


def _about(profile: Profile) -> str:
    if not profile.stays:
        return profile.student_id
    last = profile.stays[-1]
    school = last.school_name or f"school {last.school_id}"
    ends = f" until {day_text(last.exit_date)}" if last.exit_date else ""
    told = f"{grade_text(last.grade_level)}, {school}, since {day_text(_since(profile))}{ends}"
    return f"{told}. Id {profile.student_id}." if profile.name else f"{told}."


def _since(profile: Profile) -> date:
    """The first day at the present school, over summers in which nobody is enrolled."""
    since = profile.stays[-1].entry_date
    for stay in reversed(profile.stays[:-1]):
        goes_on = stay.exit_date is None or since - stay.exit_date <= SUMMER
        if stay.school_id == profile.stays[-1].school_id and goes_on:
            since = min(since, stay.entry_date)
    return since


def _no_estimate(read: Read, profile: Profile) -> str:
    if read.found:
        return ""
    if profile.do_not_score:
        return NOT_SCORED
    return NOT_LISTED if read.run else NOTHING_PUBLISHED


def _followed(read: Read, on: date) -> FollowedUp:
    standing = next((one for one in read.judgements if one.taken_back_at is None), None)
    stands = "" if standing is None else ("added to the list" if standing.adds else "taken off the list")
    mentor = f"{read.mentoring.mentor}, since {day_text(read.mentoring.since)}" if read.mentoring else ""
    return FollowedUp(
        plan=read.plan,
        contacts=contacts_told(read.contacts[:MOST_TOLD], on),
        changes=changes_told(read.changes[:MOST_TOLD], read.names),
        judgements=judgements_told(read.judgements[:MOST_TOLD]),
        notes=tuple(Told("", one.text, f"{day_text(one.at.date())}, {one.by}") for one in read.notes[:MOST_TOLD]),
        stands=stands,
        mentor=mentor,
    )


def _forms(asked: Asked, read: Read, typed: Mapping[str, Form]) -> Forms:
    """Forms as they were typed, else anew; none while looking as somebody else, or before there is a year."""
    writes = not asked.viewer.viewing_as and read.run is not None
    contact, plan = writes and View.CONTACT in read.views, writes and read.plan is not None
    return Forms(
        contact=typed.get("contact", new_contact_form(asked.on)) if contact else None,
        plan=typed.get("plan", plan_form(read.plan or follow_up.Plan())) if plan else None,
        judgement=typed.get("judgement", Form()) if plan else None,
        note=typed.get("note", Form()) if plan else None,
    )


def _further(request: Request, asked: Asked, seen: Seen[Profile], name: str, view: View) -> str:
    """The address of a further page of the student, where the application has it and the viewer may see it."""
    has = f"/students/{{student_key}}/{name}" in getattr(request.app.state, "page_paths", ())
    opens = has and asked.is_offered(view) and asked.decide(seen.place, view).allowed
    return f"/students/{seen.found.student_key}/{name}" if opens else ""
