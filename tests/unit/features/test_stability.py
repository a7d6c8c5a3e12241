import pytest

from tests.unit.features.rows import features_of, member, student_year


@pytest.mark.parametrize(
    ("grade_level", "number", "enters_new_level"),
    [("PK", -1, 0), ("KG", 0, 1), ("01", 1, 0), ("06", 6, 1), ("09", 9, 1), ("12", 12, 0)],
)
def test_a_grade_is_a_number_and_some_begin_a_level(grade_level: str, number: int, enters_new_level: int) -> None:
    found = features_of([student_year()], [member(grade_level=grade_level)]).loc["s1"]
    assert (found["grade_number"], found["enters_new_level"]) == (number, enters_new_level)


@pytest.mark.parametrize(("days_enrolled", "is_short"), [(59, 1), (60, 0)])
def test_history_is_short_below_sixty_enrolled_days(days_enrolled: int, is_short: int) -> None:
    assert features_of([student_year(days_enrolled=days_enrolled)]).loc["s1", "short_history"] == is_short


@pytest.mark.parametrize(("school_year", "years_since", "has_gap"), [(2025, 1, 0), (2024, 2, 1)])
def test_a_gap_is_a_missing_year_just_before_the_target_year(school_year: int, years_since: int, has_gap: int) -> None:
    found = features_of([student_year(school_year=school_year)]).loc["s1"]
    assert (found["years_since_last_year"], found["has_gap"]) == (years_since, has_gap)


def test_known_years_count_years_and_not_the_span_between_them() -> None:
    found = features_of([student_year(), student_year(school_year=2021)]).loc["s1"]
    assert (found["known_years"], found["days_enrolled_all_years"]) == (2, 360)


def test_the_enrolled_share_is_of_the_schools_instructional_days() -> None:
    found = features_of([student_year(days_enrolled=45, instructional_days=180)]).loc["s1"]
    assert found["enrolled_share_last_year"] == 0.25
