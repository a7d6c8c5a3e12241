"""Who may see which student, and why: the one place that decides.

Whoever wants a student's record asks here. A viewer has grants (a role, where, from when until when); a role reaches a
view either for every student where the grant holds or for the viewer's own caseload; a student is where the stays say.
:func:`scope_of` turns that into a :class:`Scope`, from which both a list (the store makes SQL of it) and one student
(:func:`can_view_student`) are answered, so that what is listed and what opens are the same students. Nothing that is
not written in :data:`MAY` is allowed.
"""

from ews.access.aggregates import schools_told_of
from ews.access.decisions import Decision, both, can_view_student, may, who_may
from ews.access.relations import Caseload, Grant, Place, Stay, Viewer
from ews.access.rights import (
    MAY,
    NAMELESS,
    NAMES,
    NEED_SECOND_FACTOR,
    STUDENT_VIEWS,
    AccessPolicy,
    Reach,
    Reason,
    Role,
    View,
)
from ews.access.scope import Part, Scope, scope_of

__all__ = [
    "MAY",
    "NAMELESS",
    "NAMES",
    "NEED_SECOND_FACTOR",
    "STUDENT_VIEWS",
    "AccessPolicy",
    "Caseload",
    "Decision",
    "Grant",
    "Part",
    "Place",
    "Reach",
    "Reason",
    "Role",
    "Scope",
    "Stay",
    "View",
    "Viewer",
    "both",
    "can_view_student",
    "may",
    "schools_told_of",
    "scope_of",
    "who_may",
]
