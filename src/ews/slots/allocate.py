"""A round proposed: who is offered which mentor, who is next, and of everybody else why not.

It is a proposal and never an assignment: a team edits and confirms it, and families agree or not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ews.slots.eligibility import Students
from ews.slots.explain import why
from ews.slots.families import Families, settled
from ews.slots.matching import MISFITS, NOBODY
from ews.slots.mentors import Mentor
from ews.slots.order import in_order, with_lot
from ews.slots.rule import Rule
from ews.slots.seating import Schools
from ews.slots.shares import seats_by_school, slots_of_schools

PROPOSED, RESERVE, NOT_OFFERED, EXCLUDED = "proposed", "reserve", "not_offered", "excluded"
DECISIONS = (PROPOSED, RESERVE, NOT_OFFERED, EXCLUDED)

COLUMNS = (
    "student", "school_id", "place", "decision", "mentor", "lane", "grade_level", "risk", "crossings_averted",
    "days_gained", "in_band", "drawn", "cause", "why",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Proposal:
    """What a round proposes.

    Attributes:
        rows: one row a student, by school and place: `student`, `school_id`, `place` (1 first; null: not in the pool),
            `decision` (proposed, reserve: next in line, not_offered: was passed over, excluded: not in the pool),
            `mentor` (null: none), `lane`, `grade_level`, `risk`, `crossings_averted`, `days_gained`, `in_band`,
            `drawn`, `cause` (a word, empty where proposed or next in line) and `why` (a sentence on nobody else).
        schools: one row a school: `school_id`, `students`, `pool`, `slots`, `proposed`, `solved_by` (`order`, or
            `assignment` where somebody did not fit a mentor).
        mentors: one row a mentor: `mentor`, `slots` (on the day), `held` (students already there), `proposed`, `why`
            (why none are free; empty).
        warnings: sentences with numbers.
    """

    rows: pd.DataFrame
    schools: pd.DataFrame
    mentors: pd.DataFrame
    warnings: tuple[str, ...]


def allocate(students: Students, mentors: Sequence[Mentor], rule: Rule, *, seed: str, on: date) -> Proposal:
    """Propose a round.

    The same students, mentors, rule and seed give the same proposal, whatever order they come in. Within a school
    nobody in the pool is passed over by somebody with a later place without a cause.

    Args:
        students: everybody on the lists, with exclusions and open assignments.
        mentors: everybody in the district's file.
        rule: what it goes by.
        seed: of the lot, at least 16 hexadecimal digits.
        on: the day; who is on leave then, or not screened, takes nobody.

    Raises:
        InvalidPolicy: the seed is none.
    """
    cause = students.not_in_pool(rule)
    pool = students.rows[cause == ""]
    need = {str(school): int(count) for school, count in pool["school_id"].value_counts().items()}
    held = {str(one): int(count) for one, count in students.mentees["mentor"].value_counts().items()}
    seats = seats_by_school(mentors, held, need, rule, on)
    slots = slots_of_schools(seats, rule)
    places = in_order(pool, rule, slots)
    places["row"] = np.arange(len(places))
    schools = Schools.of(places, mentors, seats, slots, students)
    rows, solved_by = _seated(schools, students, rule)
    if rule.lottery_percent:
        is_next = (rows["decision"] == RESERVE) & (rows["cause"] == "")
        drawn = with_lot(rows, (rows["decision"] == PROPOSED).to_numpy(), is_next.to_numpy(), rule, seed)
        rows, solved_by = _seated(schools.again(drawn), students, rule)
    whole = _with_excluded(rows.drop(columns="row"), students.rows, cause)
    whole = whole.assign(why=why(whole, slots, rule))[list(COLUMNS)]
    return Proposal(
        rows=whole,
        schools=_of_schools(whole, slots, solved_by),
        mentors=_of_mentors(whole, mentors, held, on),
        warnings=all_of_one_grade(whole),
    )


def _seated(schools: Schools, students: Students, rule: Rule) -> tuple[pd.DataFrame, dict[str, str]]:
    """The places with `mentor`, `decision` and `cause`; and how each school was solved."""
    mentor, solved_by, left_out = settled(schools, Families.of(schools.places, students, rule))
    return _decided(schools.places, mentor, left_out, schools), solved_by


def _decided(places: pd.DataFrame, mentor: np.ndarray, left_out: np.ndarray, schools: Schools) -> pd.DataFrame:
    is_proposed = mentor != NOBODY
    last = places["place"].where(is_proposed).groupby(places["school_id"]).transform("max").fillna(0)
    before = (places["place"] < last).to_numpy()
    misfit = schools.misfits()
    cause = np.select(
        [is_proposed, misfit == "no_slots", left_out, misfit != "", before],
        ["", "no_slots", "family", misfit, "full"],
        "",
    )
    passed_over = before | np.isin(cause, MISFITS)
    decision = np.select([is_proposed, passed_over], [PROPOSED, NOT_OFFERED], RESERVE)
    return places.assign(mentor=schools.names(mentor), decision=decision, cause=cause)


def _with_excluded(rows: pd.DataFrame, everybody: pd.DataFrame, cause: pd.Series) -> pd.DataFrame:
    is_out = (cause != "").to_numpy()
    out = everybody[is_out].assign(
        decision=EXCLUDED, cause=cause[is_out], place=pd.NA, mentor=None, in_band=False, drawn=pd.NA, number=pd.NA
    )
    kinds = {"place": "Int64", "drawn": "Int64", "number": "Int64", "in_band": bool}
    parts = [part.astype(kinds) for part in (rows, out[rows.columns]) if len(part)]
    whole = pd.concat(parts, ignore_index=True) if parts else rows.astype(kinds)
    return whole.sort_values(["school_id", "place", "student"], ignore_index=True)


def _of_schools(rows: pd.DataFrame, slots: Mapping[str, int], solved_by: Mapping[str, str]) -> pd.DataFrame:
    of_school = rows.groupby("school_id")
    made = pd.DataFrame({
        "students": of_school.size(),
        "pool": of_school["place"].count(),
        "proposed": (rows["decision"] == PROPOSED).groupby(rows["school_id"]).sum(),
    }).rename_axis("school_id").reset_index()  # fmt: skip
    made.insert(3, "slots", made["school_id"].map(pd.Series(dict(slots), dtype="int64")).fillna(0).astype("int64"))
    return made.assign(solved_by=[solved_by.get(school, "order") for school in made["school_id"]])


def _of_mentors(rows: pd.DataFrame, mentors: Sequence[Mentor], held: Mapping[str, int], on: date) -> pd.DataFrame:
    proposed = rows["mentor"].value_counts()
    return pd.DataFrame(
        [
            (one.mentor_id, one.slots(on), held.get(one.mentor_id, 0), int(proposed.get(one.mentor_id, 0)),
             one.why_no_slots(on))
            for one in sorted(mentors, key=lambda one: one.mentor_id)
        ],
        columns=["mentor", "slots", "held", "proposed", "why"],
    )  # fmt: skip


_ALL_ONE = 4
"""From so many slots on it is told when all of them go to one grade; of fewer it says little."""


def all_of_one_grade(rows: pd.DataFrame) -> tuple[str, ...]:
    """What should make a team look twice: all slots of a school go to one grade, with numbers (M10).

    Args:
        rows: school_id, grade_level, decision and place (null: not in the pool) of everybody in a round.
    """
    proposed, pool = rows[rows["decision"] == PROPOSED], rows[rows["place"].notna()]
    found = []
    of_school = proposed.groupby("school_id")["grade_level"].agg(["nunique", "size", "first"])
    others = pool.groupby("school_id")["grade_level"].agg(["nunique", "size"])
    one = of_school[(of_school["nunique"] == 1) & (of_school["size"] >= _ALL_ONE)]
    for school, row in one[others.loc[one.index, "nunique"] > 1].iterrows():
        has = int((pool["school_id"].eq(school) & pool["grade_level"].eq(row["first"])).sum())
        found.append(
            f"School {school}: all {row['size']} slots go to grade {row['first']}, which has {has} of the "
            f"{others.loc[school, 'size']} students in the pool."
        )
    return tuple(found)
