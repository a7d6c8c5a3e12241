"""From the cells of an export to the words of our tables, by its column map; the results are pieces of SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ews.sis.flat_map import ISO, PRESENT, FlatMap, Given, TableMap, Where, strptime_format
from ews.sis.staging import named, quoted
from ews.tables import Column

FIRST_MONTH = 7
"""Month in which a school year begins where a map takes it from the date."""

_SPACES = "' ' || chr(9) || chr(13) || chr(160)"
_SCHOOL, _HEADER, _CELL = '"school of each"', '"header of a day"', '"cell of a day"'
"""Names no column of an export has, since they are ours."""


@dataclass(frozen=True)
class Reading:
    """How one table is read from files with these columns.

    Attributes:
        of_table: where its values stand.
        values: what texts of the files are called here.
        columns: columns of its files.
        days: those of them that are dates, in a register with a column a day.
    """

    of_table: TableMap
    values: Mapping[str, Mapping[str, str]]
    columns: Sequence[str]
    days: Sequence[str] = ()

    def given(self, column: Column, cells: Mapping[str, Given]) -> Given | None:
        """Where a column stands: as the map says, else under its own name, else nowhere."""
        own = next((name for name in self.columns if name.lower() == column.name.lower()), None)
        return cells.get(column.name, Given(own) if own is not None else None)


def columns_read(mapping: FlatMap, name: str, header: Sequence[str]) -> list[str]:
    """Columns of a file that the map names for a table."""
    of_table = mapping.tables.get(name)
    if of_table is None:
        return []
    cells = [*of_table.cells.values(), *(given for mark in of_table.marks for given in mark.cells.values())]
    wheres = [of_table.where, *(mark.where for mark in of_table.marks)]
    named_columns = [given.column for given in cells if given.column is not None]
    return list(dict.fromkeys([*named_columns, *(column for where in wheres for column in where)]))


def required_columns(mapping: FlatMap, of_table: TableMap, header: Sequence[str]) -> list[str]:
    """Columns that a file of a table must have: those the map names, and ours that it does not place."""
    placed = {*of_table.cells, *(("category",) if of_table.marks else ())}
    missing = [name for name in of_table.table.required_columns if name not in placed]
    return [*columns_read(mapping, of_table.table.name, header), *missing]


def is_register(of_table: TableMap) -> bool:
    """Whether it has a column a day."""
    return any(given.taken_from == "headers" for given in of_table.cells.values())


def rows(reading: Reading, base: str) -> str:
    """SQL of a table's rows: `record` and every column as text.

    Args:
        reading: how it is read.
        base: a relation with `record` and the files' columns.
    """
    of_table = reading.of_table
    relation = _with_schools(of_table, _with_days(reading, base))
    kinds = [(mark.cells, mark.where) for mark in of_table.marks] or [({}, {})]
    told = " union all ".join(
        _rows_of_kind(reading, relation, {**of_table.cells, **cells}, {**of_table.where, **where})
        for cells, where in kinds
    )
    if of_table.table.name == "attendance":
        told = f"select * from ({told}) where {_is_a_mark(of_table)}"
    if of_table.distinct:
        columns = ", ".join(map(named, of_table.table.column_names))
        told = f"select min(record) as record, {columns} from ({told}) group by all"
    return f"{told} order by record"


def _is_a_mark(of_table: TableMap) -> str:
    is_mark = f"category is distinct from '{PRESENT}'"
    return f"{is_mark} and category is not null" if is_register(of_table) else is_mark


def _with_days(reading: Reading, base: str) -> str:
    if not is_register(reading.of_table):
        return base
    days = ", ".join(map(named, reading.days))
    return f"(unpivot {base} on {days} into name {_HEADER} value {_CELL})"


def _with_schools(of_table: TableMap, base: str) -> str:
    if not any(given.taken_from == "schools" for given in of_table.cells.values()):
        return base
    schools = "select distinct school_id from source_schools where school_id is not null"
    return f"(select files.*, each.school_id as {_SCHOOL} from {base} files cross join ({schools}) each)"


def _rows_of_kind(reading: Reading, relation: str, cells: Mapping[str, Given], where: Where) -> str:
    found = {column.name: reading.given(column, cells) for column in reading.of_table.table.columns}
    texts = {
        column.name: _text(reading, column, given)
        for column in reading.of_table.table.columns
        if (given := found[column.name]) is not None and given.taken_from != "date"
    }
    of_date = found.get("school_year")
    if of_date is not None and of_date.taken_from == "date":
        texts["school_year"] = _year_of(texts.get("date", "null"))
    selected = ", ".join(f"{texts.get(name, 'null::varchar')} as {named(name)}" for name in found)
    return f"select record, {selected} from {relation} where {_met(reading, where)}"


def _met(reading: Reading, where: Where) -> str:
    conditions = (
        f"coalesce({_clean(reading.of_table, '', named(column))}, '') in ({', '.join(map(quoted, wanted))})"
        for column, wanted in where.items()
    )
    return " and ".join(conditions) or "true"


def _text(reading: Reading, column: Column, given: Given) -> str:
    places = {"headers": _HEADER, "cells": _CELL, "schools": _SCHOOL}
    if given.value is not None:
        return f"{quoted(given.value)}::varchar"
    text = named(given.column) if given.column is not None else places[str(given.taken_from)]
    text = _renamed(_clean(reading.of_table, column.name, text), reading.values.get(column.name, {}))
    if column.kind == "date":
        text = _shifted(_as_iso(text, reading.of_table.date_format), given.add_days)
    if given.divide_by is not None:
        text = _divided(text, given.divide_by)
    return text


def _clean(of_table: TableMap, name: str, text: str) -> str:
    if of_table.trim:
        text = f"nullif(trim({text}, {_SPACES}), '')"
    for token in _tokens(of_table.null_tokens, name):
        text = f"nullif({text}, {quoted(token)})"
    return text


def _tokens(null_tokens: Mapping[str, tuple[str, ...]], name: str) -> Iterable[str]:
    return dict.fromkeys((*null_tokens.get("", ()), *(null_tokens.get(name, ()) if name else ())))


def _renamed(text: str, values: Mapping[str, str]) -> str:
    if not values:
        return text
    text = f"coalesce({text}, '')" if "" in values else text
    cases = " ".join(f"when {quoted(said)} then {quoted(meant)}" for said, meant in values.items())
    return f"case {text} {cases} else {text} end"


def _as_iso(text: str, date_format: str) -> str:
    if date_format == ISO:
        return text
    # A text that is no such date stays, and stays no date, even where it would be one in another format.
    read = f"strftime(try_strptime({text}, {quoted(strptime_format(date_format))}), '%Y-%m-%d')"
    return f"coalesce({read}, {text} || {quoted(f' (not {date_format})')})"


def _shifted(text: str, days: int) -> str:
    return f"coalesce(strftime(try_cast({text} as date) + {days}, '%Y-%m-%d'), {text})" if days else text


def _divided(text: str, by: float) -> str:
    number = f"regexp_full_match({text}, '\\d{{1,9}}(\\.\\d{{1,9}})?')"
    return f"case when {number} then round(try_cast({text} as double) / {by}, 4)::varchar else {text} end"


def _year_of(date: str) -> str:
    day = f"try_cast({date} as date)"
    return f"(year({day}) + (month({day}) >= {FIRST_MONTH})::integer)::varchar"
