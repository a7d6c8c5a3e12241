"""Corrections that families asked for, noted against the records they are about (PRV-6)."""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

import pyarrow.parquet as pq

from ews.errors import InputRefused, NotFound
from ews.home import Home, write_atomically

FILE = "corrections.jsonl"


@dataclass(frozen=True)
class Correction:
    """A request.

    Attributes:
        student_id: the district's id.
        what: which record is not right, as the family put it.
        by: who wrote it down.
        at: when, as ISO 8601 with time zone.
        data_id: the ingest it is about.
    """

    student_id: str
    what: str
    by: str
    at: str
    data_id: str


def ask(home: Home, student_id: str, *, what: str, by: str, at: str) -> Correction:
    """Note that a record of a student is not right. The caller holds the home.

    Raises:
        NotEnoughData: nothing was ingested yet.
        NotFound: the records in force do not know the id.
        InputRefused: nobody, or nothing to correct, is named.
    """
    if not (what.strip() and by.strip()):
        raise InputRefused("A correction says which record is not right (--what) and who wrote it down (--by).")
    folder = home.ingested()
    if not pq.read_table(folder / "students.parquet", filters=[("student_id", "==", student_id)]).num_rows:
        raise NotFound("No such student in the records in force. Ids are text, as given: 007 is not 7.")
    asked = Correction(student_id, what.strip(), by.strip(), at, folder.name)
    _write(home, (*corrections(home), asked))
    return asked


def corrections(home: Home) -> list[Correction]:
    """Every request, oldest first; none before the first."""
    path = home.path / FILE
    if not path.exists():
        return []
    return [Correction(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def to_score_again(home: Home, scored_from: str | None) -> int:
    """Students whose correction was asked for on records that are no longer in force while lists still come from them.

    Args:
        home: holds the requests and the records.
        scored_from: the ingest that the lists in force were made from; None where there are none.
    """
    now = home.ingested().name
    if scored_from == now:
        return 0
    return len({one.student_id for one in corrections(home) if one.data_id != now})


def forget(home: Home, student_ids: Collection[str]) -> None:
    """Delete the requests about students who are purged. The caller holds the home."""
    known = corrections(home)
    kept = [one for one in known if one.student_id not in student_ids]
    if len(kept) < len(known):
        _write(home, kept)


def _write(home: Home, asked: Iterable[Correction]) -> None:
    lines = (json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in asked)
    write_atomically(home.path / FILE, "".join(lines))
