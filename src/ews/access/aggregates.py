"""Of which schools a viewer is told in numbers: those of the districts where a role counts."""

from collections.abc import Iterable
from datetime import date

from ews.access.relations import Viewer
from ews.access.rights import View
from ews.access.scope import grants_for


def schools_told_of(viewer: Viewer, view: View, on: date, schools: Iterable[tuple[str, str | None]]) -> frozenset[str]:
    """The schools that a viewer is told of in a view without students.

    A role at one school tells of its whole district, since such numbers are of nobody in particular; of another
    district it tells nothing. Who looks as somebody else is told what both would be.

    Args:
        viewer: who asks.
        view: one without students.
        on: the school's date.
        schools: id and district of every school; None: the only district there is.
    """
    every = list(schools)
    district_of = dict(every)
    grants = grants_for(viewer, view, on)
    has_all = any(grant.school_id is None and grant.district_id is None for grant in grants)
    districts = {district_of.get(grant.school_id) if grant.school_id else grant.district_id for grant in grants}
    told = frozenset(school for school, district in every if has_all or (grants and district in districts))
    return told & schools_told_of(viewer.viewing_as, view, on, every) if viewer.viewing_as else told
