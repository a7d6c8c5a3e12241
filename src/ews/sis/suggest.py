"""A first column map for a folder of exports: proposed from headers and a sample, for a person to confirm.

Whatever could be otherwise is said: a comment `UNSURE` stands beside it, and ingest is not run with it unread.
Only headers, codes and grades of the sample are shown, never a value of a student.
"""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from os.path import commonprefix
from pathlib import Path

import duckdb

from ews.errors import InputRefused
from ews.sis.files import Dialect, InputFile, inspect
from ews.sis.flat_map import USUAL_GRADES, strptime_format
from ews.sis.staging import columns_of, named, open_database, quoted, stage
from ews.sis.synonyms import CODES, COLUMNS, DATE_FORMATS, NULLS
from ews.tables import GRADES

_SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv", ".parquet")
_CLOSE = 0.88
"""Likeness of a header to a known name from which it is proposed, and marked as unsure."""

_MOST_CODES = 60
_DATES = ("date", "birth_date", "entry_date", "exit_date")
_OPEN_WORDS = ("1", "Y", "y", "Yes", "YES", "true", "True", "TRUE", "T")


@dataclass(frozen=True)
class _Export:
    """One file of the folder, looked at.

    Attributes:
        file: the file.
        table: where its rows are, all columns as text.
        found: by what it holds (`student_id`, `entry_date`, …) the header.
        unsure: those of them of which the header is only alike.
        formats: by what it holds the date formats that fit every day seen.
    """

    file: InputFile
    table: str
    found: Mapping[str, str]
    unsure: frozenset[str]
    formats: Mapping[str, tuple[str, ...]]

    def has(self, *roles: str) -> bool:
        return all(role in self.found for role in roles)


@dataclass(frozen=True)
class Suggestion:
    """A proposed map.

    Attributes:
        toml: the map, with a comment `UNSURE` wherever a person must decide.
        unsure: what must be decided, in sentences.
    """

    toml: str
    unsure: tuple[str, ...]


def suggest(folder: Path, work: Path) -> Suggestion:
    """Propose a column map for the exports in a folder.

    Args:
        folder: where they are.
        work: an empty folder to work in.

    Raises:
        InputRefused: no folder, or no file in it that looks like a table.
    """
    if not folder.is_dir():
        raise InputRefused(f"{folder} is no folder. Name the folder that holds your exports.")
    paths = sorted(path for path in folder.iterdir() if path.name.lower().endswith(_SUFFIXES))
    if not paths:
        raise InputRefused(f"No file in {folder} ends with one of {', '.join(_SUFFIXES)}. Put your exports there.")
    with open_database(work, 0) as connection:
        exports = [_look(connection, path, number) for number, path in enumerate(paths)]
        lines = list(_lines(connection, exports))
    unsure = [line.partition("# UNSURE: ")[2] for line in lines if "# UNSURE: " in line]
    return Suggestion("\n".join(lines) + "\n", tuple(unsure))


def _look(connection: duckdb.DuckDBPyConnection, path: Path, number: int) -> _Export:
    file = inspect(path, Dialect() if path.name.endswith(".parquet") else _dialect(path))
    header = columns_of(connection, file)
    stage(connection, file, f"export_{number}", header)
    found, alike = _roles(header)
    formats = {role: _formats(connection, f"export_{number}", found[role]) for role in _DATES if role in found}
    for role in [role for role, fitting in formats.items() if not fitting]:
        found.pop(role)  # a header that promises a date over cells that are none
    return _Export(file, f"export_{number}", found, frozenset(alike & set(found)), formats)


def _dialect(path: Path) -> Dialect:
    with path.open("rb") as handle:
        first = handle.read(1 << 20)
    if path.name.endswith(".gz"):
        return Dialect()
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Dialect("utf-16", _delimiter(first.decode("utf-16", errors="replace")))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
        return Dialect(delimiter=_delimiter(first.decode("utf-8", errors="replace")))
    except UnicodeDecodeError:
        return Dialect("windows-1252", _delimiter(first.decode("windows-1252", errors="replace")))


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max((",", ";", "\t", "|"), key=head.count)


