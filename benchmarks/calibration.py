"""Are the probabilities true, year after year? `python -m benchmarks.calibration` writes docs/calibration.md.

Two worlds: a calm one, and one with a shock in its third year. Each target year is predicted by a model that learned
from the years before it only. What was made on the way is kept in the work folder, as `benchmarks.results` does.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.calibration_page import page
from benchmarks.frames import DISTRICT, LAST_YEAR, POLICY, ROWS, YEARS, Tell, fingerprint, once
from ews.base_rate import first_days
from ews.calibration import Calibrator, recalibrated, shifts_towards
from ews.cli.common import code_version
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.features import features_for
from ews.home import Home
from ews.model import Parameters, fit
from ews.monitoring.levels import open_year_check
from ews.reliability import calibration_table, probability_column
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest

HERE = Path(__file__).parents[1]
CALM, SHOCK = "district+no_shock", "district"
SHOCK_YEAR, FIRST_DAYS = 2023, 20
DECIDES = (*ROWS, "calibration", "model", "booster_text", "parameters", "reliability")
"""Modules whose change makes what was measured before worthless."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not measured yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps what was made")
    parser.add_argument("--page", type=Path, default=HERE / "docs" / "calibration.md")
    parser.add_argument("--students", type=int, default=20_000, help="of a district")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="districts of each world")
    parser.add_argument("--years", type=int, nargs="+", default=[2025, 2026], help="target years; the shock's is added")
    told = parser.parse_args(arguments)
    start = time.perf_counter()
    facts = measure(told, lambda message: print(f"{time.perf_counter() - start:6.0f} s  {message}", flush=True))
    told.page.write_text(page(facts, told.students, POLICY, code_version()), encoding="utf-8")
    print(f"{told.page} is written.")


def measure(told: argparse.Namespace, tell: Tell) -> pd.DataFrame:
    """One row a world, seed, target year, way (`model`, or `first days` with the level these tell of) and threshold.

    Columns: world, seed, school_year, way, percent, expected, observed, in_the_large, slope (see
    `ews.reliability.FACTS`), and, with the first days, the level of the open year's check of the base rate (`alarm`).
    """
    parts = []
    for world in (CALM, SHOCK):
        years = told.years if world == CALM else [SHOCK_YEAR, *told.years]
        for seed in told.seeds:
            parts += [_year_of(told, world, seed, year, tell) for year in years]
    return pd.concat(parts, ignore_index=True)


def _year_of(told: argparse.Namespace, world: str, seed: int, year: int, tell: Tell) -> pd.DataFrame:
    """What was said before a year, and what its first days make of it."""

    def build() -> pd.DataFrame:
        rows = _rows(told, world, seed, tell)
        asked = rows.frame["school_year"].to_numpy()
        tell(f"{world}, seed {seed}: predicting {SchoolYear(year).label}")
        model = fit(rows.where(asked < year).to_learn_from(POLICY), Parameters(), POLICY)
        test = rows.where(asked == year)
        known = test.frame[["school_year", "grade_level", *_reached(model.calibrator)]]
        return known.assign(raw_score=model.raw_scores(test.x), calibrator=model.calibrator.to_json())

    kept = told.work / f"calibration-{fingerprint(DECIDES)}" / f"{world}-{told.students}-seed-{seed}-{year}-raw.parquet"
    said = once(kept, build)
    calibrator = Calibrator.from_json(str(said["calibrator"].iloc[0]))
    later = _after_first_days(_home(told, world, seed, tell), SchoolYear(year), said, calibrator)
    ways = [_facts(said, calibrator).assign(way="model", alarm=None), later]
    return pd.concat(ways, ignore_index=True).assign(world=world, seed=seed)


def _after_first_days(home: Home, year: SchoolYear, said: pd.DataFrame, calibrator: Calibrator) -> pd.DataFrame:
    """The same year once its first days are known: whether the alarm fires, and what recalibration makes of it."""
    raw = said["raw_score"].to_numpy()
    with home.locked():
        told = first_days(home.ingested(), year, FIRST_DAYS, POLICY)
    alarm = open_year_check(told, float(calibrator.risk(raw).mean()), POLICY).level
    shifted = recalibrated(calibrator, shifts_towards(calibrator, raw, told.shares))
    return _facts(said, shifted).assign(way="first days", alarm=alarm)


def _facts(said: pd.DataFrame, calibrator: Calibrator) -> pd.DataFrame:
    columns = [probability_column(percent) for percent in calibrator.percents]
    probabilities = pd.DataFrame(calibrator.probabilities(said["raw_score"].to_numpy()), columns=columns)
    reached = _reached(calibrator)
    about = said[["school_year", "grade_level", *reached]].astype(dict.fromkeys(reached, "int8"))
    return calibration_table(pd.concat([about, probabilities], axis=1), POLICY).query("group == 'all'")


def _reached(calibrator: Calibrator) -> list[str]:
    return [f"outcome_reaches_{percent:02d}" for percent in calibrator.percents]


def _rows(told: argparse.Namespace, world: str, seed: int, tell: Tell) -> Dataset:
    """All target years with known outcomes of one district."""

    def build() -> pd.DataFrame:
        home = _home(told, world, seed, tell)
        with home.locked():
            years = target_years_with_outcomes(home.ingested(), POLICY)
            return dataset_for(home.ingested(), years, POLICY).labelled().frame

    kept = told.work / f"rows-{fingerprint(ROWS)}" / f"{world}-{told.students}-seed-{seed}.parquet"
    return Dataset(once(kept, build), tuple(entry.name for entry in features_for(0)), 0)


def _home(told: argparse.Namespace, world: str, seed: int, tell: Tell) -> Home:
    """The home of one district; made once."""
    folder = told.work / f"districts-{fingerprint(DISTRICT)}" / f"{world}-{told.students}-seed-{seed}"
    home = Home(folder / "home")
    if not home.current_tables.exists():
        tell(f"{world}: simulating {told.students:,} students, seed {seed}")
        simulate(
            folder / "records", preset=world, students=told.students, years=YEARS, last_year=LAST_YEAR, seed=seed,
            file_format="parquet",
        )  # fmt: skip
        with home.locked():
            ingest(folder / "records", home)
    return home


if __name__ == "__main__":
    main()
