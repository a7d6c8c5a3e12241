"""The yearly source: one sheet of days absent by student and year, described by a column map."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from ews.errors import InputRefused
from ews.sis.column_map import Cell, ColumnMap, YearMap, read_column_map
from ews.sis.files import InputFile, inspect
from ews.sis.source import Part, Source, Staged
from ews.sis.staging import check_columns, quoted, stage
from ews.tables import ATTENDANCE_YEARS, DEMOGRAPHICS, SCHOOLS, STUDENTS, Table

_TABLES = ("schools", "students", "attendance_years", "demographics")


def open_yearly(path: Path, column_map: Path | None) -> Source:
    """Look at a yearly sheet.

    Raises:
        InputRefused: no map was named, or the sheet is no usable table or lacks a column of the map.
        InvalidPolicy: the map cannot be read.
    """
    if column_map is None:
        raise InputRefused("A yearly sheet needs a column map. Name one with --map; --map star ships with the project.")
    mapping = read_column_map(column_map)
    sheet = inspect(path)
    if sheet.format == "csv":
        check_columns(sheet.name, sheet.header, mapping.columns)
    if sheet.format == "csv" and sheet.lines <= 1:
        raise InputRefused(f"{sheet.name} has a header and no rows. Export it again; nothing was changed.")
    return Source((sheet,), mapping.sha256, lambda connection, progress: _stage(connection, sheet, mapping, progress))


def _stage(
    connection: duckdb.DuckDBPyConnection, sheet: InputFile, mapping: ColumnMap, progress: Callable[[str], None]
) -> Staged:
    progress(f"Reading {sheet.name}")
    unread = stage(connection, sheet, "sheet", mapping.columns, mapping.columns)
    years = " union all ".join(_student_years(mapping, year) for year in mapping.years)
    connection.execute(f"create table student_year_cells as {years}")
    held = "days_absent is not null and days_denominator is not null"
    _make_source(connection, ATTENDANCE_YEARS, f"from student_year_cells where {held}")
    attributes = " or ".join(f"{name} is not null" for name in DEMOGRAPHICS.column_names[2:])
    _make_source(connection, DEMOGRAPHICS, f"from student_year_cells where {held} and ({attributes})")
    _make_source(
        connection, SCHOOLS,
        f"from (select min(record) as record, school_id from student_year_cells where {held} and school_id is not null "
        "group by school_id)",
    )  # fmt: skip
    _make_source(connection, STUDENTS, f"from ({_students(mapping)})")
    empty = connection.execute(f"select count(*) from student_year_cells where not ({held})").fetchall()[0][0]
    return Staged(dict.fromkeys(_TABLES, (Part(sheet),)), {sheet.name: unread} if unread else {}, int(empty))


def _students(mapping: ColumnMap) -> str:
    student_id = _value(mapping, "student_id", Cell(mapping.student_id))
    if mapping.wide:
        return f"select rowid as record, {student_id} as student_id from sheet"
    return f"select min(rowid) as record, {student_id} as student_id from sheet group by all"


def _make_source(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> None:
    there = {name for (name, *_) in connection.execute(f"describe select * {rows}").fetchall()}
    columns = ", ".join(name if name in there else f"null::varchar as {name}" for name in table.column_names)
    connection.execute(f"create table told_{table.name} as select record, {columns} {rows} order by record")
    connection.execute(f"create view source_{table.name} as select rowid as row, * from told_{table.name}")


def _student_years(mapping: ColumnMap, year: YearMap) -> str:
    names = (*ATTENDANCE_YEARS.column_names[1:], *DEMOGRAPHICS.column_names[2:])
    known = {**year.demographics, **year.cells}
    values = {name: _value(mapping, name, known.get(name)) for name in names}
    denominator = values["days_enrolled"]
    if "days_present" in year.cells:
        denominator = _value(mapping, "days_present", year.cells["days_present"])
        values["days_enrolled"] = _sum(denominator, values["days_absent"])
    columns = "".join(f", {value} as {name}" for name, value in values.items())
    student_id = _value(mapping, "student_id", Cell(mapping.student_id))
    return f"select rowid as record, {student_id} as student_id{columns}, {denominator} as days_denominator from sheet"


def _value(mapping: ColumnMap, name: str, cell: Cell | None) -> str:
    if cell is None:
        return "null::varchar"
    if cell.column is None:
        return f"{quoted(cell.value)}::varchar"
    text = '"' + cell.column.replace('"', '""') + '"'
    if mapping.null_tokens:
        text = f"case when {text} not in ({', '.join(map(quoted, mapping.null_tokens))}) then {text} end"
    renamed = mapping.values.get(name, {})
    cases = " ".join(f"when {quoted(said)} then {quoted(meant)}" for said, meant in renamed.items())
    return f"case {text} {cases} else {text} end" if cases else text


def _sum(present: str, absent: str) -> str:
    # Where one is no whole number, the text itself goes on, so that the validator can tell what is wrong.
    whole = "regexp_full_match({}, '\\d{{1,4}}')"
    return (
        f"case when {whole.format(present)} and {whole.format(absent)} "
        f"then (({present})::integer + ({absent})::integer)::varchar else {present} end"
    )
