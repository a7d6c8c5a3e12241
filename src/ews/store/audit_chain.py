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
        result: shown, refused, exported, written, done.
        reason: why it was allowed or refused, as `ews.access` says.
        student_keys: the students shown, by random key; a list names all of them, in no order when it is read back.
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


@dataclass(frozen=True)
class Named:
    """Whom an entry names, as the log keeps it.

    A list of several students is kept once, under its own hash, and every entry that shows the same students names it
    by that: five hundred students then take one row, and the hash holds entry and students together.

    Attributes:
        kept: what stands in the entry: the keys as a JSON list, or the list's hash as JSON text.
        keys: those that stand in the entry.
        list_sha256: of the list; empty where the keys stand in the entry.
        list_text: the keys of the list as a sorted JSON list; empty as above.
    """

    kept: str
    keys: tuple[str, ...] = ()
    list_sha256: str = ""
    list_text: str = ""

    @classmethod
    def of(cls, student_keys: Sequence[str]) -> "Named":
        """Whom some keys name."""
        if len(student_keys) < 2:
            return cls(_text(student_keys), tuple(student_keys))
        text = _text(sorted(student_keys))
        sha256 = list_hash(text)
        return cls(_text(sha256), (), sha256, text)

    @classmethod
    def read(cls, kept: str) -> "Named":
        """The same from an entry; without the text of a list, which stands elsewhere."""
        value = json.loads(kept)
        return cls(kept, (), value) if isinstance(value, str) else cls(kept, tuple(value))


def list_hash(text: str) -> str:
    """Under what a list of students is kept: the SHA-256 of its text."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def instant(at: datetime) -> str:
    """A point in time as the log keeps it: UTC, and in the order of time when sorted as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def linked(entries: Iterable[tuple[Entry, Named]], head: Head) -> list[Row]:
    """Rows for entries, each linked to the one before."""
    rows = []
    for entry, named in entries:
        row = _row(entry, named, head)
        row["sha256"] = sha256_of(row)
        head = Head(row["seq"], row["sha256"])
        rows.append(row)
    return rows


def read_back(row: Mapping[Any, Any], list_text: str | None) -> Entry:
    """The entry of a row; `list_text` is that of the list it names, None where it names none."""
    values = {name: row[name] for name in Entry.__dataclass_fields__ if name not in {"at", "student_keys"}}
    keys = json.loads(list_text or row["student_keys"])
    return Entry(at=datetime.fromisoformat(row["at"]), student_keys=tuple(keys), **values)


def sha256_of(row: Mapping[Any, Any]) -> str:
    """The hash of a row, which holds the hash of the row before."""
    covered = {name: value for name, value in row.items() if name != "sha256"}
    return hashlib.sha256(_canonical(covered).encode("ascii")).hexdigest()


def first_problem(rows: Iterable[Mapping[Any, Any]], head: Head = FIRST) -> tuple[Head, str | None]:
    """How far the chain holds from its beginning or a later entry, and what is wrong after that; None: nothing."""
    for row in rows:
        if row["seq"] != head.seq + 1:
            return head, f"after entry {head.seq} comes entry {row['seq']}: what was between was taken out"
        if row["previous_sha256"] != head.sha256 or row["sha256"] != sha256_of(row):
            return head, f"entry {row['seq']} is not as it was written"
        head = Head(row["seq"], row["sha256"])
    return head, None


def _row(entry: Entry, named: Named, head: Head) -> Row:
    values = vars(entry) | {"at": instant(entry.at), "student_keys": named.kept}
    return {"seq": head.seq + 1, **values, "previous_sha256": head.sha256}


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_text = json.JSONEncoder(separators=(",", ":")).encode
