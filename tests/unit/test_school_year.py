import pytest

from ews.errors import InvalidPolicy
from ews.school_year import SchoolYear


def test_years_are_ordered_and_know_their_neighbours() -> None:
    assert SchoolYear(2025) < SchoolYear(2026) == SchoolYear(2025).next
    assert SchoolYear(2026).previous == SchoolYear(2025)
    assert sorted([SchoolYear(2026), SchoolYear(2024)])[0] == SchoolYear(2024)


def test_the_label_at_the_turn_of_a_century_is_written_in_two_digits() -> None:
    assert SchoolYear(2000).label == "1999-00"
    assert SchoolYear.parse("1999-00") == SchoolYear(2000)
    assert SchoolYear.parse("1999-2000") == SchoolYear(2000)


def test_a_label_and_a_year_of_a_year_are_that_year() -> None:
    for ending in (1986, 2000, 2026):
        year = SchoolYear(ending)
        assert SchoolYear.parse(year.label) == SchoolYear.parse(str(year)) == SchoolYear.parse(year) == year


@pytest.mark.parametrize("text", ["", "26", "2025-27", "2025/26", "autumn", "-2026", "20 26", "1899", "2201", "²⁰²⁶"])
def test_what_is_no_school_year_is_refused_with_an_example_of_one(text: str) -> None:
    with pytest.raises(InvalidPolicy, match=r"2026|2025-26"):
        SchoolYear.parse(text)
