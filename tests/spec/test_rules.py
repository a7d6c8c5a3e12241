"""The definitions everything rests on, as tables a registrar can check: what is given -> what it counts as.

Days are real ones: they go in as CSV files and come out as `student_years`.
"""

import datetime as dt
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from ews.absence import band, is_chronically_absent
from ews.cohort import cohort
from ews.errors import InvalidPolicy
from ews.features import build_features
from ews.home import Home
from ews.labels import labels
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import ingest
from ews.student_years import history_as_of, open_records, student_years
from tests.districts import District, Mark, Stay, absences, school_days, write_flat, write_ingest

Row = dict[str, str]


def table(text: str) -> list[Row]:
    """The rows of a table with a header, cells between bars."""
    header, *lines = ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def rows_of(frame: nw.LazyFrame) -> list[dict]:
    return frame.collect("pyarrow").to_native().to_pylist()


def answer(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


STATUS = """
absent | enrolled | chronic | band             | why
0      | 180      | no      | satisfactory     |
8      | 180      | no      | satisfactory     | 4.4 percent
9      | 180      | no      | at risk          | 5 percent counts
17     | 180      | no      | at risk          | 9.4 percent
18     | 180      | yes     | moderate chronic | 10 percent counts
17     | 171      | no      | at risk          | 9.94 percent is not rounded up
35     | 180      | yes     | moderate chronic | 19.4 percent
36     | 180      | yes     | severe chronic   | 20 percent counts
180    | 180      | yes     | severe chronic   |
1      | 10       | yes     | moderate chronic | ten days enrolled are enough
0      | 10       | no      | satisfactory     |
9      | 9        | unknown | unknown          | nine are not, however many were missed
0      | 9        | unknown | unknown          | unknown is not no
0      | 0        | unknown | unknown          |
"""


@pytest.mark.parametrize("row", table(STATUS), ids=lambda row: f"{row['absent']}-of-{row['enrolled']}")
def test_a_tenth_of_the_enrolled_days_is_chronic_by_exact_count(row: Row) -> None:
    counts = pl.LazyFrame(
        {
            "student_id": "s",
            "school_year": 2026,
            "days_absent": int(row["absent"]),
            "days_enrolled": int(row["enrolled"]),
        }
    )
    frame, days = nw.from_native(counts), (nw.col("days_absent"), nw.col("days_enrolled"))
    [found] = rows_of(frame.select(chronic=is_chronically_absent(*days, Policy()), band=band(*days, Policy())))
    assert answer(found["chronic"]) == row["chronic"]
    assert (found["band"] or "unknown") == row["band"]
    [outcome] = rows_of(labels(frame, Policy()))
    assert answer(outcome["outcome_is_chronic"]) == row["chronic"]


MINIMUM_DAYS = """
policy | enrolled | chronic
10     | 44       | yes
45     | 44       | unknown
45     | 45       | yes
90     | 89       | unknown
"""


@pytest.mark.parametrize("row", table(MINIMUM_DAYS), ids=lambda row: f"{row['enrolled']}-under-{row['policy']}")
def test_a_state_may_ask_for_more_enrolled_days_before_a_status_is_known(row: Row) -> None:
    frame = nw.from_native(pl.LazyFrame({"absent": [9], "enrolled": [int(row["enrolled"])]}))
    policy = Policy(min_days_enrolled=int(row["policy"]))
    chronic = is_chronically_absent(nw.col("absent"), nw.col("enrolled"), policy)
    assert answer(rows_of(frame.select(chronic=chronic))[0]["chronic"]) == row["chronic"]


A_DAY = """
marks of the day                             | absent | counted as   | partial | why
excused 1                                    | 1      | excused      | 0       |
unexcused 1                                  | 1      | unexcused    | 0       | an absence counts for any reason
suspension 1                                 | 1      | suspended    | 0       | a suspension too
excused 0.5                                  | 1      | excused      | 0       | half a day is an absent day
excused 0.4999                               | 0      |              | 4999    | less than half is not, but is kept
excused 0.25, unexcused 0.25                 | 1      | unexcused    | 0       | parts add up; a tie is unexcused
excused 0.3, unexcused 0.2                   | 1      | excused      | 0       | the larger part names the kind
suspension 0.25, unexcused 0.25              | 1      | suspended    | 0       | a tie is a suspension
excused 0.3333, unexcused 0.1666             | 0      |              | 4999    |
tardy 0.1                                    | 0      | tardy        | 1000    | a late arrival is never an absence
tardy 1                                      | 0      | tardy        | 10000   | however late
early_departure 0.9                          | 0      | early        | 9000    | nor is an early departure
tardy 0.3, early_departure 0.3               | 0      | tardy, early | 6000    |
tardy 0.2, excused 0.5                       | 1      | tardy, excused | 0     | late, then gone
"""

_COUNTED = {
    "excused": "days_excused",
    "unexcused": "days_unexcused",
    "suspended": "days_suspended",
    "tardy": "days_tardy",
    "early": "days_early_departure",
}


@pytest.fixture(scope="module")
def counted_days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What the marks of each row of A_DAY count as; each row is one student's one day."""
    days, stays, marks = school_days("oak", 2026, 20), [], []
    for place, row in enumerate(table(A_DAY)):
        stays.append(Stay(f"s{place:02d}", "oak", days[0].date, days[-1].date, "03"))
        for mark in row["marks of the day"].split(", "):
            category, share = mark.split()
            marks.append(Mark(f"s{place:02d}", "oak", days[-1].date, category, round(float(share) * 10_000)))
    folder = tmp_path_factory.mktemp("spec")
    report = ingest(write_flat(folder / "feed", District(days, stays, marks)), Home(folder / "home"))
    rows = rows_of(student_years(open_records(report.folder, "polars"), SchoolYear(2026), Policy()))
    return {row["student_id"]: row for row in rows}


@pytest.mark.parametrize("place", range(len(table(A_DAY))), ids=lambda place: table(A_DAY)[place]["marks of the day"])
def test_a_day_is_absent_when_half_of_it_was_missed_for_any_reason(place: int, counted_days: dict[str, dict]) -> None:
    row, found = table(A_DAY)[place], counted_days[f"s{place:02d}"]
    assert found["days_enrolled"] == 20
    assert found["days_absent"] == int(row["absent"])
    assert found["partial_ten_thousandths"] == int(row["partial"])
    expected = {_COUNTED[name.strip()] for name in row["counted as"].split(",") if name}
    assert {name for name in _COUNTED.values() if found[name]} == expected


SPELLS = """
weeks, x = absent             | spells | longest | single days | on Monday
..... ..... ..... .....       | 0      | 0       | 0           | 0
x.... ..... ..... .....       | 1      | 1       | 1           | 1
xx... ..... ..... .....       | 1      | 2       | 0           | 1
x.x.x ..... ..... .....       | 3      | 1       | 3           | 1
....x x.... ..... .....       | 1      | 2       | 0           | 0
....x .x... ..... .....       | 2      | 1       | 2           | 0
.xxxx xxxxx xxxxx xxx..       | 1      | 17      | 0           | 0
x.... x.... x.... x....       | 4      | 1       | 4           | 4
..... ..... ..... xxxxx       | 1      | 5       | 0           | 1
"""


@pytest.mark.parametrize("row", table(SPELLS), ids=lambda row: row["weeks, x = absent"])
def test_a_spell_is_a_run_of_instructional_days_and_a_weekend_does_not_end_it(tmp_path: Path, row: Row) -> None:
    days = school_days("oak", 2026, 20)
    assert days[0].date.isoweekday() == 1
    missed = [day for day, mark in zip(days, row["weeks, x = absent"].replace(" ", ""), strict=True) if mark == "x"]
    stays = [Stay("ann", "oak", days[0].date, None, "03"), Stay("witness", "oak", days[0].date, None, "03")]
    district = District(days, stays, absences("ann", missed) + absences("witness", days[-1:]))
    frame = student_years(open_records(write_ingest(tmp_path, district), "polars"), SchoolYear(2026), Policy())
    [ann] = [found for found in rows_of(frame) if found["student_id"] == "ann"]
    names = dict(zip(list(row)[1:], ("spells", "longest_spell", "single_day_spells", "monday_spells"), strict=True))
    assert {title: str(ann[name]) for title, name in names.items()} == {title: row[title] for title in names}


ENROLLED = """
enters     | leaves     | days | late | early | why
2025-08-25 |            | 20   | 0    | 0     | no exit is still enrolled
2025-08-25 | 2025-09-19 | 20   | 0    | 0     | both ends count
2025-07-01 |            | 20   | 0    | 0     | days before the calendar are no days
2025-08-26 |            | 19   | 1    | 0     |
2025-08-30 |            | 15   | 5    | 0     | from a Saturday, the next Monday
2025-08-25 | 2025-08-25 | 1    | 0    | 19    | a stay of a day
2025-08-25 | 2025-09-07 | 10   | 0    | 10    | to a Sunday, the Friday before
2025-08-30 | 2025-08-31 | none |      |       | a weekend is no stay
2025-09-20 |            | none |      |       | after the last day
2023-09-01 | 2025-08-24 | none |      |       | left before the first
"""


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    stays = [Stay("witness", "oak", dt.date(2025, 8, 25), None, "03")]
    for place, row in enumerate(table(ENROLLED)):
        leaves = dt.date.fromisoformat(row["leaves"]) if row["leaves"] else None
        stays.append(Stay(f"s{place}", "oak", dt.date.fromisoformat(row["enters"]), leaves, "03"))
    days = school_days("oak", 2026, 20)
    folder = write_ingest(tmp_path_factory.mktemp("spec"), District(days, stays, absences("witness", days[-1:])))
    rows = rows_of(student_years(open_records(folder, "polars"), SchoolYear(2026), Policy()))
    return {row["student_id"]: row for row in rows}


@pytest.mark.parametrize(
    "place", range(len(table(ENROLLED))), ids=lambda place: table(ENROLLED)[place]["why"] or "late"
)
def test_an_enrolled_day_is_an_instructional_day_between_entry_and_exit(place: int, enrolled: dict[str, dict]) -> None:
    row, found = table(ENROLLED)[place], enrolled.get(f"s{place}")
    if row["days"] == "none":
        assert found is None
    else:
        assert found is not None
        names = {"days": "days_enrolled", "late": "late_entry_days", "early": "early_exit_days"}
        assert {title: str(found[name]) for title, name in names.items()} == {title: row[title] for title in names}


SCHOOL_YEARS = """
written   | means
2026      | 2025-26
2025-26   | 2025-26
2025-2026 | 2025-26
1999-00   | 1999-00
2000      | 1999-00
25-26     | refused
2025-27   | refused
2025/26   | refused
26        | refused
autumn    | refused
"""


@pytest.mark.parametrize("row", table(SCHOOL_YEARS), ids=lambda row: row["written"])
def test_a_school_year_is_named_by_the_year_in_which_it_ends(row: Row) -> None:
    if row["means"] == "refused":
        with pytest.raises(InvalidPolicy):
            SchoolYear.parse(row["written"])
    else:
        assert SchoolYear.parse(row["written"]).label == row["means"]


PROMOTION = """
entered    | grade | next year they are
2025-07-01 | PK    | KG
2025-07-01 | KG    | 01
2025-07-01 | 08    | 09
2025-07-01 | 11    | 12
2025-07-01 | 12    | gone
2024-08-01 | KG    | 02
2024-06-30 | KG    | 03
2020-10-01 | KG    | 06
"""


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    stays = [
        Stay(f"s{place}", "oak", dt.date.fromisoformat(row["entered"]), None, row["grade"])
        for place, row in enumerate(table(PROMOTION))
    ]
    days = school_days("oak", 2026, 20)
    folder = write_ingest(tmp_path_factory.mktemp("spec"), District(days, stays, absences("s0", days[-1:])))
    rows = rows_of(cohort(open_records(folder, "polars"), SchoolYear(2027), Policy()))
    return {row["student_id"]: row["grade_level"] for row in rows}


@pytest.mark.parametrize("place", range(len(table(PROMOTION))))
def test_a_student_moves_up_one_grade_a_year_and_leaves_after_grade_12(place: int, promoted: dict[str, str]) -> None:
    assert promoted.get(f"s{place}", "gone") == table(PROMOTION)[place]["next year they are"]


LANES = """
absent last year | enrolled | lane    | was chronic | why
0                | 180      | prevent | no          |
17               | 180      | prevent | no          |
18               | 180      | recover | yes         |
90               | 180      | recover | yes         |
9                | 9        | prevent | unknown     | too short a stay to know
none             |          | prevent | unknown     | new here
"""


@pytest.mark.parametrize("row", table(LANES), ids=lambda row: row["absent last year"])
def test_the_lane_is_recover_for_the_chronically_absent_and_prevent_for_everyone_else(tmp_path: Path, row: Row) -> None:
    past, target = school_days("oak", 2025), school_days("oak", 2026, 20)
    stays = [Stay("witness", "oak", past[0].date, None, "03")]
    marks = absences("witness", past[-1:])
    if row["absent last year"] == "none":
        stays.append(Stay("ann", "oak", target[0].date, None, "03"))
    else:
        stays.append(Stay("ann", "oak", past[-int(row["enrolled"])].date, None, "03"))
        marks += absences("ann", past[-int(row["absent last year"]) :] if row["absent last year"] != "0" else [])
    records = open_records(write_ingest(tmp_path, District(past + target, stays, marks)), "polars")
    history = history_as_of(records, tmp_path, SchoolYear(2026), 0, Policy())
    rows = rows_of(build_features(cohort(records, SchoolYear(2026), Policy()), history, Policy()))
    [ann] = [found for found in rows if found["student_id"] == "ann"]
    assert (ann["lane"], answer(ann["was_chronic"])) == (row["lane"], row["was chronic"])
