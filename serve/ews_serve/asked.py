"""One request for records: who asks, what was decided, what is shown. The only way from a route to a student.

A route looks here, and hands out what it found only with :meth:`Asked.shown` or after :meth:`Asked.log`: the read is in
the log before the answer leaves, and where the log cannot be written, there is no answer (O18).
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from ews.access import Decision, Place, Reason, Scope, View, Viewer, can_view_student, may, scope_of
from ews.store.audit_chain import Entry
from ews.store.reading import Line, Run, place_of, run_in_force
from ews_serve.identity import signed_in_or_none
from ews_serve.problems import Refused
from ews_serve.service import Service

NOTHING_PUBLISHED = "No list was published yet. Make one with: ews score --target-year YEAR; then: ews publish"
STATE_PURPOSE = "Say why you need to see a student outside your caseload, in the header Ews-Purpose."
NOT_AS_ANOTHER = "You look as somebody else, so nothing can be written. Look as yourself again first."
SECOND_FACTOR = "This asks for a second factor, and none was given at sign-in."

PURPOSE, MOST_PURPOSE = "Ews-Purpose", 200

_NOT_WRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

Found = TypeVar("Found")


@dataclass(frozen=True)
class Seen(Generic[Found]):
    """One student, whom the viewer may see in a view.

    Attributes:
        found: what was read.
        place: where the student is.
        decision: why it may be seen.
    """

    found: Found
    place: Place
    decision: Decision


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        service: what it is answered from.
        viewer: who asks.
        at: when.
        on: the school's date then.
        purpose: as stated in the request; empty where none was.
        correlation_id: finds the request in the service's log.
    """

    service: Service
    viewer: Viewer
    at: datetime
    on: date
    purpose: str
    correlation_id: str

    def may(self, view: View) -> Decision:
        """The decision to let this viewer use a view at all, when it is yes.

        Raises:
            Refused: 403, a second factor would open it; else 404, as for what does not exist.
        """
        decision = may(self.viewer, view, self.on)
        if not decision.allowed:
            self.log(view, decision, "refused")
            raise self._refusal(view, decision)
        return decision

    def scope(self, view: View) -> Scope:
        """Whom this viewer sees in a view of students.

        Raises:
            Refused: as :meth:`may`.
        """
        self.may(view)
        return scope_of(self.viewer, view, self.on, self.purpose, self.service.policy)

    async def student(self, student_key: str, view: View, read: Callable[[Any, str], Found | None]) -> Seen[Found]:
        """One student in a view, read in one transaction with the decision.

        Args:
            student_key: the student.
            view: what is looked at.
            read: reads it, given the connection and the key; None: there is nothing to see.

        Raises:
            Refused: 403, a second factor or a stated purpose would open it; else 404, whether or not there is such a
                student (SEC-12).
        """
        look = partial(self._look, student_key, view, read)
        seen = look() if self.service.answers_at_once else await run_in_threadpool(look)
        place, decision, found = seen
        if found is None:
            keys = (student_key,) if place.stays else ()
            await self._logged(self._entry(view, decision.role, decision.reason, "refused", {"student_keys": keys}))
            raise self._refusal(view, decision)
        return Seen(found, place, decision)

    def _look(
        self, student_key: str, view: View, read: Callable[[Any, str], Found | None]
    ) -> tuple[Place, Decision, Found | None]:
        with self.service.glance() as connection:
            place = place_of(connection, student_key, *self._staff_keys())
            decision = self.decide(place, view)
            return place, decision, read(connection, student_key) if decision.allowed else None

    def _staff_keys(self) -> tuple[str, ...]:
        other = self.viewer.viewing_as
        return (self.viewer.staff_key, other.staff_key) if other else (self.viewer.staff_key,)

    def is_offered(self, view: View) -> bool:
        """Whether the viewer has any role with this view today."""
        return may(self.viewer, view, self.on).allowed

    def decide(self, place: Place, view: View) -> Decision:
        """Whether the viewer may see a student in a view."""
        return can_view_student(self.viewer, place, view, self.on, self.purpose, self.service.policy)

    def run_in_force(self, connection: Any) -> Run:
        """The run that lists come from.

        Raises:
            Refused: 503, nothing was published yet.
        """
        run = run_in_force(connection)
        if run is None:
            raise Refused(503, NOTHING_PUBLISHED)
        return run

    def log(self, view: View, decision: Decision, result: str = "shown", **about: Any) -> None:
        """Write a read into the log; when this returns, it is on disk.

        Args:
            view: what is shown.
            decision: why it may be.
            result: shown, exported or refused.
            about: further fields of an entry.

        Raises:
            AuditUnavailable: it could not be written, so nothing may be shown.
        """
        self.service.audit.append([self._entry(view, decision.role, decision.reason, result, about)])

    def log_list(self, scope: Scope, result: str, lines: Sequence[Line], fields: str = "", **about: Any) -> None:
        """Write the read of a list into the log, in one entry that names every student on it.

        `fields` says what was told beside the lines, as contacts.

        Raises:
            AuditUnavailable: as :meth:`log`.
        """
        roles = dict.fromkeys(part.grant.role for part in scope.parts)
        reasons = dict.fromkeys(part.reason for part in scope.parts)
        keys = tuple(line.student_key for line in lines)
        told = " ".join(part for part in (fields, "names" if any(line.student_id for line in lines) else "") if part)
        about |= {"student_keys": keys, "fields": told}
        self.service.audit.append([self._entry(scope.view, " ".join(roles), " ".join(reasons), result, about)])

    def log_views(self, seen: Seen[Any], views: Mapping[View, Decision], run: Run | None = None) -> None:
        """Write the read of one student in several views into the log, at once.

        Raises:
            AuditUnavailable: as :meth:`log`.
        """
        about = {"student_keys": (seen.place.student_key,), **of_run(run)}
        entries = [
            self._entry(view, one.role, one.reason, "shown", {**about, "fields": "names" if one.shows_names else ""})
            for view, one in views.items()
        ]
        self.service.audit.append(entries)

    def write(self, student_key: str, view: View, write: Callable[[Any, Decision], Found]) -> Found:
        """Write of one student, in one transaction with the decision and only once the log has it; for a thread.

        Args:
            student_key: the student.
            view: what is written: who may see it may write it.
            write: writes, given the connection and the decision.

        Raises:
            Refused: as :meth:`student`; and 403 while looking as somebody else.
            AuditUnavailable: the log cannot be written, and nothing else was.
        """
        with self.service.store.writing() as connection:
            place = place_of(connection, student_key, *self._staff_keys())
            decision = self.decide(place, view)
            if decision.allowed and not self.viewer.viewing_as:
                done = write(connection, decision)
                self.log(view, decision, "written", student_keys=(student_key,))
                return done
        self.log(view, decision, "refused", student_keys=(student_key,) if place.stays else ())
        raise Refused(403, NOT_AS_ANOTHER) if decision.allowed else self._refusal(view, decision)

    async def _logged(self, entry: Entry) -> None:
        await self.service.log_together.append(entry)

    def _entry(self, view: View, role: str | None, reason: str, result: str, about: dict[str, Any]) -> Entry:
        other = self.viewer.viewing_as
        return Entry(
            at=self.at,
            staff_key=self.viewer.staff_key,
            login=self.viewer.login,
            role=role or "",
            view=view,
            result=result,
            reason=reason,
            purpose=self.purpose,
            viewing_as=other.login if other else None,
            correlation_id=self.correlation_id,
            **about,
        )

    async def shown(self, view: View, seen: Seen[Any], text: str, run: Run | None = None, fields: str = "") -> Response:
        """The answer about one student, once the read is in the log.

        Raises:
            AuditUnavailable: as :meth:`log`.
        """
        told = " ".join(part for part in (fields, "names" if seen.decision.shows_names else "") if part)
        about = {"student_keys": (seen.place.student_key,), "fields": told, **of_run(run)}
        await self._logged(self._entry(view, seen.decision.role, seen.decision.reason, "shown", about))
        return json_text(text)

    def _refusal(self, view: View, decision: Decision) -> Refused:
        """How to refuse: what would help is said only to who may know that there is something."""
        if may(self.viewer, view, self.on).reason is Reason.NEEDS_SECOND_FACTOR:
            return Refused(403, SECOND_FACTOR)
        if decision.reason is Reason.NEEDS_PURPOSE:
            return Refused(403, STATE_PURPOSE)
        return Refused(404)


