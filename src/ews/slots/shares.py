"""How many students each mentor can take at each school: who comes to several is shared by need or evenly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from ews.slots.mentors import Mentor
from ews.slots.rule import Rule

Seats = Mapping[str, Mapping[str, int]]
"""By school: of each mentor who can take somebody there, how many."""


def seats_by_school(
    mentors: Sequence[Mentor], held: Mapping[str, int], need: Mapping[str, int], rule: Rule, on: date
) -> dict[str, dict[str, int]]:
    """The seats that are free, by school and mentor.

    A mentor of one school brings that school every free seat. Seats of mentors of several schools go one by one to
    the one of their schools that has least: first below `least_slots`, then for its need.

    Args:
        mentors: everybody in the district's file.
        held: students each mentor has already; they stay (M07).
        need: students in the pool of each school.
        rule: `shared_by`, `least_slots` and `most_slots`.
        on: the day.
    """
    free = {one.mentor_id: max(one.slots(on) - held.get(one.mentor_id, 0), 0) for one in mentors}
    seats: dict[str, dict[str, int]] = defaultdict(dict)
    ordered = sorted(mentors, key=lambda mentor: mentor.mentor_id)
    for mentor in (one for one in ordered if len(one.schools) == 1 and free[one.mentor_id]):
        seats[mentor.schools[0]][mentor.mentor_id] = free[mentor.mentor_id]
    given = {school: sum(of_school.values()) for school, of_school in seats.items()}
    for mentor in (one for one in ordered if len(one.schools) > 1):
        for _ in range(free[mentor.mentor_id]):
            school = _next_school(mentor, given, need, rule)
            if school is None:
                break
            given[school] = given.get(school, 0) + 1
            seats[school][mentor.mentor_id] = seats[school].get(mentor.mentor_id, 0) + 1
    return {school: dict(of_school) for school, of_school in seats.items()}


def slots_of_schools(seats: Seats, rule: Rule) -> dict[str, int]:
    """Slots of each school: its free seats, at most `most_slots`."""
    most = rule.most_slots or None
    found = {school: sum(of_school.values()) for school, of_school in seats.items()}
    return {school: count if most is None else min(count, most) for school, count in found.items()}


def _next_school(mentor: Mentor, given: Mapping[str, int], need: Mapping[str, int], rule: Rule) -> str | None:
    """Where the next seat goes: the school with the fewest seats for its need; None: every school has enough."""

    def fullness(school: str) -> tuple[bool, float, str]:
        has = given.get(school, 0)
        share = has if rule.shared_by == "even" else (has + 1) / need[school]
        return has >= rule.least_slots, share, school

    open_schools = [
        school
        for school in mentor.schools
        if given.get(school, 0) < min(need.get(school, 0), rule.most_slots or need.get(school, 0))
    ]
    return min(open_schools, key=fullness, default=None)
