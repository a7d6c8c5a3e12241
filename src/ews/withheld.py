"""Students who are not to be scored, as a family asked: kept in the home, and on no list that is made from it (P07)."""

import hashlib
import json
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass

import pyarrow.parquet as pq

from ews.errors import NotFound
from ews.home import Home, read_json, to_json, write_atomically

FILE = "do_not_score.json"


@dataclass(frozen=True)
class Objection:
    """Who wrote it down, why, and when (ISO 8601)."""

    by: str
    why: str
    at: str


def withheld_students(home: Home) -> frozenset[str]:
    """The district's ids of students who are not to be scored."""
    return frozenset(_objections(home))


def withhold(home: Home, student_id: str, objection: Objection) -> None:
    """Leave a student out of every list from now on. The caller holds the home.

    Raises:
        NotFound: the records in force do not know the id.
    """
    refuse_unknown(home, student_id)
    _write(home, {**_objections(home), student_id: asdict(objection)})


def refuse_unknown(home: Home, student_id: str) -> None:
    """Stop what is about a student of whom nothing is recorded.

    Raises:
        NotEnoughData: nothing was ingested yet.
        NotFound: the records in force do not know the id.
    """
    if not pq.read_table(home.ingested() / "students.parquet", filters=[("student_id", "==", student_id)]).num_rows:
        raise NotFound("No such student in the records in force. Ids are text, as given: 007 is not 7.")


def lift(home: Home, student_id: str) -> None:
    """Let a student be scored again. The caller holds the home."""
    _write(home, {known: about for known, about in _objections(home).items() if known != student_id})


def forget(home: Home, student_ids: Collection[str]) -> None:
    """Delete the objections of students who are purged: no record is left to be scored. The caller holds the home."""
    known = _objections(home)
    kept = {student_id: about for student_id, about in known.items() if student_id not in student_ids}
    if len(kept) < len(known):
        _write(home, kept)


def seal(home: Home) -> str | None:
    """Names who is withheld without telling it, for a run's provenance; None where nobody is.

    The file begins with a random salt: ids are few enough to be guessed from their hash alone.
    """
    if not withheld_students(home):
        return None
    return hashlib.sha256((home.path / FILE).read_bytes()).hexdigest()[:16]


def _objections(home: Home) -> dict[str, dict[str, str]]:
    path = home.path / FILE
    return dict(read_json(path)["students"]) if path.exists() else {}  # type: ignore[call-overload]  # written below


def _write(home: Home, students: dict[str, dict[str, str]]) -> None:
    path = home.path / FILE
    salt = json.loads(path.read_text(encoding="utf-8"))["salt"] if path.exists() else secrets.token_hex(16)
    write_atomically(path, to_json({"salt": salt, "students": students}))
