"""Rounds of mentor slots in the store: proposed from the run in force, edited with a reason, confirmed once.

Whoever edits or confirms names the version that was looked at; where somebody else was faster nothing is changed, and
who and when is told (O11, O13). Every function takes the connection of the caller's transaction.
"""

import datetime as dt
import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from ews.errors import InputRefused, NotEnoughData, NotFound, Overtaken
from ews.slots import DECISIONS, PROPOSED, Proposal, Rule, allocate
from ews.store.kept_rounds import Round, RoundRow, round_of, rounds_in, rows_of_round
from ews.store.mentors import mentors_in
from ews.store.offers import Offer, make_offers
from ews.store.plan_moves import to_mentor
from ews.store.reading import run_in_force
from ews.store.round_pool import students_of_round
from ews.store.schema import ASSIGNMENTS, ROUND_EDITS, ROUND_ROWS, ROUNDS

__all__ = [
    "Asks",
    "Round",
    "RoundRow",
    "confirm_round",
    "edit_row",
    "propose_round",
    "registration_for",
    "round_of",
    "rounds_in",
    "rows_of_round",
    "withdraw_round",
]

IS_PROPOSED, IS_CONFIRMED, IS_WITHDRAWN = "proposed", "confirmed", "withdrawn"

MOST_WORDS = 500
"""Characters of a reason."""


@dataclass(frozen=True)
class Asks:
    """Who asks for a change, and when.

    Attributes:
        by: login.
        at: when.
        on: the school's date.
    """

    by: str
    at: dt.datetime
    on: dt.date


def propose_round(
    connection: Connection, school_id: str | None, rule: Rule, seed: str, asks: Asks
) -> tuple[str, Proposal]:
    """Propose a round from the run in force and keep it with its rule, seed and pool; gives its key (MEN-2, MEN-3).

    Raises:
        NotEnoughData: nothing was published yet, the school has no list, or there are no mentors.
    """
    run = run_in_force(connection)
    if run is None:
        raise NotEnoughData("No list was published yet, so there is nobody to propose. Publish one: ews publish")
    mentors = [one.mentor for one in mentors_in(connection)]
    if not mentors:
        raise NotEnoughData("No mentors are known yet. Bring them in with: ews slots mentors FILE")
    students = students_of_round(connection, run, school_id, rule, asks.on)
    here = [one for one in mentors if school_id is None or school_id in one.schools]
    proposal = allocate(students, here, rule, seed=seed, on=asks.on)
    key = str(uuid.uuid4())
    connection.execute(insert(ROUNDS).values(
        round_key=key, target_year=run.target_year, run_id=run.run_id, school_id=school_id, state=IS_PROPOSED,
        version=1, objective=rule.objective, rule=rule.to_json(), rule_sha256=rule.sha256, seed=seed,
        proposed_at=asks.at, proposed_by=asks.by,
    ))  # fmt: skip
    _keep_rows(connection, key, proposal)
    return key, proposal


def edit_row(
    connection: Connection, round_key: str, student_key: str, decision: str, reason: str, version: int, asks: Asks,
    mentor_key: str | None = None,
) -> int:  # fmt: skip
    """Decide otherwise on one student, with a reason that is kept (M09); gives the round's new version.

    Raises:
        InputRefused: no reason, a decision that is not known, a mentor who is not of the round's schools, or who would
            have more students than slots.
        NotFound: the round or the student is not there.
        Overtaken: somebody changed the round since this version.
    """
    reason = " ".join(reason.split())
    _refuse_edit(decision, reason, mentor_key)
    _next_version(connection, round_key, version, asks)
    mine = and_(ROUND_ROWS.c.round_key == round_key, ROUND_ROWS.c.student_key == student_key)
    was = connection.scalar(select(ROUND_ROWS.c.decision).where(mine))
    if was is None:
        raise NotFound("This student is not in the round.")
    chosen = _fitting_mentor(connection, round_key, student_key, mentor_key, asks.on) if mentor_key else None
    connection.execute(update(ROUND_ROWS).where(mine).values(
        decision=decision, mentor_key=chosen, edited_by=asks.by, edited_at=asks.at, edit_reason=reason))  # fmt: skip
    connection.execute(insert(ROUND_EDITS).values(
        round_key=round_key, version=version + 1, student_key=student_key, was=was, decision=decision,
        mentor_key=chosen, reason=reason, at=asks.at, by=asks.by))  # fmt: skip
    return version + 1


def confirm_round(
    connection: Connection, round_key: str, version: int, asks: Asks, registration: str | None = None
) -> int:
    """Confirm a round: every student proposed is offered the mentor, on a seat that is free; gives how many.

    The students' plans move to *mentor* with it.

    Confirming what is confirmed already, by the same person and from the same version, changes nothing (O12). Who was
    excluded since the proposal is not offered one.

    Raises:
        Overtaken: somebody changed or confirmed the round, took a seat or offered one of its students a mentor since.
        NotFound: there is no such round.
        InputRefused: a mentor has no slots on the day.
    """
    found = round_of(connection, round_key)
    if found.state == IS_CONFIRMED and (found.confirmed_by, found.version) == (asks.by, version + 1):
        return _offered(connection, round_key)
    values = {"state": IS_CONFIRMED, "confirmed_at": asks.at, "confirmed_by": asks.by, "registration": registration}
    _next_version(connection, round_key, version, asks, **values)
    rows = rows_of_round(connection, round_key, only=ROUND_ROWS.c.decision == PROPOSED)
    offers = [Offer(row.student_key, str(row.mentor_key), row.edit_reason or row.why) for row in rows]
    offered = make_offers(connection, round_key, found.rule, offers, asks.by, asks.on)
    to_mentor(connection, offered, found.target_year, asks.by, asks.at)
    return len(offered)


