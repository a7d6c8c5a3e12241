"""Write the pages that can be made from code: `python docs/generate.py [--check]`.

With `--check` nothing is written, and a page that is not what the code says ends with exit code 1.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Table as StoredTable

from ews import errors
from ews.absence import ABSENCE_CATEGORIES, PRESENT_CATEGORIES
from ews.errors import EwsError
from ews.features import FEATURES
from ews.features.catalogue import GROUPS, Feature
from ews.store.schema import METADATA
from ews.student_years import STUDENT_YEARS
from ews.tables import GRADES, TABLES, Column, Table

HERE = Path(__file__).parent
DOCS = HERE
MADE = "<!-- Written by docs/generate.py from the code. Change the code, then run: make docs -->\n"

DIRECTIONS = {1: "never lowers", 0: "either way", -1: "never raises"}

NUMBERED = (
    *(f"T{number:02d}" for number in range(1, 21)),
    *(f"G{number:02d}" for number in range(1, 17)),
    *(f"FAIR-{number}" for number in (*range(1, 12), *range(20, 25))),
)
"""Faults of training (T), of registered models (G), and what fairness asks: each has a row, named or not."""

REQUIREMENT = re.compile(r"(?<![A-Za-z0-9])([TGI]\d{2}|FAIR[-_]?\d+)(?!\d)")
"""An id where a test names it, in its name (`_T13`, `_FAIR_6`, `_FAIR6`) or its words (`FAIR-6`)."""

WHAT_TO_DO = {
    "InputRefused": "Read the sentence: it names the file and the column or line. Mend the export, then ingest again. "
    "What was there before is still in force.",
    "NotEnoughData": "Ingest the school years it names. A model learns from a year whose outcome is complete and at "
    "least one year before it.",
    "UntrustedBundle": "Do not copy model files by hand. Promote the version again, or train anew. If a file was "
    "changed and nobody knows why, treat it as an incident (`SECURITY.md`).",
    "NothingPromoted": "Look at the backtest, then `ews promote`. A list is only ever made by a model that a named "
    "person put in force.",
    "NotFound": "Check the id. Ids are text as the student information system writes them: `007` is not `7`.",
    "InvalidPolicy": "Compare the TOML with the keys the sentence lists; a key that is not known is never ignored.",
    "InvalidFeatures": "Send exactly the model's features; leave a value empty (null) where it is not known.",
    "EngineNotInstalled": "Install what the sentence names, or leave `--engine` out: DuckDB is always there.",
    "PromotionRefused": "Read what it compared. A regression or a group that is served worse is mended by more or "
    "better records and another training, not by a sign-off; a group too small to judge may be signed off by a named "
    "person ([retraining](retraining.md)).",
    "RegistryUnavailable": "Close the program that holds it, or follow [retraining](retraining.md), section 'When the "
    "registry cannot be read'. Lists and the service go on meanwhile.",
    "Overtaken": "Open the page anew, look at what the other person wrote, and make your change again.",
    "StoreUnavailable": "Read the sentence: it says whether to run `ews store upgrade`, to start the database, or to "
    "restore a backup ([store](store.md)). The home still holds every scoring run, so a list can be published again.",
    "MonitoringAlarm": "Read the report it names, and [monitoring](monitoring.md): each alarm there says what to do. "
    "`ews monitor` changes nothing, so a scheduler may run it as often as it likes.",
    "AuditUnavailable": "Free space on the disk of the log of reads, or make its folder writable to the service. Until "
    "then nothing of a student is shown; that is meant ([access](access.md)).",
    "EffectRefused": "Register the next round before it starts: `ews effect register`. A registration stays as it was "
    "made, and before and after is no estimate ([mentoring](mentoring.md)).",
    "Busy": "Wait until the other command ends. If none runs, the lock is free again by itself.",
}
"""What a reader can do, per class; a class without an entry fails the docs test."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check all generated pages; 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(arguments).check
    stale = {DOCS / name: text for name, text in pages().items() if not _is_current(DOCS / name, text)}
    for path, text in stale.items():
        print(f"docs/{path.name} {'is stale; run: make docs' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and bool(stale))


def pages() -> dict[str, str]:
    """Every generated page by file name."""
    return {
        "data-dictionary.md": data_dictionary(),
        "errors.md": errors_page(),
        "traceability.md": traceability(),
    }


def data_dictionary() -> str:
    """Tables, student years and features: what one row is, keys, units, what null means."""
    parts = [
        "# Data dictionary\n",
        MADE,
        _DICTIONARY_INTRODUCTION,
        "## Tables every source ends in\n",
        *(_table(table) for table in TABLES),
        "## Student years\n",
        _STUDENT_YEARS_INTRODUCTION,
        _table(STUDENT_YEARS),
        "## Features\n",
        _FEATURES_INTRODUCTION,
        *(_group(group) for group in GROUPS),
        "## The store\n",
        _STORE_INTRODUCTION,
        *(_stored(table) for table in METADATA.tables.values()),
    ]
    return "\n".join(parts)


def errors_page() -> str:
    """Every error class with its exit code and what to do."""
    parts = ["# Errors\n", MADE, _ERRORS_INTRODUCTION, *(_error(error) for error in error_classes())]
    return "\n".join([*parts, _HTTP])


def traceability() -> str:
    """Which test files name which requirement."""
    named: dict[str, set[str]] = {name: set() for name in NUMBERED}
    for path in sorted((DOCS.parent / "tests").rglob("test_*.py")):
        for found in REQUIREMENT.findall(path.read_text(encoding="utf-8")):
            named.setdefault(re.sub("FAIR[-_]?", "FAIR-", found), set()).add(path.relative_to(DOCS.parent).as_posix())
    tests = {name: ", ".join(sorted(files)) or "no test yet" for name, files in sorted(named.items(), key=_in_order)}
    faults = tomllib.loads((HERE / "ingest-faults.toml").read_text(encoding="utf-8"))
    rows = ((name, files) for name, files in tests.items() if name not in faults)
    ingest = ((name, fault, tests.get(name, "no test yet")) for name, fault in faults.items())
    return "\n".join(
        [
            "# Requirements and their tests\n", MADE, _TRACEABILITY, _grid(("id", "named in"), rows), _INGEST,
            _grid(("id", "what goes wrong, and what must come of it", "named in"), ingest),
        ]
    )  # fmt: skip


def error_classes() -> list[type[EwsError]]:
    """The situations of :mod:`ews.errors`, by exit code."""
    known = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, EwsError)]
    return sorted((error for error in known if error is not EwsError), key=lambda error: error.exit_code)