def _roles(header: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    plain = {"".join(letter for letter in name.lower() if letter.isalnum()): name for name in header}
    found: dict[str, str] = {}
    alike: set[str] = set()
    for role, names in COLUMNS.items():
        exact = next((plain[name] for name in names if name in plain), None)
        if exact is not None:
            found[role] = exact
        elif (close := _closest(plain, names)) is not None:
            found[role] = close
            alike.add(role)
    return found, alike


def _closest(plain: Mapping[str, str], names: Sequence[str]) -> str | None:
    likeness = (
        (SequenceMatcher(None, name, there).ratio(), header) for name in names for there, header in plain.items()
    )
    best, header = max(likeness, default=(0.0, ""))
    return header if best >= _CLOSE else None


def _formats(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[str, ...]:
    nulls = ", ".join(map(quoted, NULLS))
    fits = ", ".join(
        f"count(*) = count(try_strptime(trim({named(column)}), {quoted(strptime_format(one))}))" for one in DATE_FORMATS
    )
    there = f"from {table} where {named(column)} is not null and trim({named(column)}) not in ({nulls})"
    counted, *fitting = connection.execute(f"select count(*), {fits} {there}").fetchall()[0]
    return tuple(one for one, fit in zip(DATE_FORMATS, fitting, strict=True) if fit and counted)


def _lines(connection: duckdb.DuckDBPyConnection, exports: Sequence[_Export]) -> Iterator[str]:
    yield "# Proposed by `ews ingest --suggest-map` from headers and cells. Decide what is UNSURE, then read it all."
    chosen = _chosen(exports)
    yield from _grades(connection, chosen)
    yield from _codes(connection, chosen)
    for table, of_table in chosen.items():
        yield ""
        yield from _block(connection, table, of_table, [export.file.name for export in exports])
    used = {export.file.name for of_table in chosen.values() for export in of_table}
    yield from (f"# Not used: {export.file.name}" for export in exports if export.file.name not in used)


def _chosen(exports: Sequence[_Export]) -> dict[str, list[_Export]]:
    """For each table the files that look like it; the first stands for all of the same columns."""
    stays = [one for one in exports if one.has("student_id", "entry_date")]
    marks = [one for one in exports if one.has("student_id", "date") and one not in stays]
    days = [one for one in exports if one.has("date") and "student_id" not in one.found]
    people = [one for one in exports if one.has("student_id") and one not in (*stays, *marks)]
    places = [one for one in exports if one.has("school_id") and one not in (*stays, *marks, *days, *people)]
    found = {"schools": places or stays, "calendar": days, "students": people or stays, "enrollments": stays,
             "attendance": marks}  # fmt: skip
    return {table: [one for one in files if one.found == files[0].found] for table, files in found.items()}


def _block(
    connection: duckdb.DuckDBPyConnection, table: str, files: Sequence[_Export], every: Sequence[str]
) -> Iterator[str]:
    yield f"[{table}]"
    if not files:
        yield f"# UNSURE: no file looks like {table}; name one, with its columns."
        return
    export, names = files[0], [one.file.name for one in files]
    yield _file_line(names, every)
    yield from _how_written(export.file)
    yield from _trim(connection, table, export)
    yield from _date_format(table, files)
    if table in ("schools", "students") and export.has("entry_date"):
        yield 'rows = "distinct"'
    yield from _columns(table, export)
    yield from _null_tokens(connection, table, export)
    if table == "calendar":
        yield from _open_days(connection, export)


def _how_written(file: InputFile) -> Iterator[str]:
    if file.dialect.delimiter != ",":
        yield f"delimiter = {_toml(file.dialect.delimiter)}"
    if file.dialect.encoding != "utf-8":
        yield f"encoding = {_toml(file.dialect.encoding)}  # UNSURE: {file.name} is not UTF-8; are accents right?"


def _trim(connection: duckdb.DuckDBPyConnection, table: str, export: _Export) -> Iterator[str]:
    columns = [named(export.found[role]) for role in _WANTED[table] if role in export.found]
    spaced = " or ".join(f"{column} <> trim({column})" for column in columns)
    if spaced and connection.execute(f"select 1 from {export.table} where {spaced} limit 1").fetchall():
        yield "trim = true"


_WANTED = {
    "schools": ("school_id", "school_name"),
    "calendar": ("school_id", "date", "school_year"),
    "students": ("student_id", "student_name", "birth_date", "household_id"),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "grade_level"),
    "attendance": ("student_id", "school_id", "date", "category", "absent_share"),
}
_OPTIONAL = ("school_name", "student_name", "birth_date", "household_id", "absent_share")
_INSTEAD = {
    ("calendar", "school_id"): 'school_id = { from = "schools" }  # UNSURE: is this one calendar for all schools?',
    ("calendar", "school_year"): 'school_year = { from = "date" }',
}


def _columns(table: str, export: _Export) -> Iterator[str]:
    for role in _WANTED[table]:
        column = "name" if role.endswith("_name") else role
        if role in export.found:
            yield f"{column} = {_toml(export.found[role])}{_doubt(table, role, export)}"
        elif (table, role) in _INSTEAD:
            yield _INSTEAD[table, role]
        elif role not in _OPTIONAL:
            yield f'# {column} = "…"  # UNSURE: no column of {export.file.name} looks like {column}.'


def _doubt(table: str, role: str, export: _Export) -> str:
    if role in export.unsure:
        return f"  # UNSURE: is it {role}?"
    if role == "exit_date":
        return (
            "  # UNSURE: is it the last day there? If the first day away, write "
            f"{{ column = {_toml(export.found[role])}, add_days = -1 }}."
        )
    if table == "attendance" and role == "absent_share":
        return "  # UNSURE: is it the share of the day missed, from 0 to 1?"
    return ""


def _date_format(table: str, files: Sequence[_Export]) -> Iterator[str]:
    roles = [role for role in _DATES if role in _WANTED[table] and role in files[0].found]
    sets = [set(one.formats[role]) for one in files for role in roles if one.formats[role]]
    fitting = [one for one in DATE_FORMATS if sets and all(one in these for these in sets)]
    if roles and not fitting:
        yield f"# UNSURE: no one date format fits every date of {files[0].file.name}; say it as date_format."
    elif fitting and (len(fitting) > 1 or fitting[0] != DATE_FORMATS[0]):
        doubt = f"  # UNSURE: {' and '.join(fitting)} fit every date seen." if len(fitting) > 1 else ""
        yield f"date_format = {_toml(fitting[0])}{doubt}"


def _null_tokens(connection: duckdb.DuckDBPyConnection, table: str, export: _Export) -> Iterator[str]:
    tokens: dict[str, list[str]] = {}
    for role in _WANTED[table]:
        if role in export.found and not role.endswith("_name"):
            there = _distinct(connection, [export], role, f"in ({', '.join(map(quoted, NULLS))})")
            tokens |= {role: sorted(there)} if there else {}
    if tokens:
        told = ", ".join(f"{role} = [{', '.join(map(_toml, texts))}]" for role, texts in tokens.items())
        yield f"null_tokens = {{ {told} }}"


def _open_days(connection: duckdb.DuckDBPyConnection, export: _Export) -> Iterator[str]:
    if not export.has("in_session"):
        return
    words = _distinct(connection, [export], "in_session", "is not null")
    meant = sorted(words & set(_OPEN_WORDS))
    told = f"where = {{ {_toml(export.found['in_session'])} = [{', '.join(map(_toml, meant))}] }}"
    yield told if len(meant) == 1 and len(words) <= 2 else f"# {told}  # UNSURE: which rows are school days?"


def _codes(connection: duckdb.DuckDBPyConnection, chosen: Mapping[str, Sequence[_Export]]) -> Iterator[str]:
    files = [one for one in chosen["attendance"] if one.has("category")]
    codes = sorted(_distinct(connection, files, "category", "is not null"))
    if len(codes) > _MOST_CODES:
        yield f"# UNSURE: {files[0].found['category']} has {len(codes)} different texts; is it a code of attendance?"
        return
    if files and _distinct(connection, files, "category", "is null"):
        codes = ["", *codes]
    meanings = {code: kind for kind, known in CODES.items() for code in known} | {"": "present"}
    if codes and not set(codes) <= set(CODES):
        yield "[values.category]"
        for code in codes:
            kind = meanings.get(code.strip().upper())
            yield (
                f"{_toml(code)} = {_toml(kind)}  # UNSURE: does {code or 'an empty cell'} mean {kind}?" if kind
                else f'# {_toml(code)} = "…"  # UNSURE: what does {code} mean? {", ".join(CODES)}'
            )  # fmt: skip


def _grades(connection: duckdb.DuckDBPyConnection, chosen: Mapping[str, Sequence[_Export]]) -> Iterator[str]:
    files = [one for one in chosen["enrollments"] if one.has("grade_level")]
    grades = _distinct(connection, files, "grade_level", "is not null")
    if grades and not grades <= set(GRADES):
        yield "[values]"
        unknown = sorted(grades - set(USUAL_GRADES))
        doubt = f"  # UNSURE: what are the grades {', '.join(unknown[:10])}?" if unknown else ""
        yield f'grade_level = "usual"{doubt}'


def _distinct(connection: duckdb.DuckDBPyConnection, files: Sequence[_Export], role: str, condition: str) -> set[str]:
    if not files:
        return set()
    column = named(files[0].found[role])
    tables = " union all ".join(f"select {named(one.found[role])} as {column} from {one.table}" for one in files)
    rows = connection.execute(
        f"select distinct {column} from ({tables}) where {column} {condition} limit 1000"
    ).fetchall()
    return {text for (text,) in rows}


def _file_line(names: Sequence[str], every: Sequence[str]) -> str:
    if len(names) == 1:
        return f"file = {_toml(names[0])}"
    start = commonprefix(names)
    end = commonprefix([name[len(start) :][::-1] for name in names])[::-1]
    pattern = f"{start}*{end}"
    others = [name for name in every if fnmatchcase(name, pattern) and name not in names]
    doubt = f"  # UNSURE: {', '.join(others)} would be read too; rename the files." if others else ""
    return f"file = {_toml(pattern)}{doubt}"


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
