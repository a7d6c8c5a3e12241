"""What becomes of a row that comes in, as tables: table | line of the file -> column, rule, outcome.

All lines below stand in one feed beside sixty students' good rows, and are read in one ingest; the
ids in the last column are those of the project's fault catalogue.
"""

import re
from dataclasses import dataclass

import duckdb
import pytest

from ews.sis import IngestReport
from ews.sis.rules import RULES
from tests.unit.sis.feeds import Lines, good_lines, listed, take, write_feed

LONG_ID = "9" * 65
BIG_ID = "12345678901234567890"

REFUSED = """
table            | line of the file                       | column        | rule                      | outcome   | id
schools          | DOGWOOD,Dogwood School,village         | level         | unknown_value             | rejected  |
schools          | ELM ,Elm School,high                   | school_id     | outer_spaces              | rejected  |
schools          | ELM/FIR,Elm School,high                | school_id     | malformed_id              | rejected  | I33
schools          | ALDER,Alder School,elementary          |               | duplicate_row             | duplicate | I24
schools          | GINKGO,Ginkgo School,high              |               | conflicting_rows          | rejected  | I24
schools          | GINKGO,Ginkgo High,high                |               | conflicting_rows          | rejected  | I24
calendar         | ZELKOVA,2025-09-01,2026                | school_id     | unknown_school            | rejected  |
calendar         | ALDER,2025-09-08,2025                  |               | conflicting_rows          | rejected  | I15
calendar         | ALDER,2023-09-13,2026                  | date          | date_outside_school_year  | rejected  | I15
calendar         | ALDER,2025-09-15,2025-26               | school_year   | not_a_whole_number        | rejected  |
calendar         | ALDER,2025-09-15,1826                  | school_year   | not_a_school_year         | rejected  |
calendar         | ALDER,2025-09-31,2026                  | date          | malformed_date            | rejected  | I13
students         | ../../etc,Path,                        | student_id    | malformed_id              | rejected  | I33
students         | LONG_ID,Long,                          | student_id    | malformed_id              | rejected  | I33
students         | ,No Id,                                | student_id    | empty_cell                | rejected  |
students         | 101,Not Leap,2015-02-29                | birth_date    | malformed_date            | rejected  | I13
students         | 102,Slashes,02/03/2014                 | birth_date    | malformed_date            | rejected  | I12
students         | 103,Short,2014-2-9                     | birth_date    | malformed_date            | rejected  | I12
students         | 115,Bars,2014/02/09                    | birth_date    | malformed_date            | rejected  | I12
students         | 104,N\x00ul,                           | name          | unreadable_text           | rejected  | I09
students         | 105,M\xfcller,                         |               | not_utf8                  | rejected  | I08
students         | 106,One Person,2014-01-01              |               | conflicting_rows          | rejected  | I25
students         | 106,Another Person,2013-01-01          |               | conflicting_rows          | rejected  | I25
students         | 117,Given Up,                          | student_id    | merged_id                 | duplicate | I25
merges           | 118,117                                | merged_into   | chained_merge             | rejected  | I25
merges           | 119,119                                | merged_into   | chained_merge             | rejected  | I25
students         | 107,Few                                |               | too_few_fields            | rejected  | I03
students         | 108,Many,,x                            |               | too_many_fields           | rejected  | I04
students         | 109,"Stray"quote,                      |               | stray_quote               | rejected  | I05
enrollments      | 999,ALDER,2025-09-01,,04               | student_id    | unknown_student           | rejected  |
enrollments      | 106,ALDER,2025-09-01,,04               | student_id    | unknown_student           | rejected  | I25
enrollments      | 001,ZELKOVA,2025-09-01,,04             | school_id     | unknown_school            | rejected  |
enrollments      | 001,ALDER,2025-09-16,2025-09-14,04     | exit_date     | exit_before_entry         | rejected  | I28
enrollments      | 001,ALDER,1900-01-01,1900-06-01,04     | entry_date    | implausible_date          | rejected  | I15
enrollments      | 001,ALDER,2025-09-17,9999-12-31,04     | exit_date     | implausible_date          | rejected  | I15
enrollments      | 001,ALDER,2025-09-15,,4                | grade_level   | unknown_value             | rejected  | I29
enrollments      | 002,BIRCH,2025-09-01,2025-09-03,04     | entry_date    | stay_without_days         | rejected  | I26
attendance       | 001,ALDER,2025-09-01                   |               | too_few_fields            | rejected  | I03
attendance       | 001,ALDER,2025-09-01,excused,1,x       |               | too_many_fields           | rejected  | I04
attendance       | 001,ALDER,2025-09-06,excused,          | date          | non_instructional_day     | rejected  | I30
attendance       | 001,ALDER,2025-09-15,excused,          | date          | date_outside_known_years  | rejected  | I15
attendance       | 001,ALDER,1900-01-02,excused,          | date          | date_outside_known_years  | rejected  | I15
attendance       | 001,BIRCH,2025-09-02,excused,          | date          | outside_enrollment        | rejected  | I27
attendance       | 999,ALDER,2025-09-02,excused,          | student_id    | unknown_student           | rejected  |
attendance       | 001,ZELKOVA,2025-09-02,excused,        | school_id     | unknown_school            | rejected  |
attendance       | 001,ALDER,2025-09-02 23:30:00,excused, | date          | malformed_date            | rejected  | I40
attendance       | 001,ALDER,02/09/2025,excused,          | date          | malformed_date            | rejected  | I12
attendance       | 001,ALDER,2025-09-02,EXC,              | category      | unknown_value             | rejected  |
attendance       | 001,ALDER,2025-09-02,excused,1.5       | absent_share  | not_a_share               | rejected  | I20
attendance       | 001,ALDER,2025-09-02,excused,-0.5      | absent_share  | not_a_share               | rejected  | I16
attendance       | 001,ALDER,2025-09-02,excused,nan       | absent_share  | not_a_share               | rejected  |
attendance       | 001,ALDER,2025-09-04,excused,          |               | duplicate_row             | duplicate | I24
attendance       | 001,ALDER,2025-09-09,excused,1         |               | conflicting_rows          | rejected  | I24
attendance       | 001,ALDER,2025-09-09,excused,0.25      |               | conflicting_rows          | rejected  | I24
attendance_years | 001,ALDER,2023,01,180,-1               | days_absent   | not_a_whole_number        | rejected  | I16
attendance_years | 002,ALDER,2023,01,180,3.5              | days_absent   | not_a_whole_number        | rejected  | I20
attendance_years | 003,ALDER,2023,01,180,181              | days_absent   | more_absent_than_enrolled | rejected  | I17
attendance_years | 004,ALDER,2023,01,0,0                  | days_enrolled | no_enrolled_days          | rejected  | I18
attendance_years | 005,ALDER,2023,01,367,3                | days_enrolled | more_days_than_a_year     | rejected  |
attendance_years | 006,ALDER,2023,01,180,                 | days_absent   | empty_cell                | rejected  | I19
attendance_years | 007,ALDER,2026,04,10,1                 | school_year   | daily_marks_exist         | rejected  |
attendance_years | 999,ALDER,2023,01,180,3                | student_id    | unknown_student           | rejected  |
attendance_years | 008,ZELKOVA,2023,01,180,3              | school_id     | unknown_school            | rejected  |
demographics     | 999,2026,yes                           | student_id    | unknown_student           | rejected  |
mentoring        | 001,2025-09-05,M1,2025-09-04,yes,yes   | end_date      | end_before_start          | rejected  |
mentoring        | 002,2025-09-05,M1,,maybe,              | offered       | not_yes_or_no             | rejected  |
"""

