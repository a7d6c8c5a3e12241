import pandas as pd
import pytest

from tests.unit.features.rows import classmates, features_of, member, sheet_year, student_year


def of_one(*years: dict, **surroundings: list) -> dict:
    return features_of([*years, *surroundings.get("others", [])]).loc["s1"].to_dict()


def test_last_year_is_the_last_known_one_even_after_a_gap() -> None:
    found = of_one(student_year(school_year=2023, days_absent=9), student_year(school_year=2022, days_absent=90))
    assert found["absence_rate_last_year"] == 9 / 180
    assert found["absence_rate_year_before"] == 90 / 180
    assert (found["last_school_year"], found["years_since_last_year"]) == (2023, 3)


def test_a_student_of_whom_nothing_is_known_has_no_level() -> None:
    found = features_of([student_year("somebody else")], [member("new")]).loc["new"]
    level = [name for name in found.index if name.startswith(("absence_rate", "days_absent", "shrunk", "highest"))]
    assert found[level].isna().all()
    assert (found["known_years"], found["short_history"], found["lane"]) == (0, 1, "prevent")


def test_all_known_years_are_summed_before_the_share_is_taken() -> None:
    found = of_one(
        student_year(days_absent=10, days_enrolled=40),
        student_year(school_year=2024, days_absent=0, days_enrolled=160),
    )
    assert found["absence_rate_all_years"] == 10 / 200
    assert found["days_absent_all_years"] == 10


def test_each_year_counts_half_of_the_one_after_it() -> None:
    found = of_one(student_year(days_absent=18), student_year(school_year=2023, days_absent=36))
    assert found["recent_weighted_rate"] == pytest.approx((18 + 36 / 4) / (180 + 180 / 4), abs=1e-12)


def test_the_highest_rate_and_the_chronic_years_leave_out_years_with_too_few_days() -> None:
    found = of_one(
        student_year(days_absent=17),
        student_year(school_year=2024, days_absent=18),
        student_year(school_year=2023, days_absent=9, days_enrolled=9),
    )
    assert found["highest_rate"] == 18 / 180
    assert found["chronic_years"] == 1


def test_a_short_stay_is_drawn_toward_the_classmates_and_a_long_one_little() -> None:
    others = classmates(10, days_absent=18)
    short = of_one(student_year(days_absent=5, days_enrolled=10), others=others)["shrunk_rate_last_year"]
    long = of_one(student_year(days_absent=90, days_enrolled=180), others=others)["shrunk_rate_last_year"]
    assert short == pytest.approx((5 + 25 * 0.1) / (10 + 25), abs=1e-12)
    assert long == pytest.approx((90 + 25 * 0.1) / (180 + 25), abs=1e-12)


def test_without_enough_classmates_a_rate_is_drawn_to_nothing_but_itself() -> None:
    found = of_one(student_year(days_absent=5, days_enrolled=10), others=classmates(9, days_absent=18))
    assert found["shrunk_rate_last_year"] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("days_absent", "days_enrolled", "was_chronic", "band", "lane"),
    [
        (18, 180, True, "moderate chronic", "recover"),
        (17, 180, False, "at risk", "prevent"),
        (36, 180, True, "severe chronic", "recover"),
        (8, 180, False, "satisfactory", "prevent"),
        (9, 9, None, None, "prevent"),
    ],
)
def test_status_band_and_lane_are_those_of_the_last_known_year(
    days_absent: int, days_enrolled: int, was_chronic: bool | None, band: str | None, lane: str
) -> None:
    row = features_of([student_year(days_absent=days_absent, days_enrolled=days_enrolled)]).loc["s1"]
    found = [None if row.isna()[name] else row[name] for name in ("was_chronic", "band_last_year", "lane")]
    assert found == [was_chronic, band, lane]


def test_a_yearly_sheet_gives_the_level_and_leaves_every_pattern_unknown() -> None:
    found = features_of([sheet_year(days_absent=20), sheet_year(school_year=2024, days_absent=9)]).loc["s1"]
    assert found["absence_rate_last_year"] == 20 / 180
    assert found["change_of_rate"] == pytest.approx(11 / 180, abs=1e-12)
    patterns = ("spell", "month", "monday", "first_20", "last_30_", "last_60_", "excused", "tardy", "part_", "stays")
    assert found[[name for name in found.index if any(pattern in name for pattern in patterns)]].isna().all()


def test_spells_over_all_years_count_only_days_of_years_with_daily_records() -> None:
    found = of_one(student_year(spells=9), sheet_year(school_year=2024, days_absent=20))
    assert found["spells_all_years"] == 9
    assert found["spells_per_100_days_all_years"] == pytest.approx(5, abs=1e-12)
    assert found["days_enrolled_all_years"] == 360


def test_a_ratio_sets_days_beside_those_expected_at_the_districts_rate_of_the_same_year() -> None:
    """In 2024, a bad year, everybody missed a tenth; in 2025 a twentieth, but for this student."""
    bad, good = classmates(9, 2024, days_absent=18, spells=10), classmates(9, 2025, days_absent=8, spells=4)
    own = [student_year(school_year=2024, days_absent=18, spells=10), student_year(days_absent=18, spells=9)]
    found = of_one(*own, others=[*bad, *good])
    assert found["absence_ratio_last_year"] == pytest.approx(18 / 9, abs=1e-12)
    assert found["absence_ratio_all_years"] == pytest.approx(36 / (18 + 9), abs=1e-12)
    assert found["spell_ratio_all_years"] == pytest.approx(19 / (10 + 4.5), abs=1e-12)


def test_a_year_without_any_absence_in_the_district_expects_none() -> None:
    found = of_one(student_year())
    assert pd.isna(found["absence_ratio_last_year"])
    assert pd.isna(found["spell_ratio_all_years"])
