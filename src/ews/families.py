"""What families asked for and agreed to: corrections (PRV-6) and consents to a disclosure (PRV-7), kept in the home.

That a student is not to be scored is kept apart (`ews.withheld`), since lists are sealed with it.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from ews.errors import InputRefused
from ews.home import Home, write_atomically
from ews.withheld import refuse_unknown

CORRECTIONS, CONSENTS = "corrections.jsonl", "consents.jsonl"


@dataclass(frozen=True)
class Correction:
    """A record that is not right, as a family says.

    Attributes:
        student_id: the district's id.
        what: which record, as the family put it.
        by: who wrote it down.
        at: when, as ISO 8601 with time zone.
        data_id: the ingest it is about.
    """

    student_id: str
    what: str
    by: str
    at: str
    data_id: str


@dataclass(frozen=True)
class Consent:
    """A written consent to give records of a student to a party (34 CFR 99.30).

    Attributes:
        student_id: the district's id.
        records: which records may be given.
        purpose: for what.
        party: to whom.
        signed_by: the parent, or the student from 18 on.
        signed_on: the day of the signature, as ISO 8601.
        noted_by: who wrote it down here.
        revoked_on: the day from which it counts no more; empty while it does.
    """

    student_id: str
    records: str
    purpose: str
    party: str
    signed_by: str
    signed_on: str
    noted_by: str
    revoked_on: str = ""

    def counts(self, party: str, on: date) -> bool:
        """Whether it covers a party on a day."""
        revoked = bool(self.revoked_on) and date.fromisoformat(self.revoked_on) <= on
        return self.party == party.strip() and date.fromisoformat(self.signed_on) <= on and not revoked


def ask_correction(home: Home, student_id: str, *, what: str, by: str, at: str) -> None:
    """Note that a record of a student is not right. The caller holds the home.

    Raises:
        NotEnoughData: nothing was ingested yet.
        NotFound: the records in force do not know the id.
        InputRefused: nobody, or nothing to correct, is named.
    """
    asked = Correction(student_id, what.strip(), by.strip(), at, home.ingested().name)
    _refuse_blank(vars(asked))
    refuse_unknown(home, student_id)
    _write(home.path / CORRECTIONS, (*corrections(home), asked))


def corrections(home: Home) -> list[Correction]:
    """Every request, oldest first; none before the first."""
    return [Correction(**one) for one in _lines(home.path / CORRECTIONS)]


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


def agree(home: Home, consent: Consent) -> None:
    """Note a consent. The caller holds the home.

    Raises:
        NotEnoughData: nothing was ingested yet.
        NotFound: the records in force do not know the id.
        InputRefused: records, purpose, party, signature or who noted it is missing.
    """
    _refuse_blank({name: value for name, value in vars(consent).items() if name != "revoked_on"})
    refuse_unknown(home, consent.student_id)
    _write(home.path / CONSENTS, (*consents(home), consent))


def revoke(home: Home, student_id: str, party: str, on: date) -> int:
    """End the consents of a student for a party from a day on. The caller holds the home.

    Returns:
        How many were in force.
    """
    known = consents(home)
    ends = [one.student_id == student_id and one.counts(party, on) for one in known]
    ended = (
        replace(one, revoked_on=on.isoformat()) if is_ended else one for one, is_ended in zip(known, ends, strict=True)
    )
    _write(home.path / CONSENTS, ended)
    return sum(ends)


def consents(home: Home) -> list[Consent]:
    """Every consent, oldest first, those that were revoked, too."""
    return [Consent(**one) for one in _lines(home.path / CONSENTS)]


def refuse_without_consent(home: Home, student_id: str, party: str, on: date) -> None:
    """Stop a disclosure that rests on a consent which is not there.

    Raises:
        InputRefused: no consent of this student covers the party on the day.
    """
    if not any(one.student_id == student_id and one.counts(party, on) for one in consents(home)):
        raise InputRefused("No consent in force covers this student and this party. Note it first: ews consent")


def forget(home: Home, student_ids: Collection[str]) -> None:
    """Delete what was noted of students who are purged. The caller holds the home."""
    for name, known in ((CORRECTIONS, corrections(home)), (CONSENTS, consents(home))):
        kept = [one for one in known if one.student_id not in student_ids]
        if len(kept) < len(known):
            _write(home.path / name, kept)


def _refuse_blank(told: dict[str, str]) -> None:
    blank = [name.replace("_", "-") for name, value in told.items() if not value.strip()]
    if blank:
        raise InputRefused(f"What a family asks or agrees to is noted whole. Missing: {', '.join(blank)}.")


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _write(path: Path, noted: Iterable[Correction | Consent]) -> None:
    lines = (json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in noted)
    write_atomically(path, "".join(lines))
