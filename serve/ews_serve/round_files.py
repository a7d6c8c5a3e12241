"""A round as a file that leaves the service, for the school's office: who is to be offered which mentor, and why."""

from collections.abc import Sequence

from ews.access import Scope, View
from ews.exports import Cell, Sheet
from ews.school_year import SchoolYear
from ews.score import NOTICE
from ews.store import rounds as kept
from ews.store.reading import Line
from ews.store.rounds import Round, RoundRow
from ews_serve.asked import Asked
from ews_serve.files import WRITERS, Format
from ews_serve.problems import Refused
from ews_serve.slot_rounds import said

COLUMNS = (
    "place", "student_id", "name", "student_key", "school_id", "grade_level", "decision", "mentor", "stands", "by_lot",
    "why", "edited_by", "edit_reason",
)  # fmt: skip
"""No estimate: who calls families does not need one."""


def round_file(asked: Asked, round_key: str, format: Format) -> tuple[str, bytes]:
    """Name and bytes of a round's file, of the students whom the viewer sees and may export; the log has it first.

    Raises:
        Refused: 403, a second factor would open it; 404, there is no such round, or none of whose students.
    """
    seen, exported = asked.scope(View.SLOTS), asked.scope(View.EXPORT)
    with asked.service.store.reading() as connection, said():
        found = kept.round_of(connection, round_key)
        may_leave = {row.student_key for row in kept.rows_of_round(connection, round_key, exported)}
        rows = [row for row in kept.rows_of_round(connection, round_key, seen) if row.student_key in may_leave]
    if not rows:
        raise Refused(404)
    _log(asked, exported, found, rows)
    bytes_ = WRITERS[format](_sheet(asked, found, rows))
    return f"mentor round {found.school_id or 'all schools'} {found.round_key[:8]}.{format.value}", bytes_


def _log(asked: Asked, scope: Scope, found: Round, rows: Sequence[RoundRow]) -> None:
    lines = [Line(row.student_key, row.school_id, row.student_id, row.name, "") for row in rows]
    asked.log_list(scope, "exported", lines, "round", school_id=found.school_id or "", run_id=found.run_id)
    most, measures = asked.service.settings.large_export_rows, asked.service.measures
    measures.tell_large_export(len(lines), most, asked.correlation_id)


def _sheet(asked: Asked, found: Round, rows: Sequence[RoundRow]) -> Sheet:
    year = SchoolYear(found.target_year).label
    about = {
        "school": found.school_id or "all schools",
        "school year": year,
        "round": f"{found.round_key}, {found.state}, version {found.version}",
        "proposed": f"{found.proposed_by}, {found.proposed_at:%Y-%m-%d}",
        "confirmed": f"{found.confirmed_by}, {found.confirmed_at:%Y-%m-%d}" if found.confirmed_at else "not yet",
        "students": str(len(rows)),
        "taken by": f"{asked.viewer.login}, {asked.at:%Y-%m-%d %H:%M} UTC",
        "notice": NOTICE,
    }
    title = f"Round of mentor slots, {year}, {found.school_id or 'all schools'}"
    return Sheet(title, about, COLUMNS, [_row(row) for row in rows], asked.at)


def _row(row: RoundRow) -> list[Cell]:
    told = {name: getattr(row, name, None) for name in COLUMNS}
    told |= {"stands": row.state, "by_lot": "yes" if row.in_band else ""}
    return [told[name] for name in COLUMNS]
