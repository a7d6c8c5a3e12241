"""A large pretend ingest, written by numpy in student order: what a state's marks look like, and nothing more.

Four school years of 180 instructional days in twelve calendars; schools of five hundred; one in sixteen students moves
in the middle of a year; absences come in spells, and about 53 marks a student in four years. For speed only: absences
know nothing of each other from year to year, so no model should learn from this.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ews.sis.parquet import AS_INGEST_WRITES
from ews.sis.placed import STAYS_IN_ORDER, make_instructional_days, make_placed_stays, with_tallies
from ews.tables import GRADES
from ews.tallies import BREAK_DAYS

YEARS = (2023, 2024, 2025, 2026)
DAYS = 180
CALENDARS = 12
STUDENTS_A_SCHOOL = 500
AT_ONCE = 100_000
_KINDS = np.array(["excused", "unexcused", "suspension"])


@dataclass(frozen=True)
class Year:
    """One school year of all schools: `dates`, shape (calendars, days), and where each student is.

    Attributes:
        year: the school year, named by its end.
        dates: the instructional days of each calendar.
        schools: a student's school at the year's beginning, shape (students,).
        later: the school after the move; the same where the student stays.
        moves: the place of the first day in `later`; 0 where the student stays.
    """

    year: int
    dates: np.ndarray
    schools: np.ndarray
    later: np.ndarray
    moves: np.ndarray


def write_ingest(folder: Path, students: int, seed: int = 1) -> int:
    """Write the folder an ingest of so many students would leave; returns the number of marks."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    years = [_year(year, students, rng) for year in YEARS]
    _write_calendar(folder, years, students)
    _write_stays(folder, years)
    ids = _texts(np.arange(students), 9)
    homes = _texts(np.arange(students) * 2 // 3, 9)  # households of one or two
    _write(pa.table({"student_id": ids, "household_id": homes}), folder / "students.parquet")
    about = {"id": "benchmark", "fingerprints": {str(year): f"{seed}-{students}" for year in YEARS}}
    (folder / "manifest.json").write_text(json.dumps(about), encoding="utf-8")
    _write_placed_stays(folder)
    return sum(_write_marks(folder, year, rng) for year in years)


def _year(year: int, students: int, rng: np.random.Generator) -> Year:
    schools = _schools(students)
    first = np.arange(students) * schools // students
    moves = np.where(rng.random(students) < 1 / 16, rng.integers(10, DAYS - 10, students), 0)
    later = np.where(moves > 0, (first + CALENDARS) % schools, first)
    return Year(year, np.stack([_dates(year, number) for number in range(CALENDARS)]), first, later, moves)


def _schools(students: int) -> int:
    return max(2 * CALENDARS, students // STUDENTS_A_SCHOOL // CALENDARS * CALENDARS)


def _dates(year: int, calendar: int) -> np.ndarray:
    """Weekdays from late August, without two weeks of winter and one of spring."""
    begin = np.datetime64(f"{year - 1}-08-20") + calendar
    days = begin + np.arange(300)
    weekdays = days[np.is_busday(days)]
    return np.delete(weekdays, np.r_[85:95, 140:145])[:DAYS]


def _write_calendar(folder: Path, years: list[Year], students: int) -> None:
    schools = np.repeat(np.arange(_schools(students)), DAYS)
    tables = []
    for year in years:
        numbers = np.arange(_schools(students)) % CALENDARS
        dates, breaks = year.dates[numbers].ravel(), _before_break(year.dates)[numbers].ravel()
        place = np.tile(np.arange(1, DAYS + 1, dtype=np.int16), _schools(students))
        tables.append(pa.table({"school_id": _texts(schools, 5), **_day_columns(dates, breaks, year.year, place)}))
    _write(pa.concat_tables(tables), folder / "calendar.parquet")


def _write_stays(folder: Path, years: list[Year]) -> None:
    tables = []
    for number, year in enumerate(years):
        student = np.arange(len(year.schools))
        grade = np.array(GRADES)[1 + student % 10 + number]
        moved = year.moves > 0
        of_first, of_later = (year.dates[school % CALENDARS] for school in (year.schools, year.later))
        left = of_first[student, np.where(moved, year.moves, DAYS) - 1]
        tables.append(_stays(student, year.schools, of_first[:, 0], left, grade))
        entered = of_later[student, year.moves]
        tables.append(_stays(*(part[moved] for part in (student, year.later, entered, of_later[:, -1], grade))))
    stays = pa.concat_tables(tables).sort_by([("student_id", "ascending"), ("entry_date", "ascending")])
    _write(stays, folder / "enrollments.parquet")


def _write(rows: pa.Table, path: Path) -> None:
    """In groups of rows and with dictionaries, as ingest writes them: engines read groups side by side."""
    with duckdb.connect() as connection:
        connection.from_arrow(rows).query("rows_made", f"copy rows_made to '{path}' {AS_INGEST_WRITES}")


def write_export(folder: Path) -> None:
    """Write the marks of an ingest's folder beside it as a district would deliver them: by date."""
    columns = "student_id, school_id, date, school_year, kind, missed_ten_thousandths"
    marks = f"select {columns} from '{folder}/marks/*/*.parquet'"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({marks} order by date) to '{folder.parent}/export.parquet' (format parquet)")


def size(folder: Path) -> tuple[int, int]:
    """How many students have a stay, and how many marks there are."""
    students = duckdb.sql(f"select count(distinct student_id) from '{folder}/stays/*/*.parquet'").fetchall()[0][0]
    return students, duckdb.sql(f"select count(*) from '{folder}/marks/*/*.parquet'").fetchall()[0][0]


def _write_placed_stays(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"create view accepted_calendar as select school_id, date, school_year from '{folder}/calendar.parquet';"
            f"create view stays as from '{folder}/enrollments.parquet'"
        )
        make_instructional_days(connection)
        make_placed_stays(connection)
        for year in YEARS:
            path = folder / "stays" / f"school_year={year}" / "stays.parquet"
            path.parent.mkdir(parents=True)
            rows = f"from placed_stays where school_year = {year} {STAYS_IN_ORDER}"
            connection.execute(f"copy ({rows}) to '{path}' {AS_INGEST_WRITES}")


def _stays(student: np.ndarray, school: np.ndarray, entry: np.ndarray, left: np.ndarray, grade: np.ndarray) -> pa.Table:
    ids = {"student_id": _texts(student, 9), "school_id": _texts(school, 5)}
    return pa.table({**ids, "entry_date": entry, "exit_date": left, "grade_level": pa.array(grade.astype(object))})


def _write_marks(folder: Path, year: Year, rng: np.random.Generator) -> int:
    path = folder / "marks" / f"school_year={year.year}" / "marks.parquet"
    path.parent.mkdir(parents=True)
    made = folder / "made.parquet"
    writer, rows = None, 0
    for begin in range(0, len(year.schools), AT_ONCE):
        marks = _marks(year, np.arange(begin, min(begin + AT_ONCE, len(year.schools))), rng)
        table = with_tallies(nw.from_native(pl.from_arrow(marks))).to_arrow()
        writer = writer or pq.ParquetWriter(made, table.schema, store_schema=False)
        writer.write_table(table)
        rows += table.num_rows
    if writer:
        writer.close()
        with duckdb.connect() as connection:  # in groups of rows and with dictionaries, as ingest writes them
            connection.execute(f"copy (from '{made}') to '{path}' {AS_INGEST_WRITES}")
        made.unlink()
    return rows


def _marks(year: Year, students: np.ndarray, rng: np.random.Generator) -> pa.Table:
    """One row per mark of these students, by student and day."""
    spell_day, is_tardy = _spells(year.moves[students], rng), rng.random((len(students), DAYS)) < 0.006
    who, day = np.nonzero((spell_day > 0) | is_tardy)
    place, absent = spell_day[who, day], spell_day[who, day] > 0
    moved = (year.moves[students[who]] > 0) & (day >= year.moves[students[who]])
    school = np.where(moved, year.later[students[who]], year.schools[students[who]])
    kind = _KINDS[np.minimum(rng.integers(0, 20, len(who)) // 10 + (rng.random(len(who)) < 0.04), 2)]
    return pa.table(
        {
            "student_id": _coded(students[who] - students[0], _texts(students, 9)),
            "school_id": _coded(school, _texts(np.arange(school.max() + 1), 5)),
            "spell_day": pa.array(place.astype(np.int16), mask=~absent),
            "is_absent": absent,
            "kind": pa.array(kind.astype(object), pa.string(), mask=~absent),
            "is_tardy": is_tardy[who, day],
            "is_early_departure": np.zeros(len(who), bool),
            "missed_ten_thousandths": np.where(absent, 10_000, 500).astype(np.int32),
            **_day_columns(
                year.dates[school % CALENDARS, day],
                _before_break(year.dates)[school % CALENDARS, day],
                year.year,
                (day + 1).astype(np.int16),
            ),
        }
    )


def _spells(moves: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place of each day in its spell, 0 where there; a spell begins more often for some, and goes on for most."""
    begins = rng.beta(1.3, 26, len(moves))
    spell_day = np.zeros((len(moves), DAYS), np.int16)
    before = np.zeros(len(moves), np.int16)
    for day in range(DAYS):
        before[moves == day] = 0
        chance = np.where(before > 0, 0.38, begins)
        before = np.where(rng.random(len(moves)) < chance, before + 1, 0).astype(np.int16)
        spell_day[:, day] = before
    return spell_day


def _day_columns(dates: np.ndarray, breaks: np.ndarray, year: int, place: np.ndarray) -> dict[str, np.ndarray]:
    days = dates.astype("datetime64[D]")
    return {
        "date": days,
        "school_year": np.full(len(days), year, np.int32),
        "day_index": place,
        "days_left": (DAYS - place).astype(np.int16),
        "is_before_break": breaks,
        "month": (days.astype("datetime64[M]").astype(int) % 12 + 1).astype(np.int8),
        "weekday": ((days.astype(int) + 3) % 7 + 1).astype(np.int8),
    }


def _before_break(dates: np.ndarray) -> np.ndarray:
    """For each calendar and day, whether a break follows."""
    gaps = np.diff(dates.astype("datetime64[D]").astype(int), axis=1, append=0)
    return gaps >= BREAK_DAYS


def _texts(numbers: np.ndarray, width: int) -> pa.Array:
    return pa.array(np.char.zfill(numbers.astype(str), width).astype(object), pa.string())


def _coded(codes: np.ndarray, values: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), values)
