"""The list of what was purged: kept beside the store, not in it, so that a restored backup is purged again (O19).

One line of `purges.jsonl` in the home is one purge: when, by whom, why, and the random keys of the students; a key says
nothing once the store has forgotten it. Keep a copy of the file with every backup.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ews.home import Home, write_atomically

FILE = "purges.jsonl"


@dataclass(frozen=True)
class Purge:
    """One purge, and the proof of it (PRV-14).

    Attributes:
        at: when, ISO 8601.
        by: who asked for it.
        why: the reason, without a student's name.
        students: the random keys of the students deleted.
        runs: ids of the runs deleted.
        removed: what else was removed, as counts: folders and files of the home.
    """

    at: str
    by: str
    why: str
    students: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    removed: int = 0


def purges(home: Home) -> list[Purge]:
    """Every purge so far, oldest first."""
    return [_read(line) for line in _lines(home.path / FILE)]


def purged_students(home: Home) -> Sequence[str]:
    """The keys of all students who were ever purged."""
    return sorted({key for purge in purges(home) for key in purge.students})


def note(home: Home, purge: Purge) -> None:
    """Add a purge; it is on disk when this returns. The caller holds the home."""
    path = home.path / FILE
    write_atomically(path, "".join(f"{line}\n" for line in (*_lines(path), json.dumps(asdict(purge)))))


def instant(at: dt.datetime) -> str:
    """A time as it stands in the list."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _read(line: str) -> Purge:
    values = json.loads(line)
    return Purge(**{**values, "students": tuple(values["students"]), "runs": tuple(values["runs"])})
