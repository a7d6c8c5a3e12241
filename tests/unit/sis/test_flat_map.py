"""A folder of exports with names of its own, read through a column map: the same tables as a folder in our words."""

import gzip
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ews.errors import InputRefused, InvalidPolicy
from ews.sis import IngestReport
from ews.sis.flat_map import USUAL_GRADES, parse_flat_map
from ews.tables import GRADES
from tests.unit.sis.feeds import FIRST_DAYS, STUDENTS, good_lines, listed, school_days, school_of, take, write_feed

MAP = """
encoding = "windows-1252"
delimiter = ";"
date_format = "D/M/YYYY"
trim = true
null_tokens = ["NULL"]
values.category = { E = "excused", U = "unexcused", "" = "present" }
values.grade_level = "usual"

[schools]
file = "Sch.txt"
school_id = "School No"
name = "School Name"

[calendar]
file = "Days*.txt"
school_id = { from = "schools" }
date = "Day"
school_year = { from = "date" }
where = { Open = "1" }

[students]
file = "Enrol.txt"
rows = "distinct"
student_id = "Pupil"
name = "Pupil Name"
birth_date = "DOB"

[enrollments]
file = "Enrol.txt"
student_id = "Pupil"
school_id = "School No"
entry_date = "From"
exit_date = { column = "Gone", add_days = -1 }
grade_level = "Gr"
null_tokens = { exit_date = ["0/0/0000"] }

[attendance]
file = "Att*.txt"
student_id = "Pupil"
school_id = "School No"
date = "Day"
category = "Code"
absent_share = { column = "Minutes", divide_by = 420 }
"""


def _day(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year}"


def _exports() -> dict[str, str]:
    """The good feed as a registrar might export it: other names, semicolons, D/M/YYYY, days away, minutes."""
    enrol = [
        f"{s} ;Zoë {s};17/5/2014;{school_of(s)};{_day(school_days(year)[0])};"
        f"{_day(school_days(year)[-1] + timedelta(days=1)) if year == 2024 else '0/0/0000'};{grade}"
        for s in STUDENTS
        for year, grade in ((2024, "2"), (2026, "4"))
    ]
    files = {
        "Sch": ["School No;School Name;Fax", *(f"{s};{s.title()} School;1" for s in ("ALDER", "BIRCH", "CEDAR"))],
        "Enrol": ["Pupil;Pupil Name;DOB;School No;From;Gone;Gr", *enrol],
    }
    for year in FIRST_DAYS:
        days, away = school_days(year), _day(school_days(year)[3])
        files[f"Days{year}"] = ["Day;Open", *(f"{_day(day)};1" for day in days), f"{_day(days[4] + timedelta(1))};0"]
        files[f"Att{year}"] = [
            "Pupil;School No;Day;Code;Minutes",
            *(f"{s};{school_of(s)};{away};E;NULL" for s in STUDENTS),
            f"001;ALDER;{_day(days[5])};;0",
        ]
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def _take(folder: Path, exports: dict[str, str], mapping: str = MAP) -> IngestReport:
    (folder / "exports").mkdir(parents=True)
    for name, text in exports.items():
        (folder / "exports" / f"{name}.txt").write_bytes(text.encode("windows-1252"))
    (folder / "map.toml").write_text(mapping)
    return take(folder / "exports", folder / "home", column_map=folder / "map.toml")


def _table(report: IngestReport, name: str, columns: str = "*") -> list[tuple[object, ...]]:
    return duckdb.sql(f"select {columns} from '{report.folder}/{name}*/**/*.parquet' order by all").fetchall()


def _marks(report: IngestReport) -> list[tuple[object, ...]]:
    return duckdb.sql(f"from '{report.folder}/marks/*/*.parquet' order by all").fetchall()


def _of(report: IngestReport, table: str, columns: str) -> list[tuple[object, ...]]:
    return duckdb.sql(f"select {columns} from '{report.folder}/{table}.parquet' order by all").fetchall()