def _in_order(entry: tuple[str, set[str]]) -> tuple[str, int]:
    letters, number = re.split(r"-|(?<=[TGI])(?=\d)", entry[0])
    return letters, int(number)


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _table(table: Table) -> str:
    heading = f"### `{table.name}`\n\nOne row is {table.row}. Key: {_names(table.key)}."
    optional = " A source may leave this table out." if table.optional else ""
    return f"{heading}{optional}\n\n" + _grid(
        ("column", "kind", "meaning", "empty means"), (_column(column) for column in table.columns)
    )


def _stored(table: StoredTable) -> str:
    rows = (
        (f"`{column.name}`", str(column.type).lower(), "yes" if column.nullable else "no", column.doc or "")
        for column in table.columns
    )
    key = _names(column.name for column in table.primary_key)
    head = ("column", "type", "may be null", "meaning")
    return f"### `{table.name}` of the store\n\nKey: {key}.\n\n" + _grid(head, rows)


def _column(column: Column) -> tuple[str, ...]:
    allowed = f" One of: {', '.join(column.allowed)}." if column.allowed else ""
    return f"`{column.name}`", column.kind, column.meaning + allowed, column.null or "refused"


def _group(group: str) -> str:
    features = [feature for feature in FEATURES.values() if feature.group == group]
    first = {feature.phrase: feature.name for feature in reversed(features) if feature.phrase}
    head = ("feature", "unit", "window", "meaning", "a larger value", "what a counselor reads")
    return f"### {group}\n\n" + _grid(head, (_feature(feature, first) for feature in features))


def _feature(feature: Feature, first: Mapping[str, str]) -> tuple[str, ...]:
    moves = DIRECTIONS[feature.direction] if feature.learned else "not learned"
    return f"`{feature.name}`", feature.unit, feature.window, feature.meaning, moves, _told(feature, first)


