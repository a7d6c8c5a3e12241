"""What a student page says beside the attendance: the estimate in words, what is unknown, follow-up, who sees it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ews.access import Decision, View, who_may
from ews.follow_up import (
    Barrier,
    Kind,
    Knows,
    Referral,
    WithWhom,
    contacts_count_from,
    is_close_to_the_line,
    priority_of,
    reaches,
)
from ews.school_year import SchoolYear
from ews.store.follow_up import Contact, Judgement, Mentoring, Plan, PlanChange
from ews.store.people import Member
from ews.store.reading import Run, Student
from ews_serve.web.wording import (
    BARRIERS,
    KINDS,
    KNOWS,
    PRIORITIES,
    PRIORITY_MEANS,
    REFERRALS,
    ROLES,
    STATES,
    WAYS_IN,
    WITH,
    ago_text,
    counted,
    day_text,
    in_ten,
    range_in_ten,
)
from ews_serve.web.words import Badge
from ews_serve.web.years import Attendance

NO_REASON = (
    "No single pattern stands out: the estimate comes from many small ones, none of which says much alone. "
    "What you know of this student counts for more."
)
NOT_SCORED = (
    "There is no estimate, because this student is not to be scored. That is no sign of anything: it was somebody's "
    "wish, and it is kept everywhere. Attendance and your own log stay as they are."
)
NOT_LISTED = (
    "There is no estimate in the list of now. The student came after it was made, or there was too little to go by. "
    "The next list may have one."
)
NOTHING_PUBLISHED = "No list was published yet, so there is no estimate. The records below are as you sent them."

ALWAYS_UNKNOWN = (
    "It knows nothing of health, family, housing, friends, or the way to school.",
    "It does not know what you talked about or agreed on.",
)


OLD_AFTER = timedelta(days=30)
"""A list is made weekly, and at least at term start: an older one says so (UX-8)."""


def notices_of(run: Run | None, at: datetime, trouble: str) -> list[str]:
    """What a reader should know of the list in force: it is old, or its model cannot be read."""
    notices = []
    if run and at - run.published_at > OLD_AFTER:
        days = (at - run.published_at).days
        notices.append(f"This list is {days} days old. Ask whoever runs this service for a newer one.")
    if run and trouble:
        notices.append("The model behind this list cannot be read now. The list stands as it was published.")
    return notices


def as_of(run: Run | None) -> str:
    """Where a list comes from, in one sentence or two; empty before the first one."""
    if run is None:
        return ""
    known = f"after {run.after_day} school days of it" if run.after_day else "before its first day"
    through = f"; records through {day_text(run.data_through)}" if run.data_through else ""
    published = f"Published {day_text(run.published_at.date())} with model version {run.model_version}."
    return f"For {SchoolYear(run.target_year).label}, made {known}{through}. {published}"


@dataclass(frozen=True)
class Estimate:
    """The estimate in words.

    Attributes:
        badge: the band.
        means: what the band means.
        sentence: what it says of students like this one.
        other: of how many it was not so.
        close: that it is near a line; empty where it is not.
        raising: three reasons at most.
        lowering: one; empty where none lowers.
        without: what to say where there is no reason.
    """

    badge: Badge
    means: str
    sentence: str
    other: str
    close: str
    raising: tuple[str, ...]
    lowering: str
    without: str


def estimate_of(found: Student) -> Estimate:
    """The estimate of the list in force, in words that are never certain."""
    line = json.loads(found.line)
    risk, priority = line["risk"], priority_of(line["risk"])
    year = SchoolYear(found.run.target_year).label
    return Estimate(
        badge=PRIORITIES[priority],
        means=PRIORITY_MEANS[priority],
        sentence=f"Among similar students, {in_ten(risk)} missed a tenth or more of the next year, here {year}: "
        f"{range_in_ten(risk)}, as far as earlier years tell.",
        other=f"For {in_ten(1 - risk)} it turned out otherwise. An estimate is about many students, never about one.",
        close="This student is close to a line between two bands: treat it as a judgement call."
        if is_close_to_the_line(risk)
        else "",
        raising=tuple(line["reasons"]),
        lowering=line["lowering_reason"] or "",
        without=NO_REASON,
    )


def unknown_of(history: Attendance, run: Run | None) -> tuple[str, ...]:
    """What the model does not know of this student."""
    told = list(ALWAYS_UNKNOWN)
    if run and run.data_through:
        told.append(f"It has seen records through {day_text(run.data_through)}, and nothing after that.")
    if not history.years:
        told.append("It has no year of this student to go by, only the school and the grade.")
    elif len(history.years) == 1:
        told.append("It has one year of this student only, so it can tell no trend.")
    if any(year.days_absent is None for year in history.years):
        told.append("The attendance of some years is not known. Not known is not zero.")
    if history.is_yearly:
        told.append("It has totals of whole years only, so it knows no weekdays, months or last weeks.")
    return tuple(told)


def quality_of(history: Attendance, run: Run | None) -> tuple[tuple[str, str], ...]:
    """Where the page's facts come from."""
    facts = []
    if history.data_through:
        facts.append(("Records through", day_text(history.data_through)))
    known = [year.year.label for year in history.years if year.rate is not None]
    facts.append(("Years known", ", ".join(known) or "none"))
    moved = [year.year.label for year in history.years if year.schools > 1]
    if moved:
        facts.append(("More than one school in", ", ".join(moved)))
    if run:
        made = f"after {run.after_day} school days" if run.after_day else "before the first school day"
        facts.append(("List", f"for {SchoolYear(run.target_year).label}, made {made}"))
        facts.append(("Published", day_text(run.published_at.date())))
        facts.append(("Model", f"version {run.model_version}, run {run.run_id}"))
    facts.append(("Something wrong?", "Tell your registrar. The next list is made from the record as it is then."))
    return tuple(facts)


