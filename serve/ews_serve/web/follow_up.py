"""The forms of the student's page: each is a POST that ends in a redirect, or in the page with what was wrong."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.access import View
from ews.errors import InputRefused, Overtaken
from ews.school_year import SchoolYear
from ews.store import following_up
from ews.store.following_up import Author
from ews_serve.asked import Asked
from ews_serve.csrf import OwnForm
from ews_serve.follow_up import Write, write_of
from ews_serve.routes.students import StudentKey
from ews_serve.web.forms import Form, contact_in, judgement_in, note_in, plan_in
from ews_serve.web.frame import PageAsking
from ews_serve.web.student import student_page

router = APIRouter(prefix="/students/{student_key}", include_in_schema=False)


@router.post("/contacts")
async def log_contact(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Keep a contact."""
    told, shown = contact_in(form, asked.on)

    def write(connection: Any, year: SchoolYear, by: Author) -> None:
        assert told is not None
        following_up.add_contact(connection, student_key, told, by, year)

    return await _taken(request, asked, student_key, "contact", View.CONTACT, told, shown, write)


@router.post("/plan")
async def change_plan(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Change the plan from the version that the form was made with."""
    plan, shown = plan_in(form)

    def write(connection: Any, year: SchoolYear, by: Author) -> None:
        assert plan is not None
        following_up.change_plan(connection, student_key, year, plan, by, form.get("reason"))

    return await _taken(request, asked, student_key, "plan", View.PLAN, plan, shown, write)


@router.post("/judgement")
async def judge(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Add the student to the list, or take the student off it, with a reason (UX-4)."""
    said, shown = judgement_in(form)

    def write(connection: Any, year: SchoolYear, by: Author) -> None:
        assert said is not None
        adds, category, reason = said
        following_up.judge(connection, student_key, year, by, adds=adds, category=category, reason=reason)

    return await _taken(request, asked, student_key, "judgement", View.PLAN, said, shown, write)


@router.post("/judgement/taken-back")
async def take_back(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Take back what stands of the student's place on the list."""

    def write(connection: Any, year: SchoolYear, by: Author) -> None:
        following_up.take_back(connection, student_key, year, by)

    return await _taken(request, asked, student_key, "taken-back", View.PLAN, True, Form(form), write)


@router.post("/notes")
async def note(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Keep a note."""
    text, shown = note_in(form)

    def write(connection: Any, _: SchoolYear, by: Author) -> None:
        assert text is not None
        following_up.add_note(connection, student_key, text, by)

    return await _taken(request, asked, student_key, "note", View.PLAN, text, shown, write)


async def _taken(
    request: Request,
    asked: Asked,
    student_key: str,
    name: str,
    view: View,
    told: object | None,
    shown: Form,
    write: Write,
) -> Response:
    """Write what was told, and go back to the page; or show it with what was wrong, and nothing was written."""
    if told is None:
        return await student_page(
            request, asked, student_key, form=name, typed=shown, refusal=_summary(shown), status=422
        )
    try:
        await run_in_threadpool(write_of, asked, student_key, view, write)
    except InputRefused as refusal:
        wrong = Form(shown.typed, {"": str(refusal)})
        return await student_page(request, asked, student_key, form=name, typed=wrong, refusal=str(refusal), status=422)
    except Overtaken as refusal:
        return await student_page(request, asked, student_key, refusal=str(refusal), status=409)
    return RedirectResponse(f"/students/{student_key}?kept={name}#kept", 303)


def _summary(form: Form) -> str:
    count = len(form.errors)
    return "One field needs another look." if count == 1 else f"{count} fields need another look."
