"""Whom a viewer sees in a view: one value, from which a list and a single student are answered alike."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from ews.access.relations import Grant, Place, Stay, Viewer
from ews.access.rights import (
    MAY,
    NEED_SECOND_FACTOR,
    STUDENT_VIEWS,
    AccessPolicy,
    Reach,
    Reason,
    Role,
    View,
)

DEFAULT = AccessPolicy()


@dataclass(frozen=True)
class Part:
    """One way in: the students where `grant` holds, or those among them on the viewer's caseload in its role.

    Attributes:
        grant: whose place counts.
        caseload_only: only students whose caseload row names the viewer in the grant's role.
        reason: why a student who is found this way may be seen.
        shows_names: whether names and ids are told with it.
    """

    grant: Grant
    caseload_only: bool
    reason: Reason
    shows_names: bool


@dataclass(frozen=True)
class Scope:
    """Whom a viewer sees in a view: the students found by any of `parts`, and by `and_also` too where it is given.

    A stay counts when `entry_date <= entered_by` and (`exit_date` is null or `exit_date >= left_from`). A caseload row
    counts when it names `staff_key` and the part's role, and holds on `on`. No part: nobody.

    Attributes:
        staff_key: whose caseload counts.
        view: what is looked at.
        on: the day.
        entered_by: latest first day that counts already.
        left_from: earliest last day that counts still.
        parts: the ways in, best reason first.
        purpose: as stated; empty where none was needed or given.
        and_also: the scope of the person viewed as (A12); None otherwise.
    """

    staff_key: str
    view: View
    on: date
    entered_by: date
    left_from: date
    parts: tuple[Part, ...]
    purpose: str = ""
    and_also: "Scope | None" = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody at all can be seen."""
        return not self.parts or (self.and_also is not None and self.and_also.is_empty)

    def naming(self) -> "Scope":
        """The students who are seen with name and id: never more than the scope itself."""
        named = tuple(part for part in self.parts if part.shows_names)
        if named == self.parts and self.and_also is None:
            return self
        return replace(self, parts=named, and_also=self.and_also.naming() if self.and_also else None)

    def way_in(self, place: Place) -> Part | None:
        """The first part that finds a student, disregarding `and_also`; None: not in this scope."""
        return next((part for part in self.parts if self._finds(part, place)), None)

    def holds(self, place: Place) -> bool:
        """Whether the student is in the scope."""
        also = self.and_also is None or self.and_also.holds(place)
        return also and self.way_in(place) is not None

    def counts(self, stay: Stay) -> bool:
        """Whether a stay is current enough, before or after."""
        return stay.entry_date <= self.entered_by and (stay.exit_date is None or stay.exit_date >= self.left_from)

    def is_grace(self, part: Part, place: Place) -> bool:
        """Whether only stays that have ended let the student be found."""
        stays = [stay for stay in place.stays if part.grant.covers(stay) and self.counts(stay)]
        return all(stay.exit_date is not None and stay.exit_date < self.on for stay in stays)

    def _finds(self, part: Part, place: Place) -> bool:
        here = any(part.grant.covers(stay) and self.counts(stay) for stay in place.stays)
        return here and (not part.caseload_only or self._is_mine(part.grant.role, place))

    def _is_mine(self, role: Role, place: Place) -> bool:
        return any(
            entry.staff_key == self.staff_key and entry.role == role and entry.holds(self.on)
            for entry in place.caseloads
        )


def scope_of(viewer: Viewer, view: View, on: date, purpose: str = "", policy: AccessPolicy = DEFAULT) -> Scope:
    """Whom the viewer sees in a view of students.

    Args:
        viewer: who asks.
        view: one of :data:`STUDENT_VIEWS`; for any other nobody is in the scope.
        on: the school's date.
        purpose: why the viewer needs students outside the caseload; blank is none.
        policy: the district's choices.
    """
    stated = " ".join(purpose.split())
    ways = (way for grant in grants_for(viewer, view, on) for way in _ways(viewer, grant, view, bool(stated)))
    parts = tuple(sorted(ways, key=_best_first)) if view in STUDENT_VIEWS else ()
    other = viewer.viewing_as
    return Scope(
        staff_key=viewer.staff_key,
        view=view,
        on=on,
        entered_by=on + timedelta(days=policy.ahead_days),
        left_from=on - timedelta(days=policy.grace_days),
        parts=parts,
        purpose=stated,
        and_also=scope_of(other, view, on, purpose, policy) if other else None,
    )


def grants_for(viewer: Viewer, view: View, on: date) -> list[Grant]:
    """Grants that count on the day for the view: roles that name it, with what they ask for."""
    if not viewer.admits(view):
        return []
    return [grant for grant in viewer.grants if grant.holds(on) and _counts(viewer, grant.role, view)]


def _counts(viewer: Viewer, role: Role, view: View) -> bool:
    if view not in MAY[role] or (role is Role.SERVICE and viewer.scopes is None):
        return False
    return viewer.second_factor or not (role in NEED_SECOND_FACTOR or view is View.EXPORT)


def _ways(viewer: Viewer, grant: Grant, view: View, purpose_stated: bool) -> list[Part]:
    reach, named = MAY[grant.role][view], viewer.may_name(grant.role)
    if reach is Reach.ALL:
        return [Part(grant, False, Reason.SCHOOL if grant.school_id is not None else Reason.DISTRICT, named)]
    ways = [Part(grant, True, Reason.CASELOAD, named)]
    if reach is Reach.PURPOSE and purpose_stated:
        ways.append(Part(grant, False, Reason.PURPOSE, named))
    return ways


_ORDER = (Reason.CASELOAD, Reason.SCHOOL, Reason.DISTRICT, Reason.PURPOSE)
"""The nearest relationship first: it is the reason a parent is told."""


def _best_first(part: Part) -> tuple[bool, int]:
    return not part.shows_names, _ORDER.index(part.reason)
