"""Rounds of a few students, told in full."""

from datetime import date

import pandas as pd
import pytest

from benchmarks.allocation import main
from ews.errors import InvalidFeatures
from ews.slots import Proposal, Rule, Students, allocate
from tests.slot_rounds import ON, SEED, Round, a_round, mentor, student


def proposed(made: Round) -> Proposal:
    return allocate(made.students, made.mentors, made.rule, seed=SEED, on=ON)


def by_student(made: Round) -> pd.DataFrame:
    return proposed(made).rows.set_index("student")


def test_crossings_averted_come_first_and_not_the_highest_estimate_MEN_2():
    far = student("far", risk=0.95, crossings_averted=0.01, days_gained=3.0)
    near = student("near", risk=0.5, crossings_averted=0.06, days_gained=1.0)
    one = [mentor("kim", cap=1)]
    assert by_student(a_round([far, near], one)).loc["near", "decision"] == "proposed"
    for objective in ("days_gained", "risk"):
        rows = by_student(a_round([far, near], one, Rule(objective=objective, lottery_percent=0)))
        assert rows.loc["far", "decision"] == "proposed"


def test_those_not_chronic_yet_come_first_unless_a_share_is_the_others_MEN_2():
    students = [student("a", lane="recover", crossings_averted=0.09), *(student(name) for name in "bcde")]
    assert by_student(a_round(students, [mentor("kim", cap=4)])).loc["a", "decision"] == "reserve"
    shared = by_student(a_round(students, [mentor("kim", cap=4)], Rule(first_lane_percent=75, lottery_percent=0)))
    assert shared.loc["a", "place"] == 4
    assert shared.loc["a", "decision"] == "proposed"


def test_grades_first_come_first_within_their_lane():
    students = [student("a", crossings_averted=0.05), student("b", grade_level="KG", crossings_averted=0.01)]
    rows = by_student(a_round(students, [mentor("kim", cap=1)], Rule(grades_first=("KG",), lottery_percent=0)))
    assert rows.loc["b", "decision"] == "proposed"


def test_ties_are_decided_by_the_stored_key_M02():
    students = [student("ann", tie_key=9), student("ben", tie_key=3), student("cat", tie_key=5)]
    assert by_student(a_round(students, [mentor("kim", cap=2)]))["place"].to_dict() == {"ben": 1, "cat": 2, "ann": 3}


def test_more_slots_than_students_and_none_at_all_M01():
    few = by_student(a_round([student("ann"), student("ben")], [mentor("kim", cap=20)], Rule()))
    assert few["decision"].tolist() == ["proposed"] * 2
    none = by_student(a_round([student("ann")], [mentor("kim", cap=0)], Rule()))
    assert none.loc["ann", "decision"] == "reserve"
    assert none.loc["ann", "why"] == "No mentor has a free slot at this school (place 1)."
    assert by_student(a_round([student("ann")], [], Rule())).loc["ann", "cause"] == "no_slots"


def test_nobody_in_the_pool_is_a_round_too():
    made = a_round([student("ann", lane="recover")], [mentor("kim")], Rule(lanes=("prevent",)))
    rows = by_student(made)
    assert rows.loc["ann", "decision"] == "excluded"
    assert rows.loc["ann", "why"] == "Not in the pool: the rule of this round leaves this lane out."
    assert pd.isna(rows.loc["ann", "place"])


def test_a_language_no_mentor_speaks_is_told_and_the_next_one_is_offered_the_slot_M04_MEN_4():
    students = [student("ann", languages=("so",), crossings_averted=0.09), student("ben"), student("cat")]
    rows = by_student(a_round(students, [mentor("kim", cap=1, languages=("es",))]))
    assert rows.loc["ann", "decision"] == "not_offered"
    assert rows.loc["ann", "why"] == "Not offered: no mentor with a free slot at this school speaks so (place 1)."
    assert rows.loc["ben", "decision"] == "proposed"


def test_who_needs_the_only_mentor_who_speaks_gets_that_one_MEN_4():
    students = [student("ann", crossings_averted=0.09), student("ben", languages=("es", "pt"))]
    rows = by_student(a_round(students, [mentor("eva", cap=1, languages=("es",)), mentor("kim", cap=1)]))
    assert rows["mentor"].to_dict() == {"ann": "kim", "ben": "eva"}


def test_a_known_mentor_is_kept_together_and_interests_decide_between_others_MEN_4():
    students = [student("ann"), student("ben", interests=("Chess",)), student("cat", known_mentor="eva")]
    mentors = [mentor("eva", cap=1), mentor("kim", cap=1), mentor("lee", cap=1, interests=("chess",))]
    assert by_student(a_round(students, mentors))["mentor"].to_dict() == {"cat": "eva", "ben": "lee", "ann": "kim"}


def test_who_has_another_time_gets_the_mentor_who_is_free_then_and_it_is_told_where_none_is_MEN_4():
    students = [
        student("ann", times=("after school",), crossings_averted=0.09), student("ben", times=("Noon", "monday")),
        student("cat"), student("dee", times=("sunday",), crossings_averted=0.08),
    ]  # fmt: skip
    mentors = [mentor("eva", cap=1, times=("noon",)), mentor("kim", cap=1, times=("after school", "noon"))]
    rows = by_student(a_round(students, mentors))
    assert rows["mentor"].dropna().to_dict() == {"ann": "kim", "ben": "eva"}
    assert rows.loc["dee", "decision"] == "not_offered"
    assert rows.loc["dee", "why"] == (
        "Not offered: no mentor with a free slot at this school can meet when the student can (place 2)."
    )
    assert rows.loc["cat", "decision"] == "reserve"
    anytime = [mentor("eva", cap=2), mentor("kim", cap=2)]
    assert set(by_student(a_round(students, anytime))["decision"]) == {"proposed"}