TAKEN = '''
table            | line of the file                   | why                                             | id
students         | 007007,Double Seven,               | an id is text                                   | I10
students         | 1E5,Exponent,                      | an id is text                                   | I10
students         | BIG_ID,Twenty Digits,              | an id is text                                   | I10
students         | 110,NA,                            | NA is a surname                                 | I11
students         | 111,null,                          | null is a surname                               | I11
students         | <script>,Markup,                   | kept literally, shown escaped                   | I33
students         | 112,"Doe, Jane ""JJ""",            | quotes hold commas and quotes                   |
students         | 113,Leap,2016-02-29                | a leap year has the day                         | I14
students         | 114,Commas,,,,                     | empty fields at the end hold nothing            | I04
enrollments      | 003,CEDAR,2025-10-01,2025-10-01,04 | in and out on one day                           | I28
enrollments      | 004,ALDER,2025-11-03,,05           | a gap, a re-entry, a grade skipped, still there | I28 I29
attendance       | 005,ALDER,2024-02-29,excused,      | a leap day with school                          | I14
attendance       | 006,ALDER,2025-09-02,suspension,   | suspensions are absences                        | I23
attendance       | 007,ALDER,2025-09-02,excused,0.5   | half a day                                      | I20
attendance_years | 009,ALDER,2023,01,180,0            | zero is a value, not a missing one              | I19
attendance_years | 010,ALDER,2023,01,180,18           | a tenth of the year, to be called chronic       | I21
demographics     | 001,2026,                          | not known                                       |
mentoring        | 003,2025-09-05,M1,,yes,            | not answered yet                                |
merges           | 117,011                            | 117 was given up for 011                        | I25
attendance       | 117,ALDER,2025-09-02,excused,      | a mark of the id given up is one of the other   | I25
'''

HEADERS = {
    "attendance_years": "student_id,school_id,school_year,grade_level,days_enrolled,days_absent",
    "demographics": "student_id,school_year,english_learner",
    "mentoring": "student_id,start_date,mentor_id,end_date,offered,accepted",
    "merges": "student_id,merged_into",
}


GIVES_DAYS_UP = "020,BIRCH,2025-09-08,2025-09-12,04"
"""Student 020 is in ALDER from 1 to 12 September; this later stay takes the second week."""


@dataclass(frozen=True)
class Case:
    """A line of the tables above, its line number in the file, and what is said of it."""

    table: str
    text: str
    told: tuple[str, ...]
    line: int

    @property
    def name(self) -> str:
        return re.sub(r"\W+", "_", f"{self.table} {self.text[:40]} {self.told[-1]}").strip("_")