def registration_for(round_key: str, asks: Asks) -> str:
    """What will be measured of a round that is confirmed now, as JSON: written down before anybody can start (MEN-9).

    The first day anybody can meet a mentor is the day after.
    """
    from ews.effect import Registration  # here, since it brings statistics that no read of a round needs

    starts = max(asks.on, asks.at.date()) + dt.timedelta(days=1)
    made = Registration(round_key, starts.isoformat(), asks.at.isoformat(timespec="seconds"), asks.by)
    return json.dumps(asdict(made), sort_keys=True)


def withdraw_round(connection: Connection, round_key: str, version: int, asks: Asks) -> None:
    """Take a proposal back; nothing came of it.

    Raises:
        Overtaken: somebody changed or confirmed the round since this version.
        NotFound: there is no such round.
    """
    _next_version(connection, round_key, version, asks, state=IS_WITHDRAWN, confirmed_at=asks.at, confirmed_by=asks.by)


def _keep_rows(connection: Connection, round_key: str, proposal: Proposal) -> None:
    rows = proposal.rows.rename(columns={"student": "student_key", "mentor": "mentor_key"})
    kept = rows.drop(columns=["grade_level", "cause"]).assign(round_key=round_key)
    kept = kept.astype(object).where(kept.notna(), None)
    connection.execute(insert(ROUND_ROWS), kept.to_dict("records"))


def _next_version(connection: Connection, round_key: str, version: int, asks: Asks, **values: Any) -> None:
    """The version after `version`, of a round that is a proposal still; of two who ask for it, one gets it."""
    mine = and_(ROUNDS.c.round_key == round_key, ROUNDS.c.version == version, ROUNDS.c.state == IS_PROPOSED)
    changed = connection.execute(update(ROUNDS).where(mine).values(version=version + 1, **values))
    if changed.rowcount == 1:
        return
    found = round_of(connection, round_key)
    if found.state != IS_PROPOSED:
        raise Overtaken(f"{found.confirmed_by} {_WAS[found.state]} this round on {_when(found.confirmed_at)} UTC.")
    who, when = _last_edit(connection, round_key)
    raise Overtaken(
        f"{who} changed this round on {_when(when)} UTC, after the version you saw. Look at it again, then decide."
    )


_WAS = {IS_CONFIRMED: "confirmed", IS_WITHDRAWN: "withdrew"}


def _last_edit(connection: Connection, round_key: str) -> tuple[str, dt.datetime | None]:
    edited = ROUND_ROWS.c.edited_at
    query = (
        select(ROUND_ROWS.c.edited_by, edited)
        .where(ROUND_ROWS.c.round_key == round_key, edited.is_not(None))
        .order_by(edited.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return ("Somebody", None) if row is None else (row.edited_by, row.edited_at)


def _when(at: dt.datetime | None) -> str:
    return f"{at:%Y-%m-%d at %H:%M}" if at else "a time not kept"


def _refuse_edit(decision: str, reason: str, mentor_key: str | None) -> None:
    if decision not in DECISIONS:
        raise InputRefused(f"A decision is one of: {', '.join(DECISIONS)}.")
    if not reason or len(reason) > MOST_WORDS:
        raise InputRefused(f"Another decision needs a reason, of at most {MOST_WORDS} characters; it is kept.")
    if (decision == PROPOSED) != (mentor_key is not None):
        raise InputRefused("Who is proposed is proposed a mentor, and nobody else is.")


def _fitting_mentor(connection: Connection, round_key: str, student_key: str, mentor_key: str, on: dt.date) -> str:
    """The mentor, who comes to the student's school and has a slot left in this round."""
    school = connection.scalar(
        select(ROUND_ROWS.c.school_id).where(
            ROUND_ROWS.c.round_key == round_key, ROUND_ROWS.c.student_key == student_key
        )
    )
    found = next((one for one in mentors_in(connection, school) if one.mentor_key == mentor_key), None)
    if school is None or found is None:
        raise InputRefused("This mentor does not come to the student's school.")
    taken = _taken(connection, round_key, student_key, mentor_key)
    if taken >= found.mentor.slots(on):
        raise InputRefused(
            f"{found.mentor.name} has no slot left: {taken} of {found.mentor.slots(on)} are taken or proposed. Take "
            "somebody off first, or choose another mentor."
        )
    return mentor_key


def _taken(connection: Connection, round_key: str, student_key: str, mentor_key: str) -> int:
    """Slots of a mentor that are taken or proposed in the round, without this student's."""
    proposed = select(func.count()).select_from(ROUND_ROWS).where(
        ROUND_ROWS.c.round_key == round_key, ROUND_ROWS.c.mentor_key == mentor_key,
        ROUND_ROWS.c.decision == PROPOSED, ROUND_ROWS.c.student_key != student_key,
    )  # fmt: skip
    held = select(func.count()).select_from(ASSIGNMENTS).where(
        ASSIGNMENTS.c.mentor_key == mentor_key, ASSIGNMENTS.c.ended_on.is_(None)
    )  # fmt: skip
    return int(connection.scalar(proposed) or 0) + int(connection.scalar(held) or 0)


def _offered(connection: Connection, round_key: str) -> int:
    query = select(func.count()).select_from(ASSIGNMENTS).where(ASSIGNMENTS.c.round_key == round_key)
    return int(connection.scalar(query) or 0)
