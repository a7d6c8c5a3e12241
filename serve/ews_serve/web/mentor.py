"""A student's mentor: the family is told, all agree, it starts; handed over, ended; each step dated (MEN-5, MEN-8)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.access import View
from ews.slots import Rule
from ews.store.assigned import END_REASONS, STEPS, Assignment, Step, assignments_of, next_steps, rule_of
from ews.store.assignments import end_assignment, give, hand_over, take_step
from ews.store.mentors import mentors_in, wishes_of
from ews.store.profiles import Profile, profile_of
from ews_serve.asked import Asked
from ews_serve.csrf import OwnForm
from ews_serve.problems import Refused
from ews_serve.routes.students import StudentKey
from ews_serve.slot_rounds import said
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.round_rows import ASSIGNED
from ews_serve.web.wording import day_text

router = APIRouter(prefix="/students/{student_key}/mentor", include_in_schema=False)

STEP_WORDS = {
    Step.TOLD: "The family was told",
    Step.CONSENTED: "The family said yes",
    Step.ASSENTED: "The student said yes",
    Step.STARTED: "First meeting",
}
KEPT = {"step": "The step is kept.", "end": "It is ended. The slot is free.", "handover": "The other mentor goes on.",
        "offer": "The offer is kept. Tell the family next."}  # fmt: skip


@dataclass(frozen=True)
class Done:
    """A step that was taken, or waits."""

    text: str
    when: str


@dataclass(frozen=True)
class MentorPage:
    """A student's mentors.

    Attributes:
        name: of the student.
        path: of the page.
        about: of the open assignment, in a sentence; empty: none is open.
        why: why this student.
        goal: the small goal; empty: none was set.
        wishes: what the student said about a mentor; empty: nothing.
        waits: what the next step waits for; empty: nothing.
        done: the steps of the open assignment.
        steps: what may be noted now, as value and words.
        today: ISO date, for the forms.
        reasons: why it may end, as value and words.
        mentors: who else could go on, as key and name.
        before: earlier ones, in sentences.
        request_key: of a new form.
        may_write: whether the viewer may note anything.
        kept: what was just done.
    """

    name: str
    path: str
    about: str
    why: str
    goal: str
    wishes: str
    waits: str
    done: tuple[Done, ...]
    steps: Mapping[str, str]
    today: str
    reasons: Mapping[str, str]
    mentors: Mapping[str, str]
    before: tuple[str, ...]
    request_key: str
    may_write: bool
    kept: str


@dataclass(frozen=True)
class _Found:
    name: str
    every: tuple[Assignment, ...]
    steps: tuple[Step, ...]
    mentors: Mapping[str, str]
    wishes: str
    waits: str


@router.get("")
async def show(
    request: Request, student_key: StudentKey, asked: PageAsking, kept: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """The student's mentor."""
    return await _page(request, asked, student_key, KEPT.get(kept, ""))


