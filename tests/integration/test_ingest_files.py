"""Whole files and feeds that are refused, and what a home looks like afterwards: as before."""

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ews.cli import main
from ews.cohort import cohort
from ews.errors import Busy, EwsError, InputRefused
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.sis import Override, refusals, withdrawn_students
from ews.student_years import open_records
from tests.unit.sis.feeds import (
    FIRST_DAYS,
    STUDENTS,
    good_lines,
    listed,
    school_days,
    school_of,
    take,
    tree,
    write_feed,
)

DECIDED = Override(by="R. Egistrar", why="two schools left the district", at="2025-09-15T08:00:00+02:00")

SECRET = "Zebulon"
"""A name that stands in every feed below and may stand in no message."""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taken")
    lines = good_lines()
    lines["students"].append(f"700,{SECRET},2014-05-17")
    take(write_feed(folder / "feed", lines), folder / "home")
    return folder


@pytest.fixture
def feed(taken: Path, tmp_path: Path) -> Path:
    return shutil.copytree(taken / "feed", tmp_path / "feed")


@pytest.fixture
def home(taken: Path, tmp_path: Path) -> Path:
    return shutil.copytree(taken / "home", tmp_path / "home")


def _append(feed: Path, name: str, data: bytes) -> None:
    (feed / f"{name}.csv").write_bytes((feed / f"{name}.csv").read_bytes() + data)


def _replace(feed: Path, name: str, old: str, new: str) -> None:
    path = feed / f"{name}.csv"
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))


def _link(feed: Path) -> None:
    (feed / "students.csv").rename(feed / "elsewhere.csv")
    (feed / "students.csv").symlink_to(feed / "elsewhere.csv")


def _in_place_of_students(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def spoil(feed: Path) -> None:
        (feed / "students.csv").unlink()
        make(feed / "students.csv")

    return spoil


def _as_parquet(feed: Path, name: str, select: str) -> None:
    duckdb.sql(
        f"copy (select {select} from read_csv('{feed}/{name}.csv', all_varchar=true)) to '{feed}/{name}.parquet'"
    )
    (feed / f"{name}.csv").unlink()


def _spoil_footer(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-60] + b"\xff" * 40 + data[-20:])


