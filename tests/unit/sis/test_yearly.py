"""Yearly sheets through a map: wide and long, and what a map may say."""

import re
from pathlib import Path

import duckdb
import pytest

from ews.errors import InputRefused, InvalidPolicy
from ews.sis import IngestReport
from ews.sis.column_map import parse_column_map
from tests.unit.sis.feeds import listed, take

WIDE_MAP = """
shape = "wide"
student_id = "pupil"
null_tokens = ["-", "NULL"]
demographics.gender = "sex"

[[years]]
school_year = { value = "2024" }
grade_level = { value = "KG" }
school_id = "school_k"
days_present = "present_k"
days_absent = "absent_k"

[[years]]
school_year = { value = "2025" }
grade_level = "grade_1"
school_id = "school_1"
days_present = "present_1"
days_absent = "absent_1"

[values.grade_level]
"1" = "01"

[values.gender]
F = "female"
"""

WIDE = """
pupil,sex,school_k,present_k,absent_k,school_1,grade_1,present_1,absent_1,notes
007,F,A,160,20,A,1,170,10,x
008,M,A,-,20,B,1,180,0,x
009,-,,,,B,KG,NULL,3,x
010,F,A,17x,20,B,1,100,80,x
"""

LONG_MAP = """
shape = "long"
student_id = "pupil"
school_year = "year"
school_id = "school"
grade_level = "grade"
days_enrolled = "enrolled"
days_absent = "absent"
demographics.gender = "sex"
"""

LONG = """
pupil,sex,year,school,grade,enrolled,absent
007,female,2024,A,KG,180,20
007,female,2025,A,01,180,10
008,M,2025,B,01,180,0
010,female,2025,B,01,180,80
"""


def _take(folder: Path, sheet: str, mapping: str) -> IngestReport:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sheet.csv").write_text(sheet.lstrip())
    (folder / "map.toml").write_text(mapping)
    return take(folder / "sheet.csv", folder / "home", source="yearly", column_map=folder / "map.toml")


def _rows(report: IngestReport, table: str) -> list[tuple[object, ...]]:
    return duckdb.sql(f"from '{report.folder}/{table}.parquet' order by all").fetchall()


def test_a_wide_sheet_gives_a_row_for_each_year_with_days_absent_and_present(tmp_path: Path) -> None:
    report = _take(tmp_path, WIDE, WIDE_MAP)
    assert _rows(report, "attendance_years") == [
        ("007", "A", 2024, "KG", 180, 20, None, None, None),
        ("007", "A", 2025, "01", 180, 10, None, None, None),
        ("008", "B", 2025, "01", 180, 0, None, None, None),
        ("010", "B", 2025, "01", 180, 80, None, None, None),
    ]
    counts = report.counts["attendance_years"]
    assert (counts.read, counts.accepted, counts.rejected, counts.duplicates) == (5, 4, 1, 0)
    assert report.empty_student_years == 3, "008 and 009 in kindergarten, 009 in grade 1: missing is not absent, I19"
    assert report.dropped_columns == {"sheet.csv": ["notes"]}
    (told,) = listed(report.rejects_path)
    assert (told["line"], told["column"], told["rule"]) == ("5", "days_enrolled", "not_a_whole_number")


def test_a_wide_and_a_long_sheet_that_say_the_same_give_the_same_tables(tmp_path: Path) -> None:
    wide, long = _take(tmp_path / "wide", WIDE, WIDE_MAP), _take(tmp_path / "long", LONG, LONG_MAP)
    assert _rows(wide, "attendance_years") == _rows(long, "attendance_years")
    assert _rows(wide, "schools") == _rows(long, "schools")
    assert set(_rows(long, "demographics")) <= set(_rows(wide, "demographics"))
    assert {row[0] for row in _rows(wide, "students")} == {"007", "008", "009", "010"}
    assert {row[0] for row in _rows(long, "students")} == {"007", "008", "010"}


def test_a_sheet_has_no_calendar_no_stays_and_no_marks(tmp_path: Path) -> None:
    report = _take(tmp_path, LONG, LONG_MAP)
    assert {path.name for path in report.folder.iterdir()} == {
        "attendance_years.parquet", "demographics.parquet", "manifest.json", "rejects.csv", "schools.parquet",
        "students.parquet",
    }  # fmt: skip
    assert (report.data_through, report.school_years) == (None, (2024, 2025))


def test_a_student_twice_in_a_sheet_is_a_duplicate_if_equal_and_else_a_conflict_I24(tmp_path: Path) -> None:
    again = LONG + "008,M,2025,B,01,180,0\n010,female,2025,B,01,180,8\n"
    report = _take(tmp_path, again, LONG_MAP)
    counts = report.counts["attendance_years"]
    assert (counts.read, counts.accepted, counts.rejected, counts.duplicates) == (6, 3, 2, 1)


def test_a_line_that_is_no_record_is_counted_once_though_the_sheet_feeds_four_tables(tmp_path: Path) -> None:
    report = _take(tmp_path, LONG + "011,female\n", LONG_MAP)
    assert [row["rule"] for row in listed(report.rejects_path)] == ["too_few_fields"]
    assert sum(counts.rejected for counts in report.counts.values()) == 1


def test_reasons_that_exceed_the_days_absent_are_told(tmp_path: Path) -> None:
    mapping = LONG_MAP + 'days_excused = "excused"\n'
    sheet = LONG.replace("absent\n", "absent,excused\n").replace("20\n", "20,21\n").replace("0\n", "0,0\n")
    report = _take(tmp_path, sheet, mapping)
    assert [row["rule"] for row in listed(report.rejects_path)] == ["reasons_exceed_absences"]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("shape = [", "not valid TOML"),
        ("student_id = 'x'", 'needs shape = "wide"'),
        ("shape = 'wide'\nstudent_id = 'x'", "a block [[years]] for each year"),
        (LONG_MAP + "pupil = 'x'", "Unknown key 'pupil' in the column map"),
        (LONG_MAP + "demographics.income = 'x'", "Unknown key 'income' in demographics"),
        (LONG_MAP.replace('grade_level = "grade"\n', ""), "does not say where grade_level stands"),
        (LONG_MAP.replace("days_enrolled", "days_present_"), "Unknown key 'days_present_'"),
        (LONG_MAP.replace('school_id = "school"', 'school_id = "school"\ndays_present = "p"'), "not both"),
        (LONG_MAP.replace('"school"', "7"), "school_id in the column map must be a column"),
        (LONG_MAP + "[values]\nschool = {}", "Unknown key 'school' in values"),
        (LONG_MAP.replace("shape", "null_tokens = 'NA'\nshape"), "must be texts in quotes"),
    ],
)
def test_a_map_that_says_what_is_not_known_is_refused(mapping: str, words: str) -> None:
    with pytest.raises(InvalidPolicy, match=re.escape(words)):
        parse_column_map(mapping)


def test_a_column_of_the_map_that_the_sheet_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"sheet\.csv has no column absent"):
        _take(tmp_path, LONG.replace("absent", "away"), LONG_MAP)


def test_a_map_that_is_nowhere_is_refused_with_the_names_of_those_that_ship(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(LONG.lstrip())
    with pytest.raises(InvalidPolicy, match="ships with the project: .*star"):
        take(tmp_path / "sheet.csv", tmp_path / "home", source="yearly", column_map=Path("mars"))


def test_a_header_only_sheet_is_refused_I01(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="a header and no rows"):
        _take(tmp_path, LONG.lstrip().splitlines()[0] + "\n", LONG_MAP)
