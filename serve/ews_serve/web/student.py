"""A student's page in the order of UX-3, and the sheet of it for a team meeting.

What a viewer may not see is not read: each section belongs to a view, and every view that is shown is in the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ews.access import Decision, Role, View
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.store import follow_up
from ews.store.people import members
from ews.store.profiles import Profile, longest_year, profile_of
from ews.store.reading import Run, Student, place_of, run_in_force, student_view
from ews_serve.asked import Asked, Seen
from ews_serve.routes.students import StudentKey
from ews_serve.web.attended import Attended, attended, strengths
from ews_serve.web.forms import CHOICES, Choices, Form, new_contact_form, plan_form
from ews_serve.web.frame import Link, PageAsking, page
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
    quality_of,
    seers_of,
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
        numbers_path, family_path: further pages; empty where they do not open.
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
        read = _read(asked, seen)
        asked.log_views(seen, read.views, read.run)
        it = _page_of(request, asked, seen, read, kept, {form: typed} if typed else {})
        crumbs = (Link("Students", "/"),) if not it.sees_estimates else (Link("List", it.list_path),)
        return page(request, template, it, crumbs=crumbs, refusal=refusal, status=status)

    return await run_in_threadpool(make)


@dataclass(frozen=True)
class Read:
    """Everything that was read, each part only where its view is allowed.

    Attributes:
        views: what is shown, and why it may be.
        run: the run in force.
        found: the estimate's row.
        days_in_year: how long the school's year is.
        plan, changes, contacts, judgements, notes, mentoring: follow-up.
        seers: who may see the student.
        names: of people by login, for what plans keep.
    """

    views: Mapping[View, Decision]
    run: Run | None
    found: Student | None
    days_in_year: int | None
    plan: follow_up.Plan | None
    changes: Sequence[follow_up.PlanChange]
    contacts: Sequence[follow_up.Contact]
    judgements: Sequence[follow_up.Judgement]
    notes: Sequence[follow_up.Note]
    mentoring: follow_up.Mentoring | None
    seers: tuple[Seer, ...] | None
    names: Mapping[str, str]


PARTS = (View.EXPLANATION, View.PLAN, View.CONTACT, View.SLOTS, View.WHO_CAN_SEE)


def _read(asked: Asked, seen: Seen[Profile]) -> Read:
    key, place = seen.found.student_key, seen.place
    decided = {view: asked.decide(place, view) for view in PARTS if asked.is_offered(view)}
    views = {View.ATTENDANCE: seen.decision} | {view: one for view, one in decided.items() if one.allowed}
    with asked.service.store.reading() as connection:
        run = run_in_force(connection)
        year = SchoolYear(run.target_year) if run else None
        plans = year if View.PLAN in views else None
        staff = members(connection)
        return Read(
            views=views,
            run=run,
            found=student_view(connection, key) if View.EXPLANATION in views else None,
            days_in_year=_days_in_year(connection, run, seen.found),
            plan=follow_up.plan_of(connection, key, plans) if plans else None,
            changes=follow_up.plan_changes(connection, key, plans) if plans else (),
            contacts=_contacts(connection, asked, key, views.get(View.CONTACT)),
            judgements=follow_up.judgements_of(connection, key, plans) if plans else (),
            notes=follow_up.notes_of(connection, key) if plans else (),
            mentoring=follow_up.mentoring_of(connection, key) if View.SLOTS in views else None,
            seers=_seers(connection, asked, key, staff) if View.WHO_CAN_SEE in views else None,
            names={one.login: one.name for one in staff},
        )


def _days_in_year(connection: Any, run: Run | None, profile: Profile) -> int | None:
    if run is None or not profile.stays:
        return None
    return longest_year(connection, run.run_id, profile.stays[-1].school_id)


def _contacts(connection: Any, asked: Asked, key: str, decision: Decision | None) -> Sequence[follow_up.Contact]:
    """The log of contacts; a mentor reads the own entries only."""
    if decision is None:
        return ()
    own = asked.viewer.staff_key if decision.role is Role.MENTOR else None
    return follow_up.contacts_of(connection, key, own)


def _seers(connection: Any, asked: Asked, key: str, staff: Sequence[Any]) -> tuple[Seer, ...]:
    place = place_of(connection, key, *(one.staff_key for one in staff))
    return seers_of(staff, place, asked.on)


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
        list_path=f"/schools/{profile.stays[-1].school_id}" if sees_estimates and profile.stays else "/",
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
    told = f"{grade_text(last.grade_level)}, {school}, since {day_text(last.entry_date)}{ends}"
    return f"{told}. Id {profile.student_id}." if profile.name else f"{told}."


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
