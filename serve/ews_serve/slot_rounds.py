"""Rounds of mentor slots, as routes and pages ask for them: decided, logged, and only then shown or kept.

A round is of a school or of the district. Who sees a student in the view of slots sees that student's row; a round is
proposed, edited and confirmed by who may see every student of its schools in that view.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ews.access import Scope, Stay, View
from ews.errors import InputRefused, InvalidPolicy, NotEnoughData, NotFound, Overtaken
from ews.slots import Rule
from ews.store import rounds as kept
from ews.store.reading import Line, School
from ews.store.rounds import Asks, Round, RoundRow
from ews_serve.asked import NOT_AS_ANOTHER, Asked
from ews_serve.problems import Refused
from ews_serve.routes.schools import schools_of

Done = TypeVar("Done")


@dataclass(frozen=True)
class SeenRound:
    """A round as a viewer sees it.

    Attributes:
        round: the round.
        rows: of the students whom the viewer sees.
        may_decide: whether the viewer may edit, confirm and withdraw it.
    """

    round: Round
    rows: tuple[RoundRow, ...]
    may_decide: bool


@contextlib.contextmanager
def said() -> Iterator[None]:
    """What the store refuses, in its own words: they hold no student's value."""
    try:
        yield
    except (InputRefused, InvalidPolicy, NotEnoughData) as error:
        raise Refused(422, str(error)) from None
    except Overtaken as error:
        raise Refused(409, str(error)) from None
    except NotFound:
        raise Refused(404) from None


def decides_at(scope: Scope, school: School) -> bool:
    """Whether a scope reaches every student of a school, and not only those of a caseload."""
    here = Stay(school.school_id, scope.on, None, school.district_id)
    also = scope.and_also is None or decides_at(scope.and_also, school)
    return also and any(part.grant.covers(here) and not part.caseload_only for part in scope.parts)


def decides_everywhere(scope: Scope) -> bool:
    """Whether a scope reaches every school of its district."""
    also = scope.and_also is None or decides_everywhere(scope.and_also)
    return also and any(part.grant.school_id is None and not part.caseload_only for part in scope.parts)


def schools_to_decide(connection: Any, scope: Scope) -> list[School]:
    """The schools whose rounds a viewer proposes and confirms."""
    return [school for school in schools_of(connection, scope) if decides_at(scope, school)]


def rounds_seen(connection: Any, scope: Scope) -> list[Round]:
    """Rounds of the schools a viewer sees, the latest first."""
    return kept.rounds_in(connection, [school.school_id for school in schools_of(connection, scope)])


def read_round(asked: Asked, round_key: str) -> SeenRound:
    """One round, once the read is in the log.

    Raises:
        Refused: 404, there is none, or none of whose students anybody may be seen.
    """
    scope = asked.scope(View.SLOTS)
    with asked.service.store.reading() as connection, said():
        found = kept.round_of(connection, round_key)
        rows = tuple(kept.rows_of_round(connection, round_key, scope))
        may_decide = _decides(connection, scope, found)
    if not rows and not may_decide:
        raise Refused(404)
    _log(asked, scope, "shown", rows, found)
    return SeenRound(found, rows, may_decide and asked.viewer.viewing_as is None)


def propose(asked: Asked, school_id: str | None, rule: Rule, seed: str = "") -> str:
    """Propose a round, and give its key; the log has it before it is kept.

    Raises:
        Refused: 404, it is no school where the viewer decides; 422, nothing can be proposed.
    """
    scope = asked.scope(View.SLOTS)
    with said(), asked.service.store.writing() as connection:
        _refuse_school(asked, connection, scope, school_id)
        key, proposal = kept.propose_round(connection, school_id, rule, seed or secrets.token_hex(16), asks_of(asked))
        lines = [Line(student, school, None, None, "") for student, school in _students(proposal)]
        asked.log_list(scope, "written", lines, "round proposed", school_id=school_id or "")
    return key


def decide(asked: Asked, round_key: str, what: str, write: Callable[[Any, Round], Done]) -> Done:
    """Change a round in one transaction with the decision; the log has it before it is kept.

    Raises:
        Refused: 404, there is no such round for the viewer; 409, somebody was faster; 422, it cannot be so.
    """
    scope = asked.scope(View.SLOTS)
    with said(), asked.service.store.writing() as connection:
        found = kept.round_of(connection, round_key)
        if not _decides(connection, scope, found):
            raise Refused(404)
        if asked.viewer.viewing_as:
            raise Refused(403, NOT_AS_ANOTHER)
        done = write(connection, found)
        _log(asked, scope, "written", kept.rows_of_round(connection, round_key, scope), found, what)
    return done


def asks_of(asked: Asked) -> Asks:
    """Who asks, and when, as the store takes it."""
    return Asks(asked.viewer.login, asked.at, asked.on)


def _decides(connection: Any, scope: Scope, found: Round) -> bool:
    if found.school_id is None:
        return decides_everywhere(scope)
    return found.school_id in {school.school_id for school in schools_to_decide(connection, scope)}


def _refuse_school(asked: Asked, connection: Any, scope: Scope, school_id: str | None) -> None:
    if school_id is None and not decides_everywhere(scope):
        raise Refused(404)
    if school_id is not None and school_id not in {one.school_id for one in schools_to_decide(connection, scope)}:
        raise Refused(404)
    if asked.viewer.viewing_as:
        raise Refused(403, NOT_AS_ANOTHER)


def _students(proposal: Any) -> Iterator[tuple[str, str]]:
    return zip(proposal.rows["student"], proposal.rows["school_id"], strict=True)


def _log(asked: Asked, scope: Scope, result: str, rows: Sequence[RoundRow], found: Round, what: str = "") -> None:
    lines = [Line(row.student_key, row.school_id, row.student_id, row.name, "") for row in rows]
    asked.log_list(scope, result, lines, f"round {what}".strip(), school_id=found.school_id or "", run_id=found.run_id)
