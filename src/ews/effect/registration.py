"""What will be measured, written down before a round starts, so that nobody can choose the outcome afterwards."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ews.errors import EffectRefused
from ews.home import read_json, to_json, write_atomically
from ews.school_year import SchoolYear

OUTCOME = "days absent per 100 enrolled"
HORIZONS = ("next term", "next year")
LOTTERY, DISCONTINUITY, DIFFERENCES = DESIGNS = ("lottery", "discontinuity", "difference in differences")
"""In the order in which they are to be believed."""

COVARIATES = ("rate_before",)
"""What estimates may be adjusted for: known before the round, and able to make them more precise."""

FILE = "registration.json"


@dataclass(frozen=True)
class Registration:
    """The measurement of one round, as registered.

    Attributes:
        round_id: which round.
        starts: the first day on which anybody could have a mentor.
        made_at: when it was registered, ISO 8601 with time zone.
        made_by: who registered it.
        outcome: what is measured; one is known.
        horizon: over which time, one of `HORIZONS`.
        designs: which are used, in the order of `DESIGNS`; the first that the round allows is the answer.
        covariates: what estimates are adjusted for, of `COVARIATES`.
        subgroups: columns of the round whose groups are told apart.
    """

    round_id: str
    starts: str
    made_at: str
    made_by: str
    outcome: str = OUTCOME
    horizon: str = "next year"
    designs: tuple[str, ...] = DESIGNS
    covariates: tuple[str, ...] = COVARIATES
    subgroups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.round_id.strip() or not self.made_by.strip():
            raise EffectRefused("A registration names its round and who made it.")
        if self.outcome != OUTCOME or self.horizon not in HORIZONS:
            raise EffectRefused(f"The outcome is {OUTCOME}, over the {' or the '.join(HORIZONS)}.")
        if set(self.covariates) - set(COVARIATES):
            raise EffectRefused(f"Estimates are adjusted for nothing but: {', '.join(COVARIATES)}.")
        self._check_designs()
        self._check_time()

    def _check_designs(self) -> None:
        if any("before" in design for design in self.designs):
            raise EffectRefused(
                "Before and after is no design: students with many days absent miss fewer the year after, mentor or "
                f"not. Register one or more of: {', '.join(DESIGNS)}."
            )
        if not self.designs or list(self.designs) != [design for design in DESIGNS if design in self.designs]:
            raise EffectRefused(f"Designs are, in this order: {', '.join(DESIGNS)}.")

    def _check_time(self) -> None:
        made, starts = _time_of(self.made_at), _date_of(self.starts)
        if made.date() >= starts:
            raise EffectRefused(
                f"The round started on {starts}, and this was registered on {made.date()}. What is measured is written "
                "down before a round starts, or its outcome could be chosen; register the next round."
            )

    @classmethod
    def from_json(cls, text: str) -> "Registration":
        """A registration as a store keeps it, which wrote it from one."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return cls(**values)

    @property
    def sha256(self) -> str:
        """The hash of all that was registered, 64 hexadecimal digits."""
        return hashlib.sha256(to_json(asdict(self)).encode("utf-8")).hexdigest()

    def refuse_too_early(self, today: date) -> None:
        """Refuse to tell of a round that has not begun.

        Raises:
            EffectRefused: it begins today or later.
        """
        if today <= _date_of(self.starts):
            raise EffectRefused(f"The round begins on {self.starts}, so there is nothing to tell of it yet.")

    def refuse_other_year(self, school_year: SchoolYear) -> None:
        """Refuse the days of a school year in which the round did not begin.

        Raises:
            EffectRefused: it began in another one; a school year is from July to June here.
        """
        starts = _date_of(self.starts)
        if school_year.ending != starts.year + (starts.month > 6):
            raise EffectRefused(
                f"The round registered begins on {self.starts}, and that is not in {school_year.label}: days of a "
                "year that was over when the round was registered say nothing of it."
            )

    def in_words(self) -> str:
        """One sentence for people."""
        return (
            f"Registered on {self.made_at[:10]} by {self.made_by}, before the round began on {self.starts}: "
            f"{self.outcome} over the {self.horizon}, by {', else '.join(self.designs)}; {self.sha256[:12]}."
        )


def register(registration: Registration, folder: Path) -> Path:
    """Write a registration into the folder of its round; the same again changes nothing.

    Raises:
        EffectRefused: another one is there already.
    """
    path = folder / FILE
    if path.exists() and read_registration(folder) != registration:
        raise EffectRefused(f"{path} holds another registration of this round, and it stays as it was made.")
    write_atomically(path, to_json(asdict(registration) | {"sha256": registration.sha256}))
    return path


def read_registration(folder: Path) -> Registration:
    """The registration of a round.

    Raises:
        EffectRefused: there is none, or the file is not what was registered.
    """
    path = folder / FILE
    if not path.exists():
        raise EffectRefused(
            f"No registration at {path}, so nothing is told of this round's effect: ews effect register"
        )
    found = read_json(path)
    said = found.pop("sha256", "")
    known = {field.name for field in fields(Registration)}
    if set(found) - known:
        raise EffectRefused(f"{path} holds keys that no registration has; it was changed after it was made.")
    made = Registration(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})  # type: ignore[arg-type] # every key was checked above, and a wrong kind does not give the stored hash
    if made.sha256 != said:
        raise EffectRefused(f"{path} was changed after it was made: its hash is another. Nothing is told from it.")
    return made


def _time_of(text: str) -> datetime:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        raise EffectRefused("made_at is no ISO 8601 time.") from None
    if made.tzinfo is None:
        raise EffectRefused("made_at needs its time zone.")
    return made


def _date_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise EffectRefused("The start of a round is a date, as 2026-09-14.") from None
