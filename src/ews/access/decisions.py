"""Yes or no, and why: what callers ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from ews.access.relations import Place, Viewer
from ews.access.rights import AccessPolicy, Reason, Role, View
from ews.access.scope import DEFAULT, grants_for, scope_of


@dataclass(frozen=True)
class Decision:
    """What was decided, and why; it goes into the log as it is.

    Attributes:
        allowed: whether it may be seen.
        reason: why, or why not.
        role: in which role; None where refused.
        shows_names: whether with name and the district's id.
    """

    allowed: bool
    reason: Reason
    role: Role | None = None
    shows_names: bool = False


def can_view_student(
    viewer: Viewer, place: Place, view: View, on: date, purpose: str = "", policy: AccessPolicy = DEFAULT
) -> Decision:
    """Whether the viewer may see one student in a view, and why; see :func:`scope_of` for the arguments."""
    scope = scope_of(viewer, view, on, purpose, policy)
    part = scope.way_in(place)
    if part is None or not scope.holds(place):
        return Decision(False, _why_not(viewer, place, view, on, purpose, policy))
    reason = Reason.GRACE if scope.is_grace(part, place) else part.reason
    return Decision(True, reason, part.grant.role, scope.naming().holds(place))


def may(viewer: Viewer, view: View, on: date) -> Decision:
    """Whether the viewer may use a view at all: for those without a student, and before students are looked up."""
    grants = grants_for(viewer, view, on)
    other = viewer.viewing_as
    if other and not may(other, view, on).allowed:
        return Decision(False, Reason.NO_RELATIONSHIP)
    if grants:
        return Decision(True, Reason.ROLE, grants[0].role)
    unlocked = may(replace(viewer, second_factor=True), view, on).allowed if not viewer.second_factor else False
    return Decision(False, Reason.NEEDS_SECOND_FACTOR if unlocked else Reason.NO_RELATIONSHIP)


def both(viewer: Viewer, other: Viewer) -> Viewer:
    """The viewer looking as another person: whatever is asked then is allowed only where both may (A12)."""
    return replace(viewer, viewing_as=replace(other, second_factor=viewer.second_factor, viewing_as=None))


def who_may(
    viewers: Iterable[Viewer], place: Place, view: View, on: date, policy: AccessPolicy = DEFAULT
) -> list[tuple[Viewer, Decision]]:
    """Everybody who may see a student in a view, with the reason, as it is after sign-in with all that is asked for.

    A second factor and, where one would be needed, a purpose are taken as given: this tells who *could*.
    """
    found = []
    for viewer in (replace(viewer, second_factor=True) for viewer in viewers):
        decision = can_view_student(viewer, place, view, on, "stated when asked", policy)
        if decision.allowed:
            found.append((viewer, decision))
    return found


def _why_not(viewer: Viewer, place: Place, view: View, on: date, purpose: str, policy: AccessPolicy) -> Reason:
    """What would have helped, if anything would; never shown to who may not even know that the student exists."""
    if scope_of(replace(viewer, second_factor=True), view, on, purpose, policy).holds(place):
        return Reason.NEEDS_SECOND_FACTOR
    if scope_of(viewer, view, on, "stated", policy).holds(place):
        return Reason.NEEDS_PURPOSE
    return Reason.NO_RELATIONSHIP
