"""Simulated worlds whose mentors change a stated share of the days missed, as the truth beside their records tells."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmarks.frames import DISTRICT, LAST_YEAR, PRESET, YEARS, fingerprint, once
from ews.simulator import load_parameters
from ews.simulator.world import draw, tasks

HAZARDS = {0: 0.0, -8: -0.185, -23: -0.58}
"""By the percent of days missed that mentors of a whole year change in a district of preset `district`: what they add
to the log hazard of discretionary spells, and 0.3 of it to that of illness. Found by trying; measured at every use.
Weaker than those of `benchmarks.lives`: the truth's table lets a mentor change what follows from discretionary spells
too, so it says a seventh too much."""


def truth_of(work: Path, seed: int, students: int, percent: int) -> pd.DataFrame:
    """`truth/students` of the last year of one district, whose mentors change so many percent of the days missed.

    Without mentors of the last year its students and their days are those of `benchmarks.frames.records_of`.
    """

    def make() -> pd.DataFrame:
        world = load_parameters(PRESET).changed(
            size={"students": students, "years": YEARS}, mentoring={"effect": HAZARDS[percent]}
        )
        found = pa.concat_tables(
            [area["truth/students"] for area in draw(tasks(world, LAST_YEAR, seed), 1)]
        ).to_pandas()
        return found[found["school_year"] == LAST_YEAR.ending].reset_index(drop=True)

    return once(work / f"truth-{fingerprint(DISTRICT)}" / f"{students}-seed-{seed}-{-percent}-percent.parquet", make)
