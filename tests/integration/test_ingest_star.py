"""Project STAR, real students of 1985-89, through the map that ships: the counts its source states."""

from pathlib import Path

import duckdb
import pytest

from ews.sis import IngestReport
from tests.data import shared_data
from tests.unit.sis.feeds import listed, take


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> IngestReport:
    sheet = shared_data("star/star_dev.csv.gz")
    return take(sheet, tmp_path_factory.mktemp("star"), source="yearly", column_map=Path("star"))


def test_every_student_and_student_year_is_there(star: IngestReport) -> None:
    years = star.counts["attendance_years"]
    assert star.counts["students"].accepted == 7_784
    assert (years.read, years.accepted, years.rejected, years.duplicates) == (13_077, 13_077, 0, 0)
    assert years.read + star.empty_student_years == 3 * 7_784
    assert star.school_years == (1986, 1987, 1989)
    assert listed(star.rejects_path) == []


def test_chronic_shares_are_those_of_the_file(star: IngestReport) -> None:
    # The whole study has 19.6, 12.7 and 11.1 %; this file holds the students of 56 of its 80 schools.
    shares = duckdb.sql(
        "select grade_level, count(*), round(100 * avg((days_absent * 10 >= days_enrolled)::integer), 1) "
        f"from '{star.folder}/attendance_years.parquet' group by all order by min(school_year)"
    ).fetchall()
    assert shares == [("KG", 4_188, 20.4), ("01", 4_432, 12.3), ("03", 4_457, 11.1)]


def test_days_enrolled_are_present_plus_absent_and_not_180(star: IngestReport) -> None:
    sheet = shared_data("star/star_dev.csv.gz")
    differing = duckdb.sql(
        f"select count(*) from '{star.folder}/attendance_years.parquet' taken "
        f"join read_csv('{sheet}', all_varchar=true) given on taken.student_id = given.stdntid "
        "where taken.school_year = 1986 and taken.days_enrolled <> given.gkpresent::int + given.gkabsent::int"
    ).fetchall()
    assert differing == [(0,)]
    full = duckdb.sql(
        f"select round(avg((days_enrolled = 180)::integer), 2) from '{star.folder}/attendance_years.parquet' "
        "where school_year = 1986"
    ).fetchall()
    assert full == [(0.61,)]


def test_audit_attributes_follow_the_map(star: IngestReport) -> None:
    meals = duckdb.sql(
        f"select distinct economically_disadvantaged from '{star.folder}/demographics.parquet' order by all"
    ).fetchall()
    assert meals == [("no",), ("yes",), (None,)]
