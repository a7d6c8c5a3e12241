"""Everything that a student's page reads, each part only where its view is allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ews.access import Decision, Place, Role, View
from ews.school_year import SchoolYear
from ews.store import follow_up
from ews.store.people import Member, members
from ews.store.profiles import Profile, longest_year
from ews.store.reading import Run, Student, place_of, run_in_force, student_view
from ews_serve.asked import Asked, Seen
from ews_serve.web.told import Seer, seers_of


@dataclass(frozen=True)
class Read:
    """Everything that was read, each part only where its view is allowed.

    Attributes:
        views: what is shown, and why it may be.
        run: the run in force.
        found: the estimate's row.
        days_in_year: how long the school's year is.
        plan, changes, contacts, judgements, notes, mentoring: follow-up.
        seers: who may see the student.
        names: of people by login, for what plans keep.
    """

    views: Mapping[View, Decision]
    run: Run | None
    found: Student | None
    days_in_year: int | None
    plan: follow_up.Plan | None
    changes: Sequence[follow_up.PlanChange]
    contacts: Sequence[follow_up.Contact]
    judgements: Sequence[follow_up.Judgement]
    notes: Sequence[follow_up.Note]
    mentoring: follow_up.Mentoring | None
    seers: tuple[Seer, ...] | None
    names: Mapping[str, str]


PARTS = (View.EXPLANATION, View.PLAN, View.CONTACT, View.SLOTS, View.WHO_CAN_SEE)


def read_student(asked: Asked, seen: Seen[Profile]) -> Read:
    """Every part of a student whose view this viewer may use, in one transaction after the decision."""
    key, place = seen.found.student_key, seen.place
    decided = {view: asked.decide(place, view) for view in PARTS if asked.is_offered(view)}
    views = {View.ATTENDANCE: seen.decision} | {view: one for view, one in decided.items() if one.allowed}
    with asked.service.store.reading() as connection:
        run = run_in_force(connection)
        year = SchoolYear(run.target_year) if run else None
        plans = year if View.PLAN in views else None
        staff = members(connection)
        return Read(
            views=views,
            run=run,
            found=student_view(connection, key) if View.EXPLANATION in views else None,
            days_in_year=_days_in_year(connection, run, seen.found),
            plan=follow_up.plan_of(connection, key, plans) if plans else None,
            changes=follow_up.plan_changes(connection, key, plans) if plans else (),
            contacts=_contacts(connection, asked, key, views.get(View.CONTACT)),
            judgements=follow_up.judgements_of(connection, key, plans) if plans else (),
            notes=follow_up.notes_of(connection, key) if plans else (),
            mentoring=follow_up.mentoring_of(connection, key) if View.SLOTS in views else None,
            seers=_seers(connection, asked, place, staff) if View.WHO_CAN_SEE in views else None,
            names={one.login: one.name for one in staff},
        )


def _days_in_year(connection: Any, run: Run | None, profile: Profile) -> int | None:
    if run is None or not profile.stays:
        return None
    return longest_year(connection, run.run_id, profile.stays[-1].school_id)


def _contacts(connection: Any, asked: Asked, key: str, decision: Decision | None) -> Sequence[follow_up.Contact]:
    """The log of contacts; a mentor reads the own entries only."""
    if decision is None:
        return ()
    own = asked.viewer.staff_key if decision.role is Role.MENTOR else None
    return follow_up.contacts_of(connection, key, own)


def _seers(connection: Any, asked: Asked, place: Place, staff: Sequence[Member]) -> tuple[Seer, ...]:
    near = [one for one in staff if any(grant.covers(stay) for grant in one.grants for stay in place.stays)]
    whose = place_of(connection, place.student_key, *(one.staff_key for one in near))
    return seers_of(near, whose, asked.on)
