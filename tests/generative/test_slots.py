"""What holds of every round of mentor slots, whatever students, mentors and rule."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from ews.slots import Mentor, Proposal, allocate
from ews.slots.matching import MISFITS, NOBODY, solve
from tests.slot_rounds import ON, SEED, Round, rounds

EACH = settings(deadline=None, max_examples=30)


def proposed(made: Round, seed: str = SEED) -> Proposal:
    return allocate(made.students, made.mentors, made.rule, seed=seed, on=ON)


def fits(one: Mentor, row: pd.Series, made: Round) -> bool:
    """Whether a mentor can take a student, told once more in plain words."""
    told = made.exclusions
    in_conflict = ((told["student"] == row["student"]) & (told["kind"] == "conflict")
                   & (told["mentor"] == one.mentor_id)).any()  # fmt: skip
    languages = made.rows.set_index("student").loc[row["student"], "languages"]
    speaks = not languages or bool(set(languages) & set(one.languages))
    takes_grade = not one.grade_levels or row["grade_level"] in one.grade_levels
    times = made.rows.set_index("student").loc[row["student"], "times"]
    meets = not times or not one.times or bool(set(times) & set(one.times))
    return row["school_id"] in one.schools and speaks and takes_grade and meets and not in_conflict


@EACH
@given(made=rounds())
def test_never_over_capacity_nobody_twice_and_only_mentors_who_fit_MEN_1_MEN_3_M01(made: Round):
    proposal = proposed(made)
    rows = proposal.rows
    assert sorted(rows["student"]) == sorted(made.rows["student"])
    held = made.mentees["mentor"].value_counts()
    offered = rows[rows["decision"] == "proposed"]
    for one in made.mentors:
        own = offered[offered["mentor"] == one.mentor_id]
        most = max(one.slots(ON) - held.get(one.mentor_id, 0), 0)
        assert len(own) <= most
        assert all(fits(one, row, made) for _, row in own.iterrows())
    assert rows.loc[rows["decision"] != "proposed", "mentor"].isna().all()
    assert offered["mentor"].notna().all()
    if made.rule.most_slots:
        assert (offered["school_id"].value_counts() <= made.rule.most_slots).all()


@EACH
@given(made=rounds())
def test_nobody_is_passed_over_without_a_cause_that_is_true_MEN_3_M04(made: Round):
    rows = proposed(made).rows
    last = rows["place"].where(rows["decision"] == "proposed").groupby(rows["school_id"]).transform("max").fillna(0)
    passed = rows[(rows["place"] < last) & (rows["decision"] != "proposed")]
    assert (passed["decision"] == "not_offered").all()
    assert (passed["cause"] != "").all()
    assert rows["why"].str.endswith(".").all()
    assert rows["why"].str.len().gt(20).all()
    for cause in MISFITS:
        for _, row in rows[rows["cause"] == cause].iterrows():
            free = [one for one in made.mentors if one.slots(ON) > (made.mentees["mentor"] == one.mentor_id).sum()]
            shared = [one for one in free if len(one.schools) == 1]
            assert not any(fits(one, row, made) for one in shared)


@EACH
@given(made=rounds())
def test_who_has_a_mentor_keeps_that_mentor_and_is_offered_no_other_M07(made: Round):
    first = proposed(made).rows
    assert not first.loc[first["student"].isin(made.mentees["student"]), "decision"].isin(["proposed", "reserve"]).any()
    offered = first.loc[first["decision"] == "proposed", ["student", "mentor"]]
    later = Round(made.rows.assign(crossings_averted=0.05 - made.rows["crossings_averted"]), made.exclusions,
                  pd.concat([made.mentees, offered]), made.mentors, made.rule)  # fmt: skip
    again = proposed(later).rows.set_index("student")
    assert (again.loc[offered["student"], "cause"] == "mentored").all()
    held = later.mentees["mentor"].value_counts()
    new = again.loc[again["decision"] == "proposed", "mentor"].value_counts()
    for one in made.mentors:
        if new.get(one.mentor_id, 0):
            assert held.get(one.mentor_id, 0) + new[one.mentor_id] <= one.cap


@EACH
@given(made=rounds(), seed=st.integers(0, 99))
def test_the_same_round_in_any_order_of_input_is_the_same_proposal_MEN_3(made: Round, seed: int):
    here, there = proposed(made), proposed(made.shuffled(seed))
    pd.testing.assert_frame_equal(here.rows, there.rows)
    pd.testing.assert_frame_equal(here.schools, there.schools)
    pd.testing.assert_frame_equal(here.mentors, there.mentors)
    assert here.warnings == there.warnings


@EACH
@given(made=rounds())
def test_one_family_has_one_offer_and_none_while_a_sibling_has_a_mentor_M04(made: Round):
    rows = proposed(made).rows.merge(made.rows[["student", "household"]], on="student")
    offered = rows.loc[rows["decision"] == "proposed", "household"].dropna()
    if made.rule.siblings == "one":
        assert not offered.duplicated().any()
        served = rows.loc[rows["cause"] == "mentored", "household"].dropna()
        assert not offered.isin(served).any()
    else:
        assert not (rows["cause"] == "family").any()


@EACH
@given(made=rounds())
def test_the_order_within_a_lane_and_grade_turn_is_the_objective_s_but_for_the_band_MEN_2_M02(made: Round):
    rows = proposed(made).rows.merge(made.rows[["student", "tie_key"]], on="student")
    plain = rows[rows["place"].notna() & ~rows["in_band"]]
    for _, group in plain.groupby(["school_id", "lane", plain["grade_level"].isin(made.rule.grades_first)]):
        keys = list(zip(-group[made.rule.objective], group["tie_key"], strict=True))
        assert keys == sorted(keys)


@EACH
@given(made=rounds())
def test_another_seed_moves_nobody_but_those_in_the_band_FAIR_22(made: Round):
    here, there = proposed(made).rows, proposed(made, "f" * 32).rows
    both = here.merge(there, on="student")
    assert (both["in_band_x"] == both["in_band_y"]).all()
    outside = both[~both["in_band_x"]]
    assert outside["place_x"].equals(outside["place_y"])
    for _, band in here[here["in_band"]].groupby("school_id"):
        assert sorted(band["drawn"]) == list(range(1, len(band) + 1))
        assert band["drawn"].is_monotonic_increasing


@st.composite
def seatings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Who fits whom, (students, mentors), students in the order of their places, and seats of each mentor."""
    students, mentors = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    cells = draw(st.lists(st.booleans(), min_size=students * mentors, max_size=students * mentors))
    seats = draw(st.lists(st.integers(0, 3), min_size=mentors, max_size=mentors))
    return np.array(cells).reshape(students, mentors), np.array(seats)


