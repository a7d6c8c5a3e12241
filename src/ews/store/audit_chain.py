"""What an entry of the log of reads holds, and how entries are linked so that a change is found."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One read, one refusal, one disclosure, or one act on accounts (PRV-4, PRV-5).

    Attributes:
        at: when, with its zone.
        staff_key: whose account; empty where nobody was signed in.
        login: the same as people know it.
        role: in which role it was allowed; empty where it was refused or is about no role.
        view: what was looked at, or what was done.
        result: shown, refused, exported, done.
        reason: why it was allowed or refused, as `ews.access` says.
        student_keys: the students shown, by random key; a list names all of them.
        school_id: the school of a list; None: of no school.
        fields: what of a student was shown, as `names` or `attendance`; empty: what the view always shows.
        purpose: as stated.
        viewing_as: login of the person viewed as (A12); None: as oneself.
        run_id: the scoring run shown; None: none.
        model_version: its model; None: none.
        correlation_id: finds the request in the service's log.
        party: who received what left the district (a disclosure); None: it did not leave.
        legal_basis: on which ground it left; None as above.
    """

    at: datetime
    staff_key: str
    login: str
    role: str
    view: str
    result: str
    reason: str
    student_keys: tuple[str, ...] = ()
    school_id: str | None = None
    fields: str = ""
    purpose: str = ""
    viewing_as: str | None = None
    run_id: str | None = None
    model_version: int | None = None
    correlation_id: str = ""
    party: str | None = None
    legal_basis: str | None = None


@dataclass(frozen=True)
class Head:
    """The end of the chain: number and hash of its newest entry."""

    seq: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.sha256}"

    @classmethod
    def parse(cls, words: str) -> "Head":
        """A head as it was printed.

        Raises:
            ValueError: it is none.
        """
        seq, _, sha256 = words.partition(":")
        if len(sha256) != 64:
            raise ValueError("A head is a number, a colon and 64 hexadecimal digits, as `ews audit-log verify` prints.")
        return cls(int(seq), sha256)


FIRST = Head(0, "0" * 64)
"""The head of a log without entries."""

Row = dict[str, Any]


def instant(at: datetime) -> str:
    """A point in time as the log keeps it: UTC, and in the order of time when sorted as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def linked(entries: Iterable[Entry], head: Head) -> list[Row]:
    """Rows for entries, each linked to the one before."""
    rows = []
    for entry in entries:
        row = _row(entry, head)
        row["sha256"] = sha256_of(row)
        head = Head(row["seq"], row["sha256"])
        rows.append(row)
    return rows


def read_back(row: Mapping[Any, Any]) -> Entry:
    """The entry of a row."""
    values = {name: row[name] for name in Entry.__dataclass_fields__ if name not in {"at", "student_keys"}}
    return Entry(at=datetime.fromisoformat(row["at"]), student_keys=tuple(json.loads(row["student_keys"])), **values)


def sha256_of(row: Mapping[Any, Any]) -> str:
    """The hash of a row, which holds the hash of the row before."""
    covered = {name: value for name, value in row.items() if name != "sha256"}
    return hashlib.sha256(_canonical(covered).encode("ascii")).hexdigest()


def first_problem(rows: Iterable[Mapping[Any, Any]]) -> tuple[Head, str | None]:
    """How far the chain holds from its beginning, and what is wrong after that; None: nothing."""
    head = FIRST
    for row in rows:
        if row["seq"] != head.seq + 1:
            return head, f"after entry {head.seq} comes entry {row['seq']}: what was between was taken out"
        if row["previous_sha256"] != head.sha256 or row["sha256"] != sha256_of(row):
            return head, f"entry {row['seq']} is not as it was written"
        head = Head(row["seq"], row["sha256"])
    return head, None


def _row(entry: Entry, head: Head) -> Row:
    keys: Sequence[str] = entry.student_keys
    values = vars(entry) | {"at": instant(entry.at), "student_keys": json.dumps(keys, separators=(",", ":"))}
    return {"seq": head.seq + 1, **values, "previous_sha256": head.sha256}


def _canonical(values: Mapping[Any, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
