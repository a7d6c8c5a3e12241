"""From a figure to bytes; and how shares read."""

import io
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

DOTS_PER_INCH = 96


def png(width: float, height: float, paint: Callable[[Figure], None]) -> bytes:
    """A picture of so many inches; the same numbers give the same bytes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    paint(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def percent(share: float) -> str:
    """A share as it reads in a table.

    >>> percent(0.123), percent(float("nan"))
    ('12 %', 'n/a')
    """
    return "n/a" if np.isnan(share) else f"{100 * share:.0f} %"


def in_words(name: str) -> str:
    """A dimension, table or feature as it reads in a sentence.

    >>> in_words("race_ethnicity x disability"), in_words("school_id")
    ('race/ethnicity x disability', 'school')
    """
    return name.replace("race_ethnicity", "race/ethnicity").replace("school_id", "school").replace("_", " ")
