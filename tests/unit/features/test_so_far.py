import math

import pytest

from ews.features import FEATURES, features_for
from tests.unit.features.rows import features_of, student_year

LAST = student_year(days_absent=18)


def test_features_of_the_open_year_exist_only_after_some_of_its_days() -> None:
    assert not [entry.name for entry in features_for(0) if entry.needs_open_year]
    assert [entry.name for entry in features_for(20)] == list(FEATURES)
    assert "absence_rate_so_far" not in features_of([LAST]).columns


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("absence_rate_so_far", 4 / 20),
        ("days_absent_so_far", 4),
        ("days_enrolled_so_far", 20),
        ("blended_rate_so_far", (4 + 40 * 0.1) / (20 + 40)),
        ("change_so_far", 4 / 20 - 18 / 180),
        ("days_absent_last_30_days_so_far", 4),
        ("days_enrolled_last_30_days_so_far", 20),
        ("spells_so_far", 3),
        ("longest_spell_so_far", 2),
        ("days_tardy_so_far", 1),
        ("unexcused_per_100_days_so_far", 10),
        ("late_entry_days_so_far", 0),
        ("absence_rate_last_year", 0.1),
    ],
)
def test_a_feature_of_the_open_year_is_worth(feature: str, value: float) -> None:
    open_year = student_year(
        school_year=2026, days_enrolled=20, days_absent=4, days_absent_last_30=4, days_enrolled_last_30=20,
        spells=3, longest_spell=2,
        days_tardy=1, days_unexcused=2, grade_level="04",
    )  # fmt: skip
    assert features_of([LAST], so_far=[open_year]).loc["s1", feature] == pytest.approx(value, abs=1e-12)


def test_who_has_no_day_yet_has_no_open_year() -> None:
    assert math.isnan(features_of([LAST], so_far=[]).loc["s1", "absence_rate_so_far"])


@pytest.mark.parametrize(("school_id", "changed"), [("north", 0), ("south", 1)])
def test_a_student_changed_school_when_the_open_years_school_is_another(school_id: str, changed: int) -> None:
    open_year = student_year(school_year=2026, school_id=school_id, days_enrolled=20)
    assert features_of([LAST], so_far=[open_year]).loc["s1", "changed_school"] == changed


def test_before_the_first_day_nobody_is_said_to_have_changed_school() -> None:
    """Lists made before enrolments are known promote students where they are; a model must not learn from moves."""
    assert "changed_school" not in features_of([LAST]).columns