REFUSED = {
    "I01_an_empty_file": (_in_place_of_students(Path.touch), "students.csv is empty"),
    "I01_a_header_only_file": (
        lambda feed: write_feed(feed, {}, attendance=good_lines()["attendance"][:1]),
        "attendance.csv has a header and no rows",
    ),
    "I02_a_file_cut_off_within_a_row": (
        lambda feed: _append(feed, "attendance", f"{SECRET},ALD".encode()),
        "attendance.csv breaks off, or opens a quote that is never closed, in line 122",
    ),
    "I05_a_quote_that_swallows_the_rest": (
        lambda feed: _replace(feed, "students", "001,Student 001", f'001,"{SECRET}'),
        "students.csv breaks off, or opens a quote that is never closed, in line 2",
    ),
    "I06_a_doubled_header": (
        lambda feed: _replace(feed, "students", "student_id,name,birth_date", "student_id,name,Name"),
        "Columns 2, 3 of students.csv share a name",
    ),
    "I06_no_header_at_all": (
        lambda feed: _replace(feed, "students", "student_id,name,birth_date", f"{SECRET},{SECRET},2014-05-17"),
        "Columns 1, 2 of students.csv share a name",
    ),
    "I07_a_missing_column": (
        lambda feed: _replace(feed, "students", "student_id", "pupil"),
        "students.csv has no column student_id",
    ),
    "I08_UTF_16": (
        lambda feed: (feed / "students.csv").write_bytes(f"student_id\n{SECRET}\n".encode("utf-16")),
        "students.csv is UTF-16 text",
    ),
    "I09_carriage_returns_alone": (
        lambda feed: _replace(feed, "students", "\n", "\r"),
        "students.csv has no ordinary line ends",
    ),
    "I09_mixed_line_ends": (
        lambda feed: _replace(feed, "students", "001,Student 001,2014-05-17\n", "001,Student 001,2014-05-17\r\n"),
        "students.csv cannot be read as a table",
    ),
    "I09_empty_lines_between_rows": (
        lambda feed: _append(feed, "students", f"\n\n701,{SECRET},\n".encode()),
        "2 lines of students.csv are empty",
    ),
    "I34_too_many_columns": (
        lambda feed: _replace(
            feed, "students", "birth_date\n", "birth_date" + ",".join(map(str, range(50_000))) + "\n"
        ),
        "students.csv has 50002 columns",
    ),
    "I34_a_damaged_gzip": (
        _in_place_of_students(
            lambda path: path.with_name("students.csv.gz").write_bytes(
                gzip.compress(b"student_id\n" + b"7\n" * 99)[:-9]
            )
        ),
        "students.csv.gz is a damaged gzip file",
    ),
    "I35_a_link": (_link, "students.csv is not a plain file"),
    "I35_a_pipe": (_in_place_of_students(os.mkfifo), "students.csv is not a plain file"),
    "I35_a_folder": (_in_place_of_students(Path.mkdir), "students.csv is not a plain file"),
    "I36_an_Excel_file_named_csv": (
        _in_place_of_students(lambda path: path.write_bytes(b"PK\x03\x04\x14\x00" + b"\x00" * 99)),
        "students.csv is an Excel or ZIP file",
    ),
    "I36_a_csv_named_parquet": (
        lambda feed: (feed / "students.csv").rename(feed / "students.parquet"),
        "students.parquet is not a whole Parquet file",
    ),
    "I36_a_Parquet_file_with_a_damaged_footer": (
        lambda feed: (_as_parquet(feed, "students", "*"), _spoil_footer(feed / "students.parquet")),
        "students.parquet is a damaged Parquet file",
    ),
    "I10_ids_as_decimals_in_Parquet": (
        lambda feed: _as_parquet(feed, "students", "try_cast(student_id as double) as student_id, name"),
        "the ids in 'student_id' are decimal numbers",
    ),
    "semicolons": (lambda feed: _replace(feed, "students", ",", ";"), "students.csv is not separated by commas"),
    "a_missing_table": (lambda feed: (feed / "calendar.csv").unlink(), "No calendar file"),
    "a_table_twice": (
        lambda feed: (feed / "students.parquet").write_bytes(b"PAR1PAR1"),
        "students.csv and students.parquet are both",
    ),
    "a_table_of_which_no_row_can_be_taken": (
        lambda feed: _replace(feed, "schools", "elementary", SECRET),
        "3 of 3 rows of schools break a rule",
    ),
    "more_than_a_fifth_of_the_rows_rejected": (
        lambda feed: _append(feed, "students", b"/\n".replace(b"/", f"/,{SECRET},".encode()) * 20),
        "20 of 81 rows of students break a rule",
    ),
    "I38_a_feed_that_shrank": (
        lambda feed: write_feed(feed, {}, attendance=good_lines()["attendance"][:30]),
        "attendance has 29 rows, the tables in force have 120",
    ),
    "I38_half_the_schools_gone": (
        lambda feed: write_feed(feed, _only("ALDER")),
        "schools has 1 rows, the tables in force have 3",
    ),
    "I38_half_the_students_of_one_school_gone": (
        lambda feed: write_feed(feed, _without(range(5, 20))),
        "Of the schools one lost more than half of their students: ALDER has 5, in the tables in force 20.",
    ),
    "I38_half_the_marks_of_two_schools_gone": (
        lambda feed: write_feed(
            feed,
            {},
            attendance=[line for line in good_lines()["attendance"] if "ALDER" not in line and "BIRCH" not in line]
            + [f"{s},{school_of(s)},{school_days(2026)[6]},unexcused," for s in STUDENTS[40:]],
        ),
        "2 schools lost more than half of their marks: ALDER has 0, in the tables in force 40.",
    ),
    "I39_one_school_of_which_the_marks_end_a_year_earlier": (
        lambda feed: write_feed(
            feed,
            {},
            attendance=[line for line in good_lines()["attendance"] if "ALDER,2025" not in line],
        ),
        "the marks of ALDER end with 2024-02-22, in the tables in force with 2025-09-04",
    ),
    "I39_a_feed_that_ends_earlier": (
        lambda feed: write_feed(feed, _only_year(2024)),
        "This feed ends with 2024-02-23",
    ),
}


