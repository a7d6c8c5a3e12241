import datetime as dt
from pathlib import Path

import pytest

from ews.cohort import cohort
from ews.engine import Engine
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import open_records
from tests.districts import Day, District, Stay, YearRow, absences, school_days, write_ingest

OAK_24, OAK_25 = school_days("oak", 2024, 60), school_days("oak", 2025, 60)
ELM_25 = school_days("elm", 2025, 60, OAK_25[3].date)
LONG_AGO = dt.date(2023, 7, 1)

pytestmark = pytest.mark.parametrize("engine", ["duckdb", "polars"])


def members(
    folder: Path,
    engine: Engine,
    district: District,
    target: int = 2025,
    after_day: int = 0,
    policy: Policy | None = None,
) -> dict[str, tuple[str, str]]:
    records = open_records(write_ingest(folder, district), engine)
    frame = cohort(records, SchoolYear(target), policy or Policy(), after_day=after_day)
    rows = frame.collect("pyarrow").to_native().to_pylist()
    assert {row["school_year"] for row in rows} <= {target}
    assert len(rows) == len({row["student_id"] for row in rows})
    return {row["student_id"]: (row["school_id"], row["grade_level"]) for row in rows}


def test_those_enrolled_on_the_first_day_are_the_cohort_where_enrolments_are_known(
    tmp_path: Path, engine: Engine
) -> None:
    stays = [
        Stay("stays on", "oak", LONG_AGO, None, "03"),
        Stay("new", "oak", OAK_25[0].date, OAK_25[20].date, "KG"),
        Stay("comes later", "oak", OAK_25[1].date, None, "KG"),
        Stay("left in spring", "oak", LONG_AGO, OAK_24[50].date, "03"),
        Stay("left in summer", "oak", LONG_AGO, dt.date(2024, 7, 20), "03"),
    ]
    district = District(days=OAK_24 + OAK_25, stays=stays)
    assert members(tmp_path, engine, district) == {"stays on": ("oak", "04"), "new": ("oak", "KG")}


def test_after_twenty_days_those_enrolled_on_day_twenty_are_the_cohort(tmp_path: Path, engine: Engine) -> None:
    stays = [
        Stay("left on day 19", "oak", OAK_25[0].date, OAK_25[18].date, "03"),
        Stay("left on day 20", "oak", OAK_25[0].date, OAK_25[19].date, "03"),
        Stay("came on day 20", "oak", OAK_25[19].date, None, "03"),
        Stay("came on day 21", "oak", OAK_25[20].date, None, "03"),
    ]
    district = District(days=OAK_25, stays=stays)
    assert set(members(tmp_path, engine, district, after_day=20)) == {"left on day 20", "came on day 20"}


def test_who_was_in_two_schools_on_their_twentieth_days_is_listed_once_where_entered_last(
    tmp_path: Path, engine: Engine
) -> None:
    stays = [
        Stay("ann", "oak", OAK_25[0].date, OAK_25[19].date, "03"),
        Stay("ann", "elm", OAK_25[20].date, None, "03"),
    ]
    district = District(days=OAK_25 + ELM_25, stays=stays)
    assert ELM_25[19].date > OAK_25[19].date
    assert members(tmp_path, engine, district, after_day=20) == {"ann": ("elm", "03")}


def test_a_yearly_sheet_of_the_target_year_is_the_cohort(tmp_path: Path, engine: Engine) -> None:
    sheet = [
        YearRow("ann", "oak", 2024, "KG", 180, 3),
        YearRow("ann", "elm", 2025, "01", 80, 3),
        YearRow("ann", "oak", 2025, "01", 80, 3),
        YearRow("ben", "oak", 2024, "KG", 180, 3),
        YearRow("eva", "oak", 2025, "KG", 0, 0),
    ]
    assert members(tmp_path, engine, District(sheet=sheet)) == {"ann": ("elm", "01")}


def test_otherwise_those_enrolled_at_the_end_of_the_last_known_year_are_promoted(
    tmp_path: Path, engine: Engine
) -> None:
    stays = [
        Stay("on", "oak", LONG_AGO, None, "PK"),
        Stay("to the last day", "oak", LONG_AGO, OAK_24[-1].date, "09"),
        Stay("closed in June", "oak", LONG_AGO, dt.date(2024, 6, 30), "11"),
        Stay("left a day early", "oak", LONG_AGO, OAK_24[-2].date, "09"),
        Stay("graduates", "oak", LONG_AGO, None, "12"),
    ]
    district = District(days=OAK_24, stays=stays, marks=absences("on", OAK_24[-1:]))
    expected = {"on": ("oak", "KG"), "to the last day": ("oak", "10"), "closed in June": ("oak", "12")}
    assert members(tmp_path, engine, district) == expected


def test_a_sheet_of_the_last_known_year_is_promoted_over_the_gap(tmp_path: Path, engine: Engine) -> None:
    sheet = [YearRow("ann", "oak", 2023, "KG", 180, 3), YearRow("ben", "oak", 2023, "11", 180, 3)]
    assert members(tmp_path, engine, District(sheet=sheet)) == {"ann": ("oak", "02")}


