"""What the records hold, against a district of which every count is known."""

from pathlib import Path

import pandas as pd
import pytest

from ews.document import to_html
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.quality import Seen, hand_out, look, page, remarks
from tests.unit.quality.feeds import DAYS, STUDENTS, District, name_of, school_days
from tests.unit.sis.feeds import take

SILENT = school_days()[30:36]


def _seen(folder: Path, district: District) -> Seen:
    return look(district.taken(folder), Policy())


def _school(seen: Seen, school: str) -> dict[str, object]:
    (row,) = seen.schools[seen.schools["school_id"] == school].to_dict("records")
    return {name: value.date() if isinstance(value, pd.Timestamp) else value for name, value in row.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return _seen(tmp_path_factory.mktemp("whole"), District())


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """BIRCH sent nothing for six days, forgot a month of its calendar, has an unknown code and overlapping stays."""
    district = District()
    gone = set(school_days()[60:80])
    district.calendar["BIRCH"] = [day for day in school_days() if day not in gone]
    district.marks = [mark for mark in district.marks if mark[1] == "ALDER" or mark[2] not in {*SILENT, *gone}]
    day = school_days()[2]
    district.marks += [(name_of(150), "BIRCH", day, "ZZ", ""), (name_of(150), "BIRCH", day, "tardy", "")]
    district.stays += [f"{name_of(number)},BIRCH,2026-01-05,,05" for number in range(10)]
    return _seen(tmp_path_factory.mktemp("spoilt"), district)


def test_a_whole_district_is_counted_as_it_is_and_nothing_stands_out(whole: Seen) -> None:
    row = _school(whole, "ALDER")
    assert (row["days"], row["students"], row["moved"], row["with_status"]) == (DAYS, 100, 0, 100)
    assert (row["enrolled_days"], row["marks"], row["absent_days"]) == (100 * DAYS, 1200, 1200)
    assert row["chronic"] == 100, "one day of ten is a tenth"
    assert (row["without_marks"], row["missing"], row["unknown_days"]) == (0, 0, 0)
    assert (row["first_day"], row["last_mark"]) == (school_days()[0], school_days()[-1])
    assert row["longest_gap"] == 2, "a weekend"
    assert remarks(whole) == []
    assert page(whole).lead == f"Records through {school_days()[-1]}. Nothing stands out."


def test_days_without_any_mark_are_unknown_and_not_perfect_attendance_I19(spoilt: Seen) -> None:
    row = _school(spoilt, "BIRCH")
    assert (row["without_marks"], row["missing"]) == (6, 6)
    assert row["missing_from"] == SILENT[0]
    assert row["unknown_days"] == 6 * 100, "on these days nobody of ALDER had moved there yet"
    assert _school(spoilt, "ALDER")["missing"] == 0
    (told,) = (remark.text for remark in remarks(spoilt) if remark.kind == "missing days")
    assert told.startswith("BIRCH in 2025-26: no mark at all on 6 of 100 school days, the first of them 2025-10-13;")
    (year,) = (remark.text for remark in remarks(spoilt) if remark.kind == "unknown share")
    assert "flagged_years = [2026]" in year


def test_a_small_school_without_a_mark_on_a_day_is_no_wonder_I19(tmp_path: Path) -> None:
    district = District()
    few = {name_of(number) for number in range(100, 140)}  # 40 students: four marks a day are to be expected
    district.stays = [stay for stay in district.stays if "BIRCH" not in stay or stay.split(",")[0] in few]
    district.marks = [mark for mark in district.marks if mark[1] == "ALDER" or mark[0] in few and mark[2] not in SILENT]
    row = _school(_seen(tmp_path, district), "BIRCH")
    assert (row["without_marks"], row["missing"], row["unknown_days"]) == (6, 0, 0)


def test_days_after_the_last_mark_are_not_missing_yet(tmp_path: Path) -> None:
    district = District()
    district.marks = [mark for mark in district.marks if mark[2] <= school_days()[39]]
    seen = _seen(tmp_path, district)
    row = _school(seen, "ALDER")
    assert (row["without_marks"], row["enrolled_days"]) == (0, 100 * 40)
    assert remarks(seen) == []


def test_gaps_moves_overlaps_and_codes_are_told_I26(spoilt: Seen) -> None:
    row = _school(spoilt, "BIRCH")
    assert row["longest_gap"] == (school_days()[80] - school_days()[59]).days - 1
    assert row["gap_from"] == school_days()[59]
    assert (row["students"], row["moved"]) == (110, 10)
    texts = {remark.kind: remark.text for remark in remarks(spoilt)}
    assert f"no instruction for {row['longest_gap']} days after {school_days()[59]}" in texts["gap in the calendar"]
    assert "what their code means: ZZ (1)" in texts["unknown codes"]
    assert "10 of 210 stays overlap" in texts["overlaps"]
    codes = dict(spoilt.codes[["category", "marks"]].itertuples(index=False))
    assert codes["tardy"] == 1
    rejected = dict(spoilt.rejected[["rule", "rows"]].itertuples(index=False))
    assert rejected["unknown_value"] == 1
    assert rejected["overlapping_stay"] == 10


def test_a_school_unlike_the_others_is_told(tmp_path: Path) -> None:
    district = District()
    district.marks = [mark for mark in district.marks if mark[1] == "ALDER" or mark[0] < "S110"]
    (told,) = (remark.text for remark in remarks(_seen(tmp_path, district)) if remark.kind == "unlike others")
    assert told.startswith("BIRCH in 2025-26: 1.0% of enrolled days absent, in the district 5.5%.")


def test_a_closed_year_with_too_few_days_is_told_and_the_open_one_is_not(tmp_path: Path) -> None:
    district = District(first_year=True)
    texts = [remark.text for remark in remarks(_seen(tmp_path, district)) if remark.kind == "length of the year"]
    assert texts == [
        "ALDER in 2024-25: 20 instructional days, where the district's middle school has 20. Look whether its calendar "
        "is whole."
    ]


def test_the_page_holds_every_school_and_no_student(spoilt: Seen, tmp_path: Path) -> None:
    html_file, numbers = hand_out(spoilt, tmp_path)
    html = html_file.read_text(encoding="utf-8")
    assert "ALDER" in html
    assert "BIRCH" in html
    assert [name_of(number) for number in range(STUDENTS) if name_of(number) in html + numbers.read_text()] == []
    assert html == to_html(page(spoilt))
    assert len(numbers.read_text().splitlines()) == 3


def test_a_yearly_sheet_has_its_years_and_no_single_days(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("p,y,s,g,e,a\n1,2025,A,05,180,18\n2,2025,A,05,180,17\n3,2025,A,05,9,1\n")
    (tmp_path / "map.toml").write_text(
        'shape = "long"\nstudent_id = "p"\nschool_year = "y"\nschool_id = "s"\ngrade_level = "g"\n'
        'days_enrolled = "e"\ndays_absent = "a"\n'
    )
    report = take(tmp_path / "sheet.csv", tmp_path / "home", source="yearly", column_map=tmp_path / "map.toml")
    seen = look(report.folder, Policy())
    row = _school(seen, "A")
    assert (row["students"], row["with_status"], row["chronic"], row["enrolled_days"]) == (3, 2, 1, 369)
    assert "Yearly sums, without single days." in page(seen).lead


def test_without_an_ingest_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="No ingest in"):
        look(tmp_path, Policy())
