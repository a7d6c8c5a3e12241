"""The catalogue: a feature is a small function with an entry that model, dictionary and pages all read.

The function's name is the column, the first sentence of its docstring the meaning. What it returns is an
expression over one row per student of the cohort, whose columns are named in :mod:`ews.features.columns`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal

import narwhals as nw

Unit = Literal["share", "days", "count", "years", "number", "flag"]
"""How a value is read: a share in [0, 1], whole days, a whole count, years, any number, or 0 and 1."""

Window = Literal["last known year", "known year before it", "all known years", "target year so far", "target year"]
Direction = Literal[-1, 0, 1]

LAST_YEAR: Window = "last known year"
YEAR_BEFORE: Window = "known year before it"
ALL_YEARS: Window = "all known years"
SO_FAR: Window = "target year so far"
TARGET_YEAR: Window = "target year"

GROUPS = (
    "recent level",
    "trend",
    "last weeks",
    "spells",
    "weekday pattern",
    "kind of absence",
    "moves and history",
    "start of year",
    "school and grade",
    "grade",
)
"""What a reason can be about, in the order in which equal reasons are told."""


@dataclass(frozen=True)
class Feature:
    """One entry of the catalogue.

    Attributes:
        name: the column's name, and the name of the function that states it.
        meaning: one sentence.
        unit: how a value is read and written.
        window: what part of the records it looks at.
        group: the reason it belongs to, one of `GROUPS`.
        direction: +1 where a larger value may never lower the estimate, -1 where it may never raise it, else 0.
        learned: whether the model may use it. A count that only a sentence needs is told and never learned: how
            many days a calendar has, or how many years are on file, tells the year and not the student.
        phrase: what a counselor reads (grammar in :mod:`ews.features.phrases`); None where no sentence is about it.
        looks_at_list: whether it looks at more than years before the target year, and those around the student in
            them: at the school, grade, household or days of the target year, or at nothing being known. The others
            stay as they are while the target year goes on, and are null for who has no earlier year.
        expression: the value; null where the records do not tell.
        untold: why no sentence is about it; None where it has a phrase, or is there for the phrase of another.
    """

    name: str
    meaning: str
    unit: Unit
    window: Window
    group: str
    direction: Direction
    phrase: str | None
    expression: nw.Expr = field(compare=False, repr=False)
    learned: bool = True
    looks_at_list: bool = False
    untold: str | None = None

    @property
    def needs_open_year(self) -> bool:
        """Whether it exists only after some days of the target year."""
        return self.window == SO_FAR


def feature(
    *,
    unit: Unit,
    window: Window,
    group: str,
    direction: Direction = 0,
    phrase: str | None = None,
    learned: bool = True,
    looks_at_list: bool = False,
    untold: str | None = None,
) -> Callable[[Callable[[], nw.Expr]], Feature]:
    """Turn a function that returns an expression into its catalogue entry."""

    def entry(function: Callable[[], nw.Expr]) -> Feature:
        meaning = (function.__doc__ or "").split("\n\n")[0].strip()
        if group not in GROUPS or not meaning:
            raise ValueError(f"Feature {function.__name__} needs a group of the catalogue and a docstring.")
        looks = looks_at_list or window in (SO_FAR, TARGET_YEAR)
        value = function()
        return Feature(
            function.__name__, meaning, unit, window, group, direction, phrase, value, learned, looks, untold
        )

    return entry


def features_in(*modules: ModuleType) -> tuple[Feature, ...]:
    """The entries of some modules, in the order in which they are written."""
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Feature))