def test_stays_closed_before_a_target_year_of_which_only_the_calendar_is_known_are_promoted(
    tmp_path: Path, engine: Engine
) -> None:
    stays = [Stay("ann", "oak", LONG_AGO, OAK_24[-1].date, "03")]
    district = District(days=OAK_24 + OAK_25, stays=stays, marks=absences("ann", OAK_24[-1:]))
    assert members(tmp_path, engine, district) == {"ann": ("oak", "04")}


def test_an_open_year_ends_at_its_last_mark_for_those_promoted_from_it(tmp_path: Path, engine: Engine) -> None:
    stays = [
        Stay("here", "oak", LONG_AGO, None, "03"),
        Stay("leaving", "oak", LONG_AGO, OAK_24[45].date, "03"),
        Stay("left", "oak", LONG_AGO, OAK_24[20].date, "03"),
    ]
    district = District(days=OAK_24, stays=stays, marks=absences("here", OAK_24[40:41]))
    assert set(members(tmp_path, engine, district)) == {"here", "leaving"}


def test_prekindergarten_is_listed_only_where_the_policy_says_so(tmp_path: Path, engine: Engine) -> None:
    district = District(days=OAK_25, stays=[Stay("small", "oak", OAK_25[0].date, None, "PK")])
    assert members(tmp_path / "default", engine, district) == {}
    policy = Policy(listed_grades_from="PK")
    assert members(tmp_path / "listed", engine, district, policy=policy) == {"small": ("oak", "PK")}


def test_without_any_known_year_there_is_no_cohort(tmp_path: Path, engine: Engine) -> None:
    days: list[Day] = OAK_24
    district = District(days=days, stays=[Stay("ann", "oak", LONG_AGO, None, "03")])
    with pytest.raises(NotEnoughData, match="Neither 2024-25 nor a year before it is known"):
        members(tmp_path, engine, district)


def test_a_school_whose_enrolments_come_later_has_its_students_promoted(tmp_path: Path, engine: Engine) -> None:
    """Else the whole school would be missing from the list without a word."""
    elm_24 = school_days("elm", 2024, 60)
    stays = [
        Stay("at oak", "oak", LONG_AGO, None, "03"),
        Stay("moved to oak", "elm", LONG_AGO, elm_24[-1].date, "03"),
        Stay("moved to oak", "oak", OAK_25[0].date, None, "04"),
        *(Stay(f"at elm {n}", "elm", LONG_AGO, None, "03") for n in range(12)),
    ]
    district = District(days=OAK_24 + elm_24 + OAK_25, stays=stays, marks=absences("at oak", OAK_24[-1:]))
    at_elm = {f"at elm {n}": ("elm", "04") for n in range(12)}
    expected = {"at oak": ("oak", "04"), "moved to oak": ("oak", "04"), **at_elm}
    assert members(tmp_path, engine, district) == expected


def test_one_newcomer_enrolled_early_does_not_take_the_others_off_the_list(tmp_path: Path, engine: Engine) -> None:
    last_year = [Stay(f"ann {n}", "oak", LONG_AGO, OAK_24[-1].date, "03") for n in range(5)]
    stays = [*last_year, Stay("new", "oak", OAK_25[0].date, None, "KG")]
    district = District(days=OAK_24 + OAK_25, stays=stays, marks=absences("ann 0", OAK_24[-1:]))
    assert set(members(tmp_path, engine, district)) == {"new", *(f"ann {n}" for n in range(5))}


def test_who_left_the_district_from_a_school_that_closed_is_not_listed(tmp_path: Path, engine: Engine) -> None:
    elm_24 = school_days("elm", 2024, 60)
    moved = [Stay(f"moved {n}", "elm", LONG_AGO, elm_24[-1].date, "03") for n in range(4)]
    arrived = [Stay(f"moved {n}", "oak", OAK_25[0].date, None, "04") for n in range(4)]
    stays = [*moved, *arrived, Stay("gone", "elm", LONG_AGO, elm_24[-1].date, "03")]
    district = District(days=OAK_24 + elm_24 + OAK_25, stays=stays, marks=absences("gone", elm_24[-1:]))
    assert set(members(tmp_path, engine, district)) == {f"moved {n}" for n in range(4)}


def test_schools_on_a_sheet_of_the_target_year_are_listed_beside_those_with_daily_records(
    tmp_path: Path, engine: Engine
) -> None:
    stays = [Stay("ann", "oak", LONG_AGO, None, "03")]
    sheet = [YearRow("eli", "elm", 2025, "04", 170, 20), YearRow("ann", "elm", 2025, "04", 10, 0)]
    district = District(days=OAK_24 + OAK_25, stays=stays, marks=absences("ann", OAK_24[-1:]), sheet=sheet)
    assert members(tmp_path, engine, district) == {"ann": ("oak", "04"), "eli": ("elm", "04")}
