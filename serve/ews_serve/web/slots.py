"""The slots board: schools with their need, one school's mentors and rounds, and what one more mentor would bring."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ews.access import View
from ews.follow_up import FROM, Priority
from ews.slots import Rule
from ews.slots.rule import OBJECTIVES
from ews.store.mentors import KnownMentor, mentors_in
from ews.store.reading import School
from ews.store.rounds import Round
from ews.store.team import Need, mentees_by_mentor, needs
from ews_serve.asked import Asked
from ews_serve.csrf import OwnForm
from ews_serve.problems import Refused
from ews_serve.routes.schools import SchoolId
from ews_serve.slot_rounds import propose, rounds_seen, said, schools_to_decide
from ews_serve.web.brings import Brings, brings_of
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.wording import day_text, language_text

router = APIRouter(include_in_schema=False)

GOALS = {
    "crossings_averted": "Keep most students below a tenth missed",
    "days_gained": "Win most days at school",
    "risk": "Reach the highest estimates",
}
POOLS: Mapping[str, tuple[float, str]] = {
    "watch": (FROM[Priority.WATCH], "Students to keep in touch with, and those to reach out to"),
    "soon": (FROM[Priority.SOON], "Students to reach out to soon or first"),
    "all": (0.0, "Everybody on the list"),
}
"""Who may be in the pool: the estimate from which, and words. The first is usual, so that the need is a real one."""

KINDS = {"staff": "staff", "external": "from outside", "peer": "student"}
STATES = {"proposed": "waits for the team", "confirmed": "confirmed", "withdrawn": "taken back"}
_MOST_ROUNDS = 8


@dataclass(frozen=True)
class MentorRow:
    """One mentor on the board: seats, and why none is free."""

    name: str
    about: str
    seats: str
    why: str


@dataclass(frozen=True)
class SchoolRow:
    """One school of the overview."""

    name: str
    path: str
    pool: str
    slots: str
    mentees: str
    unmet: str


@dataclass(frozen=True)
class Overview:
    """Every school whose slots are seen."""

    schools: tuple[SchoolRow, ...]
    total: SchoolRow | None
    rounds: tuple[tuple[str, str, str], ...]
    empty: str


@dataclass(frozen=True)
class Board:
    """One school's mentors and rounds.

    Attributes:
        name: of the school.
        path: of the page.
        team: path of the team's list of this school.
        need: pool, slots, mentees and unmet need in words; empty before the first round.
        mentors: who comes to the school.
        rounds: path, when and by whom, state.
        goals: what a round may go for, as value and words.
        pools: who may be in the pool, as value and words.
        may_propose: whether the viewer proposes rounds here.
        brings: what slots bring; None without a list or mentors.
    """

    name: str
    path: str
    team: str
    need: tuple[tuple[str, str], ...]
    mentors: tuple[MentorRow, ...]
    rounds: tuple[tuple[str, str, str], ...]
    goals: dict[str, str]
    pools: dict[str, str]
    may_propose: bool
    brings: Brings | None


@router.get("/slots")
def slots(request: Request, asked: PageAsking) -> Response:
    """Every school's mentors and need; of one school its board at once."""
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection:
        found = schools_to_decide(connection, scope)
        rounds = rounds_seen(connection, scope)
        known = {need.school_id: need for need in needs(connection, [one.school_id for one in found])}
    if len(found) == 1:
        return RedirectResponse(_path(found[0].school_id), 303)
    rows = tuple(_school_row(one, known.get(one.school_id)) for one in found)
    names = {one.school_id: _name(one) for one in found}
    empty = "" if rows else "You see the mentors of your own students on each student's page."
    return page(request, "slots.html", Overview(rows, _total(known.values()), _rounds(rounds, names), empty))


@router.get("/slots/schools/{school_id}")
def board(request: Request, asked: PageAsking, school_id: SchoolId) -> Response:
    """One school's board."""
    return _board(request, asked, school_id)


@router.post("/slots/schools/{school_id}/rounds")
async def propose_here(request: Request, asked: PageAsking, school_id: SchoolId, form: OwnForm) -> Response:
    """Propose a round of the school, and go to it."""
    objective, lot = form.get("objective", OBJECTIVES[0]), form.get("lottery", "10")
    least = form.get("pool", next(iter(POOLS)))
    percent = int(lot) if lot.isascii() and lot.isdecimal() and len(lot) < 3 else -1
    try:
        with said():
            rule = Rule(objective=objective, lottery_percent=percent, min_risk=_least_risk(least))
        key = await run_in_threadpool(propose, asked, school_id, rule)
    except Refused as refused:
        if refused.status_code != 422:
            raise
        return await run_in_threadpool(_board, request, asked, school_id, str(refused.detail), 422)
    return RedirectResponse(f"/slots/{key}", 303)


