import math

import pytest

from tests.unit.features.rows import features_of, student_year

MONTHS = [f"days_absent_month_{month:02d}" for month in (8, 9, 10)]


@pytest.mark.parametrize(
    ("feature", "told", "value"),
    [
        ("rise_in_last_60_days", {"days_absent": 18, "days_absent_last_60": 12}, 12 / 60 - 6 / 120),
        ("rise_in_last_60_days", {"days_enrolled": 60, "days_enrolled_last_60": 60}, math.nan),
        ("absence_rate_last_30_days", {"days_absent_last_30": 3, "days_enrolled_last_30": 20}, 3 / 20),
        ("absence_rate_last_30_days", {"days_absent_last_30": 0, "days_enrolled_last_30": 0}, math.nan),
        ("days_absent_last_30_days", {"days_absent_last_30": 0, "days_enrolled_last_30": 0}, math.nan),
        ("days_absent_last_60_days", {"days_absent_last_60": 7}, 7),
        ("absence_rate_last_60_days", {"days_absent_last_60": 6}, 0.1),
        ("spells_last_year", {"spells": 9}, 9),
        ("spells_per_100_days_last_year", {"spells": 9, "days_enrolled": 90}, 10),
        ("mean_spell_length_last_year", {"spells": 4, "days_absent": 10}, 2.5),
        ("mean_spell_length_last_year", {"spells": 0, "days_absent": 0}, math.nan),
        ("longest_spell_last_year", {"longest_spell": 6}, 6),
        ("single_day_share_last_year", {"spells": 4, "single_day_spells": 3}, 0.75),
        ("single_day_share_last_year", {"spells": 0}, math.nan),
        ("months_without_absence_last_year", dict.fromkeys(MONTHS, 1), 7),
        ("months_without_absence_last_year", {"days_enrolled_month_08": 0}, 9),
        ("monday_friday_excess_last_year", {"days_absent_weekday_1": 3, "days_absent_weekday_5": 2}, (5 - 2) / 10),
        ("monday_friday_excess_last_year", {"days_absent_weekday_3": 5}, (0 - 2) / 10),
        ("monday_friday_excess_last_year", {}, math.nan),
        ("days_absent_monday_friday_last_year", {"days_absent_weekday_1": 3, "days_absent_weekday_4": 2}, 3),
        ("monday_spell_share_last_year", {"spells": 5, "monday_spells": 2}, 0.4),
        ("excused_share_last_year", {"days_absent": 8, "days_excused": 6}, 0.75),
        ("unexcused_share_last_year", {"days_absent": 8, "days_unexcused": 2}, 0.25),
        ("unexcused_share_last_year", {"days_absent": 0}, math.nan),
        ("days_suspended_last_year", {"days_suspended": 2}, 2),
        ("tardy_per_100_days_last_year", {"days_tardy": 9, "days_enrolled": 180}, 5),
        ("early_departures_per_100_days_last_year", {"days_early_departure": 3, "days_enrolled": 60}, 5),
        ("part_days_missed_last_year", {"partial_ten_thousandths": 12_500}, 1.25),
        ("absence_rate_first_20_days_last_year", {"days_absent_first_20": 2, "days_enrolled_first_20": 10}, 0.2),
        ("days_absent_first_20_days_last_year", {"days_enrolled_first_20": 0}, math.nan),
        ("days_enrolled_last_year", {"days_enrolled": 90}, 90),
        ("schools_attended_last_year", {"schools_attended": 2}, 2),
        ("stays_last_year", {"stays": 3}, 3),
        ("late_entry_days_last_year", {"late_entry_days": 12}, 12),
        ("early_exit_days_last_year", {"early_exit_days": 4}, 4),
    ],
)
def test_a_feature_of_the_last_known_year_is_worth(feature: str, told: dict, value: float) -> None:
    found = features_of([student_year(**told)]).loc["s1", feature]
    assert found == pytest.approx(value, abs=1e-12, nan_ok=True)


def test_the_change_between_years_is_the_last_year_minus_the_one_before() -> None:
    past = [
        student_year(days_absent=18, spells=9),
        student_year(school_year=2024, days_absent=9, spells=3),
        student_year(school_year=2023, days_absent=90, spells=0),
    ]
    found = features_of(past).loc["s1"]
    assert found["change_of_rate"] == pytest.approx(9 / 180, abs=1e-12)
    assert found["change_of_spells"] == pytest.approx(9 / 1.8 - 12 / 5.4, abs=1e-12)


def test_the_first_weeks_of_all_known_years_are_one_share() -> None:
    past = [
        student_year(days_absent_first_20=3),
        student_year(school_year=2024, days_absent_first_20=1, days_enrolled_first_20=12),
        student_year(school_year=2023, days_absent_first_20=0, days_enrolled_first_20=0),
    ]
    assert features_of(past).loc["s1", "absence_rate_first_20_days_all_years"] == 4 / 32
