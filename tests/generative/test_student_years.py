import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ews.engine import Engine
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import open_records, student_years
from tests import twin
from tests.districts import District, write_ingest
from tests.generative.districts import YEARS, districts


def computed(folder: Path, engine: Engine, year: int, through_day: int | None) -> dict:
    try:
        frame = student_years(open_records(folder, engine), SchoolYear(year), Policy(), through_day=through_day)
    except NotEnoughData:
        return {}
    table = frame.collect("pyarrow").to_native().to_pylist()
    rows = {row.pop("student_id"): row for row in table}
    assert len(rows) == len(table), "one row per student"
    return rows


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(districts(), st.sampled_from(YEARS), st.none() | st.integers(1, 70))
def test_duckdb_and_polars_count_exactly_what_the_twin_counts(
    district: District, year: int, through_day: int | None
) -> None:
    expected = twin.student_years(district, year, through_day=through_day)
    with tempfile.TemporaryDirectory() as folder:
        write_ingest(Path(folder), district)
        assert computed(Path(folder), "polars", year, through_day) == expected
        assert computed(Path(folder), "duckdb", year, through_day) == expected
