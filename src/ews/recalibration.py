"""Another level for a new year: a shift of the champion's probabilities, by a named person, never by itself.

A model knows the level of the last year it learned from. When a year turns out otherwise, its ranks still hold and
its probabilities do not. The expected shares of the new year come from its first days or from the district's own
forecast; each threshold is shifted until the cohort's mean probability is the expected share. (One shift for all
thresholds left the share of students missing a fifth of the year 3 points off after a simulated shock.)

The shift is a small file beside the champion, pinned to its bundle and to one school year. Another champion or another
year is not touched by it.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pandas as pd

from ews.base_rate import first_days, last_complete, ratio_for, shares_reaching
from ews.bundle import Bundle
from ews.calibration import recalibrated, shifts_towards
from ews.dataset import dataset_for
from ews.engine import Engine
from ews.errors import InputRefused, NotFound, UntrustedBundle
from ews.home import Home, read_json, to_json, write_atomically
from ews.model import Model
from ews.school_year import SchoolYear

_LEAST_SHARE = 1e-4
_MOST_SHIFT = 10.0
"""Log-odds beyond which a file is no recalibration: 10 turns 1 in 2 into 1 in 22,000."""


@dataclass(frozen=True)
class Expected:
    """The shares expected of a year, and why.

    Attributes:
        basis: what they rest on, in words.
        shares: percent of days missed to the share of students that reach it.
        usual_error: what the same estimate of the chronic share missed by in past years (root mean square, a share);
            None where that is not known.
    """

    basis: str
    shares: dict[int, float]
    usual_error: float | None = None


@dataclass(frozen=True)
class Recalibration:
    """A shift that a person put in force.

    Attributes:
        bundle_sha256: the bundle it was made for; no other is shifted.
        target_year: the year it was made for, by its ending; no other is shifted.
        basis: what it rests on, in words.
        shifts: percent of days missed to log-odds added.
        expected_shares: percent of days missed to the share expected, and the cohort's mean probability with it.
        model_shares: the same mean probabilities without it.
        data_id: the records it was made from.
        by: who decided.
        why: their reason.
        at: when, as ISO 8601 with time zone.
    """

    bundle_sha256: str
    target_year: int
    basis: str
    shifts: dict[int, float]
    expected_shares: dict[int, float]
    model_shares: dict[int, float]
    data_id: str
    by: str
    why: str
    at: str

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> "Recalibration":
        """A recalibration from what its JSON holds.

        Raises:
            UntrustedBundle: keys are missing or unknown, or a shift is no number a recalibration has.
        """
        if sorted(values) != sorted(field.name for field in fields(cls)):
            raise UntrustedBundle("A recalibration has other keys than it should. Make it again: ews recalibrate")
        by_percent = {
            name: {int(percent): float(number) for percent, number in dict(values[name]).items()}  # type: ignore[call-overload]  # checked above, ours by `to_values`
            for name in ("shifts", "expected_shares", "model_shares")
        }
        if not all(math.isfinite(shift) and abs(shift) <= _MOST_SHIFT for shift in by_percent["shifts"].values()):
            raise UntrustedBundle("A recalibration shifts by no such number. Make it again: ews recalibrate")
        return cls(**{**values, **by_percent})  # type: ignore[arg-type]  # keys checked above

    def to_values(self) -> dict[str, object]:
        """Plain values for JSON: `Recalibration.from_values(one.to_values()) == one`."""
        plain = asdict(self)
        for name in ("shifts", "expected_shares", "model_shares"):
            plain[name] = {f"{percent:02d}": number for percent, number in plain[name].items()}
        return plain


def shift_from_first_days(
    folder: Path, bundle: Bundle, target_year: SchoolYear, day: int, *, engine: Engine = "duckdb"
) -> Expected:
    """What the first days of the open year let one expect (see :mod:`ews.base_rate`).

    Raises:
        NotEnoughData: the records do not reach that day, or no complete year with daily marks is before it.
    """
    told = first_days(folder, target_year, day, bundle.policy, after_day=_as_of(bundle), engine=engine)
    basis = (
        f"first {day} days: {told.in_words}; {told.carried:.0%} of the difference is expected to stay."
        f"{told.excused_differ(told.shares[bundle.policy.chronic_percent])}"
    ).removesuffix(".")
    return Expected(basis, told.shares, None if math.isnan(told.usual_error) else told.usual_error)


def shift_from_forecast(
    folder: Path, bundle: Bundle, target_year: SchoolYear, chronic_share: float, *, engine: Engine = "duckdb"
) -> Expected:
    """The district's own forecast of the chronic share, with the other thresholds as in the last complete year.

    Raises:
        InputRefused: no share between 0 and 1.
        NotEnoughData: no complete year is before the target year.
    """
    if not 0 < chronic_share < 1:
        raise InputRefused("An expected share lies between 0 and 1: 0.31 for 31 %.")
    last = last_complete(folder, target_year, bundle.policy, after_day=_as_of(bundle), engine=engine)
    ratio = ratio_for(last.students, chronic_share, bundle.policy)
    shares = shares_reaching(last.students, bundle.policy, ratio)
    basis = (
        f"the district expects {chronic_share:.1%}; other thresholds as if {ratio:.2f} times {last.school_year.label}"
    )
    return Expected(basis, shares | {bundle.policy.chronic_percent: chronic_share})


def recalibrate(
    home: Home, bundle: Bundle, target_year: SchoolYear, expect: Callable[[Path], Expected], *, by: str, why: str,
    at: str, engine: Engine = "duckdb",
) -> tuple[Recalibration, Expected]:  # fmt: skip
    """Put a recalibration in force for one champion and year, and keep a line of it.

    Args:
        home: holds the records and the champion.
        bundle: the champion's.
        target_year: the year whose level is expected.
        expect: from the folder of the tables in force to the expected shares.
        by: the person who decides.
        why: their reason.
        at: when, as ISO 8601 with time zone.
        engine: where features are computed.

    Raises:
        InputRefused: no name or no reason.
        NotEnoughData: as whatever `expect` is.
        Busy: another command holds the home.
    """
    _refuse_nameless(by, why)
    with home.locked():
        folder, after_day = home.ingested(), _as_of(bundle)
        expected = expect(folder)
        cohort = dataset_for(
            folder, [target_year], bundle.policy, after_day=after_day, engine=engine, with_outcomes=False
        )
        made = Recalibration(
            bundle_sha256=bundle.sha256,
            target_year=target_year.ending,
            basis=expected.basis,
            **_moved(bundle.model, cohort.x, expected),
            data_id=str(read_json(folder / "manifest.json")["id"]),
            by=by,
            why=why,
            at=at,
        )
        _keep(home, {"action": "recalibrate", "after_day": after_day, **made.to_values()})
        write_atomically(_place(home, after_day), to_json(made.to_values()))
    return made, expected


def withdraw(home: Home, after_day: int, *, by: str, why: str, at: str) -> None:
    """Take the recalibration of an as-of day's champion out of force, and keep a line of it.

    Raises:
        InputRefused: no name or no reason.
        NotFound: none is in force.
        Busy: another command holds the home.
    """
    _refuse_nameless(by, why)
    with home.locked():
        if not _place(home, after_day).exists():
            raise NotFound("No recalibration is in force.")
        _keep(home, {"action": "withdraw", "after_day": after_day, "by": by, "why": why, "at": at})
        _place(home, after_day).unlink()


def kept(home: Home, after_day: int) -> Recalibration | None:
    """The recalibration beside the champion of an as-of day, whatever it was made for; None where there is none.

    Raises:
        UntrustedBundle: the file is not one that `recalibrate` wrote.
    """
    place = _place(home, after_day)
    return Recalibration.from_values(read_json(place)) if place.exists() else None


def in_force(home: Home, bundle: Bundle, target_year: SchoolYear) -> Recalibration | None:
    """The recalibration made for this very bundle and year; None where there is none.

    Raises:
        UntrustedBundle: the file is not one that `recalibrate` wrote.
    """
    found = kept(home, _as_of(bundle))
    made_for_it = found and (found.bundle_sha256, found.target_year) == (bundle.sha256, target_year.ending)
    return found if made_for_it else None


def as_recalibrated(bundle: Bundle, recalibration: Recalibration | None) -> Bundle:
    """The bundle with its probabilities shifted; the same bundle where there is nothing to shift.

    Raises:
        UntrustedBundle: the recalibration was made for another bundle, or for other thresholds.
    """
    if recalibration is None:
        return bundle
    calibrator = bundle.model.calibrator
    of_it = recalibration.bundle_sha256 == bundle.sha256 and set(recalibration.shifts) == set(calibrator.percents)
    if not of_it:
        raise UntrustedBundle("The recalibration was made for another model. Make it again: ews recalibrate")
    shifted = recalibrated(calibrator, recalibration.shifts)
    return replace(bundle, model=Model(bundle.model.booster_text, shifted))


def history(home: Home) -> list[dict[str, object]]:
    """Every recalibration and withdrawal, oldest first; empty before the first."""
    path = _history(home)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _as_of(bundle: Bundle) -> int:
    return int(bundle.manifest["provenance"]["after_day"])


def _moved(model: Model, x: pd.DataFrame, expected: Expected) -> dict[str, dict[int, float]]:
    """The cohort's mean probabilities before and after, and the shifts between them."""
    calibrator, raw = model.calibrator, model.raw_scores(x)
    shares = {percent: min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE) for percent, share in expected.shares.items()}
    before = calibrator.probabilities(raw).mean(axis=0).tolist()
    return {
        "shifts": shifts_towards(calibrator, raw, shares),
        "expected_shares": shares,
        "model_shares": dict(zip(calibrator.percents, before, strict=True)),
    }


def _place(home: Home, after_day: int) -> Path:
    return home.path / "recalibrations" / f"day-{after_day:03d}.json"


def _history(home: Home) -> Path:
    return home.path / "recalibrations" / "history.jsonl"


def _keep(home: Home, line: Mapping[str, object]) -> None:
    """The line first: a kill in between leaves a line whose shift never came into force."""
    path = _history(home)
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    write_atomically(path, known + json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def _refuse_nameless(by: str, why: str) -> None:
    if not by.strip() or not why.strip():
        raise InputRefused("A recalibration needs a name (--by) and a reason (--why); both stay with it.")
