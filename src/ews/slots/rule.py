"""The rule of a round, as data: who may be offered a mentor, in which order, and what the order is for.

It is stored with each round under its hash, so that a round can be drawn again and nobody has to remember what was
decided (MEN-2).
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ews.errors import InvalidPolicy
from ews.policy import read_toml
from ews.tables import GRADES

OBJECTIVES = ("crossings_averted", "days_gained", "risk")
LANES = ("prevent", "recover")
EXCLUDED = ("tier_3", "opted_out", "leaving")
AGREEMENTS = ("consent", "opt_out")
SIBLINGS = ("one", "each")
SHARES = ("need", "even")

VERSION = 1
"""Of the meaning of the keys; it is part of a rule's hash, so a key that comes to mean something else changes it."""


@dataclass(frozen=True)
class Rule:
    """What a round goes by. Every key can be left out of its TOML.

    Attributes:
        objective: what comes first within a lane: most `crossings_averted` or `days_gained` expected of a mentor, or
            highest `risk`.
        lanes: who may be offered a mentor, the lane that comes first, first.
        first_lane_percent: percent of a school's slots that the first lane comes first for; the rest comes first to
            the second lane. 100: the second lane gets what the first leaves.
        grades: only these grades; empty: every grade listed.
        grades_first: grades that come before the others of their lane, as those of a transition; empty: none.
        min_risk: students with a lower estimate are not in the pool.
        min_days_absent: students with fewer days absent last year are not in the pool; those without a last year are.
        excluded: kinds of exclusion that keep a student out of the pool.
        siblings: `one` offer to a family at a time, or `each` by itself.
        least_slots: slots a school has before mentors of several schools are shared by need; as far as they reach.
        most_slots: slots of a school at the most; 0: no limit but its mentors.
        shared_by: how the slots of a mentor of several schools are shared: by `need` (students in the pool), or `even`.
        lottery_percent: half the width of the band around the last slot in which a lot decides, in percent of the
            slots; 0: no band.
        effect_percent: what is believed of a mentor's effect on days absent, in percent.
        effect_sd: standard deviation of the logarithm of that effect.
        days_enrolled: days a year is expected to have, for days gained.
        agreement: whether a family gives `consent` before the start, or is told and can `opt_out` for some days.
        opt_out_days: how many, from the day the family was told.
    """

    objective: str = "crossings_averted"
    lanes: tuple[str, ...] = LANES
    first_lane_percent: int = 100
    grades: tuple[str, ...] = ()
    grades_first: tuple[str, ...] = ()
    min_risk: float = 0.0
    min_days_absent: int = 0
    excluded: tuple[str, ...] = EXCLUDED
    siblings: str = "one"
    least_slots: int = 0
    most_slots: int = 0
    shared_by: str = "need"
    lottery_percent: int = 10
    effect_percent: float = -8.0
    effect_sd: float = 0.068
    days_enrolled: int = 180
    agreement: str = "consent"
    opt_out_days: int = 10

    def __post_init__(self) -> None:
        _refuse(self.objective not in OBJECTIVES, f"objective must be one of: {', '.join(OBJECTIVES)}.")
        _refuse(self.siblings not in SIBLINGS, f"siblings must be one of: {', '.join(SIBLINGS)}.")
        _refuse(self.shared_by not in SHARES, f"shared_by must be one of: {', '.join(SHARES)}.")
        _refuse(self.agreement not in AGREEMENTS, f"agreement must be one of: {', '.join(AGREEMENTS)}.")
        _refuse(not self.lanes or not _are(self.lanes, LANES), f"lanes must be of: {', '.join(LANES)}, each once.")
        _refuse(not _are(self.excluded, EXCLUDED), f"excluded must be of: {', '.join(EXCLUDED)}, each once.")
        for name in ("grades", "grades_first"):
            _refuse(not _are(getattr(self, name), GRADES), f"{name} must be of: {', '.join(GRADES)}, each once.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name, most in (("first_lane_percent", 100), ("lottery_percent", 50), ("min_risk", 1.0)):
            _refuse(not 0 <= getattr(self, name) <= most, f"{name} must be 0 to {most}.")
        for name in ("min_days_absent", "least_slots", "most_slots", "opt_out_days"):
            _refuse(getattr(self, name) < 0, f"{name} must be 0 or more.")
        _refuse(0 < self.most_slots < self.least_slots, "most_slots must be 0, or at least least_slots.")
        _refuse(not 1 <= self.days_enrolled <= 366, "days_enrolled must be 1 to 366.")
        _refuse(not -100 < self.effect_percent <= 0, "effect_percent must be above -100 and at most 0.")
        _refuse(not 0 <= self.effect_sd < 1, "effect_sd must be 0 or more and below 1.")

    @classmethod
    def read(cls, path: Path | None) -> "Rule":
        """The rule in a TOML file; the default where no file is named.

        Raises:
            InvalidPolicy: an unknown key, or a value that is not allowed.
        """
        return cls() if path is None else read_toml(cls, path.read_text(encoding="utf-8"), "rule of slots")

    @classmethod
    def from_json(cls, text: str) -> "Rule":
        """A stored rule; keys it does not have keep their default.

        Raises:
            InvalidPolicy: an unknown key, or a value that is not allowed.
        """
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        known = {field.name for field in fields(cls)}
        _refuse(not known.issuperset(values), "It has a key that is not known.")
        return cls(**values)

    def to_json(self) -> str:
        """The rule as one line: `Rule.from_json(rule.to_json()) == rule`."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def sha256(self) -> str:
        """The rule's hash, 64 hexadecimal digits; another rule has another."""
        return hashlib.sha256(f"{VERSION}\n{self.to_json()}".encode()).hexdigest()


def in_words(rule: Rule) -> tuple[str, ...]:
    """Objective and constraints as sentences, for whoever confirms (MEN-3)."""
    lanes = ", then ".join(_LANES[lane] for lane in rule.lanes)
    lines = [
        f"Within each school: {lanes}; among them {_GOALS[rule.objective]} first; equals by a stored random key.",
        "Never more students than a mentor's slots, nobody twice; who has a mentor keeps that mentor.",
        f"Gains are expected under an effect of {rule.effect_percent:g} % on days absent, more in grades where more of "
        "them are not excused: a belief, no promise.",
    ]
    return (*lines, *_pool_in_words(rule), *_slots_in_words(rule), _AGREE[rule.agreement].format(rule.opt_out_days))


def _pool_in_words(rule: Rule) -> list[str]:
    """Who is in the pool, and who comes first in it."""
    told = {
        f"Only grades {', '.join(rule.grades)}.": rule.grades,
        f"Only students with an estimate of {100 * rule.min_risk:g} % or more.": rule.min_risk,
        f"Only students who missed {rule.min_days_absent} days or more last year.": rule.min_days_absent,
        f"Not in the pool: {', '.join(_OUT[kind] for kind in rule.excluded)}.": rule.excluded,
        f"Grades {', '.join(rule.grades_first)} come first in their lane.": rule.grades_first,
        "One offer to a family at a time.": rule.siblings == "one",
    }
    return [sentence for sentence, holds in told.items() if holds]


def _slots_in_words(rule: Rule) -> list[str]:
    """How slots are shared, and where a lot decides."""
    told = {
        f"{rule.first_lane_percent} % of a school's slots are first for {_LANES[rule.lanes[0]]}.": (
            rule.first_lane_percent < 100
        ),
        f"Each school has {rule.least_slots} slots or more before the rest is shared.": rule.least_slots,
        f"No school has more than {rule.most_slots} slots.": rule.most_slots,
        f"A mentor of several schools is shared {_SHARED[rule.shared_by]}.": True,
        f"Around the last slot, within {rule.lottery_percent} % of the slots, a lot decides.": rule.lottery_percent,
    }
    return [sentence for sentence, holds in told.items() if holds]


_OUT = {
    "tier_3": "who is in individual support (Tier 3)", "opted_out": "who said no to mentoring",
    "leaving": "who is known to leave",
}  # fmt: skip
_SHARED = {"need": "by how many students of each are in the pool", "even": "evenly"}
_AGREE = {
    "consent": "A family says yes before the student is asked.",
    "opt_out": "A family is told and may say no for {} days; then the student is asked.",
}


_GOALS = {
    "crossings_averted": "most crossings averted", "days_gained": "most days gained", "risk": "highest estimate",
}  # fmt: skip


_LANES = {"prevent": "those not chronically absent so far", "recover": "those chronically absent last year"}


def _are(values: tuple[str, ...], known: tuple[str, ...]) -> bool:
    return set(values) <= set(known) and len(set(values)) == len(values)


def _refuse(is_wrong: bool, words: str) -> None:
    if is_wrong:
        raise InvalidPolicy(f"The rule of slots cannot be taken: {words}")
