"""A district's policy: every threshold that is a choice, in one TOML, stored with the model.

The definitions themselves are in :mod:`ews.absence`; here are only the numbers they take.
"""

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from ews.errors import InvalidPolicy

Choices = TypeVar("Choices")


TREATED_STUDENTS = ("exclude", "weight", "keep")
"""What training may do with students who had a mentor in the target year."""


@dataclass(frozen=True)
class Policy:
    """The numbers a district may choose.

    Attributes:
        chronic_percent: percent of enrolled days missed from which a year is chronic (EDFacts: 10, inclusive).
        min_days_enrolled: enrolled days below which a year's status is unknown (EDFacts FS195: 10; states 10 to 90).
        at_risk_percent: lower edge of the band *at risk* (Attendance Works: 5).
        severe_percent: lower edge of the band *severe chronic* (Attendance Works: 20).
        threshold_percents: percents of days missed for which a probability is given, ascending;
            `chronic_percent` must be one of them.
        slots_percent: mentor slots per school as a percent of its cohort, at which lists are evaluated.
        listed_grades_from: lowest grade listed; PK is scored nowhere by default, as in federal counts.
        closed_year_slack_days: a school year counts as complete when its last mark is at most this many
            instructional days before its last one.
        treated_students: what training does with students who had a mentor in the target year: `exclude` them,
            `weight` the others in their stead, or `keep` them, which needs a reason (see `ews.treatment`).
        flagged_years: school years unlike others (closed schools, a pandemic, a calendar nobody kept), named by their
            end: no model learns what came of them.
        min_n: students below which nothing is told of a group (US states: 5 to 30, mostly 10); at least 5.
    """

    chronic_percent: int = 10
    min_days_enrolled: int = 10
    at_risk_percent: int = 5
    severe_percent: int = 20
    threshold_percents: tuple[int, ...] = (8, 10, 12, 15, 20)
    slots_percent: int = 10
    listed_grades_from: str = "KG"
    closed_year_slack_days: int = 5
    treated_students: str = "exclude"
    flagged_years: tuple[int, ...] = ()
    min_n: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.at_risk_percent < self.chronic_percent < self.severe_percent < 100:
            raise InvalidPolicy("Bands must ascend: 0 < at_risk_percent < chronic_percent < severe_percent < 100.")
        if self.min_days_enrolled < 1:
            raise InvalidPolicy("min_days_enrolled must be at least 1: a rate over no day is unknown.")
        if sorted(set(self.threshold_percents)) != list(self.threshold_percents):
            raise InvalidPolicy("threshold_percents must ascend without repeats, as [8, 10, 12, 15, 20].")
        if self.chronic_percent not in self.threshold_percents:
            raise InvalidPolicy("threshold_percents must hold chronic_percent, the one that is the risk.")
        if not 0 < self.slots_percent <= 100:
            raise InvalidPolicy("slots_percent must be above 0 and at most 100.")
        self._check_who_is_told_of()

    def _check_who_is_told_of(self) -> None:
        if self.treated_students not in TREATED_STUDENTS:
            raise InvalidPolicy(f"treated_students must be one of: {', '.join(TREATED_STUDENTS)}.")
        if any(type(year) is not int for year in self.flagged_years):
            raise InvalidPolicy("flagged_years must be school years by their end, as [2020, 2021].")
        if self.min_n < 5:
            raise InvalidPolicy("min_n must be at least 5: fewer students than that can be told apart.")

    @classmethod
    def from_toml(cls, text: str) -> "Policy":
        """Read a policy; keys left out keep their default, unknown keys are refused.

        Raises:
            InvalidPolicy: not TOML, an unknown key, or a value of the wrong kind.
        """
        return read_toml(cls, text, "policy")

    @classmethod
    def read(cls, path: Path | None) -> "Policy":
        """The policy in a file, or the default where no file is named."""
        return cls() if path is None else cls.from_toml(path.read_text(encoding="utf-8"))

    def to_toml(self) -> str:
        """The same policy as TOML: `Policy.from_toml(policy.to_toml()) == policy`."""
        return "".join(f"{name} = {_toml(value)}\n" for name, value in asdict(self).items())


def read_toml(kind: type[Choices], text: str, name: str) -> Choices:
    """A frozen dataclass of choices from TOML: keys left out keep their default, a list becomes a tuple.

    Args:
        kind: the dataclass; every field has a default.
        text: the TOML.
        name: what the choices are called in an error.

    Raises:
        InvalidPolicy: not TOML, an unknown key, or a value of another kind than the default's.
    """
    try:
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in tomllib.loads(text).items()}
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"The {name} is not valid TOML: {error}.") from error
    known = vars(kind())
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidPolicy(f"Unknown keys in the {name}: {', '.join(unknown)}. Known: {', '.join(known)}.")
    wrong = sorted(key for key, value in values.items() if not _is_like(known[key], value))
    if wrong:
        raise InvalidPolicy(f"Values of the wrong kind in the {name}: {', '.join(wrong)}.")
    return kind(**values)


def _is_like(default: object, value: object) -> bool:
    """Whether a value is of the default's kind; a whole number serves where any number does, true is no number."""
    return type(value) is type(default) or (type(default) is float and type(value) is int)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
