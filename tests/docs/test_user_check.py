"""Nothing is called 1.0 before counselors restated the reasons, and few took them for causes or certainty (EX-8)."""

import tomllib

import pytest

from tests.docs.pages import read, table

FEWEST_PEOPLE, PAGES_EACH = 5, 3
MOST_MISREADING = 1 / 5

Row = dict[str, str]


def may_be_released(version: str, held: list[Row]) -> bool:
    """Whether a version may be called what it is, by what the user check found."""
    if int(version.split(".")[0]) < 1:
        return True
    asked = [row for row in held if int(row["pages"]) >= PAGES_EACH]
    misread = [row for row in asked if int(row["as a cause"]) or int(row["as certain"])]
    return len(asked) >= FEWEST_PEOPLE and len(misread) <= MOST_MISREADING * len(asked)


def test_this_version_may_be_called_what_it_is_EX_8():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert may_be_released(version, table(read("docs/user-check.md"), "What came of it"))


def of(*misread: str, pages: str = "3") -> list[Row]:
    """Five counselors; of each how many pages were said as a cause."""
    return [{"pages": pages, "as a cause": cause, "as certain": "0"} for cause in misread]


@pytest.mark.parametrize(
    ("version", "held", "expected"),
    [
        ("0.9.0", [], True),
        ("1.0.0", [], False),
        ("1.0.0", of("0", "0", "0", "0"), False),
        ("1.0.0", of("0", "0", "0", "0", "0", pages="2"), False),
        ("1.0.0", of("0", "0", "0", "0", "1"), True),
        ("1.0.0", of("0", "0", "0", "2", "1"), False),
        ("2.1.0", [{"pages": "3", "as a cause": "0", "as certain": "1"}] * 5, False),
    ],
    ids=["before 1.0", "nobody asked", "four asked", "too few pages", "one of five", "two of five", "as certain"],
)
def test_five_counselors_and_at_most_one_in_five_who_misreads_are_needed_EX_8(version: str, held: list[Row], expected):
    assert may_be_released(version, held) is expected
