"""One round: who is proposed to whom, who is next, who was passed over and why; edited with a reason, confirmed."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.access import Reason, View, may
from ews.slots import all_of_one_grade, in_words
from ews.store.mentors import mentors_in
from ews.store.rounds import Round, confirm_round, edit_row, registration_for, rows_of_round, withdraw_round
from ews.store.team import mentees_by_mentor
from ews_serve.asked import Asked
from ews_serve.csrf import OwnForm
from ews_serve.problems import Refused
from ews_serve.routes.rounds import KEY
from ews_serve.routes.schools import schools_of
from ews_serve.slot_rounds import asks_of, decide, read_round
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.round_rows import Part, Row, about_round, counts_of, parts_of, row_of

router = APIRouter(prefix="/slots/{round_key}", include_in_schema=False)

RoundKey = Annotated[str, Path(pattern=KEY)]

DECISIONS = {
    "proposed": "Offer a mentor", "reserve": "Next in line", "not_offered": "Not offered",
    "excluded": "Not in the pool",
}  # fmt: skip
KEPT = {
    "edit": "The decision is kept, with your reason.",
    "confirmed": "The round is confirmed. Tell each family first, then ask.",
}


@dataclass(frozen=True)
class RoundPage:
    """A round.

    Attributes:
        name: of the school, or of the whole district.
        path: of the page.
        about: when, by whom, where it stands.
        counts: numbers and words.
        parts: students by decision.
        rule: what it went by, as sentences.
        facts: seed, hash and run, for whoever draws it again.
        version: of the round, for its forms.
        decisions: what may be decided, as value and words.
        mentors: who may be chosen, as key and name.
        may_decide: whether the viewer may edit and confirm it now.
        kept: what was just done.
        exports: files for the school's office, or the way to them.
        look_twice: what should make a team look twice, with numbers.
        is_confirmed: whether it is.
    """

    name: str
    path: str
    about: str
    counts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    rule: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    version: int
    decisions: Mapping[str, str]
    mentors: Mapping[str, str]
    may_decide: bool
    kept: str
    exports: tuple[Link, ...]
    look_twice: tuple[str, ...]
    is_confirmed: bool


@dataclass(frozen=True)
class PrintedRound:
    """A round on paper, to write on.

    Attributes:
        name: of the school, or of the whole district.
        path: of the round.
        about: when, by whom, where it stands.
        rows: who is to be offered a mentor.
    """

    name: str
    path: str
    about: str
    rows: tuple[Row, ...]


@router.get("")
def show(
    request: Request, round_key: RoundKey, asked: PageAsking, kept: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """One round."""
    return _page(request, asked, round_key, KEPT.get(kept, ""))


@router.get("/print")
def printed(request: Request, round_key: RoundKey, asked: PageAsking) -> Response:
    """Who is to be offered a mentor, with space for each step, to print."""
    seen = read_round(asked, round_key)
    name, _ = _names(asked, seen.round, Counter())
    rows = tuple(row_of(row) for row in seen.rows if row.decision == "proposed")
    model = PrintedRound(name, f"/slots/{round_key}", about_round(seen.round), rows)
    return page(request, "slots_printed.html", model, crumbs=(Link("Mentor slots", "/slots"), Link(name, model.path)))


@router.post("/edits")
async def edit(request: Request, round_key: RoundKey, asked: PageAsking, form: OwnForm) -> Response:
    """Decide otherwise on one student, with a reason."""
    decision, mentor = form.get("decision", ""), form.get("mentor_key", "") or None
    return await _done(
        request, asked, round_key, "edit",
        lambda: decide(asked, round_key, "edited", lambda connection, _: edit_row(
            connection, round_key, form.get("student_key", ""), decision, form.get("reason", ""), _version(form),
            asks_of(asked), mentor if decision == "proposed" else None)),
    )  # fmt: skip


@router.post("/confirmation")
async def confirm(request: Request, round_key: RoundKey, asked: PageAsking, form: OwnForm) -> Response:
    """Confirm the round: everybody proposed is offered the mentor."""
    return await _done(
        request, asked, round_key, "confirmed",
        lambda: decide(asked, round_key, "confirmed", lambda connection, _: confirm_round(
            connection, round_key, _version(form), asks_of(asked), registration_for(round_key, asks_of(asked)))),
    )  # fmt: skip


@router.post("/withdrawal")
async def withdraw(request: Request, round_key: RoundKey, asked: PageAsking, form: OwnForm) -> Response:
    """Take the proposal back."""
    return await _done(
        request, asked, round_key, "",
        lambda: decide(asked, round_key, "withdrawn", lambda connection, _: withdraw_round(
            connection, round_key, _version(form), asks_of(asked))),
    )  # fmt: skip


async def _done(request: Request, asked: Asked, round_key: str, kept: str, act: Callable[[], object]) -> Response:
    """Act, and go back to the round; or show it with what stood in the way, and nothing was changed."""
    try:
        await run_in_threadpool(act)
    except Refused as refused:
        if refused.status_code not in (409, 422):
            raise
        status, sentence = refused.status_code, str(refused.detail)
        return await run_in_threadpool(_page, request, asked, round_key, "", sentence, status)
    return RedirectResponse(f"/slots/{round_key}" + (f"?kept={kept}" if kept else ""), 303)


def _page(
    request: Request, asked: Asked, round_key: str, kept: str = "", refusal: str = "", status: int = 200
) -> Response:
    seen = read_round(asked, round_key)
    one = seen.round
    name, mentors = _names(asked, one, Counter(row.mentor_key for row in seen.rows if row.decision == "proposed"))
    model = RoundPage(
        name=name,
        path=f"/slots/{round_key}",
        about=about_round(one),
        counts=counts_of(seen.rows),
        parts=parts_of(seen.rows, "Offered a mentor" if one.state == "confirmed" else "To be offered a mentor"),
        rule=in_words(one.rule),
        facts=(("Seed of the lot", one.seed), ("Rule", one.rule_sha256[:16]), ("List", one.run_id)),
        version=one.version,
        decisions=DECISIONS,
        mentors=mentors,
        may_decide=seen.may_decide and one.state == "proposed",
        kept=kept,
        exports=_exports(asked, round_key),
        look_twice=_look_twice(asked, round_key) if seen.may_decide and one.state == "proposed" else (),
        is_confirmed=one.state == "confirmed",
    )
    board = (Link(name, f"/slots/schools/{one.school_id}"),) if one.school_id else ()
    return page(
        request, "slots_round.html", model, crumbs=(Link("Mentor slots", "/slots"), *board), refusal=refusal,
        status=status,
    )  # fmt: skip


def _names(asked: Asked, one: Round, proposed: Mapping[str | None, int]) -> tuple[str, dict[str, str]]:
    """What the round is called; and the mentors who may be chosen, by key, with the slots that are left of each."""
    with asked.service.store.reading() as connection:
        names = {school.school_id: school.name for school in schools_of(connection, asked.scope(View.SLOTS))}
        found, held = mentors_in(connection, one.school_id), mentees_by_mentor(connection)
    left = {mentor.mentor_key: mentor.mentor.slots(asked.on) - held.get(mentor.mentor_key, 0)
            - proposed.get(mentor.mentor_key, 0) for mentor in found}  # fmt: skip
    mentors = {mentor.mentor_key: f"{mentor.mentor.name} ({max(left[mentor.mentor_key], 0)} free)" for mentor in found
               if mentor.mentor.slots(asked.on)}  # fmt: skip
    name = (names.get(one.school_id) or f"School {one.school_id}") if one.school_id else "All schools"
    return name, mentors


def _exports(asked: Asked, round_key: str) -> tuple[Link, ...]:
    decision = may(asked.viewer, View.EXPORT, asked.on)
    if decision.reason is Reason.NEEDS_SECOND_FACTOR:
        return (Link("Give the second factor to take a file", f"/second-factor?next=/slots/{round_key}"),)
    path = f"/v1/rounds/{round_key}/export"
    return (Link("Workbook", f"{path}?format=xlsx"), Link("CSV", f"{path}?format=csv")) if decision.allowed else ()


def _look_twice(asked: Asked, round_key: str) -> tuple[str, ...]:
    """Of everybody in the round, seen by the viewer or not: it tells numbers of a grade and nobody's name."""
    with asked.service.store.reading() as connection:
        rows = rows_of_round(connection, round_key)
    told = [(row.school_id, row.grade_level, row.decision, row.place) for row in rows]
    return all_of_one_grade(pd.DataFrame(told, columns=["school_id", "grade_level", "decision", "place"]))


def _version(form: Mapping[str, str]) -> int:
    text = form.get("version", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise Refused(422, "This form is not one of ours. Open the page anew.")
    return int(text)
