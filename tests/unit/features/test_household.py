import math

import pytest

from tests.unit.features.rows import TARGET, features_of, member, student_year

HOME = {"s1": "home", "brother": "home", "sister": "home", "neighbour": "next door"}
HOUSEHOLD = ["household_students", "household_rate", "household_ratio", "household_spell_ratio"]
DISTRICT = [student_year(f"other-{number}", days_absent=9, spells=6) for number in range(98)]


def of_one(past: list[dict], households: dict[str, str] | None = HOME, **more: list) -> dict:
    return features_of(past, households=households, **more).loc["s1"].to_dict()


def test_who_enters_kindergarten_is_known_by_the_others_of_the_household() -> None:
    past = [student_year("brother", days_absent=27), student_year("sister", days_absent=9)]
    found = features_of(past, [member("s1", "KG")], households=HOME).loc["s1"]
    assert math.isnan(found["absence_rate_last_year"])
    assert (found["household_students"], found["household_rate"]) == (2, 0.1)


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_the_own_record_and_other_households_are_not_told(engine: str) -> None:
    past = [student_year("brother", days_absent=27), student_year("neighbour", days_absent=90)]
    for days_absent in (0, 180):
        found = of_one([student_year(days_absent=days_absent), *past], engine=engine)
        assert (found["household_students"], found["household_rate"]) == (1, 27 / 180)


def test_each_year_of_the_others_counts_half_of_the_one_after_it() -> None:
    past = [student_year("brother", days_absent=18), student_year("brother", school_year=2023, days_absent=36)]
    found = of_one([*past, student_year("sister", school_year=2024, days_absent=0)])
    assert found["household_rate"] == pytest.approx((18 + 36 / 4) / (180 + 180 / 4 + 180 / 2), abs=1e-12)


def test_days_and_spells_of_the_others_are_set_beside_what_the_district_gives() -> None:
    past = [student_year("brother", days_absent=18, spells=12), student_year(days_absent=18, spells=12), *DISTRICT]
    found = of_one(past)
    assert found["household_ratio"] == pytest.approx(18 / (180 * (98 * 9 + 36) / 18_000), abs=1e-4)
    assert found["household_spell_ratio"] == pytest.approx(12 / (180 * (98 * 6 + 24) / 18_000), abs=1e-4)


def test_who_lives_with_no_other_student_has_no_rate_and_zero_others() -> None:
    found = of_one([student_year(days_absent=90)])
    assert found["household_students"] == 0
    assert all(math.isnan(found[name]) for name in HOUSEHOLD[1:])


@pytest.mark.parametrize("households", [None, {"brother": "home"}])
def test_where_the_household_is_not_known_nothing_is_told_of_it(households: dict[str, str] | None) -> None:
    found = of_one([student_year(), student_year("brother", days_absent=90)], households)
    assert all(math.isnan(found[name]) for name in HOUSEHOLD)


@pytest.mark.parametrize(("others", "is_known"), [(12, True), (13, False)])
def test_a_household_of_too_many_is_a_shelter_or_a_placeholder(others: int, is_known: bool) -> None:
    past = [student_year(f"other-{number}", days_absent=9) for number in range(others)]
    households = {"s1": "many", **{row["student_id"]: "many" for row in past}}
    found = of_one([student_year(), *past], households)
    assert [math.isnan(found[name]) for name in HOUSEHOLD] == [not is_known] * 3 + [True]


def test_what_is_not_known_yet_of_the_others_is_not_told() -> None:
    """A brother of whom nothing is recorded before the target year does not count, whatever he does in it."""
    open_year = [student_year("brother", school_year=TARGET.ending, days_absent=20)]
    found = of_one([student_year()], so_far=open_year)
    assert (found["household_students"], math.isnan(found["household_rate"])) == (0, True)
