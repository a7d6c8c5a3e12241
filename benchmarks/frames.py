"""Simulated districts and what is known of their students: made once, kept, and read by every measurement.

Everything lies under a fingerprint of the code that decides it, so nothing stale is ever read, a change of the model
costs no new districts, and a run that was stopped goes on where it was.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

import ews
from ews.ceilings import OTHER_DISTRICTS
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.features import features_for
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest

LAST_YEAR = SchoolYear(2026)
YEARS = 6
PRESET = "district"
POLICY = Policy()

DISTRICT = ("school_year", "simulator", "sis", "tables", "tallies")
"""Modules that decide a district's records."""

ROWS = (*DISTRICT, "absence", "cohort", "dataset", "features", "labels", "policy", "student_years", "treatment")
"""Modules that decide what is known of its students."""

Tell = Callable[[str], None]


def records_of(work: Path, seed: int, students: int, tell: Tell, preset: str = PRESET) -> Path:
    """The records of one district, with its home beside them."""
    folder = work / f"districts-{fingerprint(DISTRICT)}" / _name(preset, students, seed)
    home = Home(folder / "home")
    if not (folder / "records").exists():
        tell(f"simulating {students:,} students, {preset}, seed {seed}")
        simulate(
            folder / "records", preset=preset, students=students, years=YEARS, last_year=LAST_YEAR, seed=seed,
            file_format="parquet",
        )  # fmt: skip
    if not home.current_tables.exists():
        with home.locked():
            ingest(folder / "records", home)
    return folder / "records"


def rows_of(work: Path, seed: int, students: int, after_day: int, tell: Tell, preset: str = PRESET) -> Dataset:
    """All target years with known outcomes of one district."""

    def build() -> pd.DataFrame:
        home = Home(records_of(work, seed, students, tell, preset).parent / "home")
        tell(f"{students:,} students, {preset}, seed {seed}, day {after_day}: gathering what was known")
        with home.locked():
            folder = home.ingested()
            years = target_years_with_outcomes(folder, POLICY)
            return dataset_for(folder, years, POLICY, after_day=after_day).labelled().frame

    kept = _rows_path(work, Wanted(seed, students, preset=preset), after_day)
    return Dataset(once(kept, build), tuple(entry.name for entry in features_for(after_day)), after_day)


@dataclass(frozen=True)
class Wanted:
    """Rows of one district that will be asked for, at some as-of days."""

    seed: int
    students: int
    days: tuple[int, ...] = (0,)
    preset: str = PRESET


def make_rows(work: Path, wanted: Sequence[Wanted], jobs: int, tell: Tell) -> None:
    """Make the rows that are not kept, some districts at a time, each in a process of its own."""
    missing = [one for one in wanted if not all(_rows_path(work, one, day).exists() for day in one.days)]
    with side_by_side(jobs) as processes:
        for done in processes.map(_make, [work] * len(missing), missing):
            tell(done)


def side_by_side(jobs: int) -> ProcessPoolExecutor:
    """Processes that begin with nothing of this one, since threads do not survive a fork."""
    return ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn"))


def other_districts(work: Path, students: int, tell: Tell) -> Iterator[Dataset]:
    """The districts that the observer limit learns from, one after the other: none that is tested."""
    return (rows_of(work, seed, students, 0, tell) for seed in count(OTHER_DISTRICTS))


def once(path: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The frame at `path`, made and kept whole where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        make().to_parquet(beside)
        beside.replace(path)
    return pd.read_parquet(path)


def fingerprint(modules: Sequence[str], *files: Path) -> str:
    """A hash of the source of some modules of `ews`, and of other files."""
    root = Path(ews.__file__).parent
    sources = sorted(path for name in modules for path in [*root.glob(f"{name}.py"), *(root / name).rglob("*.*")])
    digest = hashlib.sha256()
    for path in [*sources, *files]:
        if path.suffix in (".py", ".toml"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _make(work: Path, wanted: Wanted) -> str:
    for day in wanted.days:
        rows_of(work, wanted.seed, wanted.students, day, lambda _: None, wanted.preset)
    return f"made: {wanted.students:,} students, {wanted.preset}, seed {wanted.seed}"


def _rows_path(work: Path, wanted: Wanted, after_day: int) -> Path:
    name = _name(wanted.preset, wanted.students, wanted.seed)
    return work / f"rows-{fingerprint(ROWS)}" / f"{name}-day-{after_day}.parquet"


def _name(preset: str, students: int, seed: int) -> str:
    return f"{'' if preset == PRESET else f'{preset}-'}{students}-seed-{seed}"
