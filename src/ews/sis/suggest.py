"""A first column map for a folder of exports: proposed from headers and a sample, for a person to confirm.

Whatever could be otherwise is said: a comment `UNSURE` stands beside it, and ingest is not run with it unread.
Only headers, codes and grades of the sample are shown, never a value of a student.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from os.path import commonprefix
from pathlib import Path

import duckdb

from ews.errors import InputRefused
from ews.sis.exports_seen import DATES, Export, look_at
from ews.sis.files import InputFile
from ews.sis.flat_map import USUAL_GRADES
from ews.sis.staging import named, open_database, quoted
from ews.sis.synonyms import CODES, DATE_FORMATS, NULLS
from ews.tables import GRADES

_SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv", ".parquet")
_MOST_CODES = 60
_OPEN_WORDS = ("1", "Y", "y", "Yes", "YES", "true", "True", "TRUE", "T")


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
    with open_database(work) as connection:
        exports = [look_at(connection, path, number) for number, path in enumerate(paths)]
        lines = list(_lines(connection, exports))
    unsure = [line.partition("# UNSURE: ")[2] for line in lines if "# UNSURE: " in line]
    return Suggestion("\n".join(lines) + "\n", tuple(unsure))


def _lines(connection: duckdb.DuckDBPyConnection, exports: Sequence[Export]) -> Iterator[str]:
    yield "# Proposed by `ews ingest --suggest-map` from headers and cells. Decide what is UNSURE, then read it all."
    chosen = _chosen(exports)
    yield from _grades(connection, chosen)
    yield from _codes(connection, chosen)
    for table, of_table in chosen.items():
        yield ""
        yield from _block(connection, table, of_table, [export.file.name for export in exports])
    used = {export.file.name for of_table in chosen.values() for export in of_table}
    yield from (f"# Not used: {export.file.name}" for export in exports if export.file.name not in used)


def _chosen(exports: Sequence[Export]) -> dict[str, list[Export]]:
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
    connection: duckdb.DuckDBPyConnection, table: str, files: Sequence[Export], every: Sequence[str]
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


def _trim(connection: duckdb.DuckDBPyConnection, table: str, export: Export) -> Iterator[str]:
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


def _columns(table: str, export: Export) -> Iterator[str]:
    for role in _WANTED[table]:
        column = "name" if role.endswith("_name") else role
        if role in export.found:
            yield f"{column} = {_toml(export.found[role])}{_doubt(table, role, export)}"
        elif (table, role) in _INSTEAD:
            yield _INSTEAD[table, role]
        elif role not in _OPTIONAL:
            yield f'# {column} = "…"  # UNSURE: no column of {export.file.name} looks like {column}.'


def _doubt(table: str, role: str, export: Export) -> str:
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


def _date_format(table: str, files: Sequence[Export]) -> Iterator[str]:
    roles = [role for role in DATES if role in _WANTED[table] and role in files[0].found]
    sets = [set(one.formats[role]) for one in files for role in roles if one.formats[role]]
    fitting = [one for one in DATE_FORMATS if sets and all(one in these for these in sets)]
    if roles and not fitting:
        yield f"# UNSURE: no one date format fits every date of {files[0].file.name}; say it as date_format."
    elif fitting and (len(fitting) > 1 or fitting[0] != DATE_FORMATS[0]):
        doubt = f"  # UNSURE: {' and '.join(fitting)} fit every date seen." if len(fitting) > 1 else ""
        yield f"date_format = {_toml(fitting[0])}{doubt}"


def _null_tokens(connection: duckdb.DuckDBPyConnection, table: str, export: Export) -> Iterator[str]:
    tokens: dict[str, list[str]] = {}
    for role in _WANTED[table]:
        if role in export.found and not role.endswith("_name"):
            there = _distinct(connection, [export], role, f"in ({', '.join(map(quoted, NULLS))})")
            tokens |= {role: sorted(there)} if there else {}
    if tokens:
        told = ", ".join(f"{role} = [{', '.join(map(_toml, texts))}]" for role, texts in tokens.items())
        yield f"null_tokens = {{ {told} }}"


def _open_days(connection: duckdb.DuckDBPyConnection, export: Export) -> Iterator[str]:
    if not export.has("in_session"):
        return
    words = _distinct(connection, [export], "in_session", "is not null")
    meant = sorted(words & set(_OPEN_WORDS))
    told = f"where = {{ {_toml(export.found['in_session'])} = [{', '.join(map(_toml, meant))}] }}"
    yield told if len(meant) == 1 and len(words) <= 2 else f"# {told}  # UNSURE: which rows are school days?"


def _codes(connection: duckdb.DuckDBPyConnection, chosen: Mapping[str, Sequence[Export]]) -> Iterator[str]:
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


def _grades(connection: duckdb.DuckDBPyConnection, chosen: Mapping[str, Sequence[Export]]) -> Iterator[str]:
    files = [one for one in chosen["enrollments"] if one.has("grade_level")]
    grades = _distinct(connection, files, "grade_level", "is not null")
    if grades and not grades <= set(GRADES):
        yield "[values]"
        unknown = sorted(grades - set(USUAL_GRADES))
        doubt = f"  # UNSURE: what are the grades {', '.join(unknown[:10])}?" if unknown else ""
        yield f'grade_level = "usual"{doubt}'


def _distinct(connection: duckdb.DuckDBPyConnection, files: Sequence[Export], role: str, condition: str) -> set[str]:
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
