"""Drawing a whole world: its areas one after the other or in several processes, into one folder."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pyarrow as pa

from ews.errors import InputRefused
from ews.home import to_json
from ews.school_year import SchoolYear
from ews.simulator.area import draw_area
from ews.simulator.drawn import Task
from ews.simulator.folder import FileFormat, FolderWriter, whole_folder
from ews.simulator.outcome_table import tabulate
from ews.simulator.parameters import Parameters, load_parameters

_ALONE_BELOW_AREAS = 8
"""Up to this many areas one process is faster than starting two."""

_MOST_PROCESSES = 2
"""More would help little, since one process writes; memory grows with each."""


def simulate(
    out: Path,
    *,
    preset: str = "demo",
    students: int | None = None,
    years: int | None = None,
    last_year: SchoolYear = SchoolYear(2026),  # noqa: B008 - a frozen value
    seed: int = 1,
    file_format: FileFormat = "csv",
    progress: Callable[[str], None] = lambda _: None,
    parameters: Parameters | None = None,
    processes: int | None = None,
) -> None:
    """Write a simulated district or state as a canonical flat folder, with `truth/` beside it.

    Args:
        out: the folder to make; it must not hold anything yet.
        preset: `demo`, `district`, `state`, or one with profiles, as ``district+nyc_like``.
        students: students enrolled in a year, instead of the preset's.
        years: school years, instead of the preset's.
        last_year: the school year that ends last.
        seed: same seed, same bytes, on any number of processes.
        file_format: CSV or Parquet.
        progress: is told of every tenth of the areas.
        parameters: a world of your own instead of a preset.
        processes: how many processes draw; by default one, or two for many areas.

    Raises:
        InputRefused: the folder is not empty, or fewer than 100 students or no school year were asked for.
        InvalidPolicy: the preset is not known.
    """
    world = parameters or load_parameters(preset)
    world = world.changed(size={"students": students or world.size.students, "years": years or world.size.years})
    if world.size.students < 100 or world.size.years < 1 or seed < 0:
        raise InputRefused("A simulated world needs at least 100 students, one school year, and a seed of 0 or more.")
    jobs = tasks(world, last_year, seed)
    with whole_folder(out) as folder, FolderWriter(folder, file_format) as writer:
        for done, tables in enumerate(draw(jobs, processes), start=1):
            writer.append(tables)
            if done * 10 // len(jobs) > (done - 1) * 10 // len(jobs):
                progress(f"{done} of {len(jobs)} areas drawn")
        about = {"preset": preset, "seed": seed, "last_year": last_year.ending, "parameters": asdict(world)}
        (folder / "truth" / "world.json").write_text(to_json(about), encoding="utf-8")


def tasks(world: Parameters, last_year: SchoolYear, seed: int) -> list[Task]:
    """One task per area; areas are of nearly equal size."""
    areas = max(1, round(world.size.students / world.size.students_per_area))
    table = tabulate(world, seed, last_year.ending) if world.truth.students_per_cell and world.size.years > 1 else None
    sizes = [
        (world.size.students * (area + 1)) // areas - (world.size.students * area) // areas for area in range(areas)
    ]
    return [Task(area, size, last_year.ending, seed, world, table) for area, size in enumerate(sizes)]


def draw(jobs: list[Task], processes: int | None) -> Iterator[dict[str, pa.Table]]:
    """The tables of every task, in order; never more than a few areas are in memory."""
    if processes is None:
        processes = 1 if len(jobs) < _ALONE_BELOW_AREAS else min(_MOST_PROCESSES, os.cpu_count() or 1)
    if processes == 1:
        yield from map(draw_area, jobs)
        return
    waiting = iter(jobs)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: deque[Future[dict[str, pa.Table]]] = deque(
            pool.submit(draw_area, job) for job in islice(waiting, processes * 2)
        )
        while running:
            tables = running.popleft().result()
            running.extend(pool.submit(draw_area, job) for job in islice(waiting, 1))
            yield tables