def _only(school: str) -> dict[str, list[str]]:
    return {
        name: [lines[0], *(line for line in lines[1:] if school in line or (name == "students" and line < "021"))]
        for name, lines in good_lines().items()
    }


def _without(places: range) -> dict[str, list[str]]:
    gone = {STUDENTS[place] for place in places}
    return {
        name: [line for line in lines if name in ("schools", "calendar") or line.split(",")[0] not in gone]
        for name, lines in good_lines().items()
    }


def _only_year(year: int) -> dict[str, list[str]]:
    lines = good_lines()
    marks = [f"{s},{school_of(s)},{day},excused," for s in STUDENTS for day in school_days(year)[3:5]]
    return {**lines, "attendance": [lines["attendance"][0], *marks]}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words_and_nothing_in_the_home_changes(case: str, feed: Path, home: Path) -> None:
    spoil, words = REFUSED[case]
    before = tree(home)
    spoil(feed)
    with pytest.raises(InputRefused, match=re.escape(words)) as refusal:
        take(feed, home)
    after = {name: data for name, data in tree(home).items() if not name.startswith("refused/")}
    assert after == before
    assert SECRET not in str(refusal.value)
    assert not list(home.rglob(".tmp-*"))


def test_rows_that_made_a_feed_refused_are_listed_so_that_they_can_be_mended(feed: Path, tmp_path: Path) -> None:
    _replace(feed, "schools", "elementary", "primary")
    with pytest.raises(InputRefused) as refusal:
        take(feed, tmp_path / "home")
    (rejects,) = (tmp_path / "home" / "refused").glob("*/rejects.csv")
    assert str(rejects) in str(refusal.value)
    assert {row["rule"] for row in listed(rejects) if row["file"] == "schools.csv"} == {"unknown_value"}
    assert not (tmp_path / "home" / "current_tables.json").exists()


def test_the_same_feed_again_changes_nothing_and_says_so_REL4(feed: Path, home: Path) -> None:
    before = tree(home)
    report = take(feed, home)
    assert report.already_known
    assert report.counts["students"].accepted == 61
    assert tree(home) == before


def test_a_smaller_or_older_feed_is_taken_when_allowed_and_only_then_REL_7_I38_I39(feed: Path, home: Path) -> None:
    write_feed(feed, _only_year(2024), attendance=good_lines()["attendance"][:2])
    with pytest.raises(InputRefused, match="--allow-shrink"):
        take(feed, home, allow_older=True)
    with pytest.raises(InputRefused, match="--allow-older"):
        take(feed, home, allow_shrink=True)
    with pytest.raises(InputRefused, match="say who decides and why"):
        take(feed, home, allow_shrink=True, allow_older=True, override=Override(by="R. Egistrar"))
    report = take(feed, home, allow_shrink=True, allow_older=True, override=DECIDED)
    assert not report.already_known
    assert report.data_through == str(school_days(2024)[3])
    kept = json.loads((report.folder / "manifest.json").read_text())["overrides"]
    assert {(one["allowed"], one["by"], one["why"], one["at"]) for one in kept} == {
        ("shrink", DECIDED.by, DECIDED.why, DECIDED.at),
        ("older", DECIDED.by, DECIDED.why, DECIDED.at),
    }
    log = [json.loads(line) for line in (home / "ingests.jsonl").read_text().splitlines()]
    assert [len(line["overrides"]) for line in log] == [0, len(kept)]
    assert log[-1]["id"] == report.id


def test_an_id_that_comes_with_another_name_and_birth_date_is_kept_out_I25(feed: Path, home: Path) -> None:
    _replace(feed, "students", "001,Student 001,2014-05-17", "001,Somebody Else,2018-01-31")
    _replace(feed, "students", "002,Student 002,2014-05-17", "002,Student Two,2014-05-17")
    report = take(feed, home)
    told = [(row["rule"], row["line"]) for row in listed(report.rejects_path) if row["file"] == "students.csv"]
    assert told == [("reused_id", "2")], "one of both may be a correction"
    assert report.counts["attendance"].rejected == len(FIRST_DAYS), "the marks under that id are nobody's we know"


