"""What is asked of one area, and what happened in one of its school years."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ews.simulator.calendars import Calendar
from ews.simulator.days import Year
from ews.simulator.mentors import Assignments
from ews.simulator.outcome_table import OutcomeTable
from ews.simulator.parameters import Parameters
from ews.simulator.recording import Marks
from ews.simulator.stays import Stays
from ews.simulator.truth import Outlook

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Task:
    """Which area to draw, of which world.

    Attributes:
        area: number of the area, from 0.
        students: students enrolled in it in a year.
        last_year: the school year that ends last.
        table: how latent states become probabilities; None writes no truth.
    """

    area: int
    students: int
    last_year: int
    seed: int
    world: Parameters
    table: OutcomeTable | None = None

    @property
    def district(self) -> int:
        """Number of the district, from 0."""
        return self.area // self.world.size.areas_per_district

    def ending(self, year: int) -> int:
        """The school year of position `year`."""
        return self.last_year - self.world.size.years + 1 + year


@dataclass(frozen=True)
class SchoolYearDrawn:
    """All that happened in one school year of an area.

    Attributes:
        rows: the students enrolled in it, as rows of the population.
        closed: (schools, days), the days on which one school alone is closed.
        causes: student-days by grade and cause.
        outlook: what was known of the students before the year.
    """

    rows: Ints
    year: Year
    calendar: Calendar
    stays: Stays
    closed: NDArray[np.bool_]
    marks: Marks
    assignments: Assignments
    causes: pa.Table
    outlook: Outlook
