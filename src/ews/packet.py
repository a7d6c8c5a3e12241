"""Everything about one student on a few sheets: what a family gets that asks to inspect the records (PRV-6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ews.errors import NotFound
from ews.exports import Cell, Sheet, to_csv
from ews.features import FEATURES
from ews.home import Home
from ews.score import ScoringRun, current_run, explanation_of
from ews.store.access_report import COLUMNS, AccessReport, row_of

RECORDS = ("students", "enrollments", "marks", "attendance_years", "demographics", "mentoring")
"""Tables of an ingest with rows of a student."""

CARRIED = ("students", "enrollments", "marks", "attendance_years")
"""Of these what goes along to another district: attendance, and never an estimate (PRV-7)."""

OF_MARKS = ("student_id", "school_id", "date", "kind", "is_absent", "is_tardy", "is_early_departure")
"""What was recorded of a day; the other columns of a mark are worked out from it and the calendar."""

PAGES = ("model-card.html", "family.html")
"""What training keeps of the model for people."""

NOTICE = "Education records of one student, for the family or the party named in the log of reads, and nobody else."


@dataclass(frozen=True)
class Packet:
    """Files of a packet.

    Attributes:
        files: bytes by name.
        has_estimate: whether the student is in the list in force.
        has_pages: whether the pages of the model that made the list are in the home.
    """

    files: Mapping[str, bytes]
    has_estimate: bool
    has_pages: bool


def packet(home: Home, student_id: str, report: AccessReport, made_at: datetime) -> Packet:
    """What the records, the estimate, the model and the log of reads hold of one student.

    Args:
        home: holds records, lists and the pages of models.
        student_id: the district's id.
        report: who may see the student and who did.
        made_at: now.

    Raises:
        NotEnoughData: nothing was ingested yet.
    """
    run = _run_with(home, student_id)
    sheets = {**_records(home.ingested(), student_id, made_at), **_access(report, made_at)}
    if run is not None:
        sheets["estimate"] = _estimate(run, student_id, made_at)
    pages = {} if run is None else _pages(home.evidence / str(run.provenance["bundle_sha256"]))
    files = {f"{name}.csv": to_csv(sheet) for name, sheet in sheets.items()} | pages
    return Packet(files, run is not None, len(pages) == len(PAGES))


def transfer(home: Home, student_id: str, made_at: datetime) -> Packet:
    """What goes along with a student who moves to another district: enrolment and attendance.

    Args:
        home: holds the records.
        student_id: the district's id.
        made_at: now.

    Raises:
        NotEnoughData: nothing was ingested yet.
    """
    sheets = _records(home.ingested(), student_id, made_at, CARRIED)
    return Packet({f"{name}.csv": to_csv(sheet) for name, sheet in sheets.items()}, False, False)


def _run_with(home: Home, student_id: str) -> ScoringRun | None:
    """The list in force where the student is in it."""
    try:
        run = current_run(home)
        explanation_of(run, student_id)
    except NotFound:
        return None
    return run


def _records(folder: Path, student_id: str, made_at: datetime, tables: Sequence[str] = RECORDS) -> dict[str, Sheet]:
    found = {}
    for name in tables:
        place = folder / name if (folder / name).is_dir() else folder / f"{name}.parquet"
        if place.exists():
            columns = list(OF_MARKS) if name == "marks" else None
            mine = [("student_id", "==", student_id)]
            rows = pq.read_table(place, columns=columns, filters=mine, partitioning=None)
            cells = [[_cell(value) for value in row.values()] for row in rows.to_pylist()]
            found[f"records-{name}"] = _sheet(f"Records: {name}", rows.column_names, sorted(cells, key=str), made_at)
    return found


def _estimate(run: ScoringRun, student_id: str, made_at: datetime) -> Sheet:
    """Every value the estimate was made from and what came of it, one a row."""
    about = {"run": run.run_id, **{name: str(run.provenance[name]) for name in ("target_year", "data_through")}}
    rows = [
        (name, _cell(value), FEATURES[name].meaning if name in FEATURES else "")
        for name, value in explanation_of(run, student_id).items()
    ]
    return _sheet(
        "Estimate, reasons and what they were made from", ("what", "value", "meaning"), rows, made_at, **about
    )


def _access(report: AccessReport, made_at: datetime) -> dict[str, Sheet]:
    may = [(one.name, one.role, one.reason, ", ".join(one.views)) for one in report.may_see]
    return {
        "who-may-see": _sheet("Who may see it today", ("name", "role", "because of", "what"), may, made_at),
        "who-saw": _sheet("Who saw or asked, and to whom it went", COLUMNS, list(map(row_of, report.saw)), made_at),
    }


def _pages(evidence: Path) -> dict[str, bytes]:
    return {name: (evidence / name).read_bytes() for name in PAGES if (evidence / name).exists()}


def _sheet(title: str, columns: Any, rows: Any, made_at: datetime, **about: str) -> Sheet:
    told = {**about, "made": made_at.isoformat(timespec="minutes"), "notice": NOTICE}
    return Sheet(title, told, columns, rows, made_at)


def _cell(value: Any) -> Cell:
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return ("yes" if value else "no") if isinstance(value, bool) else value