def of_run(run: Run | None) -> dict[str, Any]:
    """The fields of an entry that name a run."""
    return {"run_id": run.run_id, "model_version": run.model_version} if run else {}


def json_text(text: str, headers: dict[str, str] | None = None) -> Response:
    """An answer whose text is JSON already."""
    return Response(text, media_type="application/json", headers=headers)


async def asked_of(request: Request) -> Asked:
    """What a request asks, and who.

    Raises:
        Refused: 401, nobody is signed in; 422, the purpose is too long.
    """
    signed_in = await signed_in_or_none(request)
    if signed_in is None:
        raise Refused(401)
    service: Service = request.app.state.service
    at, purpose = service.now(), request.headers.get(PURPOSE, "")
    if len(purpose) > MOST_PURPOSE:
        raise Refused(422, f"{PURPOSE} holds at most {MOST_PURPOSE} characters.")
    return Asked(service, signed_in.viewer, at, service.on(at), written(purpose), request.state.correlation_id)


def written(purpose: str) -> str:
    """A purpose as it goes into the log: one line, whatever was sent; UTF-8 where it is (O17)."""
    if not purpose:
        return ""
    with contextlib.suppress(UnicodeError):
        purpose = purpose.encode("latin-1").decode("utf-8")
    return " ".join(_NOT_WRITTEN.sub(" ", purpose).split())


Asking = Annotated[Asked, Depends(asked_of)]
"""What a route takes; a route without it is open to nobody, which a test asserts of each."""
