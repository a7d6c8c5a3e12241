"""Random streams keyed by what they are for, never by how the work is cut.

A stream belongs to (purpose, area, school year); an area is drawn alike whether it is computed
alone, with others, or in another process. That is why the same seed gives the same bytes on any number of chunks.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; a new purpose gets a new number, so that old streams keep their draws."""

    CITY = 0
    CALENDAR = 1
    SCHOOLS = 2
    FAMILIES = 3
    NAMES = 4
    LATENT = 5
    YEAR = 6
    RECORDING = 7
    MENTORS = 8
    TABLE = 9


def stream(seed: int, purpose: Purpose, *key: int) -> np.random.Generator:
    """A generator of its own for `purpose` and `key` (area, or district and year), independent of all others."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(int(purpose), *key))))