def test_a_conflict_keeps_two_apart_and_is_told_where_it_leaves_nobody_M04():
    made = a_round([student("ann"), student("ben")], [mentor("kim", cap=2)])
    conflict = pd.DataFrame({"student": ["ann"], "kind": ["conflict"], "mentor": ["kim"]})
    rows = allocate(Students.of(made.rows, conflict), made.mentors, made.rule, seed=SEED, on=ON).rows.set_index(
        "student"
    )
    assert rows.loc["ann", "cause"] == "conflict"
    assert rows.loc["ben", "mentor"] == "kim"


def test_who_may_not_be_offered_one_is_listed_apart_with_the_reason_M06():
    kinds = {"ann": "tier_3", "ben": "opted_out", "cat": "leaving"}
    made = a_round([student(name) for name in (*kinds, "dee")], [mentor("kim")])
    exclusions = pd.DataFrame({"student": list(kinds), "kind": list(kinds.values()), "mentor": None})
    rows = allocate(Students.of(made.rows, exclusions), made.mentors, made.rule, seed=SEED, on=ON).rows
    rows = rows.set_index("student")
    assert {name: rows.loc[name, "cause"] for name in kinds} == kinds
    assert set(rows.loc[list(kinds), "decision"]) == {"excluded"}
    assert rows.loc["dee", "place"] == 1


def test_the_sibling_with_most_to_gain_is_offered_and_the_other_where_the_first_finds_no_seat_M04():
    siblings = [student("ann", household="h", crossings_averted=0.09), student("ben", household="h", school_id="oak")]
    both = [mentor("kim", cap=1), mentor("lee", cap=1, schools=("oak",))]
    rows = by_student(a_round(siblings, both))
    assert rows["decision"].to_dict() == {"ann": "proposed", "ben": "reserve"}
    assert rows.loc["ben", "why"].startswith("Not offered: one offer to a family at a time, and this family has one")
    assert by_student(a_round(siblings, both[1:]))["decision"].to_dict() == {"ann": "reserve", "ben": "proposed"}
    each = by_student(a_round(siblings, both, Rule(siblings="each", lottery_percent=0)))
    assert set(each["decision"]) == {"proposed"}


def test_around_the_last_slot_a_lot_decides_among_those_who_could_be_offered_one_FAIR_22():
    students = [student(f"s{number:02d}", crossings_averted=0.09 - number / 1000) for number in range(30)]
    students[8]["languages"] = ("so",)
    rows = by_student(a_round(students, [mentor("kim", cap=20)], Rule(lottery_percent=10)))
    band = rows[rows["in_band"]]
    assert sorted(band["place"]) == [20, 21, 22, 23]
    assert sorted(band["drawn"]) == [1, 2, 3, 4]
    assert sorted(band.index) == ["s19", "s20", "s21", "s22"]
    assert (band["decision"] == "proposed").sum() == 2
    assert band["why"].str.contains("around the last slot a lot decided").all()
    assert not rows.loc[~rows["in_band"], "why"].str.contains("lot decided").any()


def test_all_slots_in_one_grade_are_told_with_numbers_M10():
    students = [student(f"s{number}", grade_level="KG", crossings_averted=0.09) for number in range(5)]
    made = proposed(a_round([*students, student("zed")], [mentor("kim", cap=4)]))
    assert made.warnings == ("School elm: all 4 slots go to grade KG, which has 5 of the 6 students in the pool.",)


def test_a_mentor_without_free_slots_is_told_with_the_reason_M01():
    made = proposed(a_round([student("ann")], [mentor("kim", away_from=date(2026, 8, 30)), mentor("lee", cap=2)]))
    told = made.mentors.set_index("mentor")
    assert told.loc["kim", ["slots", "why"]].tolist() == [0, "is on leave"]
    assert told.loc["lee", ["slots", "held", "proposed"]].tolist() == [2, 0, 1]
    assert made.schools.to_dict("records") == [
        {"school_id": "elm", "students": 1, "pool": 1, "slots": 2, "proposed": 1, "solved_by": "order"}
    ]


def test_a_sentence_tells_of_nobody_else_and_each_has_one():
    students = [student(name, crossings_averted=0.01 * number) for number, name in enumerate(("ann", "ben", "cat"))]
    for name, row in by_student(a_round(students, [mentor("kim", cap=1)], Rule())).iterrows():
        assert row["why"].count(".") == 1
        assert not {"ann", "ben", "cat", "kim"} - {name} & set(row["why"].lower().split())


def test_students_twice_or_without_what_is_needed_are_refused():
    rows = pd.DataFrame([student("ann"), student("ann")])
    with pytest.raises(InvalidFeatures, match="twice"):
        Students.of(rows)
    with pytest.raises(InvalidFeatures, match="no column: lane"):
        Students.of(rows.drop(columns="lane"))


def test_the_benchmark_s_district_is_allocated_with_every_constraint_on(capsys):
    assert main(["--students", "2000", "--schools", "6", "--mentors", "40"]) == 0
    assert "6 schools solved as an assignment" in capsys.readouterr().out