@EACH
@given(seating=seatings())
def test_going_down_the_list_the_assignment_and_highs_choose_the_same_students_MEN_3(seating):
    can, seats = seating
    seat_of = np.repeat(np.arange(len(seats)), seats)
    solved = solve(can, np.zeros(can.shape, int), seat_of) if len(seat_of) else np.full(len(can), NOBODY)
    assert (solved != NOBODY).tolist() == down_the_list(can, seats) == by_highs(can, seats)


def down_the_list(can: np.ndarray, seats: np.ndarray) -> list[bool]:
    """Each student in turn gets a seat if those before keep one, moving them where they fit too."""
    sits: list[list[int]] = [[] for _ in seats]

    def finds(student: int, tried: set[int]) -> bool:
        for mentor in np.flatnonzero(can[student]):
            if mentor in tried:
                continue
            tried.add(mentor)
            if len(sits[mentor]) < seats[mentor]:
                sits[mentor].append(student)
                return True
            for other in list(sits[mentor]):
                if finds(other, tried):
                    sits[mentor].remove(other)
                    sits[mentor].append(student)
                    return True
        return False

    for student in range(len(can)):
        finds(student, set())
    seated = {student for at in sits for student in at}
    return [student in seated for student in range(len(can))]


def by_highs(can: np.ndarray, seats: np.ndarray) -> list[bool]:
    """The integer programme: one mentor a student, no mentor over the seats, weights that fall with the place."""
    students, mentors = can.shape
    weight = -np.repeat(students - np.arange(students), mentors).astype(float)
    once = np.kron(np.eye(students), np.ones(mentors))
    within = np.kron(np.ones(students), np.eye(mentors))
    limits = [LinearConstraint(once, ub=np.ones(students)), LinearConstraint(within, ub=seats.astype(float))]
    found = milp(
        weight, constraints=limits, integrality=np.ones(weight.size), bounds=Bounds(0, can.ravel().astype(float))
    )
    assert found.success
    return (found.x.reshape(can.shape).sum(axis=1) > 0.5).tolist()


@pytest.mark.parametrize("seed", ["short", "g" * 16])
def test_a_seed_that_cannot_be_kept_is_refused(seed: str):
    from ews.errors import InvalidPolicy
    from ews.slots import Rule
    from tests.slot_rounds import a_round, mentor, student

    made = a_round([student("ann")], [mentor("kim")], Rule())
    with pytest.raises(InvalidPolicy, match="hexadecimal"):
        proposed(made, seed)
