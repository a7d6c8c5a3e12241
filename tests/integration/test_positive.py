"""A positive feed: rows of presence and absence, by day or by period, become marks; silence is not presence."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ews.errors import EwsError, InputRefused
from ews.sis import IngestReport
from ews.sis.periods import make_marks
from tests.unit.sis.feeds import FIRST_DAYS, STUDENTS, good_lines, listed, school_days, school_of, take, write_feed

PERIOD = "[positive]\nperiod = 'period'\n"
DAYS = [day for year in FIRST_DAYS for day in school_days(year)]


def daily_rows() -> list[str]:
    """Everybody is there every day, but absent on the fourth day of each year, as in the good feed."""
    away = {school_days(year)[3] for year in FIRST_DAYS}
    return [
        "student_id,school_id,date,category,absent_share",
        *(f"{s},{school_of(s)},{day},{'excused' if day in away else 'present'}," for s in STUDENTS for day in DAYS),
    ]


def _take(folder: Path, attendance: Sequence[str], mapping: str = "", **more: Sequence[str]) -> IngestReport:
    feed = write_feed(folder / "feed", {**good_lines(), **{name: list(lines) for name, lines in more.items()}},
                      attendance=list(attendance))  # fmt: skip
    (folder / "map.toml").write_text(mapping)
    return take(feed, folder / "home", source="positive", column_map=folder / "map.toml" if mapping else None)


def _marks(report: IngestReport, columns: str = "*") -> list[tuple[object, ...]]:
    return duckdb.sql(f"select {columns} from '{report.folder}/marks/*/*.parquet' order by all").fetchall()


def test_a_row_for_every_day_gives_the_marks_of_a_feed_of_absences(tmp_path: Path) -> None:
    positive = _take(tmp_path / "positive", daily_rows())
    negative = take(write_feed(tmp_path / "negative"), tmp_path / "home")
    assert _marks(positive) == _marks(negative)
    rows = positive.counts["attendance_rows"]
    assert (rows.read, rows.accepted, rows.rejected, rows.duplicates) == (
        len(daily_rows()) - 1,
        len(daily_rows()) - 1,
        0,
        0,
    )
    assert positive.counts["attendance"].read == len(STUDENTS) * len(FIRST_DAYS)
    assert positive.remarks == ()


def test_a_day_may_say_the_share_missed_and_be_late_and_left_early_at_once(tmp_path: Path) -> None:
    said = [
        ("001", "unexcused", "0.4"),
        ("002", "tardy", "0.1"),
        ("002", "early_departure", ""),
        ("003", "excused", ""),
    ]
    rows = [line for line in daily_rows() if line[:3] not in {"001", "002", "003"}]
    rows += [f"{s},{school_of(s)},{DAYS[0]},{category},{share}" for s, category, share in said]
    rows += [f"002,ALDER,{DAYS[1]},present,", f"002,ALDER,{DAYS[1]},tardy,"]
    report = _take(tmp_path, rows)
    kinds = "student_id, date, is_absent, is_tardy, is_early_departure, missed_ten_thousandths"
    assert [row for row in _marks(report, kinds) if row[0] in {"001", "002", "003"}] == [
        ("001", DAYS[0], False, False, False, 4_000),
        ("002", DAYS[0], False, True, True, 1_000),
        ("002", DAYS[1], False, True, False, 0),
        ("003", DAYS[0], True, False, False, 10_000),
    ]
    assert listed(report.rejects_path) == []


def test_days_that_contradict_count_nothing_I24(tmp_path: Path) -> None:
    rows = daily_rows()
    day = DAYS[0]
    rows += [f"001,ALDER,{day},excused,", f"002,ALDER,{day},present,", f"003,ALDER,{DAYS[3]},unexcused,",
             f"004,ALDER,{DAYS[3]},excused,0.5"]  # fmt: skip
    report = _take(tmp_path, rows)
    told = [(row["rule"], row["row"].split(",")[0]) for row in listed(report.rejects_path)]
    assert sorted(told) == [
        ("conflicting_rows", "001"), ("conflicting_rows", "001"), ("conflicting_rows", "003"),
        ("conflicting_rows", "003"), ("conflicting_rows", "004"), ("conflicting_rows", "004"), ("duplicate_row", "002"),
    ]  # fmt: skip
    counts = report.counts["attendance_rows"]
    assert (counts.rejected, counts.duplicates) == (6, 1)
    assert {row[0] for row in _marks(report, "student_id, date") if row[1] == DAYS[3]} == set(STUDENTS) - {"003", "004"}


def _periods(said: Sequence[str], student: str = "001", day: int = 0) -> list[str]:
    return [
        f"{student},{school_of(student)},{DAYS[day]},{category},{place}" for place, category in enumerate(said, start=1)
    ]


def _by_period(*rows: str) -> list[str]:
    return ["student_id,school_id,date,category,period", *rows]


@pytest.mark.parametrize(
    ("said", "missed", "is_absent"),
    [
        (["excused"] * 3 + ["present"] * 3, 5000, True),  # half of the day is an absent day (EDFacts)
        (["excused"] * 3 + ["present"] * 4, 4285, False),
        (["excused", "unexcused", "unexcused", "present", "present", "present"], 5000, True),  # thirds add up
        (["excused", "unexcused", "suspension", "present", "present", "present", "present"], 4285, False),
        (["excused", "unexcused", "suspension"], 10000, True),
        (["tardy"] * 6, 0, False),
        (["excused"] + ["present"] * 6, 1428, False),
    ],
)
def test_a_day_is_absent_when_half_of_its_periods_are_I20(
    said: list[str], missed: int, is_absent: bool, tmp_path: Path
) -> None:
    report = _take(tmp_path, _by_period(*_periods(said), *_periods(["present"] * 6, "021")), PERIOD)
    found = [row for row in _marks(report, "student_id, missed_ten_thousandths, is_absent") if row[0] == "001"]
    assert found == [("001", missed, is_absent)]


@given(
    st.lists(st.sampled_from(["excused", "unexcused", "suspension", "tardy", "attended"]), min_size=1, max_size=50),
    st.one_of(st.none(), st.integers(1, 50)),
)
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
def test_shares_of_a_day_add_up_to_the_periods_missed_exactly_I20(said: list[str], a_day: int | None) -> None:
    with duckdb.connect() as connection:
        rows = ", ".join(
            f"({number}, {number}, '1', 'S', '2026-01-05', '{category}', null, '{number}', null)"
            for number, category in enumerate(said)
        )
        connection.execute(
            f"create table source_attendance_rows as from (values {rows}) as told("
            "row, record, student_id, school_id, date, category, absent_share, period, said_year)"
        )
        make_marks(connection, by_period=True, periods_a_day=a_day)
        shares = connection.execute(
            "select coalesce(sum(round(absent_share::double * 10000)::integer), 0) from source_attendance"
        ).fetchall()[0][0]
    absent = sum(category in ("excused", "unexcused", "suspension") for category in said)
    known = max(len(said), a_day or 0)
    assert shares == absent * 10_000 // known
    assert (shares * 2 >= 10_000) == (absent * 2 >= known), "rounding moves no day across the half"


def test_periods_that_are_missing_count_where_the_map_says_how_many_there_are(tmp_path: Path) -> None:
    rows = _by_period(*_periods(["excused"] * 3), *_periods(["present"] * 7, "021"))
    known = _take(tmp_path / "known", rows, PERIOD)
    assert _marks(known, "student_id, is_absent") == [("001", True)]
    declared = _take(tmp_path / "declared", rows, PERIOD + "periods_a_day = 7\n")
    assert _marks(declared, "student_id, is_absent") == [("001", False)]


def test_a_row_twice_counts_once_and_rows_that_contradict_count_nothing_I24(tmp_path: Path) -> None:
    rows = _by_period(
        *_periods(["present"] * 6), *_periods(["present"] * 6)[:1], *_periods(["excused"] * 2 + ["present"] * 4, day=1),
        *_periods(["present"], day=1),
    )  # fmt: skip
    report = _take(tmp_path, rows, PERIOD)
    told = [(row["file"], row["line"], row["rule"], row["outcome"]) for row in listed(report.rejects_path)]
    assert told == [
        ("attendance.csv", "8", "duplicate_row", "duplicate"),
        ("attendance.csv", "9", "conflicting_rows", "rejected"),
        ("attendance.csv", "15", "conflicting_rows", "rejected"),
    ]
    counts = report.counts["attendance_rows"]
    assert (counts.read, counts.accepted, counts.rejected, counts.duplicates) == (14, 11, 2, 1)
    assert _marks(report, "missed_ten_thousandths") == [(2000,)], "one of the five periods that are known"


def test_rows_that_cannot_be_read_are_listed_with_line_column_and_rule(tmp_path: Path) -> None:
    good = [row for student in STUDENTS[:20] for row in _periods(["present"] * 2, student)]
    bad = ["001,ALDER,2/9/2025,present,1", "001,ALDER,2025-09-02,absent?,1", ",ALDER,2025-09-02,present,1",
           "001,ALDER,2025-09-02,present,", "001,ALDER"]  # fmt: skip
    report = _take(tmp_path, _by_period(*good, *bad), PERIOD)
    told = [(int(row["line"]) - len(good) - 2, row["column"], row["rule"]) for row in listed(report.rejects_path)]
    assert told == [
        (0, "date", "malformed_date"), (1, "category", "unknown_value"), (2, "student_id", "empty_cell"),
        (3, "period", "empty_cell"), (4, "", "too_few_fields"),
    ]  # fmt: skip
    counts = report.counts["attendance_rows"]
    assert (counts.read, counts.accepted, counts.rejected) == (len(good) + 5, len(good), 5)


def test_a_mark_is_told_with_the_line_of_the_row_it_comes_from_I30(tmp_path: Path) -> None:
    rows = daily_rows()
    rows.append("001,ALDER,2025-09-06,excused,")
    report = _take(tmp_path, rows)
    (row,) = listed(report.rejects_path)
    assert (row["file"], row["line"], row["rule"]) == ("attendance.csv", str(len(rows)), "non_instructional_day")


def test_days_on_which_a_school_sent_nothing_are_no_days_of_full_attendance_I19(tmp_path: Path) -> None:
    silent = str(DAYS[-3])
    rows = [line for line in daily_rows() if silent not in line or ",CEDAR," not in line]
    rows = [line for line in rows if not line.startswith(f"001,ALDER,{DAYS[-2]}")]
    report = _take(tmp_path, rows)
    days = duckdb.sql(
        f"select school_id, count(*)::integer from '{report.folder}/calendar.parquet' group by 1 order by 1"
    ).fetchall()
    assert days == [("ALDER", len(DAYS)), ("BIRCH", len(DAYS)), ("CEDAR", len(DAYS) - 1)]
    assert report.left_out == {"calendar": 1}
    assert report.remarks == (
        "School CEDAR sent no row on 1 of its instructional days; nothing is known of them, and they are not counted.",
        f"1 of {len(STUDENTS) * len(DAYS) - 20:,} enrolled days have no row though their school sent rows on that day; "
        "nothing is known of them, and they count as attended.",
    )


def test_days_after_the_last_row_stay_in_the_calendar_for_they_have_not_come(tmp_path: Path) -> None:
    rows = [line for line in daily_rows() if line[:3] == "stu" or line.split(",")[2] <= str(DAYS[-4])]
    report = _take(tmp_path, rows)
    assert report.counts["calendar"].accepted == 3 * len(DAYS)


def test_without_a_calendar_the_days_with_rows_are_the_calendar(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed", attendance=[*daily_rows(), "002,ALDER,2025-09-06,excused,"])
    (feed / "calendar.csv").unlink()
    report = take(feed, tmp_path / "home", source="positive")
    assert report.counts["calendar"].accepted == 3 * len(DAYS)
    assert [row["rule"] for row in listed(report.rejects_path)] == ["non_instructional_day"], "one row is no school day"
    assert "The calendar is made of the days that have rows." in report.remarks


def test_a_school_year_that_disagrees_with_the_dates_is_told_and_not_believed(tmp_path: Path) -> None:
    rows = [
        f"{line},{'year' if line[:3] == 'stu' else '2027' if ',2025-' in line else '2023-24'}" for line in daily_rows()
    ]
    report = _take(tmp_path, rows, "[positive]\nschool_year = 'year'\n")
    said = len(STUDENTS) * len(school_days(2026))
    assert report.remarks == (
        f"{said:,} rows say school year 2027, and their dates lie in 2026; the dates are believed.",
    )


def test_the_same_folder_read_as_flat_is_another_ingest(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed")
    flat = take(feed, tmp_path / "home")
    positive = take(feed, tmp_path / "home", source="positive")
    assert flat.id != positive.id


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("[positive]\nperiods_a_day = 7\n", "needs a period"),
        ("[positive]\nperiod = 'period'\nperiods_a_day = 99\n", "from 1 to 50"),
        ("[positive]\nonly_absences = true\n", "needs periods_a_day"),
        ("[positive]\nperiod = 3\n", "columns in quotes"),
        ("[positive]\nbell = 'x'\n", "Unknown key 'bell'"),
        ("[positive]\nperiod = 'bell'\n", "attendance.csv has no column bell"),
        ("[attendance]\nfile = 'other.csv'\n", "No file other.csv"),
        ("[attendance]\ndate = { from = 'headers' }\ncategory = { from = 'cells' }\n", "Read it with --source flat"),
        ("[[attendance.marks]]\ncategory = 'tardy'\nwhere = { T = '1' }\n", "marks"),
    ],
)
def test_a_map_is_checked_before_anything_is_read(mapping: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(EwsError, match=words):
        _take(tmp_path, daily_rows(), mapping)


def test_a_feed_of_which_hardly_a_row_can_be_read_is_refused_whole(tmp_path: Path) -> None:
    rows = [line.replace("present", "P").replace("excused", "E") for line in daily_rows()]
    with pytest.raises(InputRefused, match="rows of attendance_rows break a rule"):
        _take(tmp_path, rows)
    assert "calendar" in _take(tmp_path / "mapped", rows, "values.category = { P = 'present', E = 'excused' }\n").counts
