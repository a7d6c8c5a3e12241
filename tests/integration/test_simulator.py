"""The simulator with the rest: processes, and an ingest that takes every row."""

import hashlib
from pathlib import Path

import pandas as pd

from ews.home import Home
from ews.school_year import SchoolYear
from ews.simulator import load_parameters, simulate
from ews.simulator.area import draw_area
from ews.simulator.moments import moments
from ews.simulator.observe import observe
from ews.simulator.world import tasks
from ews.sis import ingest

SMALL = load_parameters("demo").changed(size={"students_per_area": 200}, truth={"students_per_cell": 3})


def hashes(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_processes(tmp_path: Path) -> None:
    for processes in (1, 2):
        simulate(
            tmp_path / str(processes), parameters=SMALL, students=600, years=2, seed=4, file_format="parquet",
            processes=processes,
        )  # fmt: skip
    assert hashes(tmp_path / "1") == hashes(tmp_path / "2")
    assert len(hashes(tmp_path / "1")) == 11


def test_an_area_is_the_same_whatever_else_is_drawn_and_areas_share_no_id() -> None:
    world = SMALL.changed(size={"students": 600, "years": 2})
    jobs = tasks(world, SchoolYear(2026), seed=4)
    first, again, other = draw_area(jobs[1]), draw_area(jobs[1]), draw_area(jobs[2])
    assert all(first[name].equals(again[name]) for name in first)
    for table, column in (("students", "student_id"), ("schools", "school_id"), ("students", "household_id")):
        assert set(first[table][column].to_pylist()).isdisjoint(other[table][column].to_pylist())


def test_ingest_takes_every_row_and_the_report_sees_the_same_in_both_folders(tmp_path: Path) -> None:
    flat, home = tmp_path / "flat", Home(tmp_path / "home")
    simulate(flat, parameters=SMALL, students=600, years=3, seed=9)
    done = ingest(flat, home)
    for name, count in done.counts.items():
        assert count.read == count.accepted, name
    of_flat, of_ingest = moments(observe(flat)), moments(observe(home.ingested()))
    known_to_records = [name for name in of_flat.index if not name.startswith("illness")]
    pd.testing.assert_series_equal(of_flat[known_to_records], of_ingest[known_to_records])
