"""One round: who is proposed to whom, who is next, who was passed over and why; edited with a reason, confirmed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.access import View
from ews.slots import in_words
from ews.store.mentors import mentors_in
from ews.store.rounds import Round, RoundRow, confirm_round, edit_row, registration_for, withdraw_round
from ews_serve.asked import Asked
from ews_serve.csrf import OwnForm
from ews_serve.problems import Refused
from ews_serve.routes.rounds import KEY
from ews_serve.routes.schools import schools_of
from ews_serve.slot_rounds import asks_of, decide, read_round
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.slots import GOALS, STATES
from ews_serve.web.wording import day_text, grade_text

router = APIRouter(prefix="/slots/{round_key}", include_in_schema=False)

RoundKey = Annotated[str, Path(pattern=KEY)]

DECISIONS = {
    "proposed": "Offer a mentor", "reserve": "Next in line", "not_offered": "Not offered",
    "excluded": "Not in the pool",
}  # fmt: skip
ASSIGNED = {
    "offered": "offered", "agreed": "all agreed", "active": "meets the mentor", "declined": "said no", "ended": "ended",
}  # fmt: skip
MOST_RESERVE = 15
"""Next in line that a page shows; the others wait behind them."""

MOST_SHOWN = 200
"""Of each other decision: a round of a whole district is looked through school by school, or as a file."""

KEPT = {"edit": "The decision is kept, with your reason.", "confirmed": "The round is confirmed."}


@dataclass(frozen=True)
class Row:
    """One student of the round, in words."""

    key: str
    name: str
    about: str
    place: str
    mentor: str
    why: str
    edited: str
    state: str
    path: str
    decision: str
    mentor_key: str


@dataclass(frozen=True)
class Part:
    """Students with the same decision."""

    heading: str
    explained: str
    rows: tuple[Row, ...]
    left_out: int


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


@router.get("")
def show(
    request: Request, round_key: RoundKey, asked: PageAsking, kept: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """One round."""
    return _page(request, asked, round_key, KEPT.get(kept, ""))


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


async def _done(request: Request, asked: Asked, round_key: str, kept: str, act: object) -> Response:
    """Act, and go back to the round; or show it with what stood in the way, and nothing was changed."""
    try:
        await run_in_threadpool(act)  # type: ignore[arg-type]  # each caller hands a function without arguments
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
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection:
        names = {school.school_id: school.name for school in schools_of(connection, scope)}
        mentors = {found.mentor_key: found.mentor.name for found in mentors_in(connection, one.school_id)
                   if found.mentor.slots(asked.on)}  # fmt: skip
    name = (names.get(one.school_id) or f"School {one.school_id}") if one.school_id else "All schools"
    model = RoundPage(
        name=name,
        path=f"/slots/{round_key}",
        about=_about(one),
        counts=_counts(seen.rows),
        parts=_parts(seen.rows),
        rule=in_words(one.rule),
        facts=(("Seed of the lot", one.seed), ("Rule", one.rule_sha256[:16]), ("List", one.run_id)),
        version=one.version,
        decisions=DECISIONS,
        mentors=mentors,
        may_decide=seen.may_decide and one.state == "proposed",
        kept=kept,
    )
    board = (Link(name, f"/slots/schools/{one.school_id}"),) if one.school_id else ()
    return page(
        request, "slots_round.html", model, crumbs=(Link("Mentor slots", "/slots"), *board), refusal=refusal,
        status=status,
    )  # fmt: skip


def _about(one: Round) -> str:
    done = f" {one.confirmed_by}, {day_text(one.confirmed_at.date())}." if one.confirmed_at else ""
    goal = GOALS[one.rule.objective].lower()
    said = f"Proposed {day_text(one.proposed_at.date())} by {one.proposed_by}. Goal: {goal}."
    return f"{said} It {_STANDS[one.state]}.{done}"


_STANDS = {**STATES, "confirmed": "is confirmed", "withdrawn": "was taken back"}


def _counts(rows: Sequence[RoundRow]) -> tuple[tuple[str, str], ...]:
    offered = [row for row in rows if row.decision == "proposed"]
    pool = sum(row.place is not None for row in rows)
    crossings, days = sum(row.crossings_averted for row in offered), sum(row.days_gained for row in offered)
    return (
        (str(len(offered)), "students to be offered a mentor"),
        (str(pool), "students in the pool"),
        (f"{crossings:.1f}", "fewer past a tenth expected, no promise"),
        (f"{days:.0f}", "days won expected, no promise"),
    )


def _parts(rows: Sequence[RoundRow]) -> tuple[Part, ...]:
    reserve = [row for row in rows if row.decision == "reserve"]
    return (
        _part("To be offered a mentor", "In the order of places.", [row for row in rows if row.decision == "proposed"]),
        _part(
            "Just below the line",
            "Next in line, if a family says no or a mentor more comes.",
            reserve[:MOST_RESERVE],
            len(reserve) - MOST_RESERVE,
        ),
        _part(
            "Passed over, and why",
            "No mentor fits, or somebody decided so. Look at these first: another mentor may help.",
            [row for row in rows if row.decision == "not_offered"],
        ),
        _part("Not in the pool", "Kept apart by the rule.", [row for row in rows if row.decision == "excluded"]),
    )


def _part(heading: str, explained: str, rows: Sequence[RoundRow], left_out: int = 0) -> Part:
    shown = rows[:MOST_SHOWN]
    return Part(heading, explained, tuple(_row(row) for row in shown), max(left_out, 0) + len(rows) - len(shown))


def _row(row: RoundRow) -> Row:
    edited = f"{row.edited_by}: {row.edit_reason}" if row.edited_by else ""
    return Row(
        key=row.student_key,
        name=row.name or row.student_id or "A student",
        about=grade_text(row.grade_level),
        place=str(row.place or ""),
        mentor=row.mentor or "",
        why=row.why,
        edited=edited,
        state=ASSIGNED.get(row.state or "", ""),
        path=f"/students/{row.student_key}/mentor",
        decision=row.decision,
        mentor_key=row.mentor_key or "",
    )


def _version(form: Mapping[str, str]) -> int:
    text = form.get("version", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise Refused(422, "This form is not one of ours. Open the page anew.")
    return int(text)