def test_a_student_deleted_upstream_is_withdrawn_and_what_was_said_before_stays_I32(feed: Path, home: Path) -> None:
    first = tree(home / "tables")
    write_feed(feed, _without(range(3, 5)))
    report = take(feed, home)
    assert withdrawn_students(Home(home)) == {STUDENTS[3], STUDENTS[4], "700"}
    kept = {name: data for name, data in tree(home / "tables").items() if not name.startswith(report.id)}
    assert kept == first
    members = cohort(open_records(report.folder), SchoolYear(2027), Policy())
    listed_ids = {row[0] for row in members.select("student_id").collect("polars").to_native().rows()}
    assert STUDENTS[2] in listed_ids
    assert not listed_ids & {STUDENTS[3], STUDENTS[4]}
    write_feed(feed, good_lines())
    take(feed, home)
    assert withdrawn_students(Home(home)) == {"700"}, "who comes back is no longer withdrawn"


def test_two_ingests_at_once_never_mix_I37(feed: Path, home: Path) -> None:
    before = tree(home)
    with Home(home).locked(), pytest.raises(Busy, match="Wait until it ends"):
        take(write_feed(feed, _without(range(2))), home)
    assert tree(home) == before


def test_going_back_to_a_known_feed_is_held_against_the_one_in_force_I39(
    feed: Path, home: Path, tmp_path: Path
) -> None:
    first = take(feed, home)
    later = good_lines()
    later["attendance"].append(f"001,ALDER,{school_days(2026)[-1]},excused,")
    second = take(write_feed(tmp_path / "later", later), home)
    with pytest.raises(InputRefused, match="--allow-older"):
        take(feed, home)
    assert second.id in (home / "current_tables.json").read_text()
    assert take(feed, home, allow_older=True, override=DECIDED).folder == first.folder
    assert first.id in (home / "current_tables.json").read_text()
    (went_back,) = json.loads((home / "ingests.jsonl").read_text().splitlines()[-1])["overrides"]
    assert (went_back["allowed"], went_back["why"]) == ("older", DECIDED.why)


def test_a_mark_at_the_front_of_the_file_is_no_part_of_the_first_column_I08(feed: Path, tmp_path: Path) -> None:
    path = feed / "students.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert take(feed, tmp_path / "bom").counts["students"].accepted == 61


def test_columns_may_stand_in_any_order_and_unknown_ones_are_told_I07(feed: Path, tmp_path: Path) -> None:
    write_feed(
        feed, {}, schools=["Color,NAME,School_Id,note", *(f"red,{s},{s},x" for s in ("ALDER", "BIRCH", "CEDAR"))]
    )
    report = take(feed, tmp_path / "home")
    assert report.dropped_columns == {"schools.csv": ["Color", "note"]}
    assert report.counts["schools"].accepted == 3


def test_answers_of_surveys_beside_the_records_are_told_by_column_and_kept_nowhere_PRV_15(
    feed: Path, tmp_path: Path
) -> None:
    """Religion, health, family income: no table has a column for them; taken, refused and unreadable rows alike."""
    header, *rows = good_lines()["students"]
    answers = f"{SECRET} faith,{SECRET} illness,{SECRET} 54000"
    lines = [f"{header},religion,mental_health,family_income", *(f"{row},{answers}" for row in rows),
             f"../x,A bad id,2014-05-17,{answers}", f"800,One field too many,2014-05-17,{answers},x"]  # fmt: skip
    report = take(write_feed(feed, {}, students=lines), tmp_path / "home")
    assert report.dropped_columns == {"students.csv": ["religion", "mental_health", "family_income"]}
    assert (report.counts["students"].accepted, report.counts["students"].rejected) == (len(rows), 2)
    assert all(SECRET.encode() not in data for data in tree(tmp_path / "home").values())
    for path in (tmp_path / "home").rglob("*.parquet"):
        assert SECRET not in str(duckdb.read_parquet(str(path)).fetchall()), path


def test_windows_line_ends_and_line_ends_within_quotes_are_fine_I09(feed: Path, tmp_path: Path) -> None:
    header, *rows = good_lines()["schools"]
    lines = [f"{header},note", *(f'{row},"two\n\nlines"' for row in rows), "ELM/,Elm,high,"]
    write_feed(feed, {}, schools="".join(f"{line}\r\n" for line in lines).encode())
    report = take(feed, tmp_path / "home")
    assert report.counts["schools"].accepted == 3
    (row,) = listed(report.rejects_path)
    assert row["line"] == "5", "lines are counted as a spreadsheet counts rows"