def _told(feature: Feature, first: Mapping[str, str]) -> str:
    """Its phrase once in a group, where the features that share it speak as one; else why it has none."""
    if feature.phrase is None:
        return f"nothing: {feature.untold}" if feature.untold else "in other sentences"
    if first[feature.phrase] != feature.name:
        return f"as `{first[feature.phrase]}`"
    return "; or: ".join(_in_words(way) for way in feature.phrase.split("|"))


def _in_words(way: str) -> str:
    """One way of saying it, with the wording for many in the place of all, and values by their names."""
    plain = re.sub(r"[\[\]]", "", way)
    for_many = re.sub(r"\{(\w+):[^{}]*;([^{};]*)#([^{};]*)\}", r"\2{\1}\3", plain)
    return re.sub(r"\{(\w+)(:\w+)?\}", r"`\1`", for_many)


def _error(error: type[EwsError]) -> str:
    sentence = (error.__doc__ or "").strip()
    return f"## {error.__name__}\n\nExit code {error.exit_code}. {sentence}\n\n{WHAT_TO_DO[error.__name__]}\n"


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = (tuple(" ".join(cell.split()).replace("|", "\\|") for cell in row) for row in rows)
    lines = [head, ("---",) * len(head), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_DICTIONARY_INTRODUCTION = f"""\
Words are those of the [glossary](glossary.md), rules those of the [business rules](business-rules.md).
Ids are text, as given (`007` stays `007`). Dates are `YYYY-MM-DD`.
A *share* is a number in [0, 1]. An *integer* is zero or more.
Grades, in order: {", ".join(GRADES)}.
Marks that can make a day absent: {", ".join(ABSENCE_CATEGORIES)}; marks of a day the student was there: \
{", ".join(PRESENT_CATEGORIES)}.
"""

_STUDENT_YEARS_INTRODUCTION = """\
Computed from the tables above, one school year at a time and from that year's records only.
The open year is the same computation through a given instructional day.
"""

_STORE_INTRODUCTION = """\
What the service reads ([store](store.md)), on SQLite and PostgreSQL alike. Times are UTC, dates are the school's. Of
every secret only a hash is kept.
"""

_FEATURES_INTRODUCTION = """\
What the model sees of a student: one row per student and target year, made only from what was known at the as-of
point. Empty is *unknown*, never zero. The groups are those in which reasons are told.
*A larger value* says how the estimate may move with everything else the same; the model is held to it. What is *not
learned* moves no estimate.
*What a counselor reads* has the student's own values in the place of names (here with the words for several), a share
as a number out of 100; `typical` is the median of the grade in training. What stands in parentheses is left out where
it is not known, and a flag is told only where it is true.
"""

_ERRORS_INTRODUCTION = """\
Each situation has one class, one exit code, and a message that says what is wrong, where, and how to fix it.
No message holds a student's value, so an operator can act on code and message without seeing records.
Exit code 2 is a wrong command line. Anything not listed here is a defect: please report it, without records.
"""

_TRACEABILITY = """\
Faults of training are numbered T, faults of registered models G, what fairness asks FAIR. A test that covers one names
it. Other ids (W service, REL reliability) are in the names of tests, too: `grep -rn W05 tests`.
"""

_INGEST = """\
## Ingest

"""

_HTTP = """\
## The service

Refusals are `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `correlation_id`, and for 422
`errors` with a pointer each. What was sent is never repeated.

| status | when | what to do |
| --- | --- | --- |
| 401 | nobody is signed in, and no valid token came | sign in, or send a token of `ews token make` |
| 403 | a second factor or a stated purpose would open it, or another site asked | what `detail` says |
| 404 | no such student, school or address; all look the same | check the id |
| 408, 413 | the body came too slowly, or is too large | send fewer rows at a time |
| 422 | a feature is missing, unknown, or no finite number; an unknown or repeated name | mend what `errors` points to |
| 500 | a defect | give the operator the `correlation_id` |
| 503 | nothing promoted or scored yet, or the bundle is not the promoted one | run the command in `detail` |
"""


if __name__ == "__main__":
    sys.exit(main())