def test_exports_with_names_of_their_own_give_the_tables_of_a_folder_in_our_words(tmp_path: Path) -> None:
    mapped = _take(tmp_path / "mapped", _exports())
    plain = take(write_feed(tmp_path / "plain"), tmp_path / "home")
    assert _of(mapped, "calendar", "*") == _of(plain, "calendar", "*")
    assert _marks(mapped) == _marks(plain)
    closed = "student_id, school_id, entry_date, grade_level"
    assert _of(mapped, "enrollments", closed) == _of(plain, "enrollments", closed)
    exits = {day for (day,) in _of(mapped, "enrollments", "exit_date")}
    assert exits == {school_days(2024)[-1], None}, "a day away is no day there, and 0/0/0000 is no exit"
    assert ("001", "Zoë 001", date(2014, 5, 17)) in _of(mapped, "students", "student_id, name, birth_date")
    assert mapped.counts["students"].read == 60, "a student of two stays is one row"
    assert mapped.left_out == {"attendance": 2, "calendar": 2}, "present all day, and days without school"
    assert mapped.dropped_columns == {"Sch.txt": ["Fax"]}
    assert listed(mapped.rejects_path) == []


def test_a_row_of_the_second_file_is_told_with_that_files_name_and_line(tmp_path: Path) -> None:
    exports = _exports()
    exports["Att2024"] += "001;ALDER\n"
    exports["Att2026"] += "001;ALDER\n001;ALDER;2025-09-02;E;\n001;ALDER;3/9/2025;X;\n001;ALDER;4/9/2025;E;840\n"
    report = _take(tmp_path, exports)
    told = [(row["file"], row["line"], row["rule"]) for row in listed(report.rejects_path)]
    assert told == [
        ("Att2024.txt", "63", "too_few_fields"),
        ("Att2026.txt", "63", "too_few_fields"),
        ("Att2026.txt", "64", "malformed_date"),  # a date of another format is no date here, I12
        ("Att2026.txt", "65", "unknown_value"),
        ("Att2026.txt", "66", "not_a_share"),
    ]
    counts = report.counts["attendance"]
    assert (counts.read, counts.accepted, counts.rejected) == (125, 120, 5)
    assert "001,ALDER,2025-09-02 (not D/M/YYYY),excused," in [row["row"] for row in listed(report.rejects_path)]


def test_a_line_that_is_no_record_is_told_once_though_its_file_feeds_two_tables(tmp_path: Path) -> None:
    exports = _exports()
    exports["Enrol"] += "700;Short\n"
    report = _take(tmp_path, exports)
    assert [(row["file"], row["line"], row["rule"]) for row in listed(report.rejects_path)] == [
        ("Enrol.txt", "122", "too_few_fields")
    ]
    assert (report.counts["students"].rejected, report.counts["enrollments"].rejected) == (0, 1)


INDICATORS = """
escape = "\\\\"
null_tokens = ["NULL"]

[attendance]
student_id = "STD"
school_id = "SKL"
date = "DAY"

[[attendance.marks]]
category = "excused"
where = { ABS = "1", EXC = "1" }
absent_share = "PORTION"

[[attendance.marks]]
category = "unexcused"
where = { ABS = "1", EXC = ["0", ""] }
absent_share = "PORTION"

[[attendance.marks]]
category = "tardy"
where = { TDY = "1" }

[[attendance.marks]]
category = "early_departure"
where = { DIS = "1" }
"""


def test_kinds_told_apart_by_columns_give_a_mark_each_with_quoted_headers_and_escaped_quotes(tmp_path: Path) -> None:
    first, second, *_ = school_days(2026)
    rows = [
        "'STD','SKL','DAY','ABS','EXC','TDY','DIS','PORTION','COMMENT'",
        rf'"001","ALDER","{first}","1","1","0","0","0.5000","MOTHER CALLED \"LATE\""',
        rf'"002","ALDER","{first}","1","NULL","0","0","NULL","with family\\"',
        f'"003","ALDER","{first}","0","0","1","1","0.0000",""',
        f'"004","ALDER","{second}","0","0","0","0","0.0000",""',
    ]
    write_feed(tmp_path / "feed", attendance=rows)
    (tmp_path / "map.toml").write_text(INDICATORS)
    report = take(tmp_path / "feed", tmp_path / "home", column_map=tmp_path / "map.toml")
    marks = duckdb.sql(
        "select student_id, is_absent, kind, is_tardy, is_early_departure, missed_ten_thousandths "
        f"from '{report.folder}/marks/*/*.parquet' order by all"
    ).fetchall()
    assert marks == [
        ("001", True, "excused", False, False, 5_000),
        ("002", True, "unexcused", False, False, 10_000),
        ("003", False, None, True, True, 0),
    ]
    assert report.left_out == {"attendance": 1}


