"""Small parts of pages as data, for `templates/parts/words.html`."""

from dataclasses import dataclass
from math import isnan
from typing import Literal


@dataclass(frozen=True)
class Badge:
    """A few words with a mark, told apart without colour by the mark's letter and shape.

    Attributes:
        text: what it says.
        letter: one letter, digit or sign in the mark.
        shape: of the mark.
        tone: its colour, in addition.
    """

    text: str
    letter: str
    shape: Literal["circle", "square", "diamond", "ring"] = "circle"
    tone: Literal["plain", "accent", "warm", "good"] = "plain"


def of_100(share: float) -> str:
    """A share of students in words; never none or all, by which each one's outcome would be told.

    >>> of_100(0.234), of_100(0.001), of_100(1.0), of_100(float("nan"))
    ('23 of 100', 'fewer than 1 of 100', 'more than 99 of 100', 'not told')
    """
    if isnan(share):
        return "not told"
    if not 0.01 <= share <= 0.99:
        return "fewer than 1 of 100" if share < 0.01 else "more than 99 of 100"
    return f"{100 * share:.0f} of 100"
