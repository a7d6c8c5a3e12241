"""The positive source: a row for every day or period a student was there or not, reduced to marks.

The folder is a flat one with a column map; only its attendance says presence, too, and may be by period. What differs
from a flat folder: a day is absent by the share of its periods, days of which nothing was sent are no school days,
and the calendar may be missing. Rows of absent periods alone are read here, too: they need the same half-day rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import duckdb

from ews.errors import InputRefused, InvalidPolicy
from ews.sis.column_map import check_keys, map_text, parse_toml
from ews.sis.coverage import make_calendar, remarks_on_coverage, remarks_on_years, without_silent_days
from ews.sis.files import PLAIN, SUFFIXES, InputFile, inspect
from ews.sis.flat import open_mapped
from ews.sis.flat_map import OWN_WORDS, PRESENT, FlatMap, TableMap, parse_flat_map
from ews.sis.mapped import Reading, columns_read, is_register, required_columns, rows
from ews.sis.periods import ATTENDANCE_ROWS, ATTENDED, make_marks
from ews.sis.source import Part, Source, Staged
from ews.sis.staging import check_columns, columns_of, named, stage
from ews.tables import ATTENDANCE

_KEYS = ("period", "periods_a_day", "school_year", "only_absences")


@dataclass(frozen=True)
class PositiveMap:
    """How a positive feed is read.

    Attributes:
        flat: the map of its folder.
        period: the column that tells the periods of a day apart; None where a row is a day.
        periods_a_day: periods every day has, where rows may be missing; None where those that came are all.
        school_year: a column with the school year, held against the date and not believed.
        only_absences: rows say absence only, so a period or day without a row was attended.
    """

    flat: FlatMap
    period: str | None = None
    periods_a_day: int | None = None
    school_year: str | None = None
    only_absences: bool = False

    @property
    def attendance(self) -> TableMap:
        """Where the attendance stands."""
        return self.flat.tables.get(ATTENDANCE.name, TableMap(ATTENDANCE))

    @property
    def own_columns(self) -> list[str]:
        """Columns that only this source reads."""
        return [column for column in (self.period, self.school_year) if column is not None]


def read_positive_map(path: Path | None) -> PositiveMap:
    """Read a map: that of a flat folder, and perhaps a section `[positive]`.

    Raises:
        InvalidPolicy: no such map, not TOML, or a key or value that is not known.
    """
    if path is None:
        return PositiveMap(OWN_WORDS)
    text = map_text(path)
    flat = parse_flat_map(text, ("positive",))
    said = parse_toml(text).get("positive", {})
    check_keys(said, _KEYS, "[positive]")
    period, a_day, year, only_absences = (said.get(key) for key in _KEYS)
    mapping = PositiveMap(flat, period, a_day, year, only_absences=False if only_absences is None else only_absences)
    _check_kinds(mapping)
    _check_sense(mapping)
    return mapping


def _check_kinds(mapping: PositiveMap) -> None:
    columns = (mapping.period, mapping.school_year)
    if not all(isinstance(column, str | None) for column in columns) or not isinstance(mapping.only_absences, bool):
        raise InvalidPolicy("In [positive], period and school_year are columns in quotes, only_absences true or false.")
    if not isinstance(mapping.periods_a_day, int | None) or mapping.periods_a_day not in (None, *range(1, 51)):
        raise InvalidPolicy("periods_a_day in [positive] is a whole number from 1 to 50.")


def _check_sense(mapping: PositiveMap) -> None:
    if mapping.periods_a_day is not None and mapping.period is None:
        raise InvalidPolicy("periods_a_day in [positive] needs a period, the column that tells periods apart.")
    if mapping.only_absences and mapping.periods_a_day is None:
        raise InvalidPolicy("only_absences in [positive] needs periods_a_day: how many periods a day has.")
    if is_register(mapping.attendance):
        raise InvalidPolicy("A register with a column a day is no feed of rows. Read it with --source flat.")
    if mapping.attendance.marks and not mapping.only_absences:
        raise InvalidPolicy("A positive feed needs a category in each row, so [[attendance.marks]] cannot be read.")


def open_positive(folder: Path, column_map: Path | None) -> Source:
    """Look at a folder with a positive feed.

    Raises:
        InputRefused: no folder, a table is missing, or a file is no usable table.
        InvalidPolicy: the map cannot be read.
    """
    mapping = read_positive_map(column_map)
    has_calendar = _has_own_file(folder, mapping.flat, "calendar")
    own_calendar = has_calendar or mapping.only_absences
    elsewhere = (ATTENDANCE.name,) if own_calendar else (ATTENDANCE.name, "calendar")
    others = open_mapped(folder, mapping.flat, elsewhere)
    files = _attendance_files(folder, mapping)
    return Source(
        (*others.files, *files),
        f"positive {mapping.flat.sha256}",
        lambda connection, progress: _stage(connection, others, mapping, files, progress),
    )


def _has_own_file(folder: Path, mapping: FlatMap, name: str) -> bool:
    said = mapping.tables[name].file if name in mapping.tables else None
    return said is not None or any((folder / f"{name}{suffix}").exists() for suffix in SUFFIXES)


def _attendance_files(folder: Path, mapping: PositiveMap) -> tuple[InputFile, ...]:
    pattern = mapping.attendance.file
    paths = sorted(folder.glob(pattern)) if pattern else [folder / f"{ATTENDANCE.name}{suffix}" for suffix in SUFFIXES]
    there = [path for path in paths if path.exists() or path.is_symlink()]
    if not there:
        raise InputRefused(f"No file {pattern or 'attendance.csv'} in {folder}. Add it, or name it in a column map.")
    dialect = mapping.attendance.dialect if ATTENDANCE.name in mapping.flat.tables else PLAIN
    files = tuple(inspect(path, dialect) for path in there)
    for file in files:
        if file.format == "csv":
            check_columns(file.name, file.header, _required(mapping, file.header))
    return files


def _required(mapping: PositiveMap, header: Sequence[str]) -> list[str]:
    return [*required_columns(mapping.flat, mapping.attendance, header), *mapping.own_columns]


def _stage(
    connection: duckdb.DuckDBPyConnection,
    others: Source,
    mapping: PositiveMap,
    files: Sequence[InputFile],
    progress: Callable[[str], None],
) -> Staged:
    staged = others.stage(connection, progress)
    dropped = {file.name: _stage_file(connection, mapping, file, place, progress) for place, file in enumerate(files)}
    parts = _make_rows(connection, mapping, files)
    progress("Reducing days to marks")
    make_marks(connection, by_period=mapping.period is not None, periods_a_day=mapping.periods_a_day)
    left_out = dict(staged.left_out) | {ATTENDANCE_ROWS.name: _rows_left_out(connection)}
    remarks = [] if mapping.only_absences else _cover(connection, left_out, has_calendar="calendar" in staged.parts)
    return Staged(
        # The rows come last: what is no row at all is told with them.
        {"calendar": parts, **staged.parts, ATTENDANCE.name: parts, ATTENDANCE_ROWS.name: parts},
        {**staged.dropped_columns, **{name: columns for name, columns in dropped.items() if columns}},
        left_out={name: lines for name, lines in left_out.items() if lines},
        remarks=(*staged.remarks, *remarks, *remarks_on_years(connection)),
        judged=(ATTENDANCE_ROWS,),
    )


def _cover(connection: duckdb.DuckDBPyConnection, left_out: dict[str, int], *, has_calendar: bool) -> list[str]:
    if has_calendar:
        left_out["calendar"] = left_out.get("calendar", 0) + without_silent_days(connection)
    else:
        make_calendar(connection)
    return remarks_on_coverage(connection, has_calendar=has_calendar)


def _rows_left_out(connection: duckdb.DuckDBPyConnection) -> int:
    told = "(select count(distinct record) from told_attendance_rows)"
    return int(connection.execute(f"select count(*) - {told} from positive_rows").fetchall()[0][0])


def _stage_file(
    connection: duckdb.DuckDBPyConnection,
    mapping: PositiveMap,
    file: InputFile,
    place: int,
    progress: Callable[[str], None],
) -> list[str]:
    progress(f"Reading {file.name}")
    header = columns_of(connection, file)
    columns = [*columns_read(mapping.flat, ATTENDANCE.name, header), *mapping.own_columns, *ATTENDANCE.column_names]
    there = {name.lower() for name in header}
    wanted = {name.lower(): name for name in reversed(columns) if name.lower() in there}
    return stage(connection, file, f"positive_{place}", list(wanted.values()), _required(mapping, header))


def _make_rows(
    connection: duckdb.DuckDBPyConnection, mapping: PositiveMap, files: Sequence[InputFile]
) -> tuple[Part, ...]:
    """Make `source_attendance_rows`: every row of the feed in our words, with its period and the year it says."""
    counts = [
        int(connection.execute(f"select count(*) from positive_{place}").fetchall()[0][0])
        for place in range(len(files))
    ]
    first = list(accumulate(counts, initial=0))
    pieces = (f"select rowid + {first[place]} as record, * from positive_{place}" for place in range(len(files)))
    connection.execute(f"create view positive_rows as {' union all by name '.join(pieces)}")
    there = [str(name) for (name, *_) in connection.execute("describe positive_rows").fetchall()]
    told = rows(Reading(mapping.attendance, _with_presence(mapping.flat.values), there), "positive_rows")
    own = ", ".join(
        f"{'null' if column is None else named(column)}::varchar as {name}"
        for name, column in (("period", mapping.period), ("said_year", mapping.school_year))
    )
    connection.execute(
        f"""
        create table told_attendance_rows as
        select told.*, own.period, own.said_year from ({told}) told
        join (select record, {own} from positive_rows) own using (record) order by record;
        create view source_attendance_rows as select rowid as row, * from told_attendance_rows;
        """
    )
    return tuple(Part(file, start) for file, start in zip(files, first, strict=False))


def _with_presence(values: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    # A flat folder drops presence; here it is counted, so it goes by another word.
    of_category = {said: ATTENDED if means == PRESENT else means for said, means in values.get("category", {}).items()}
    return {**values, "category": {PRESENT: ATTENDED, **of_category}}