REGISTER = """
date_format = "M/D/YYYY"
values.category = { A = "unexcused", T = "tardy", P = "present" }

[schools]
date_format = "YYYY-MM-DD"
[calendar]
date_format = "YYYY-MM-DD"
[students]
date_format = "YYYY-MM-DD"
[enrollments]
date_format = "YYYY-MM-DD"

[attendance]
file = "register.csv"
student_id = "Pupil"
school_id = { value = "ALDER" }
date = { from = "headers" }
category = { from = "cells" }
"""


def test_a_register_with_a_column_a_day_gives_a_mark_for_each_cell_that_is_not_present(tmp_path: Path) -> None:
    days = school_days(2026)[:4]
    feed = write_feed(tmp_path / "feed")
    (feed / "attendance.csv").unlink()
    head = ",".join(f"{day.month}/{day.day}/{day.year}" for day in days)
    (feed / "register.csv").write_text(f"Pupil,{head},Total\n001,P,A,,T,2\n002,,,,,0\n003,P,X,P,P,1\n")
    (tmp_path / "map.toml").write_text(REGISTER)
    report = take(feed, tmp_path / "home", column_map=tmp_path / "map.toml")
    marks = duckdb.sql(f"select student_id, date, is_absent from '{report.folder}/marks/*/*.parquet' order by all")
    assert marks.fetchall() == [("001", days[1], True), ("001", days[3], False)]
    assert [(row["line"], row["rule"]) for row in listed(report.rejects_path)] == [("4", "unknown_value")]
    assert report.dropped_columns == {"register.csv": ["Total"]}


def test_the_hour_of_a_mark_never_moves_its_day_and_a_time_zone_is_refused_I40(tmp_path: Path) -> None:
    day = school_days(2026)[3]
    mapping = '[attendance]\ndate_format = "YYYY-MM-DD hh:mm:ss"\n'
    (tmp_path / "map.toml").write_text(mapping)
    marks = [good_lines()["attendance"][0], f"001,ALDER,{day} 23:30:00,excused,", f"002,ALDER,{day} 00:10:00,excused,"]
    feed = write_feed(tmp_path / "feed", attendance=marks)
    report = take(feed, tmp_path / "home", column_map=tmp_path / "map.toml")
    assert duckdb.sql(f"select distinct date from '{report.folder}/marks/*/*.parquet'").fetchall() == [(day,)]
    with pytest.raises(InvalidPolicy, match="a time zone is refused"):
        parse_flat_map('date_format = "YYYY-MM-DD hh:mm:ssZ"')


def test_bytes_that_the_declared_encoding_does_not_have_are_refused_I08(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=re.escape("Sch.txt is not written in utf-16, as its map says")):
        _take(tmp_path, _exports(), MAP.replace("windows-1252", "utf-16"))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "mac-roman", "utf-8"])
