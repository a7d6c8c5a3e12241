"""Why another report gives another share: every definition it may have used, by how close it comes.

A definition is varied from the district's own in one choice, then in two; all counts are exact and whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ews.absence import TEN_THOUSANDTHS
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.quality.seen import tables_of
from ews.school_year import SchoolYear
from ews.tables import GRADES

HALF, ANY, WHOLE, EXACT = "half a day or more", "any part of a day", "whole days only", "parts added up"
DISTRICT, SCHOOL = "per district", "per school"

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "min_days_enrolled": (1, 10, 15, 20, 30, 45, 60, 90),
    "counted": (DISTRICT, SCHOOL),
    "absent_day": (HALF, ANY, WHOLE, EXACT),
    "tardies": ("never absences", "three make a day", "each makes a day"),
    "kinds": ("all absences", "unexcused only", "without suspensions"),
    "bound": ("at least", "more than", "rounded to whole percents"),
    "grades": ("KG to 12", "PK to 12", "01 to 12"),
    "students": ("all of the year", "there on the last day"),
}
"""What reports are known to do differently; the first of each is the federal way, but for the minimum days."""

WORDS = {
    "min_days_enrolled": "at least {} enrolled days",
    "counted": "a student counted {}",
    "absent_day": "absent: {}",
    "tardies": "tardies: {}",
    "kinds": "{}",
    "bound": "{} the threshold",
    "grades": "grades {}",
    "students": "students: {}",
}
AT_MOST_CHANGED = 2
_TARDIES = {"never absences": 0, "three make a day": 3, "each makes a day": 1}
_FIRST_GRADE = {"KG to 12": "KG", "PK to 12": "PK", "01 to 12": "01"}


@dataclass(frozen=True)
class Definition:
    """How a report counts chronic absence; the values are those of `CHOICES`."""

    min_days_enrolled: int
    counted: str = DISTRICT
    absent_day: str = HALF
    tardies: str = "never absences"
    kinds: str = "all absences"
    bound: str = "at least"
    grades: str = "KG to 12"
    students: str = "all of the year"


@dataclass(frozen=True)
class Explanation:
    """What a definition gives.

    Attributes:
        definition: how it counts.
        changed: what it does otherwise than the district, in words; empty for the district's own.
        students: with enough enrolled days.
        chronic: chronically absent of them.
    """

    definition: Definition
    changed: tuple[str, ...]
    students: int
    chronic: int

    @property
    def percent(self) -> float:
        """Chronically absent of 100 students; not a number without students."""
        return 100 * self.chronic / self.students if self.students else float("nan")


@dataclass(frozen=True)
class Reconciliation:
    """A typed share beside ours, and what would explain the difference.

    Attributes:
        school_year: the year.
        typed: the share typed in, in percent.
        decimals: digits after its point; a definition explains it when it gives the same so rounded.
        ours: by the district's own definition.
        others: every other definition, by closeness; of those that give the same counts only the simplest.
    """

    school_year: SchoolYear
    typed: float
    decimals: int
    ours: Explanation
    others: tuple[Explanation, ...]

    def explains(self, explanation: Explanation) -> bool:
        """Whether the definition gives the typed share, to its own precision."""
        return round(explanation.percent, self.decimals) == round(self.typed, self.decimals)


def reconcile(folder: Path, school_year: SchoolYear, typed: str, policy: Policy) -> Reconciliation:
    """Hold a share of chronic absence from another report against the records.

    Args:
        folder: the tables in force.
        school_year: the year the share is of.
        typed: the share in percent as the report prints it, `23.4`; its digits say how exact it is.
        policy: the district's own definition.

    Raises:
        NotEnoughData: nothing is known of that year.
    """
    counts = _counts(folder, school_year)
    if not len(counts):
        raise NotEnoughData(f"No records of {school_year.label}. Bring them in with: ews ingest FOLDER")
    own = Definition(policy.min_days_enrolled)
    counted = _as_counted(counts)
    definitions = _definitions(own, _told_apart(counts))
    found = [_measured(counted, definition, own, policy.chronic_percent) for definition in definitions]
    decimals = len(typed.partition(".")[2])
    share = float(typed)
    ours = found[0]
    others = [one for one in _simplest(found) if one is not ours]
    others.sort(key=lambda one: (round(abs(one.percent - share), decimals), len(one.changed), abs(one.percent - share)))
    return Reconciliation(school_year, share, decimals, ours, tuple(others))


def _simplest(found: Sequence[Explanation]) -> list[Explanation]:
    """Of definitions that give the same counts those with the fewest changes: one more that changes nothing goes."""
    fewest: dict[tuple[int, int], int] = {}
    for one in found:  # simpler ones come first
        fewest.setdefault((one.students, one.chronic), len(one.changed))
    return [one for one in found if len(one.changed) == fewest[one.students, one.chronic]]


def _definitions(own: Definition, known: Sequence[str]) -> Iterator[Definition]:
    yield own
    for number in range(1, AT_MOST_CHANGED + 1):
        for names in combinations(known, number):
            # Kinds are known of absent days alone, not of lesser parts of a day.
            yield from (
                one for one in _varied(own, names) if one.kinds == CHOICES["kinds"][0] or one.absent_day == HALF
            )


def _varied(own: Definition, names: tuple[str, ...]) -> Iterator[Definition]:
    name, *others = names
    for choice in CHOICES[name]:
        if choice != getattr(own, name):
            changed = replace(own, **{name: choice})
            yield from _varied(changed, tuple(others)) if others else (changed,)


def _told_apart(by_school: pd.DataFrame) -> list[str]:
    """Choices that these records can tell apart; a yearly sheet has no single days."""
    every = [field.name for field in fields(Definition)]
    of_years = ("min_days_enrolled", "counted", "bound", "grades")
    return every if by_school["is_daily"].all() else [name for name in every if name in of_years]


def _as_counted(by_school: pd.DataFrame) -> dict[str, pd.DataFrame]:
    sums = {name: "sum" for name in by_school.columns if name not in ("student_id", "grade", "is_there", "since")}
    ordered = by_school.sort_values(["student_id", "since"], kind="stable")
    of_district = ordered.groupby("student_id", sort=False).agg({**sums, "grade": "last", "is_there": "last"})
    return {SCHOOL: by_school, DISTRICT: of_district.reset_index()}


def _measured(
    counted: Mapping[str, pd.DataFrame], definition: Definition, own: Definition, percent: int
) -> Explanation:
    rows = counted[definition.counted]
    enrolled = rows["days"].to_numpy()
    meant = (enrolled >= definition.min_days_enrolled) & rows["grade"].ge(_place(definition.grades)).to_numpy()
    if definition.students != CHOICES["students"][0]:
        meant &= rows["is_there"].to_numpy()
    chronic = _is_chronic(_missed(rows, definition), enrolled, percent, definition.bound)
    return Explanation(definition, _changed(definition, own), int(meant.sum()), int((chronic & meant).sum()))


def _place(grades: str) -> int:
    return GRADES.index(_FIRST_GRADE[grades])


def _missed(rows: pd.DataFrame, definition: Definition) -> np.ndarray:
    """Missed in ten-thousandths of a day, so that parts add up exactly."""
    missed = rows[_COLUMNS[definition.absent_day]].to_numpy() * (
        1 if definition.absent_day == EXACT else TEN_THOUSANDTHS
    )
    if definition.kinds == "unexcused only":
        missed = rows["unexcused"].to_numpy() * TEN_THOUSANDTHS
    elif definition.kinds == "without suspensions":
        missed = missed - rows["suspended"].to_numpy() * TEN_THOUSANDTHS
    tardies = _TARDIES[definition.tardies]
    return missed + (rows["tardy"].to_numpy() // tardies * TEN_THOUSANDTHS if tardies else 0)


_COLUMNS = {HALF: "half", ANY: "any_part", WHOLE: "whole", EXACT: "exact"}


def _is_chronic(missed: np.ndarray, enrolled: np.ndarray, percent: int, bound: str) -> np.ndarray:
    here, there = missed * 100, enrolled * percent * TEN_THOUSANDTHS
    compared: Mapping[str, Callable[[], np.ndarray]] = {
        "at least": lambda: here >= there,
        "more than": lambda: here > there,
        "rounded to whole percents": lambda: here >= there - enrolled * TEN_THOUSANDTHS // 2,
    }
    return compared[bound]() & (enrolled > 0)


def _changed(definition: Definition, own: Definition) -> tuple[str, ...]:
    names = (field.name for field in fields(Definition))
    return tuple(
        WORDS[name].format(getattr(definition, name))
        for name in names
        if getattr(definition, name) != getattr(own, name)
    )


def _counts(folder: Path, school_year: SchoolYear) -> pd.DataFrame:
    with tables_of(folder) as connection:
        return connection.execute(_COUNTS, {"year": school_year.ending, "grades": list(GRADES)}).df()


_COUNTS = """
    with enrolled as (
        select student_id, school_id, sum(last_index - first_index + 1)::bigint as days, min(first_index) as since,
            list_position($grades::varchar[], arg_max(grade_level, first_index)) - 1 as grade,
            bool_or(last_index = days_of_school) as is_there
        from stays join (
            select school_id, max(day_index) as days_of_school from calendar where school_year = $year group by all
        ) using (school_id) where school_year = $year group by all
    ), marked as (
        select student_id, school_id, count(*) filter (is_absent) as half,
            count(*) filter (missed_ten_thousandths > 0) as any_part,
            count(*) filter (is_absent and missed_ten_thousandths = 10000) as whole,
            sum(missed_ten_thousandths) as exact,
            count(*) filter (is_tardy and not is_absent) as tardy,
            count(*) filter (kind = 'unexcused') as unexcused, count(*) filter (kind = 'suspension') as suspended
        from marks where school_year = $year group by all
    )
    select student_id, days, since, grade, is_there, true as is_daily,
        columns(['half', 'any_part', 'whole', 'exact', 'tardy', 'unexcused', 'suspended'])::bigint
    from (
        select enrolled.*, coalesce(half, 0) as half, coalesce(any_part, 0) as any_part, coalesce(whole, 0) as whole,
            coalesce(exact, 0) as exact, coalesce(tardy, 0) as tardy, coalesce(unexcused, 0) as unexcused,
            coalesce(suspended, 0) as suspended
        from enrolled left join marked using (student_id, school_id)
    )
    union all
    select student_id, days_enrolled, 0, list_position($grades::varchar[], grade_level) - 1, true, false,
        days_absent, days_absent, days_absent, days_absent * 10000, 0, 0, 0
    from attendance_years where school_year = $year
"""