@router.post("/steps")
async def step(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Note a step."""

    def write(connection: Any) -> None:
        take_step(connection, student_key, _step(form), _day(form), asked.on, form.get("goal", ""))

    return await _done(request, asked, student_key, "step", write)


@router.post("/end")
async def end(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """End it today."""

    def write(connection: Any) -> None:
        reason, note = form.get("reason", ""), form.get("handover", "")
        end_assignment(connection, student_key, reason, asked.viewer.login, asked.on, note, asked.at)

    return await _done(request, asked, student_key, "end", write)


@router.post("/handover")
async def handover(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Let another mentor go on."""

    def write(connection: Any) -> None:
        mentor, note = form.get("mentor_key", ""), form.get("note", "")
        hand_over(connection, student_key, mentor, note, asked.viewer.login, asked.on, _request_key(form), asked.at)

    return await _done(request, asked, student_key, "handover", write)


@router.post("/offer")
async def offer(request: Request, student_key: StudentKey, asked: PageAsking, form: OwnForm) -> Response:
    """Offer a mentor outside a round, with a reason."""

    def write(connection: Any) -> None:
        mentor, why = form.get("mentor_key", ""), form.get("why", "")
        give(connection, student_key, mentor, why, asked.viewer.login, asked.on, _request_key(form), asked.at)

    return await _done(request, asked, student_key, "offer", write)


async def _done(request: Request, asked: Asked, student_key: str, kept: str, write: Any) -> Response:
    def act() -> None:
        with said():
            asked.write(student_key, View.SLOTS, lambda connection, _: write(connection))

    try:
        await run_in_threadpool(act)
    except Refused as refused:
        if refused.status_code not in (409, 422):
            raise
        return await _page(request, asked, student_key, "", str(refused.detail), refused.status_code)
    return RedirectResponse(f"/students/{student_key}/mentor?kept={kept}", 303)


async def _page(
    request: Request, asked: Asked, student_key: str, kept: str = "", refusal: str = "", status: int = 200
) -> Response:
    seen = await asked.student(student_key, View.SLOTS, profile_of)
    found = await run_in_threadpool(_read, asked, seen.found)
    name = found.name if seen.decision.shows_names else "A student"
    now = next((one for one in found.every if one.is_open), None)
    path = f"/students/{student_key}/mentor"
    model = MentorPage(
        name=name,
        path=path,
        about=_about(now) if now else "",
        why=now.why if now else "",
        goal=(now.goal or "") if now else "",
        wishes=found.wishes,
        waits=found.waits,
        done=_steps_done(now) if now else (),
        steps={one.value: STEP_WORDS[one] for one in found.steps},
        today=asked.on.isoformat(),
        reasons=_reasons(now),
        mentors={key: text for key, text in found.mentors.items() if now is None or key != now.mentor_key},
        before=tuple(_was(one) for one in found.every if not one.is_open),
        request_key=str(uuid.uuid4()),
        may_write=asked.viewer.viewing_as is None,
        kept=kept,
    )
    await asked.shown(View.SLOTS, seen, "", fields="mentors")
    crumbs = (Link("Mentor slots", "/slots"), Link(name, f"/students/{student_key}"))
    return page(request, "mentor.html", model, crumbs=crumbs, refusal=refusal, status=status)


def _read(asked: Asked, profile: Profile) -> _Found:
    on = asked.on
    here = {stay.school_id for stay in profile.stays if stay.exit_date is None or stay.exit_date >= on}
    with asked.service.store.reading() as connection:
        every = tuple(assignments_of(connection, profile.student_key))
        now = next((one for one in every if one.is_open), None)
        rule = rule_of(connection, now) if now else Rule()
        steps = next_steps(now, rule, on) if now else ()
        wishes = wishes_of(connection, profile.student_key)
        mentors = {
            one.mentor_key: one.mentor.name
            for one in mentors_in(connection)
            if here & set(one.mentor.schools) and one.mentor.slots(on)
        }
    return _Found(profile.name or profile.student_id, every, steps, mentors, wishes, _waits(now, rule, steps))


def _waits(now: Assignment | None, rule: Rule, steps: tuple[Step, ...]) -> str:
    """What is waited for while no step can be noted, as the days in which a family may say no."""
    if now is None or steps or now.starts_on is not None or now.family_told_on is None:
        return ""
    last = day_text(now.family_told_on + timedelta(days=rule.opt_out_days - 1))
    return f"The family may say no until {last}. After that, ask the student."


def _about(now: Assignment) -> str:
    offered = f"offered {day_text(now.offered_on)} by {now.offered_by}"
    return f"{now.mentor}: {offered}." if now.state == "offered" else f"{now.mentor}: {ASSIGNED[now.state]}; {offered}."


def _steps_done(now: Assignment) -> tuple[Done, ...]:
    days = {step: getattr(now, column) for step, column in STEPS.items()}
    return tuple(Done(STEP_WORDS[step], day_text(day) if day else "not yet") for step, day in days.items())


def _reasons(now: Assignment | None) -> dict[str, str]:
    """Before the start only what can end an offer; afterwards what can end mentoring."""
    if now is None:
        return {}
    left_out = ("handover", "declined") if now.starts_on else ("handover", "goal_reached", "opted_out")
    return {value: text for value, text in END_REASONS.items() if value not in left_out}


def _was(one: Assignment) -> str:
    ended = day_text(one.ended_on) if one.ended_on else ""
    note = f" For whoever goes on: {one.handover}" if one.handover else ""
    return f"{one.mentor}, until {ended}. {END_REASONS.get(one.end_reason or '', '')}.{note}"


def _step(form: Mapping[str, str]) -> Step:
    try:
        return Step(form.get("step", ""))
    except ValueError:
        raise Refused(422, "Choose a step of the list.") from None


def _day(form: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(form.get("day", ""))
    except ValueError:
        raise Refused(422, "Write the day as year-month-day, for example 2026-10-05.") from None


def _request_key(form: Mapping[str, str]) -> str:
    try:
        return str(uuid.UUID(form.get("request_key", "")))
    except ValueError:
        raise Refused(422, "This form is not one of ours. Open the page anew.") from None