def _cases(text: str, lines: Lines) -> list[Case]:
    cases = []
    for row in text.strip().splitlines()[1:]:
        table, line, *told = (cell.strip() for cell in row.split("|"))
        line = line.replace("LONG_ID", LONG_ID).replace("BIG_ID", BIG_ID)
        lines[table].append(line)
        cases.append(Case(table, line, tuple(told), len(lines[table])))
    return cases


LINES: Lines = {**good_lines(), **{table: [header] for table, header in HEADERS.items()}}
TAKEN_CASES = _cases(TAKEN, LINES)
REFUSED_CASES = _cases(REFUSED, LINES)
LINES["enrollments"].append(GIVES_DAYS_UP)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> IngestReport:
    folder = tmp_path_factory.mktemp("rules")
    files = {name: "".join(f"{line}\n" for line in lines).encode("latin-1") for name, lines in LINES.items()}
    return take(write_feed(folder / "feed", **files), folder / "home")


@pytest.fixture(scope="module")
def told(report: IngestReport) -> dict[tuple[str, int], dict[str, str]]:
    rows = listed(report.rejects_path)
    found = {(row["file"], int(row["line"])): row for row in rows}
    assert len(found) == len(rows), "a line is told once"
    return found


@pytest.mark.parametrize("case", REFUSED_CASES, ids=lambda case: case.name)
def test_a_row_that_breaks_a_rule_is_told_with_line_column_rule_and_what_to_do(case: Case, told) -> None:
    row = told[f"{case.table}.csv", case.line]
    assert (row["column"], row["rule"], row["outcome"]) == case.told[:3]
    assert row["what_to_do"] == RULES[row["rule"]].fix
    assert row["row"].startswith(case.text.split(",")[0].replace("\xfc", "?"))


@pytest.mark.parametrize("case", TAKEN_CASES, ids=lambda case: case.name)
def test_a_row_that_looks_odd_but_breaks_no_rule_is_taken(case: Case, told) -> None:
    assert (f"{case.table}.csv", case.line) not in told


def test_nothing_else_is_told_than_the_lines_above(told) -> None:
    expected = {(f"{case.table}.csv", case.line) for case in REFUSED_CASES}
    besides = {key: row["rule"] for key, row in told.items() if key not in expected}
    twin_of_conflict = ("calendar.csv", LINES["calendar"].index("ALDER,2025-09-08,2026") + 1)
    trimmed = ("enrollments.csv", LINES["enrollments"].index("020,ALDER,2025-09-01,2025-09-12,04") + 1)
    assert besides == {twin_of_conflict: "conflicting_rows", trimmed: "overlapping_stay"}


def test_every_rule_is_shown_above_or_in_a_test_of_whole_files() -> None:
    shown = {case.told[1] for case in REFUSED_CASES} | {"overlapping_stay"}
    elsewhere = {"reasons_exceed_absences", "line_too_long", "reused_id"}
    assert shown | elsewhere == set(RULES)


def test_overlapping_stays_give_the_shared_days_to_the_later_one_I26(report: IngestReport, told) -> None:
    line = LINES["enrollments"].index("020,ALDER,2025-09-01,2025-09-12,04") + 1
    assert told["enrollments.csv", line]["outcome"] == "trimmed"
    stays = duckdb.sql(
        f"select school_id, entry_date::varchar, exit_date::varchar from '{report.folder}/enrollments.parquet' "
        "where student_id = '020' and entry_date > date '2025-01-01' order by entry_date"
    ).fetchall()
    assert stays == [("ALDER", "2025-09-01", "2025-09-07"), ("BIRCH", "2025-09-08", "2025-09-12")]


def test_counts_add_up_to_the_lines_of_each_file(report: IngestReport) -> None:
    for table, lines in LINES.items():
        counts = report.counts[table]
        assert counts.read == len(lines) - 1
        assert counts.read == counts.accepted + counts.rejected + counts.duplicates
    rows = listed(report.rejects_path)
    assert sum(row["outcome"] == "rejected" for row in rows) == sum(c.rejected for c in report.counts.values())
    assert sum(row["outcome"] == "duplicate" for row in rows) == sum(c.duplicates for c in report.counts.values())


def test_records_of_an_id_that_was_given_up_count_for_the_id_in_use_I25(report: IngestReport) -> None:
    marks = f"select student_id from '{report.folder}/marks/*/*.parquet' where date = date '2025-09-02'"
    assert ("011",) in duckdb.sql(marks).fetchall()
    everywhere = f"select * from (from '{report.folder}/students.parquet' select student_id union all {marks})"
    assert ("117",) not in duckdb.sql(everywhere).fetchall()


def test_what_was_taken_is_kept_literally_I10_I11_I33(report: IngestReport) -> None:
    rows = duckdb.sql(f"select student_id, name from '{report.folder}/students.parquet'").fetchall()
    assert {"007007", "1E5", BIG_ID, "<script>"} <= {student_id for student_id, _ in rows}
    assert {("110", "NA"), ("111", "null"), ("112", 'Doe, Jane "JJ"')} <= set(rows)