def test_a_declared_encoding_is_read_gzipped_too_I08(tmp_path: Path, encoding: str) -> None:
    feed = write_feed(tmp_path / "feed")
    text = "student_id,name\n" + "".join(f"{s},Zoë {s}\n" for s in STUDENTS)
    (feed / "students.csv").unlink()
    (feed / "students.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
    (tmp_path / "map.toml").write_text(f'[students]\nencoding = "{encoding}"\n')
    report = take(feed, tmp_path / "home", column_map=tmp_path / "map.toml")
    assert _of(report, "students", "name")[0] == ("Zoë 001",)
    assert not list(tmp_path.rglob("*.working*"))


def test_a_gzip_that_grows_beyond_reason_is_refused_while_it_is_read_I34(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ews.sis.files._BOMB_BYTES", 1 << 20)
    feed = write_feed(tmp_path / "feed")
    (feed / "students.csv").unlink()
    (feed / "students.csv.gz").write_bytes(gzip.compress(b"student_id\n" + b"7\n" * 20_000_000))
    with pytest.raises(InputRefused, match=r"students\.csv\.gz unpacks to more than"):
        take(feed, tmp_path / "home")


def test_a_parquet_file_of_more_rows_than_bytes_can_hold_is_refused_I34_I36(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed")
    (feed / "students.csv").unlink()
    duckdb.sql(f"copy (select '7' as student_id from range(20_000_000)) to '{feed}/students.parquet'")
    with pytest.raises(InputRefused, match=r"students\.parquet says that it has 20,000,000 rows"):
        take(feed, tmp_path / "home")


def test_the_usual_grades_are_ours() -> None:
    assert set(USUAL_GRADES.values()) == set(GRADES)
    assert (USUAL_GRADES["K"], USUAL_GRADES["9"], USUAL_GRADES["12"]) == ("KG", "09", "12")


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("[schools", "not valid TOML"),
        ("shape = 'wide'", "it is of a yearly sheet"),
        ("[pupils]", "Unknown key 'pupils' in the column map"),
        ("[schools]\npupil = 'x'", "Unknown key 'pupil' in [schools]"),
        ("schools = 7", "[schools] must be a table"),
        ("[schools]\nfile = '../x.csv'", "file in the column map must be a file of the folder"),
        ("[schools]\nname = 7", 'must be a column, as name = "COLUMN"'),
        ("[schools]\nname = { value = true }", "must be a column"),
        ("[schools]\nname = { from = 'schools' }", "must be a column"),
        ("[students]\nname = { column = 'x', add_days = 1 }", "must be a column"),
        ("[enrollments]\nexit_date = { column = 'x', divide_by = 2 }", "must be a column"),
        ("[students]\nwhere = 7", "where must be a table"),
        ("[students]\nwhere = { x = 7 }", "must be texts in quotes"),
        ("[students]\nmarks = [{}]", "needs where and a category"),
        ("[[attendance.marks]]\ncategory = 'late'\nwhere = { x = '1' }", "needs where and a category, one of excused"),
        ("[attendance]\nmarks = 'x'", "two brackets"),
        ("encoding = 'ebcdic'", "encoding in the column map must be one of 'utf-8'"),
        ("delimiter = '~'", "delimiter in the column map must be one of"),
        ("quote = \"'\"\nescape = '\"'", "escape in the column map must be one of"),
        ("date_format = '%m/%d/%Y'", "date_format '%m/%d/%Y' is not known"),
        ("date_format = 'DD/MM'", "is not known"),
        ("trim = 1", "trim in the column map must be true or false"),
        ("[students]\nrows = 'some'", "rows in the column map must be one of 'all', 'distinct'"),
        ("null_tokens = 'NA'", "must be texts in quotes"),
        ("[students]\nnull_tokens = { pupil = ['NA'] }", "Unknown key 'pupil' in null_tokens"),
        ("values.shoe = { a = 'b' }", "Unknown key 'shoe' in values"),
        ("values.category = 'usual'", "values.category must be a table"),
        ("values.category = { a = 1 }", "must be texts in quotes"),
    ],
)
def test_a_map_that_says_what_is_not_known_is_refused(mapping: str, words: str) -> None:
    with pytest.raises(InvalidPolicy, match=re.escape(words)):
        parse_flat_map(mapping)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("[schools]\nfile = 'Schools.csv'", "No file Schools.csv in"),
        ("[attendance]\nstudent_id = 'Pupil'", "attendance.csv has no column Pupil"),
        ("[attendance]\nwhere = { Status = '1' }", "attendance.csv has no column Status"),
        ("[calendar]\nfile = 'schools.csv'", "schools.csv has no column date (nor school_year)"),
        ("[enrollments]\nfile = 'students.csv'\ndelimiter = ';'", "says of students.csv twice how it is written"),
        ("[attendance]\ndate = { from = 'headers' }\ncategory = { from = 'cells' }", "No column of the file for"),
    ],
)
def test_a_map_that_the_folder_does_not_fit_is_refused_with_what_is_missing_I07(
    tmp_path: Path, mapping: str, words: str
) -> None:
    feed = write_feed(tmp_path / "feed")
    (tmp_path / "map.toml").write_text(mapping)
    with pytest.raises(InputRefused, match=re.escape(words)):
        take(feed, tmp_path / "home", column_map=tmp_path / "map.toml")


def test_a_map_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_bytes("# Zoë\n".encode("latin-1"))
    with pytest.raises(InvalidPolicy, match="is not written in UTF-8"):
        take(write_feed(tmp_path / "feed"), tmp_path / "home", column_map=tmp_path / "map.toml")
