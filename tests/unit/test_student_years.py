import datetime as dt
from pathlib import Path

import pytest
from tests import twin
from tests.districts import District, Mark, Stay, absences, school_days, write_ingest

from ews.engine import Engine
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import open_records, student_years

ENGINES: tuple[Engine, ...] = ("duckdb", "polars")


def rows(folder: Path, year: int, engine: Engine = "duckdb", through_day: int | None = None) -> dict:
    frame = student_years(open_records(folder, engine), SchoolYear(year), Policy(), through_day=through_day)
    table = frame.collect("pyarrow").to_native().to_pylist()
    return {row.pop("student_id"): row for row in table}


@pytest.fixture
def district() -> District:
    oak, elm = school_days("oak", 2024), school_days("elm", 2024, 175, dt.date(2023, 8, 14))
    return District(
        days=oak + elm + school_days("oak", 2025),
        stays=[
            Stay("007", "oak", dt.date(2023, 7, 1), None, "03"),
            Stay("ann", "oak", dt.date(2023, 9, 2), dt.date(2023, 12, 3), "KG"),
            Stay("ann", "elm", dt.date(2023, 12, 4), dt.date(2024, 3, 1), "KG"),
            Stay("ann", "oak", dt.date(2024, 4, 1), None, "KG"),
            Stay("gone", "oak", dt.date(2022, 1, 1), dt.date(2022, 6, 1), "KG"),
        ],
        marks=[
            *absences("007", oak[3:6] + oak[8:9] + oak[100:101] + oak[-1:]),
            Mark("ann", "elm", dt.date(2024, 1, 8), "tardy", 700),
            Mark("ann", "elm", dt.date(2024, 1, 9), "excused", 4999),
            *absences("ann", [oak[20], oak[21]], "excused"),
        ],
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("through_day", [None, 1, 20, 110])
def test_every_engine_counts_what_the_twin_counts(
    tmp_path: Path, district: District, engine: Engine, through_day: int | None
) -> None:
    write_ingest(tmp_path, district)
    assert rows(tmp_path, 2024, engine, through_day) == twin.student_years(district, 2024, through_day=through_day)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_have_exactly_the_columns_of_the_dictionary_in_order(
    tmp_path: Path, district: District, engine: Engine
) -> None:
    write_ingest(tmp_path, district)
    frame = to_pandas(student_years(open_records(tmp_path, engine), SchoolYear(2024), Policy()))
    assert tuple(frame.columns) == STUDENT_YEARS.column_names
