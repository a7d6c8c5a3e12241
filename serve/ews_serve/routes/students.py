"""One student: the line of the list, the reasons, the attendance, and who may see all that."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from ews.access import Decision, View, who_may
from ews.store import reading
from ews.store.people import Member, members
from ews_serve.answers import explanation_text, history_text, named_student, notices_of, student_text
from ews_serve.asked import Asked, Asking
from ews_serve.schemas import Explanation, History, MaySee, Named, Student, WhoCanSee

PREFIX = "/v1/students/"
KEY = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

router = APIRouter(prefix=PREFIX + "{student_key}", tags=["students"])

StudentKey = Annotated[str, Path(pattern=f"^{KEY}$", description="As a list gives it.")]


@router.get("/explanation", response_model=Explanation)
async def explanation(student_key: StudentKey, asked: Asking) -> Response:
    """The student's estimate and the patterns it rests on; with their numbers for who works with the model."""
    seen = await asked.student(student_key, View.EXPLANATION, reading.student_view)
    with_numbers = asked.is_offered(View.NUMBERS) and asked.decide(seen.place, View.NUMBERS).allowed
    text = explanation_text(
        seen.found, _notices(asked, seen.found), named=seen.decision.shows_names, with_numbers=with_numbers
    )
    return await asked.shown(View.EXPLANATION, seen, text, seen.found.run, "numbers" if with_numbers else "")


@router.get("", response_model=Student)
async def student(student_key: StudentKey, asked: Asking) -> Response:
    """The student's line of the list in force."""
    seen = await asked.student(student_key, View.RISK_LIST, reading.student_view)
    text = student_text(seen.found, _notices(asked, seen.found), named=seen.decision.shows_names)
    return await asked.shown(View.RISK_LIST, seen, text, seen.found.run)


@router.get("/history", response_model=History)
async def history(student_key: StudentKey, asked: Asking) -> Response:
    """The student's attendance; no estimate in it."""
    seen = await asked.student(student_key, View.ATTENDANCE, reading.history)
    return await asked.shown(View.ATTENDANCE, seen, history_text(seen.found, named=seen.decision.shows_names))


@router.get("/who-can-see")
async def who_can_see(student_key: StudentKey, asked: Asking) -> WhoCanSee:
    """Everybody who may see this student, in which views, and why: as a parent may ask."""
    seen = await asked.student(student_key, View.WHO_CAN_SEE, reading.history)
    people = await run_in_threadpool(_people, asked, student_key)
    answer = WhoCanSee(student=Named(**named_student(seen.found, named=seen.decision.shows_names)), people=people)
    await asked.shown(View.WHO_CAN_SEE, seen, "")
    return answer


def asked_most() -> list[APIRoute]:
    """The routes that `ews_serve.directly` answers: those of one student, out of the store."""
    wanted = {student, history, explanation}
    return [route for route in router.routes if isinstance(route, APIRoute) and route.endpoint in wanted]


def _people(asked: Asked, student_key: str) -> list[MaySee]:
    with asked.service.store.reading() as connection:
        staff = [one for one in members(connection) if one.is_active]
        place = reading.place_of(connection, student_key, *(one.staff_key for one in staff))
    views: dict[str, dict[str, Decision]] = {}
    for view in _SHOWN:
        for viewer, decision in who_may([one.viewer() for one in staff], place, view, asked.on):
            views.setdefault(viewer.staff_key, {})[view] = decision
    return [_may_see(one, views[one.staff_key]) for one in staff if one.staff_key in views]


_SHOWN = (View.RISK_LIST, View.EXPLANATION, View.ATTENDANCE, View.EXPORT)


def _may_see(one: Member, views: dict[str, Decision]) -> MaySee:
    roles = dict.fromkeys(str(decision.role) for decision in views.values())
    reasons = {view: decision.reason.value for view, decision in views.items()}
    return MaySee(login=one.login, name=one.name, role=", ".join(roles), views=reasons)


def _notices(asked: Asked, found: reading.Student) -> list[str]:
    return notices_of(found.run, asked.at, asked.service.live.trouble)
