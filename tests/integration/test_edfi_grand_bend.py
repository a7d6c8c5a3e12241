"""Ed-Fi bulk XML: the Alliance's Grand Bend sample in both of its versions."""

from collections import Counter
from pathlib import Path

import duckdb
import pytest

from ews.sis import IngestReport
from tests.integration.grand_bend import calendar_dates, events, grand_bend
from tests.unit.sis.feeds import listed, take

CATEGORIES = {"Excused Absence": "excused", "Unexcused Absence": "unexcused", "Tardy": "tardy"}


@pytest.fixture(scope="module", params=[2011, 2022])
def taken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, IngestReport]:
    folder = tmp_path_factory.mktemp("grand_bend")
    return request.param, take(grand_bend(folder / "feed", request.param), folder / "home", source="edfi")


def _marks(report: IngestReport) -> list[tuple[object, ...]]:
    return duckdb.sql(
        f"select student_id, date::varchar, is_absent, kind, is_tardy from '{report.folder}/marks/*/*.parquet'"
    ).fetchall()


def test_all_1917_events_of_227_students_are_read(taken: tuple[int, IngestReport]) -> None:
    year, report = taken
    counts = report.counts["attendance"]
    assert counts.read == 1_917
    assert counts.read == counts.accepted + counts.rejected + counts.duplicates
    assert report.counts["enrollments"].accepted == 227
    assert report.counts["students"].accepted == 960
    assert report.counts["schools"].accepted == 3
    assert report.school_years == (year,)


def test_what_is_counted_are_the_events_on_instructional_days_and_the_others_are_listed(
    taken: tuple[int, IngestReport],
) -> None:
    year, report = taken
    days = {(school, day) for school, day, event in calendar_dates(year) if event == "Instructional day"}
    expected = [row for row in events(year) if (row["SchoolId"], row["EventDate"]) in days]
    counts = report.counts["attendance"]
    assert (counts.accepted, counts.rejected) == (len(expected), 1_917 - len(expected))
    rejected = [row for row in listed(report.rejects_path) if row["outcome"] == "rejected"]
    assert len(rejected) == counts.rejected


def test_each_absence_is_the_sample_s_own(taken: tuple[int, IngestReport]) -> None:
    year, report = taken
    days = {(school, day) for school, day, event in calendar_dates(year) if event == "Instructional day"}
    absences = {
        (row["StudentUniqueId"], row["EventDate"], CATEGORIES[code])
        for row in events(year)
        if (code := row["AttendanceEventCategory"].partition("#")[2]).endswith("Absence")
        and (row["SchoolId"], row["EventDate"]) in days
    }
    found = {(student, day, kind) for student, day, is_absent, kind, _ in _marks(report) if is_absent}
    assert found == absences


def test_tardies_are_marks_and_no_absences(taken: tuple[int, IngestReport]) -> None:
    _, report = taken
    tardy = [mark for mark in _marks(report) if mark[4]]
    assert len(tardy) > 40
    assert not any(is_absent for _, _, is_absent, _, _ in tardy)


def test_of_2010_11_327_marks_fall_on_holidays_one_outside_and_1589_are_counted_I30_I15(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("first_version")
    report = take(grand_bend(folder / "feed", 2011), folder / "home", source="edfi")
    told = listed(report.rejects_path)
    assert Counter(row["rule"] for row in told) == {"non_instructional_day": 327, "date_outside_known_years": 1}
    assert {(row["file"], row["column"]) for row in told} == {("StudentSchoolAttendance.xml", "date")}
    assert report.counts["attendance"].accepted == 1_589
    (outside,) = (row for row in told if row["rule"] == "date_outside_known_years")
    event = events(2011)[int(outside["line"]) - 1]
    assert (event["EventDate"], event["StudentUniqueId"]) == ("2010-08-23", outside["row"].split(",")[0])


def test_dates_without_instruction_are_told_and_sections_are_not_read(taken: tuple[int, IngestReport]) -> None:
    year, report = taken
    holidays = sum(event != "Instructional day" for _, _, event in calendar_dates(year))
    assert report.left_out.get("calendar", 0) == holidays
    assert report.dropped_columns["sample.zip/Tardy.xml"] == ["StudentSectionAttendanceEvent"]


def test_the_same_feed_again_is_known_REL4(tmp_path: Path) -> None:
    feed = grand_bend(tmp_path / "feed", 2011)
    first = take(feed, tmp_path / "home", source="edfi")
    again = take(feed, tmp_path / "home", source="edfi")
    assert (again.already_known, again.id) == (True, first.id)
