from pathlib import Path

from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import ingest
from ews.student_years import open_records, student_years
from tests import twin
from tests.districts import District, Mark, Stay, absences, school_days, write_flat


def test_student_years_of_ingested_csv_files_are_the_twin_of_the_same_lists(tmp_path: Path) -> None:
    oak, elm = school_days("oak", 2024), school_days("elm", 2024, 170)
    district = District(
        days=oak + elm + school_days("oak", 2025, 20),
        stays=[
            Stay("007", "oak", oak[0].date, None, "KG"),
            Stay("7", "oak", oak[10].date, oak[80].date, "03"),
            Stay("7", "elm", elm[90].date, elm[-1].date, "03"),
        ],
        marks=[
            *absences("007", oak[5:8] + oak[100:112] + oak[-1:]),
            *absences("7", elm[95:97], "excused"),
            Mark("7", "elm", elm[98].date, "excused", 2500),
            Mark("7", "elm", elm[98].date, "unexcused", 2500),
            Mark("7", "elm", elm[99].date, "tardy", 1200),
            Mark("7", "elm", elm[99].date, "early_departure", 300),
            Mark("7", "elm", elm[99].date, "suspension", 4999),
            Mark("7", "oak", oak[20].date, "tardy", 10_000),
            Mark("7", "oak", oak[21].date, "suspension", 3334),
            Mark("7", "oak", oak[21].date, "unexcused", 3333),
        ],
    )
    home = Home(tmp_path / "home")
    report = ingest(write_flat(tmp_path / "feed", district), home)
    assert report.counts["attendance"].rejected == 0
    for year, through_day in ((2024, None), (2024, 100), (2025, 15)):
        frame = student_years(open_records(report.folder), SchoolYear(year), Policy(), through_day=through_day)
        rows = {row.pop("student_id"): row for row in frame.collect("pyarrow").to_native().to_pylist()}
        assert rows == twin.student_years(district, year, through_day=through_day)
