"""What is in force in a home: the current scoring run, and the promoted bundle verified by its hash."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.home import Home, read_json
from ews.recalibration import Recalibration, as_recalibrated
from ews_serve.pointers import Kept
from ews_serve.problems import Refused

Row = dict[str, Any]


@dataclass(frozen=True)
class ScoringRun:
    """One scoring run, whole: answers made from one of these never mix two.

    Attributes:
        provenance: run, target year, as-of and model of the run.
        risk_list: one row per student, in the order of the lists.
        explanations: one row per student.
        listed: the rows of each school in `risk_list`, first place first.
        explained: the row of each student in `explanations`.
        placed: the row of each student in `risk_list`.
    """

    provenance: Row
    risk_list: pa.Table
    explanations: pa.Table
    listed: dict[str, list[int]]
    explained: dict[str, int]
    placed: dict[str, int]

    @classmethod
    def read(cls, folder: Path) -> "ScoringRun":
        """Read the run in a folder."""
        in_order = [("school_id", "ascending"), ("rank", "ascending")]
        risk_list = pq.read_table(folder / "risk_list.parquet").sort_by(in_order)
        explanations = pq.read_table(folder / "explanations.parquet")
        return cls(
            provenance=read_json(folder / "provenance.json"),
            risk_list=risk_list,
            explanations=explanations,
            listed=_rows_of_each(risk_list["school_id"].to_pylist()),
            explained=_row_of_each(explanations["student_id"].to_pylist()),
            placed=_row_of_each(risk_list["student_id"].to_pylist()),
        )

    def school(self, school_id: str) -> list[Row] | None:
        """The school's students by rank; None for a school that is not in the run."""
        rows = self.listed.get(school_id)
        return None if rows is None else self.risk_list.take(rows).to_pylist()

    def student(self, student_id: str) -> tuple[Row, Row] | None:
        """The student's line of the list and the explanation; None for a student who is not in the run."""
        if student_id not in self.explained or student_id not in self.placed:
            return None
        return _row(self.risk_list, self.placed[student_id]), _row(self.explanations, self.explained[student_id])


@dataclass(frozen=True)
class Champion:
    """The model that live estimates are made with, verified."""

    version: int
    bundle: Bundle


class Published:
    """The home's pointers, read again per request and followed only when they changed."""

    def __init__(self, home: Path) -> None:
        self._home = Home(home)
        self._run = Kept(self._home.current_scoring_run, self._read_run)
        self._of_run = Kept(self._home.current_scoring_run, self._read_model_of_run)
        self._champion = Kept(self._home.champion, self._read_champion)

    def scoring_run(self) -> ScoringRun:
        """The scoring run in force.

        Raises:
            Refused: 503, nothing was scored yet.
        """
        return _or_say(self._run, "No scoring run yet. Make one with: ews score --target-year YEAR")

    def champion(self) -> Champion:
        """The model that made the scoring run in force, recalibrated as it was, so that live and listed agree.

        A later promotion is answered from once lists were made with it. Before the first run it is the champion of
        term start.

        Raises:
            Refused: 503, nothing was promoted yet.
            UntrustedBundle: the bundle's files are not the ones that were promoted.
        """
        if self._home.current_scoring_run.exists():
            return self._of_run.now()
        return _or_say(self._champion, "No model was promoted yet. Train one with: ews train; then: ews promote")

    def _read_run(self) -> ScoringRun:
        pointer = read_json(self._home.current_scoring_run)
        return ScoringRun.read(self._home.scoring_runs / str(pointer["run_id"]))

    def _read_model_of_run(self) -> Champion:
        pointer = read_json(self._home.current_scoring_run)
        made: Row = read_json(self._home.scoring_runs / str(pointer["run_id"]) / "provenance.json")
        model = self._verified(made["model_version"], made["bundle_sha256"])
        shifted = made.get("recalibration")
        recalibration = Recalibration.from_values(shifted) if shifted else None
        return replace(model, bundle=as_recalibrated(model.bundle, recalibration))

    def _read_champion(self) -> Champion:
        pointer = read_json(self._home.champion)
        return self._verified(pointer["version"], pointer["bundle_sha256"])

    def _verified(self, version: object, sha256: object) -> Champion:
        folder = bundle_folder(self._home, str(sha256))
        return Champion(int(str(version)), load_bundle(folder, str(sha256)))


def _or_say(kept: Kept[Any], sentence: str) -> Any:
    try:
        return kept.now()
    except FileNotFoundError as error:
        raise Refused(503, sentence) from error


def _row(table: pa.Table, number: int) -> Row:
    return dict(table.slice(number, 1).to_pylist()[0])


def _row_of_each(keys: Sequence[str]) -> dict[str, int]:
    return {key: number for number, key in enumerate(keys)}


def _rows_of_each(keys: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        rows.setdefault(key, []).append(number)
    return rows