def test_a_quote_that_swallows_one_row_is_told_with_both_I05(feed: Path, tmp_path: Path) -> None:
    _replace(feed, "students", "001,Student 001,2014-05-17\n002,Student 002", '001,"Student 001,2014-05-17\n002,"')
    told = listed(take(feed, tmp_path / "home").rejects_path)
    (row,) = (row for row in told if row["file"] == "students.csv")
    assert (row["line"], row["rule"], row["column"]) == ("2", "unreadable_text", "name")
    assert row["row"] == '001,"Student 001,2014-05-17\n002,",2014-05-17,'


def test_a_field_of_five_megabytes_costs_its_row_and_no_more_I09(feed: Path, tmp_path: Path) -> None:
    _append(feed, "students", b"701," + b"x" * 5_000_000 + b",\n702,After,\n")
    report = take(feed, tmp_path / "home")
    assert [row["rule"] for row in listed(report.rejects_path)] == ["line_too_long"]
    assert report.counts["students"].accepted == 62
    assert report.rejects_path.stat().st_size < 10_000


def test_parquet_and_gzip_bring_the_same_tables_as_csv(feed: Path, home: Path, tmp_path: Path) -> None:
    _as_parquet(feed, "students", "*")
    _as_parquet(feed, "calendar", "school_id, date::date as date, school_year::bigint as school_year")
    _as_parquet(feed, "attendance", "* replace (date::date as date)")
    schools = feed / "schools.csv"
    schools.with_name("schools.csv.gz").write_bytes(gzip.compress(schools.read_bytes()))
    schools.unlink()
    report = take(feed, tmp_path / "other")
    assert not report.already_known
    same, csv = (_content(folder) for folder in (report.folder, next((home / "tables").iterdir())))
    assert same == csv


def _content(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    return {
        str(path.relative_to(folder)): duckdb.sql(f"from '{path}' order by all").fetchall()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_a_stay_without_exit_covers_every_year_until_the_next_one_I27(feed: Path, tmp_path: Path) -> None:
    stays = [
        "student_id,school_id,entry_date,exit_date,grade_level",
        *(f"{s},{school_of(s)},2023-08-15,,02" for s in STUDENTS),
    ]
    report = take(write_feed(feed, {}, enrollments=stays), tmp_path / "home")
    assert report.counts["attendance"].accepted == len(STUDENTS) * len(FIRST_DAYS)
    assert report.counts["enrollments"].accepted == len(STUDENTS)
    assert listed(report.rejects_path) == []


def test_a_folder_with_a_reading_pattern_in_its_name_is_refused(feed: Path, tmp_path: Path) -> None:
    odd = feed.rename(tmp_path / "feed*")
    with pytest.raises(InputRefused, match="Rename its folder"):
        take(odd, tmp_path / "home")


def test_a_flat_folder_takes_no_map_of_a_sheet_and_a_sheet_needs_one(feed: Path, tmp_path: Path) -> None:
    with pytest.raises(EwsError, match="it is of a yearly sheet"):
        take(feed, tmp_path / "home", column_map=Path("star"))
    with pytest.raises(EwsError, match="needs a column map"):
        take(feed / "students.csv", tmp_path / "home", source="yearly")


def test_few_bad_rows_are_no_reason_to_refuse_a_file(feed: Path, tmp_path: Path) -> None:
    _append(feed, "schools", b"/,,\n" * refusals.FEWEST_REJECTED)
    counts = take(feed, tmp_path / "home").counts["schools"]
    assert (counts.accepted, counts.rejected) == (3, refusals.FEWEST_REJECTED)


def test_the_command_tells_how_many_students_are_gone_I32(feed: Path, home: Path, capsys) -> None:
    write_feed(feed, _without(range(3, 5)))
    with pytest.raises(SystemExit) as done:
        main(["ingest", str(feed), "--home", str(home)])
    assert done.value.code == 0
    assert "3 students are no longer in the records. Make lists anew" in capsys.readouterr().out
