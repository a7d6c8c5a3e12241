"""Bring records into a home: look, read, judge, write beside, and only then point to it."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import duckdb

from ews.errors import InputRefused
from ews.home import Home, new_folder, read_json, to_json, write_atomically
from ews.policy import Policy
from ews.sis import refusals, rejects
from ews.sis.edfi import open_edfi
from ews.sis.flat import open_flat
from ews.sis.in_force import by_school, in_force, put_in_force, refuse_lesser, remember_students
from ews.sis.oneroster import open_oneroster
from ews.sis.parquet import fingerprints, write_tables
from ews.sis.positive import open_positive
from ews.sis.refusals import Override
from ews.sis.rejects import Counts
from ews.sis.source import Source, Staged
from ews.sis.staging import open_database
from ews.sis.validate import ORDER, validate
from ews.sis.yearly import open_yearly

_LAYOUT = "4"
"""Changes when the folder of an ingest is written differently, so that the same input is then read anew."""

_DEFAULT_POLICY = Policy()
_NOBODY = Override()

SourceName = Literal["flat", "yearly", "edfi", "positive", "oneroster"]
"""How a feed is laid out."""


@dataclass(frozen=True)
class IngestReport:
    """What came of an ingest.

    Attributes:
        id: names the folder; the same input and map have the same id.
        folder: the tables in force.
        counts: by table; read = accepted + rejected + duplicates.
        rejects_path: the rows that were not taken whole, each with what to do.
        data_through: ISO date of the last mark; None without daily marks.
        school_years: years with records, ascending.
        already_known: the same input came in before and was not read again.
        dropped_columns: by file, columns that nothing here reads.
        empty_student_years: student-years of a yearly sheet without days; they are no rows.
        left_out: by table, lines that by the map are no record: present all day, or not asked for.
        remarks: what else a reader should know, in sentences without any value of a student.
    """

    id: str
    folder: Path
    counts: Mapping[str, Counts]
    rejects_path: Path
    data_through: str | None
    school_years: tuple[int, ...]
    already_known: bool
    dropped_columns: Mapping[str, list[str]]
    empty_student_years: int
    left_out: Mapping[str, int]
    remarks: tuple[str, ...]


def ingest(
    path: Path,
    home: Home,
    *,
    source: SourceName = "flat",
    column_map: Path | None = None,
    policy: Policy = _DEFAULT_POLICY,
    allow_shrink: bool = False,
    allow_older: bool = False,
    override: Override = _NOBODY,
    progress: Callable[[str], None] = lambda _: None,
) -> IngestReport:
    """Bring a feed in; it is in force when this returns, and nothing changed when this raises.

    The caller holds `home.locked()`.

    Args:
        path: a folder (flat, positive, oneroster), a sheet (yearly), or a folder, archive or file (edfi).
        home: where the tables go.
        source: how the feed is laid out.
        column_map: the TOML that names the columns, as a path or the name of one that ships (`star`); a yearly sheet
            needs one, a flat folder in our own words does not. For edfi a district's own table of descriptors.
        policy: kept beside the tables.
        allow_shrink: take a feed with far fewer rows than those in force.
        allow_older: take a feed that ends before those in force.
        override: who allows it and why; needed where one of the two is made use of, and kept in the manifest and in
            `ingests.jsonl`.
        progress: told what is being done, without any value of a record.

    Raises:
        InputRefused: the feed cannot be taken as it is. If rows are the reason, they are listed in
            `refused/<id>/rejects.csv` of the home.
    """
    feed = _OPEN[source](path, column_map)
    allowed = {kind for kind, yes in (("shrink", allow_shrink), ("older", allow_older)) if yes}
    name = _id(feed)
    folder = home.tables / name
    known = folder.exists()
    taken: list[dict[str, str]] = []
    if not known:
        with new_folder(folder) as fresh:
            about = {"id": name, "source": source, "policy": policy.to_toml()}
            manifest = _fill(fresh, feed, home, about, progress)
            taken = refuse_lesser(manifest, home, allowed, override)
            write_atomically(fresh / "manifest.json", to_json({**manifest, "overrides": taken}))
    elif in_force(home) != name:
        taken = refuse_lesser(read_json(folder / "manifest.json"), home, allowed, override)
    if in_force(home) != name:
        put_in_force(home, name, taken, override)
    return _report(folder, already_known=known)


_OPEN: Mapping[SourceName, Callable[[Path, Path | None], Source]] = {
    "flat": open_flat,
    "yearly": open_yearly,
    "edfi": open_edfi,
    "positive": open_positive,
    "oneroster": open_oneroster,
}


def _id(feed: Source) -> str:
    parts = [*sorted(f"{file.name} {file.sha256}" for file in feed.files), feed.map_sha256, _LAYOUT]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _fill(
    folder: Path, feed: Source, home: Home, about: Mapping[str, str], progress: Callable[[str], None]
) -> dict[str, object]:
    with _workspace(folder) as connection:
        staged = feed.stage(connection, progress)
        remember_students(connection, home)
        validate(connection, staged.parts, progress)
        counts = {
            table.name: rejects.collect(connection, table, staged)
            for table in (*staged.judged, *ORDER)
            if table.name in staged.parts
        }
        rejects.write(connection, folder / "rejects.csv")
        _refuse_bad_tables(counts, folder / "rejects.csv", home.path / "refused" / about["id"])
        write_tables(connection, list(staged.parts), folder, progress)
        about_years = {"fingerprints": fingerprints(connection, folder)}
        return _manifest(connection, feed, staged, counts) | about_years | dict(about)


@contextlib.contextmanager
def _workspace(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".working-") as work,
        contextlib.closing(open_database(Path(work))) as connection,
    ):
        yield connection


def _refuse_bad_tables(counts: Mapping[str, Counts], listed: Path, refused: Path) -> None:
    try:
        refusals.refuse_bad_tables(counts, refused / "rejects.csv")
    except InputRefused:
        with new_folder(refused) as folder:
            shutil.copy(listed, folder / "rejects.csv")
        raise


def _manifest(
    connection: duckdb.DuckDBPyConnection, feed: Source, staged: Staged, counts: Mapping[str, Counts]
) -> dict[str, object]:
    through = connection.execute("select max(date)::varchar from accepted_attendance").fetchall()[0][0]
    years = connection.execute(
        "select distinct school_year from (select school_year from accepted_calendar "
        "union all select school_year from accepted_attendance_years) order by all"
    ).fetchall()
    return {
        "files": {file.name: {"sha256": file.sha256, "bytes": file.size} for file in feed.files},
        "map_sha256": feed.map_sha256,
        "counts": {name: asdict(count) for name, count in counts.items()},
        "data_through": through,
        "school_years": [year for (year,) in years],
        "dropped_columns": dict(staged.dropped_columns),
        "empty_student_years": staged.empty,
        "left_out": dict(staged.left_out),
        "schools": by_school(connection),
        "remarks": list(staged.remarks),
    }


def _counts(manifest: Mapping[str, Any]) -> dict[str, Counts]:
    return {name: Counts(**count) for name, count in manifest["counts"].items()}


def _report(folder: Path, *, already_known: bool) -> IngestReport:
    manifest = cast(dict[str, Any], read_json(folder / "manifest.json"))
    return IngestReport(
        id=manifest["id"],
        folder=folder,
        counts=_counts(manifest),
        rejects_path=folder / "rejects.csv",
        data_through=manifest["data_through"],
        school_years=tuple(manifest["school_years"]),
        already_known=already_known,
        dropped_columns=manifest["dropped_columns"],
        empty_student_years=manifest["empty_student_years"],
        left_out=manifest.get("left_out", {}),
        remarks=tuple(manifest.get("remarks", ())),
    )
