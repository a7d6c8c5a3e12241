"""How good the lists are where the truth is known, and on Project STAR: `make results` writes docs/results.md.

Everything on the way is kept in the work folder: districts and their records by seed, and what was measured under a
fingerprint of the code that decides it, so that a run that was stopped goes on where it was.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

import ews
from benchmarks.results_page import Measured, page
from ews.backtest import backtest
from ews.ceilings import ObserverLimit, observer_limit, with_observer_limit, with_truth, world_of
from ews.cli.common import code_version
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.evaluation import differences, evaluate
from ews.home import Home
from ews.model import Parameters
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest

HERE = Path(__file__).parents[1]
STAR = HERE.parent / "shared" / "data" / "star" / "star_dev.csv.gz"
STAR_PAIRS = {"K to grade 1": (1987, 1986), "K and grade 1 to grade 3": (1989, 1987)}
"""Target year and last known year, named by what is known."""

LARGE, SMALL = 20_000, 2_000
LATER_DAYS = (20, 60)
LAST_YEAR = SchoolYear(2026)
POLICY = Policy()
DECIDES = (
    "absence", "backtest", "baselines", "calibration", "ceilings", "cohort", "dataset", "evaluation", "features",
    "labels", "model", "policy", "simulator", "student_years",
)  # fmt: skip
"""Modules whose change makes what was measured before worthless."""

Tell = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not measured yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps what was made")
    parser.add_argument("--page", type=Path, default=HERE / "docs" / "results.md")
    parser.add_argument("--star", type=Path, default=STAR, help="the yearly sheet of Project STAR, if there is one")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="large districts")
    parser.add_argument("--small-seeds", type=int, nargs="+", default=list(range(1, 11)), help="small districts")
    parser.add_argument("--limit-districts", type=int, default=8, help="others that the observer limit is learned on")
    told = parser.parse_args(arguments)
    found = measure(told, _teller())
    told.page.write_text(page(found), encoding="utf-8")
    print(f"{told.page} is written.")


def measure(told: argparse.Namespace, tell: Tell) -> Measured:
    """All figures of the page, read from the work folder or measured now."""
    kept = told.work / "measured" / fingerprint()
    kept.mkdir(parents=True, exist_ok=True)
    world = world_of(records_of(told.work, told.seeds[0], LARGE, tell))
    tell("observer limit: learning on other districts")
    limit = observer_limit(
        Home(kept / "limit"), world, POLICY, first_districts=max(1, told.limit_districts // 2),
        most_districts=told.limit_districts, progress=tell,
    )  # fmt: skip
    at_start = [
        *(_evaluated(told.work, kept, seed, LARGE, 0, limit, tell) for seed in told.seeds),
        *(_evaluated(told.work, kept, seed, SMALL, 0, limit, tell) for seed in told.small_seeds),
    ]
    later = [
        _evaluated(told.work, kept, seed, LARGE, day, None, tell) for day in LATER_DAYS for seed in told.seeds
    ]  # fmt: skip
    return Measured(
        figures=pd.concat([*at_start, *later], ignore_index=True),
        limit_curve=limit.curve,
        star=_star(told.star, kept, tell) if told.star.exists() else None,
        commit=code_version(),
    )


def records_of(work: Path, seed: int, students: int, tell: Tell) -> Path:
    """The records of one simulated district, with its home beside them; made once."""
    folder = work / (f"seed-{seed}" if students == LARGE else f"{students}-students-seed-{seed}")
    home = Home(folder / "home")
    if not home.current_tables.exists():
        tell(f"simulating {students:,} students, seed {seed}")
        simulate(
            folder / "records", preset="district", students=students, years=6, last_year=LAST_YEAR, seed=seed,
            file_format="parquet",
        )  # fmt: skip
        with home.locked():
            ingest(folder / "records", home)
    return folder / "records"


def fingerprint() -> str:
    """A hash of the source of `DECIDES`."""
    root = Path(ews.__file__).parent
    sources = sorted(path for name in DECIDES for path in [*root.glob(f"{name}.py"), *(root / name).rglob("*.*")])
    digest = hashlib.sha256()
    for path in sources:
        if path.suffix in (".py", ".toml"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _evaluated(
    work: Path, kept: Path, seed: int, students: int, after_day: int, limit: ObserverLimit | None, tell: Tell
) -> pd.DataFrame:
    """One row a group, method and metric of one district."""

    def predict() -> pd.DataFrame:
        records = records_of(work, seed, students, tell)
        tell(f"{students:,} students, seed {seed}, day {after_day}: predicting {LAST_YEAR.label}")
        dataset = _dataset(Home(records.parent / "home"), after_day)
        rows = backtest(dataset, Parameters(), POLICY, split="school-years", only_last=True)
        return rows if limit is None else with_truth(with_observer_limit(rows, dataset, limit), records)

    predictions = _once(kept / f"{students}-seed-{seed}-day-{after_day}.parquet", predict)
    evaluation = evaluate(predictions, POLICY, replicates=1)
    return evaluation.assign(seed=seed, size=students, after_day=after_day)


def _dataset(home: Home, after_day: int) -> Dataset:
    with home.locked():
        folder = home.ingested()
        return dataset_for(folder, target_years_with_outcomes(folder, POLICY), POLICY, after_day=after_day).labelled()


def _star(sheet: Path, kept: Path, tell: Tell) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Evaluation and paired differences of each pair of years; schools are predicted from other schools."""

    def predict() -> pd.DataFrame:
        tell("Project STAR: predicting schools from other schools")
        home = Home(kept / "star")
        with home.locked():
            ingest(sheet, home, source="yearly", column_map=Path("star"))
            years = [SchoolYear(target) for target, _ in STAR_PAIRS.values()]
            dataset = dataset_for(home.ingested(), years, POLICY).labelled()
        keys = ["student_id", "school_year"]
        rows = backtest(dataset, Parameters(), POLICY, split="schools")
        return rows.merge(dataset.frame[[*keys, "last_school_year"]], on=keys, validate="1:1")

    rows = _once(kept / "star.parquet", predict)
    found = {}
    for name, (target, last) in STAR_PAIRS.items():
        asked = rows[(rows["school_year"] == target) & (rows["last_school_year"] == last).fillna(False)]
        pair = asked.drop(columns="last_school_year").reset_index(drop=True)
        found[name] = (evaluate(pair, POLICY), differences(pair, POLICY))
    return found


def _once(path: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The frame at `path`, made and kept whole where there is none."""
    if not path.exists():
        beside = path.with_suffix(".part")
        make().to_parquet(beside)
        beside.replace(path)
    return pd.read_parquet(path)


def _teller() -> Tell:
    start = time.perf_counter()
    return lambda message: print(f"{time.perf_counter() - start:6.0f} s  {message}", flush=True)


if __name__ == "__main__":
    main()
