import math

import pytest

from tests.unit.features.rows import classmates, features_of, member, student_year

AHEAD = [student_year(f"ahead-{number}", grade_level="04", days_absent=27) for number in range(10)]


def test_the_school_and_grade_are_those_of_the_target_year() -> None:
    found = features_of([student_year(days_absent=99), *AHEAD, *classmates(10, days_absent=9)]).loc["s1"]
    assert found["school_grade_rate"] == 27 / 180
    assert found["school_grade_chronic_share"] == 1
    assert found["classmates_rate"] == 9 / 180
    assert found["school_rate"] == (10 * 27 + 10 * 9) / (20 * 180)


def test_a_student_who_repeats_a_grade_is_not_told_the_own_record_again() -> None:
    found = features_of([student_year(grade_level="04", days_absent=180), *AHEAD]).loc["s1"]
    assert found["school_grade_rate"] == 27 / 180
    assert found["school_grade_chronic_share"] == 1


def test_a_student_who_comes_from_another_school_sees_all_of_the_new_one() -> None:
    elsewhere = student_year(school_id="south", days_absent=180)
    found = features_of([elsewhere, *AHEAD]).loc["s1"]
    assert found["school_rate"] == 27 / 180
    assert math.isnan(found["classmates_rate"])


def test_fewer_than_ten_others_are_not_told_of() -> None:
    found = features_of([student_year(days_absent=99), *AHEAD[:9], *classmates(9)]).loc["s1"]
    assert math.isnan(found["school_grade_rate"])
    assert math.isnan(found["school_grade_chronic_share"])
    assert math.isnan(found["classmates_rate"])
    assert found["school_rate"] == 9 * 27 / (18 * 180)


def test_others_of_unknown_status_do_not_count_in_a_chronic_share() -> None:
    short = [student_year(f"short-{number}", grade_level="04", days_enrolled=9) for number in range(5)]
    found = features_of([*AHEAD, *short], [member("new")]).loc["new"]
    assert found["school_grade_chronic_share"] == 1


def test_the_school_is_seen_in_its_own_last_known_year() -> None:
    years_ago = [{**row, "school_year": 2023, "days_absent": 180} for row in AHEAD]
    assert features_of([*AHEAD, *years_ago], [member("new")]).loc["new", "school_rate"] == 27 / 180
    assert features_of(years_ago, [member("new")]).loc["new", "school_rate"] == 1


def test_classmates_are_those_of_the_students_own_last_year() -> None:
    past = [student_year(school_year=2024), *classmates(10, 2024, days_absent=18), *AHEAD]
    assert features_of(past).loc["s1", "classmates_rate"] == 0.1


@pytest.mark.parametrize("days_absent", [0, 20, 180])
def test_the_own_record_never_changes_what_is_told_of_the_others(days_absent: int) -> None:
    context = ["school_grade_rate", "school_grade_chronic_share", "school_rate", "classmates_rate"]
    found = features_of([student_year(days_absent=days_absent), *AHEAD, *classmates(10, days_absent=9)])
    base = features_of([student_year(), *AHEAD, *classmates(10, days_absent=9)])
    assert found.loc["s1", context].tolist() == base.loc["s1", context].tolist()


def test_each_school_has_its_own_last_known_year() -> None:
    closed = [{**row, "student_id": f"south {row['student_id']}", "school_id": "south"} for row in AHEAD]
    closed = [{**row, "school_year": 2023, "days_absent": 45} for row in closed]
    found = features_of([*AHEAD, *closed], [member("a"), member("b", school_id="south")])
    assert found["school_rate"].tolist() == [27 / 180, 45 / 180]
    assert found["school_grade_rate"].tolist() == [27 / 180, 45 / 180]