def _least_risk(value: str) -> float:
    """The estimate from which students are in the pool.

    Raises:
        Refused: 422, it is no choice of the form.
    """
    if value not in POOLS:
        raise Refused(422, "Choose from the list who could be offered a mentor.")
    return POOLS[value][0]


def _board(request: Request, asked: Asked, school_id: str, refusal: str = "", status: int = 200) -> Response:
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection:
        here = [one for one in schools_to_decide(connection, scope) if one.school_id == school_id]
        if not here:
            raise Refused(404)
        mentors = mentors_in(connection, school_id)
        held = mentees_by_mentor(connection)
        need = needs(connection, [school_id])
        rounds = [one for one in rounds_seen(connection, scope) if one.school_id in (None, school_id)]
        brings = brings_of(connection, asked, school_id, mentors, held)
    model = Board(
        name=_name(here[0]),
        path=_path(school_id),
        team=f"/team?school={quote(school_id, safe='')}",
        need=_need(need[0]) if need else (),
        mentors=tuple(_mentor(one, held.get(one.mentor_key, 0), asked) for one in mentors),
        rounds=_rounds(rounds),
        goals=GOALS,
        pools={value: text for value, (_, text) in POOLS.items()},
        may_propose=asked.viewer.viewing_as is None,
        brings=brings,
    )
    crumbs = (Link("Mentor slots", "/slots"),)
    return page(request, "slots_board.html", model, crumbs=crumbs, refusal=refusal, status=status)


def _mentor(one: KnownMentor, held: int, asked: Asked) -> MentorRow:
    mentor, slots_now = one.mentor, one.mentor.slots(asked.on)
    about = [
        KINDS[mentor.kind],
        *(["speaks " + ", ".join(map(language_text, mentor.languages))] if mentor.languages else []),
    ]
    if mentor.grade_levels:
        about.append("grades " + ", ".join(mentor.grade_levels))
    if len(mentor.schools) > 1:
        about.append(f"at {len(mentor.schools)} schools")
    return MentorRow(mentor.name, ", ".join(about), f"{held} of {slots_now}", mentor.why_no_slots(asked.on))


def _need(need: Need) -> tuple[tuple[str, str], ...]:
    return (
        (str(need.pool), "students could be offered a mentor"),
        (str(need.slots), "slots in the latest round"),
        (str(need.mentees), "students with a mentor now"),
        (str(need.unmet), "without a slot"),
    )


def _school_row(one: School, need: Need | None) -> SchoolRow:
    counts = [str(value) for value in (need.pool, need.slots, need.mentees, need.unmet)] if need else ["-"] * 4
    return SchoolRow(_name(one), _path(one.school_id), *counts)


def _total(known: Collection[Need]) -> SchoolRow | None:
    """All schools with a round together, for the talk about next year's budget; None for fewer than two (MEN-10)."""
    if len(known) < 2:
        return None
    parts = [(need.pool, need.slots, need.mentees, need.unmet) for need in known]
    return SchoolRow(
        f"All {len(known)} schools with a round", "", *(str(sum(part)) for part in zip(*parts, strict=True))
    )


def _rounds(rounds: Sequence[Round], names: Mapping[str, str] | None = None) -> tuple[tuple[str, str, str], ...]:
    """Path, words and state of each round; with its school where there are several."""
    return tuple(
        (f"/slots/{one.round_key}", _round_text(one, names), STATES[one.state]) for one in rounds[:_MOST_ROUNDS]
    )


def _round_text(one: Round, names: Mapping[str, str] | None) -> str:
    said = f"{day_text(one.proposed_at.date())}, {one.proposed_by}"
    if names is None:
        return said
    return f"{names.get(one.school_id, f'School {one.school_id}') if one.school_id else 'All schools'}: {said}"


def _name(school: School) -> str:
    return school.name or f"School {school.school_id}"


def _path(school_id: str) -> str:
    return f"/slots/schools/{quote(school_id, safe='')}"
