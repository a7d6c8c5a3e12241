"""How good the lists are where the truth is known, and on Project STAR: `make results` writes docs/results.md.

Everything on the way is kept in the work folder: districts and their records by seed, and what was measured under a
fingerprint of the code that decides it, so that a run that was stopped goes on where it was.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from benchmarks.frames import (
    LAST_YEAR,
    POLICY,
    ROWS,
    Tell,
    Wanted,
    fingerprint,
    make_rows,
    once,
    other_districts,
    records_of,
    rows_of,
)
from benchmarks.results_page import PRIOR_WORLDS, WITH_PRIOR, Measured, page
from benchmarks.sections import with_kept
from ews.backtest import backtest
from ews.ceilings import (
    OTHER_DISTRICTS,
    ObserverLimit,
    observer_limit,
    pooled,
    with_observer_limit,
    with_truth,
    world_of,
)
from ews.cli.common import code_version
from ews.dataset import Dataset, dataset_for
from ews.evaluation import MODEL, differences, evaluate
from ews.home import Home
from ews.model import Model, fit
from ews.parameters import Parameters
from ews.school_year import SchoolYear
from ews.sis import ingest

HERE = Path(__file__).parents[1]
STAR = HERE.parent / "shared" / "data" / "star" / "star_dev.csv.gz"
STAR_PAIRS = {"K to grade 1": (1987, 1986), "K and grade 1 to grade 3": (1989, 1987)}
"""Target year and last known year, named by what is known."""

LARGE, SMALL = 20_000, 2_000
LATER_DAYS = (20, 60)
PRIOR_SEED = 3_001
"""Of the first district that a prior learns from; the others follow."""

DECIDES = (
    *ROWS, "backtest", "baselines", "booster_text", "calibration", "ceilings", "evaluation", "model", "parameters",
)  # fmt: skip
"""Modules whose change makes what was measured before worthless."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not measured yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps what was made")
    parser.add_argument("--page", type=Path, default=HERE / "docs" / "results.md")
    parser.add_argument("--star", type=Path, default=STAR, help="the yearly sheet of Project STAR, if there is one")
    parser.add_argument("--large", type=int, default=LARGE, help="students of a large district")
    parser.add_argument("--small", type=int, default=SMALL, help="students of a small one")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="large districts")
    parser.add_argument("--small-seeds", type=int, nargs="+", default=list(range(1, 11)), help="small districts")
    parser.add_argument("--limit-districts", type=int, default=8, help="others that the observer limit is learned on")
    parser.add_argument("--jobs", type=int, default=2, help="districts made at a time")
    told = parser.parse_args(arguments)
    found = measure(told, _teller())
    told.page.write_text(with_kept(page(found)), encoding="utf-8")
    print(f"{told.page} is written.")


def measure(told: argparse.Namespace, tell: Tell) -> Measured:
    """All figures of the page, read from the work folder or measured now."""
    kept = told.work / f"measured-{fingerprint(DECIDES)}"
    make_rows(told.work, _wanted(told), told.jobs, tell)
    limit = _limit(told, kept, tell)
    prior = cache(lambda: _prior(told, tell))
    at_start = [
        *(_evaluated(told.work, kept, seed, told.large, 0, limit, tell) for seed in told.seeds),
        *(_evaluated(told.work, kept, seed, told.small, 0, limit, tell, prior) for seed in told.small_seeds),
    ]
    later = [
        _evaluated(told.work, kept, seed, told.large, day, None, tell) for day in LATER_DAYS for seed in told.seeds
    ]  # fmt: skip
    return Measured(
        figures=pd.concat([*at_start, *later], ignore_index=True),
        limit_curve=limit.curve,
        star=_star(told.star, kept, tell) if told.star.exists() else None,
        commit=code_version(),
    )


def _wanted(told: argparse.Namespace) -> list[Wanted]:
    """All districts: those that are tested, those of the observer limit and its judge, those of the prior."""
    others = range(OTHER_DISTRICTS, OTHER_DISTRICTS + told.limit_districts + 1)
    return [
        *(Wanted(seed, told.large, (0, *LATER_DAYS)) for seed in told.seeds),
        *(Wanted(seed, told.large) for seed in others),
        *(Wanted(seed, told.large, preset=preset) for seed, preset in enumerate(PRIOR_WORLDS, PRIOR_SEED)),
        *(Wanted(seed, told.small) for seed in told.small_seeds),
    ]


def _limit(told: argparse.Namespace, kept: Path, tell: Tell) -> ObserverLimit:
    """Learned on other districts of the world of the large ones."""
    world = world_of(records_of(told.work, told.seeds[0], told.large, tell))
    tell("observer limit: learning on other districts")
    return observer_limit(
        Home(kept / "limit"), world, POLICY, first_districts=max(1, told.limit_districts // 2),
        most_districts=told.limit_districts, districts=other_districts(told.work, told.large, tell),
        progress=tell,
    )  # fmt: skip


def _prior(told: argparse.Namespace, tell: Tell) -> Model:
    """Learned on one district of each of some other worlds, on target years before the one that is tested."""
    districts = [
        rows_of(told.work, seed, told.large, 0, tell, preset) for seed, preset in enumerate(PRIOR_WORLDS, PRIOR_SEED)
    ]
    rows = pooled(districts)
    tell(f"a prior: learning on {len(districts)} districts of other worlds")
    before = rows.where((rows.frame["school_year"] < LAST_YEAR.ending).to_numpy())
    return fit(before.to_learn_from(POLICY), Parameters(), POLICY)


def _evaluated(
    work: Path, kept: Path, seed: int, students: int, after_day: int, limit: ObserverLimit | None, tell: Tell,
    prior: Callable[[], Model] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """One row a group, method and metric of one district."""

    def predict() -> pd.DataFrame:
        dataset = rows_of(work, seed, students, after_day, tell)
        tell(f"{students:,} students, seed {seed}, day {after_day}: predicting {LAST_YEAR.label}")
        rows = _predicted(dataset, prior() if prior else None)
        if limit is None:
            return rows
        return with_truth(with_observer_limit(rows, dataset, limit), records_of(work, seed, students, tell))

    predictions = once(kept / f"{students}-seed-{seed}-day-{after_day}.parquet", predict)
    evaluation = evaluate(predictions, POLICY, replicates=1)
    return evaluation.assign(seed=seed, size=students, after_day=after_day)


def _predicted(dataset: Dataset, prior: Model | None) -> pd.DataFrame:
    """The last target year by the model, by every baseline and, where there is a prior, by the model that has it."""
    rows = backtest(dataset, Parameters(), POLICY, split="school-years", only_last=True)
    if prior is None:
        return rows
    with_prior = backtest(dataset, Parameters(), POLICY, split="school-years", only_last=True, prior=prior)
    return rows.assign(**{WITH_PRIOR: with_prior[MODEL]})


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

    rows = once(kept / "star.parquet", predict)
    found = {}
    for name, (target, last) in STAR_PAIRS.items():
        asked = rows[(rows["school_year"] == target) & (rows["last_school_year"] == last).fillna(False)]
        pair = asked.drop(columns="last_school_year").reset_index(drop=True)
        found[name] = (evaluate(pair, POLICY), differences(pair, POLICY))
    return found


def _teller() -> Tell:
    start = time.perf_counter()
    return lambda message: print(f"{time.perf_counter() - start:6.0f} s  {message}", flush=True)


if __name__ == "__main__":
    main()
