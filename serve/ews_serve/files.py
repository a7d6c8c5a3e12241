"""A school's list as a file that leaves the service: who took it, from which run, by which filters."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from ews.exports import Cell, Sheet, to_csv, to_json, to_xlsx
from ews.reasons import FOOTER
from ews.school_year import SchoolYear
from ews.score import NOTICE
from ews.store.reading import Line, Run, Wanted
from ews_serve.asked import Asked
from ews_serve.schemas import ListFile

COLUMNS = (
    "rank", "student_id", "name", "student_key", "grade_level", "lane", "risk", "band_last_year", "last_school_year",
    "days_absent_last_year", "days_enrolled_last_year", "reason_1", "reason_2", "reason_3", "lowering_reason",
)  # fmt: skip

LEAST_RISK, MOST_RISK = 0.01, 0.99
"""No estimate is told as certain (UX-2)."""


class Format(StrEnum):
    """What kind of file."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return _MEDIA_TYPES[self]

    @staticmethod
    def media_types() -> dict[str, Any]:
        """All of them, as OpenAPI names the content of an answer."""
        binary = {"schema": {"type": "string", "format": "binary"}}
        types = dict.fromkeys((media_type.partition(";")[0] for media_type in _MEDIA_TYPES.values()), binary)
        return types | {_MEDIA_TYPES[Format.JSON]: {"schema": ListFile.model_json_schema()}}


_MEDIA_TYPES = {
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
}
WRITERS = {Format.XLSX: to_xlsx, Format.CSV: to_csv, Format.JSON: to_json}


def list_file(
    format: Format, run: Run, wanted: Wanted, lines: Sequence[Line], asked: Asked, notices: Sequence[str]
) -> bytes:
    """The file's bytes."""
    year = SchoolYear(run.target_year).label
    about = {
        "school": str(wanted.school_id),
        "school year": year,
        "as of": _as_of(run),
        "records through": run.data_through.isoformat() if run.data_through else "not known",
        "filters": _filters(wanted),
        "students": str(len(lines)),
        "run": f"{run.run_id}, published {run.published_at:%Y-%m-%d}, model version {run.model_version}",
        "taken by": f"{asked.viewer.login}, {asked.at:%Y-%m-%d %H:%M} UTC",
        "notice": NOTICE,
        "reading": FOOTER,
        **({"attention": " ".join(notices)} if notices else {}),
    }
    rows = [_row(line) for line in lines]
    return WRITERS[format](Sheet(f"Risk list, {year}, school {wanted.school_id}", about, COLUMNS, rows, asked.at))


def _row(line: Line) -> list[Cell]:
    values = json.loads(line.line) | {"student_id": line.student_id, "name": line.name}
    reasons = dict(zip(("reason_1", "reason_2", "reason_3"), values["reasons"], strict=False))
    risk = min(max(round(values["risk"], 2), LEAST_RISK), MOST_RISK)
    told = values | reasons | {"risk": risk}
    return [told.get(name) for name in COLUMNS]


def _as_of(run: Run) -> str:
    if run.after_day:
        return f"after {run.after_day} instructional days of the school year"
    return "before the first instructional day of the school year"


def _filters(wanted: Wanted) -> str:
    parts = {
        "grade": ", ".join(wanted.grade_levels),
        "lane": wanted.lane or "",
        "caseload": "mine" if wanted.caseload_of else "",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items() if value) or "none"
