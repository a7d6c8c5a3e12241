"""A dirty export of a made-up school (Open Education Analytics): periods, D/M/YYYY, a doubled row, a wrong year."""

import csv
import shutil
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest

from ews.errors import InputRefused
from ews.sis import IngestReport
from tests.data import shared_data
from tests.unit.sis.feeds import listed, take

MAP = """
date_format = "D/M/YYYY"
values.category = { P = "present", A = "unexcused" }
values.grade_level = "usual"

[positive]
period = "section_id"
school_year = "school_year"

[schools]
file = "contoso_sis_day1_students.csv"
rows = "distinct"
school_id = "School SIS ID"

[students]
file = "contoso_sis_day1_students.csv"
student_id = "SIS ID"
name = "Username"
birth_date = "Birthdate"

[enrollments]
file = "contoso_sis_day1_students.csv"
student_id = "SIS ID"
school_id = "School SIS ID"
entry_date = { value = "2019-09-01" }
grade_level = "Grade"

[attendance]
file = "contoso_sis_day*_studentattendance.csv"
date = "attendance_date"
category = "AttendanceCode"
"""


def _rows() -> list[dict[str, str]]:
    found = []
    for day in (1, 2):
        path = shared_data(f"oea_northridge_contoso/contoso_sis_day{day}_studentattendance.csv")
        with path.open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file))
    return found


def _take(folder: Path, mapping: str) -> IngestReport:
    (folder / "feed").mkdir(parents=True)
    for name in ("day1_students", "day1_studentattendance", "day2_studentattendance"):
        shutil.copy(shared_data(f"oea_northridge_contoso/contoso_sis_{name}.csv"), folder / "feed")
    (folder / "map.toml").write_text(mapping)
    # st2 comes on the second day only; the students of that day are added by hand, as a registrar would.
    with shared_data("oea_northridge_contoso/contoso_sis_day2_students.csv").open(encoding="utf-8", newline="") as file:
        second = [line for line in file if line.startswith("st2,")]
    with (folder / "feed" / "contoso_sis_day1_students.csv").open("a", encoding="utf-8", newline="") as file:
        file.writelines(second)
    return take(folder / "feed", folder / "home", source="positive", column_map=folder / "map.toml")


@pytest.fixture(scope="module")
def contoso(tmp_path_factory: pytest.TempPathFactory) -> IngestReport:
    return _take(tmp_path_factory.mktemp("contoso"), MAP)


def test_the_doubled_row_is_found_and_counted_once_I24(contoso: IngestReport) -> None:
    rows = contoso.counts["attendance_rows"]
    assert (rows.read, rows.accepted, rows.rejected, rows.duplicates) == (1_462 + 1_467, 1_462 + 1_466, 0, 1)
    (told,) = (row for row in listed(contoso.rejects_path) if row["rule"] == "duplicate_row")
    assert (told["file"], told["line"]) == ("contoso_sis_day1_studentattendance.csv", "3")


def test_the_wrong_school_year_is_told_and_the_dates_are_believed(contoso: IngestReport) -> None:
    assert "2,929 rows say school year 2021, and their dates lie in 2020; the dates are believed." in contoso.remarks
    assert contoso.school_years == (2020,)


def test_dates_are_read_by_the_declared_format_and_no_other_I12(contoso: IngestReport, tmp_path: Path) -> None:
    days = duckdb.sql(
        f"select min(date)::varchar, max(date)::varchar, count(*) from '{contoso.folder}/calendar.parquet'"
    )
    assert days.fetchall() == [("2019-09-01", "2020-05-30", 244)]
    with pytest.raises(InputRefused, match="rows of attendance_rows break a rule"):
        _take(tmp_path, MAP.replace("D/M/YYYY", "M/D/YYYY"))
    (rejects,) = (tmp_path / "home" / "refused").glob("*/rejects.csv")
    assert {row["rule"] for row in listed(rejects)} >= {"malformed_date"}
    assert not list((tmp_path / "home" / "tables").iterdir())


def test_a_day_is_absent_when_half_of_its_classes_were_missed_I20(contoso: IngestReport) -> None:
    classes: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in _rows():
        day, month, year = row["attendance_date"].split("/")
        classes[row["student_id"], f"{year}-{month:0>2}-{day:0>2}"][row["section_id"]] = row["AttendanceCode"]
    absent = {key for key, codes in classes.items() if 2 * list(codes.values()).count("A") >= len(codes)}
    found = duckdb.sql(
        f"select student_id, date::varchar from '{contoso.folder}/marks/*/*.parquet' where is_absent"
    ).fetchall()
    assert set(found) == absent
    assert len(found) == len(absent) == 53
