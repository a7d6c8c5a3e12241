"""Rounds of mentor slots for tests: small schools with mentors, needs, families and conflicts, drawn by Hypothesis."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from ews.slots import Mentor, Rule, Students

ON = date(2026, 9, 1)
SEED = "0123456789abcdef0123456789abcdef"
SCHOOLS = ("elm", "oak")


@dataclass(frozen=True, eq=False)
class Round:
    """What a round is proposed from."""

    rows: pd.DataFrame
    exclusions: pd.DataFrame
    mentees: pd.DataFrame
    mentors: tuple[Mentor, ...]
    rule: Rule

    @property
    def students(self) -> Students:
        return Students.of(self.rows, self.exclusions, self.mentees)

    def shuffled(self, seed: int) -> "Round":
        """The same, in another order of everything."""
        random = np.random.default_rng(seed)

        def mix(rows: pd.DataFrame) -> pd.DataFrame:
            return rows.iloc[random.permutation(len(rows))]

        mentors = tuple(self.mentors[at] for at in random.permutation(len(self.mentors)))
        return Round(mix(self.rows), mix(self.exclusions), mix(self.mentees), mentors, self.rule)


def student(name: str, **about: object) -> dict[str, object]:
    """One student of a round; what is not said is unremarkable."""
    usual = {"student": name, "school_id": "elm", "grade_level": "03", "lane": "prevent", "risk": 0.5,
             "crossings_averted": 0.03, "days_gained": 1.0, "tie_key": int.from_bytes(name.encode()), "household": None,
             "languages": (), "interests": (), "times": (), "known_mentor": None}  # fmt: skip
    return {**usual, **about}


def mentor(name: str, **about: object) -> Mentor:
    """One mentor at elm, screened and there; what is not said is unremarkable."""
    usual = {"name": name.title(), "kind": "staff", "cap": 5, "schools": ("elm",), "starts_on": date(2026, 8, 24),
             "screened_on": date(2026, 6, 1)}  # fmt: skip
    return Mentor(mentor_id=name, **{**usual, **about})


def a_round(students: list[dict[str, object]], mentors: list[Mentor], rule: Rule | None = None) -> Round:
    """A round in which nobody is excluded and nobody has a mentor."""
    nobody = pd.DataFrame({"student": [], "kind": [], "mentor": []}, dtype=object)
    chosen = rule or Rule(lottery_percent=0)
    return Round(pd.DataFrame(students), nobody, nobody[["student", "mentor"]], tuple(mentors), chosen)


_STUDENT = st.fixed_dictionaries({
    "school_id": st.sampled_from(SCHOOLS),
    "grade_level": st.sampled_from(["KG", "03", "05"]),
    "lane": st.sampled_from(["prevent", "recover"]),
    "risk": st.sampled_from([0.2, 0.5, 0.9]),
    "crossings_averted": st.sampled_from([0.01, 0.02, 0.05]),
    "household": st.sampled_from([None, None, "h1", "h2"]),
    "languages": st.sampled_from([(), (), ("es",), ("pt", "es"), ("so",)]),
    "interests": st.sampled_from([(), ("chess",)]),
    "times": st.sampled_from([(), (), ("noon",), ("noon", "late")]),
    "known_mentor": st.sampled_from([None, None, "m0"]),
})  # fmt: skip
_MENTOR = st.fixed_dictionaries({
    "cap": st.integers(0, 4),
    "schools": st.sampled_from([("elm",), ("oak",), SCHOOLS]),
    "languages": st.sampled_from([(), ("es",), ("pt",)]),
    "grade_levels": st.sampled_from([(), (), ("KG", "03")]),
    "interests": st.sampled_from([(), ("chess",)]),
    "times": st.sampled_from([(), (), ("noon",), ("late",)]),
    "screened_on": st.sampled_from([date(2026, 6, 1), date(2026, 6, 1), None]),
    "away_from": st.sampled_from([None, None, date(2026, 8, 25)]),
})  # fmt: skip
_RULE = st.builds(
    Rule,
    objective=st.sampled_from(["crossings_averted", "risk"]),
    siblings=st.sampled_from(["one", "each"]),
    lottery_percent=st.sampled_from([0, 10, 50]),
    first_lane_percent=st.sampled_from([100, 60]),
    grades_first=st.sampled_from([(), ("KG",)]),
    most_slots=st.sampled_from([0, 3]),
    shared_by=st.sampled_from(["need", "even"]),
)


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    """Any round of two small schools."""
    drawn = draw(st.lists(_STUDENT, min_size=1, max_size=14))
    keys = draw(st.permutations(range(len(drawn))))
    rows = pd.DataFrame([student(f"s{number:02d}", tie_key=keys[number], **one) for number, one in enumerate(drawn)])
    mentors = tuple(mentor(f"m{number}", **one) for number, one in enumerate(draw(st.lists(_MENTOR, max_size=4))))
    names, ids = st.sampled_from(list(rows["student"])), [one.mentor_id for one in mentors] or ["m9"]
    kinds = st.sampled_from(["tier_3", "opted_out", "leaving", "conflict"])
    excluded = draw(st.lists(st.tuples(names, kinds, st.sampled_from(ids)), max_size=4))
    with_mentor = draw(st.dictionaries(names, st.sampled_from(ids), max_size=2))
    return Round(
        rows,
        pd.DataFrame(excluded, columns=["student", "kind", "mentor"]),
        pd.DataFrame(list(with_mentor.items()), columns=["student", "mentor"]),
        mentors,
        draw(_RULE),
    )
