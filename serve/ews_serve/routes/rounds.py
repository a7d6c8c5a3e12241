"""Mentor slots for programs: rounds, what came of them, and the team's weekly list."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from ews.access import View
from ews.exports import attachment
from ews.slots import Rule, in_words
from ews.store.assigned import Assignment, assignments_of
from ews.store.profiles import profile_of
from ews.store.reading import Line
from ews.store.rounds import Round as KeptRound
from ews.store.rounds import RoundRow, confirm_round, edit_row, registration_for, withdraw_round
from ews.store.team import team_list
from ews_serve.asked import Asked, Asking
from ews_serve.files import Format
from ews_serve.round_files import round_file
from ews_serve.routes.students import StudentKey
from ews_serve.slot_rounds import SeenRound, asks_of, decide, propose, read_round, rounds_seen, said
from ews_serve.slot_schemas import (
    AtVersion,
    Changed,
    Edit,
    Mentee,
    Mentoring,
    NewRound,
    Round,
    Rounds,
    RoundStudent,
    StudentMentoring,
    Team,
    WholeRound,
)

router = APIRouter(prefix="/v1", tags=["mentor slots"])

KEY = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
RoundKey = Annotated[str, Path(pattern=KEY, description="As a list of rounds gives it.")]


@router.get("/rounds")
def rounds(asked: Asking) -> Rounds:
    """Rounds of the schools whose slots you may see, the latest first."""
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection:
        found = rounds_seen(connection, scope)
    return Rounds(rounds=[_round(one) for one in found])


@router.post("/rounds")
def propose_round(asked: Asking, wanted: NewRound) -> WholeRound:
    """Propose a round from the lists in force: a proposal, never an assignment."""
    with said():
        rule = Rule(**{name: _plain(value) for name, value in wanted.rule.model_dump().items()})
    return _whole(read_round(asked, propose(asked, wanted.school_id, rule, wanted.seed)))


@router.get("/rounds/{round_key}")
def one_round(round_key: RoundKey, asked: Asking) -> WholeRound:
    """One round with its students, those you may see."""
    return _whole(read_round(asked, round_key))


@router.get("/rounds/{round_key}/export", response_class=Response, responses={200: {"content": Format.media_types()}})
def export_round(
    round_key: RoundKey,
    asked: Asking,
    format: Annotated[Format, Query(description="xlsx for people, csv and json for programs.")] = Format.XLSX,
) -> Response:
    """The round as a file for the school's office, without estimates: those students whom you may see and export.

    It holds education records; the export is in the log with the name of who took it.
    """
    name, file = round_file(asked, round_key, format)
    return Response(file, media_type=format.media_type, headers={"Content-Disposition": attachment(name)})


@router.post("/rounds/{round_key}/edits")
def edit(round_key: RoundKey, asked: Asking, wanted: Edit) -> Changed:
    """Decide otherwise on one student, with a reason that is kept."""
    version = decide(
        asked,
        round_key,
        "edited",
        lambda connection, _: edit_row(
            connection, round_key, wanted.student_key, wanted.decision, wanted.reason, wanted.version, asks_of(asked),
            wanted.mentor_key,
        ),
    )  # fmt: skip
    return Changed(version=version, offered=0)


@router.post("/rounds/{round_key}/confirmation")
def confirm(round_key: RoundKey, asked: Asking, wanted: AtVersion) -> Changed:
    """Confirm a round: every student proposed is offered the mentor. Sent twice, it counts once."""
    offered = decide(
        asked, round_key, "confirmed",
        lambda connection, _: confirm_round(
            connection, round_key, wanted.version, asks_of(asked), registration_for(round_key, asks_of(asked))
        ),
    )  # fmt: skip
    return Changed(version=wanted.version + 1, offered=offered)


@router.post("/rounds/{round_key}/withdrawal")
def withdraw(round_key: RoundKey, asked: Asking, wanted: AtVersion) -> Changed:
    """Take a proposal back; nothing comes of it."""
    decide(
        asked, round_key, "withdrawn",
        lambda connection, _: withdraw_round(connection, round_key, wanted.version, asks_of(asked)),
    )  # fmt: skip
    return Changed(version=wanted.version + 1, offered=0)


@router.get("/students/{student_key}/mentor", response_model=StudentMentoring)
async def mentor(student_key: StudentKey, asked: Asking) -> Response:
    """The student's mentors: offered, agreed, active or ended."""
    seen = await asked.student(student_key, View.SLOTS, profile_of)
    every = await run_in_threadpool(_assignments, asked, student_key)
    found = [Mentoring.model_validate({name: getattr(one, name) for name in Mentoring.model_fields}) for one in every]
    text = StudentMentoring(student_key=student_key, mentors=found).model_dump_json()
    return await asked.shown(View.SLOTS, seen, text, fields="mentors")


@router.get("/team")
def team(asked: Asking) -> Team:
    """Students with a mentor whom you may see, those to look at first."""
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection:
        found = team_list(connection, scope, asked.on)
    asked.log_list(
        scope, "shown", [Line(one.student_key, "", one.student_id, one.name, "") for one in found], "mentors"
    )
    return Team(
        mentees=[
            Mentee(
                student_key=one.student_key,
                student_id=one.student_id,
                name=one.name,
                mentor=one.mentor,
                state=one.state,
                starts_on=one.starts_on,
                contacts_in_seven_days=one.contacts,
                last_contact_on=one.last_contact_on,
                days_absent_since_start=one.absent_since,
                absent_in_a_row=list(one.alert),
                to_look_at=list(one.flags),
            )
            for one in found
        ]
    )


def _assignments(asked: Asked, student_key: str) -> list[Assignment]:
    with asked.service.store.reading() as connection:
        return assignments_of(connection, student_key)


def _round(one: KeptRound) -> Round:
    kept = {name: getattr(one, name) for name in Round.model_fields if name != "rule_in_words"}
    return Round(**kept, rule_in_words=list(in_words(one.rule)))


def _whole(seen: SeenRound) -> WholeRound:
    return WholeRound(**_round(seen.round).model_dump(), students=[_student(row) for row in seen.rows])


def _student(row: RoundRow) -> RoundStudent:
    return RoundStudent(**{name: getattr(row, name) for name in RoundStudent.model_fields})


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
