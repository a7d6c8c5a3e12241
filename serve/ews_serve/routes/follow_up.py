"""Follow-up for programs: a student's contacts and plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from ews import follow_up as words
from ews.access import Role, View
from ews.errors import InputRefused, Overtaken
from ews.school_year import SchoolYear
from ews.store import follow_up, following_up
from ews.store.following_up import Author
from ews.store.profiles import Profile, profile_of
from ews.store.reading import run_in_force
from ews_serve.asked import NOTHING_PUBLISHED, Asked, Asking, Seen
from ews_serve.follow_up import Write, write_of
from ews_serve.follow_up_schemas import Contact, Contacts, NewContact, NewPlan, Plan
from ews_serve.problems import Refused
from ews_serve.requests import StrictJsonRoute
from ews_serve.routes.students import StudentKey
from ews_serve.schemas import Named

router = APIRouter(prefix="/v1/students/{student_key}", tags=["follow-up"], route_class=StrictJsonRoute)

Found = TypeVar("Found")


@router.get("/contacts")
async def contacts(student_key: StudentKey, asked: Asking) -> Contacts:
    """The student's contacts, the latest first."""
    seen = await asked.student(student_key, View.CONTACT, profile_of)
    own = asked.viewer.staff_key if seen.decision.role is Role.MENTOR else None
    found = await _read(
        asked, seen, View.CONTACT, lambda connection: follow_up.contacts_of(connection, student_key, own)
    )
    return Contacts(student=_named(seen), contacts=[_contact(one) for one in found])


@router.post("/contacts")
async def add_contact(student_key: StudentKey, asked: Asking, told: NewContact) -> Contact:
    """Keep a contact. Sent again with the same `request_key`, the one that was kept is given back."""

    def write(connection: Any, year: SchoolYear, by: Author) -> follow_up.Contact:
        kept = following_up.NewContact(
            told.request_key,
            told.on_date,
            words.Kind(told.kind),
            words.WithWhom(told.with_whom),
            told.minutes,
            words.Barrier(told.barrier) if told.barrier else None,
            words.Referral(told.referral) if told.referral else None,
            told.next_step,
        )
        return following_up.add_contact(connection, student_key, kept, by, year)

    return _contact(await _written(asked, student_key, View.CONTACT, write))


@router.get("/plan")
async def plan(student_key: StudentKey, asked: Asking) -> Plan:
    """The student's plan for the school year of the list in force."""
    seen = await asked.student(student_key, View.PLAN, profile_of)
    year, found = await _read(asked, seen, View.PLAN, lambda connection: _plan_now(connection, student_key))
    return _plan(seen, year, found)


@router.put("/plan")
async def change_plan(student_key: StudentKey, asked: Asking, told: NewPlan) -> Plan:
    """Change the plan from the version that was looked at; 409 where somebody was faster."""

    def write(connection: Any, year: SchoolYear, by: Author) -> tuple[SchoolYear, follow_up.Plan]:
        wanted = follow_up.Plan(words.State(told.state), told.version, told.next_step, told.next_step_on)
        return year, following_up.change_plan(connection, student_key, year, wanted, by, told.reason)

    year, changed = await _written(asked, student_key, View.PLAN, write)
    seen = await asked.student(student_key, View.PLAN, profile_of)
    return _plan(seen, year, changed)


async def _read(asked: Asked, seen: Seen[Profile], view: View, read: Callable[[Any], Found]) -> Found:
    """Read more of a student who may be seen, and write the read into the log."""

    def look() -> Found:
        with asked.service.store.reading() as connection:
            found = read(connection)
        asked.log_views(seen, {view: seen.decision})
        return found

    return await run_in_threadpool(look)


async def _written(asked: Asked, student_key: str, view: View, write: Write) -> Any:
    with _said():
        return await run_in_threadpool(write_of, asked, student_key, view, write)


@contextmanager
def _said() -> Iterator[None]:
    """Refusals of the store as those of the service."""
    try:
        yield
    except InputRefused as error:
        raise Refused(422, str(error)) from None
    except Overtaken as error:
        raise Refused(409, str(error)) from None


def _plan_now(connection: Any, student_key: str) -> tuple[SchoolYear, follow_up.Plan]:
    run = run_in_force(connection)
    if run is None:
        raise Refused(503, NOTHING_PUBLISHED)
    year = SchoolYear(run.target_year)
    return year, follow_up.plan_of(connection, student_key, year)


def _named(seen: Seen[Profile]) -> Named:
    named = seen.decision.shows_names
    return Named(
        student_key=seen.found.student_key,
        student_id=seen.found.student_id if named else None,
        name=seen.found.name if named else None,
    )


def _contact(one: follow_up.Contact) -> Contact:
    told = asdict(one)
    del told["by_key"]
    return Contact(**told)


def _plan(seen: Seen[Profile], year: SchoolYear, plan: follow_up.Plan) -> Plan:
    return Plan(student=_named(seen), target_year=year.ending, **asdict(plan))