@dataclass(frozen=True)
class Told:
    """One entry of a log: what, and when and by whom."""

    head: str
    text: str
    by: str


def contacts_told(contacts: Sequence[Contact], on: date) -> tuple[Told, ...]:
    """The log of contacts in words, the latest first."""
    return tuple(_contact(one, on) for one in contacts)


def _contact(one: Contact, on: date) -> Told:
    head = KINDS[Kind(one.kind)]
    if reaches(one.kind):
        head = f"{head} with {WITH[WithWhom(one.with_whom)].lower()}"
    parts = [
        counted(one.minutes, "minute") if one.minutes else "",
        f"What came up: {BARRIERS[Barrier(one.barrier)].lower()}" if one.barrier else "",
        REFERRALS[Referral(one.referral)] if one.referral else "",
        f"Next: {one.next_step}" if one.next_step else "",
    ]
    text = ". ".join(part for part in parts if part)
    return Told(head, text, f"{day_text(one.on_date)} ({ago_text(one.on_date, on)}), {one.by}")


def judgements_told(judgements: Sequence[Judgement]) -> tuple[Told, ...]:
    """What people who know more said, the latest first."""
    return tuple(
        Told(
            ("Should be on the list" if one.adds else "Should not be on the list")
            + (", taken back" if one.taken_back_at else ""),
            f"{KNOWS[Knows(one.category)]}: {one.reason}",
            f"{day_text(one.at.date())}, {one.by}",
        )
        for one in judgements
    )


def changes_told(changes: Sequence[PlanChange], names: Mapping[str, str]) -> tuple[Told, ...]:
    """How the plan came to be what it is, the latest first."""
    return tuple(
        Told(STATES[one.state], one.reason or "", f"{day_text(one.at.date())}, {names.get(one.by, one.by)}")
        for one in changes
    )


def helped_of(
    contacts: Sequence[Contact], mentoring: Mentoring | None, plan: Plan | None, target: SchoolYear | None, on: date
) -> tuple[str, ...]:
    """What has been done and what helps, as far as it was written down."""
    told = []
    if mentoring:
        told.append(f"Mentor: {mentoring.mentor}, since {day_text(mentoring.since)}.")
    since = contacts_count_from(target) if target else date.min
    real = [one for one in contacts if reaches(one.kind) and one.on_date >= since]
    if real:
        last = real[0]
        told.append(f"{counted(len(real), 'contact')} this year, the last {ago_text(last.on_date, on)} by {last.by}.")
    done = [one for one in contacts if one.referral == Referral.CLOSED]
    if done:
        told.append(f"Help was found for {counted(len(done), 'need')}.")
    if plan and plan.next_step:
        due = f" by {day_text(plan.next_step_on)}" if plan.next_step_on else ""
        told.append(f"Next{due}: {plan.next_step}")
    return tuple(told)


@dataclass(frozen=True)
class Seer:
    """Someone who may see the student, what, and why."""

    name: str
    role: str
    what: str
    why: str


def seers_of(staff: Iterable[Member], place: Any, on: date) -> tuple[Seer, ...]:
    """Everybody who may see this student today, with the reason."""
    people = [one for one in staff if one.is_active]
    viewers, names = [one.viewer() for one in people], {one.staff_key: one.name for one in people}
    found: dict[str, dict[View, Decision]] = {}
    for view in _WHAT:
        for viewer, decision in who_may(viewers, place, view, on):
            found.setdefault(viewer.staff_key, {})[view] = decision
    return tuple(_seer(names[key], views) for key, views in sorted(found.items(), key=lambda one: names[one[0]]))


_WHAT: Mapping[View, str] = {
    View.ATTENDANCE: "attendance",
    View.EXPLANATION: "estimate",
    View.CONTACT: "contacts",
    View.PLAN: "plan and notes",
}


def _seer(name: str, views: Mapping[View, Decision]) -> Seer:
    first = next(iter(views.values()))
    roles = dict.fromkeys(ROLES[decision.role] for decision in views.values() if decision.role)
    return Seer(name, ", ".join(roles), ", ".join(_WHAT[view] for view in views), WAYS_IN[first.reason])
