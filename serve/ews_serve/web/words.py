"""Small parts of pages as data, for `templates/parts/words.html`."""

from dataclasses import dataclass
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
