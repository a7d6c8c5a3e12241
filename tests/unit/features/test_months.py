import math

import pytest

from tests.unit.features.rows import classmates, features_of, student_year

WORST, DISPERSION, DISTANCE = (
    "days_absent_worst_month_last_year", "month_dispersion_last_year", "month_distance_last_year"
)  # fmt: skip


def absent(**months: int) -> dict:
    """A student year with these days absent in these months (`m09=3`)."""
    counts = {f"days_absent_month_{name[1:]}": days for name, days in months.items()}
    return {"days_absent": sum(months.values()), **counts}


def of_one(told: dict, others: list[dict] | None = None, engine: str = "polars") -> dict:
    return features_of([student_year(**told), *(others or [])], engine=engine).loc["s1"].to_dict()


def test_the_worst_month_is_the_one_with_most_absences() -> None:
    assert of_one(absent(m09=2, m01=7, m05=3))[WORST] == 7
    assert of_one({})[WORST] == 0


def test_absences_spread_as_days_at_random_have_a_dispersion_about_one_and_in_one_month_far_more() -> None:
    """Ten months of 18 days: with one absence the mean of Pearson's sum is its nine degrees of freedom."""
    assert of_one(absent(m09=1))[DISPERSION] == pytest.approx((180 / 18 - 1) / 9, abs=1e-12)
    assert of_one(absent(m01=10))[DISPERSION] == pytest.approx((100 / 18 * 180 / 10 - 10) / 9, abs=1e-12)
    even = absent(m01=1, m02=1, m03=1, m04=1, m05=1, m08=1, m09=1, m10=1, m11=1, m12=1)
    assert of_one(even)[DISPERSION] == pytest.approx(0, abs=1e-12)


def test_days_enrolled_in_a_month_are_what_days_at_random_go_by() -> None:
    half_year = {f"days_enrolled_month_{month:02d}": 0 for month in (1, 2, 3, 4, 5)}
    told = {**absent(m09=2, m10=2, m11=2, m12=2, m08=2), **half_year, "days_enrolled": 90}
    assert of_one(told)[DISPERSION] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("told", [{}, {**absent(m09=2), "days_enrolled_month_09": 180} | {
    f"days_enrolled_month_{month:02d}": 0 for month in (1, 2, 3, 4, 5, 8, 10, 11, 12)
}], ids=["no absence", "one month enrolled"])  # fmt: skip
def test_without_absences_or_with_one_month_there_is_no_dispersion(told: dict) -> None:
    assert math.isnan(of_one(told)[DISPERSION])


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_absences_in_the_schools_own_months_are_not_a_distance_from_it(engine: str) -> None:
    winter = classmates(10, **absent(m01=4, m02=4))
    assert of_one(absent(m01=3, m02=3), winter, engine)[DISTANCE] == pytest.approx(0, abs=1e-12)
    assert of_one(absent(m09=3, m10=3), winter, engine)[DISTANCE] == pytest.approx(6 / (6 + 5), abs=1e-12)


def test_the_own_record_is_no_part_of_the_schools_months() -> None:
    others = classmates(10, **absent(m01=2, m09=2))
    found = of_one(absent(m01=20), others)[DISTANCE]
    assert found == pytest.approx((10 + 10) / 2 / (20 + 5), abs=1e-12)


def test_of_fewer_than_ten_others_or_without_absences_no_distance_is_told() -> None:
    assert math.isnan(of_one(absent(m01=2), classmates(9, **absent(m01=2)))[DISTANCE])
    assert math.isnan(of_one({}, classmates(10, **absent(m01=2)))[DISTANCE])
    assert math.isnan(of_one(absent(m01=2), classmates(10))[DISTANCE])


def test_a_school_of_another_year_has_no_part_in_it() -> None:
    before = classmates(20, school_year=2024, **absent(m09=9))
    found = of_one(absent(m01=2), [*classmates(10, **absent(m01=2)), *before])[DISTANCE]
    assert found == pytest.approx(0, abs=1e-12)
