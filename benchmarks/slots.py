"""What mentor slots bring by the rule that gives them, where the truth is known: `python -m benchmarks.slots`.

On simulated districts each student's probability of a chronically absent year is known without and with a mentor. So
what a rule brings is the sum over the students it picks, without noise of lived years; nothing of it is learned from.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results import HERE, LARGE, LAST_YEAR, POLICY, records_of
from ews.backtest import backtest
from ews.dataset import dataset_for, target_years_with_outcomes
from ews.gains import CAUTIOUS, expected_gains
from ews.home import Home
from ews.model import Parameters
from ews.simulator.headroom import read_truth

SLOTS_PERCENT = 5
"""Slots in percent of the students with a known year before, as in the prototype this is compared with."""

Rule = Callable[[pd.DataFrame], pd.Series]


def among_not_yet_chronic(column: str) -> Rule:
    """The same order, with those already chronically absent after all others."""
    return lambda rows: rows[column].where(~rows["was_chronic"], rows[column] - 1e6)


RULES: dict[str, Rule] = {
    "random": lambda rows: rows["tie_key"],
    "last year's rate": lambda rows: rows["last_rate"],
    "last year's rate, not yet chronic": among_not_yet_chronic("last_rate"),
    "highest estimate": lambda rows: rows["risk"],
    "highest estimate, not yet chronic": among_not_yet_chronic("risk"),
    "crossings averted, not yet chronic (ours)": among_not_yet_chronic("crossings_averted"),
    "crossings averted, all (ours)": lambda rows: rows["crossings_averted"],
    "days gained, all (ours)": lambda rows: rows["days_gained"],
    "truth's best for crossings": lambda rows: rows["true_crossings"],
    "truth's best for days": lambda rows: rows["true_days"],
}


def brought(rows: pd.DataFrame, slots_percent: int = SLOTS_PERCENT) -> pd.DataFrame:
    """Crossings averted per 100 slots and days gained per slot of each rule, from the truth; one row a rule."""
    slots = len(rows) * slots_percent // 100
    found = {}
    for name, rule in RULES.items():
        order = np.lexsort((rows["tie_key"], -rule(rows).fillna(-np.inf)))
        picked = rows.iloc[order[:slots]]
        found[name] = {"crossings": 100 * picked["true_crossings"].mean(), "days": picked["true_days"].mean()}
    return pd.DataFrame(found).T.rename_axis("rule")


def rows_of(work: Path, seed: int, tell: Callable[[str], None]) -> pd.DataFrame:
    """Out-of-time estimates and the truth of one district's students with a known year before; made once."""
    kept = work / f"slots-{seed}.parquet"
    if not kept.exists():
        _predicted(work, seed, tell).to_parquet(kept)
    rows = pd.read_parquet(kept)
    gains = expected_gains(rows, CAUTIOUS, chronic_percent=POLICY.chronic_percent)
    return rows.assign(
        was_chronic=rows["was_chronic"].astype(bool),
        last_rate=rows["last year's rate"],
        risk=rows["LightGBM"],
        true_crossings=rows["probability"] - rows["probability_with_mentor"],
        true_days=180 * (rows["expected_rate"] - rows["expected_rate_with_mentor"]),
        **gains,
    )


def _predicted(work: Path, seed: int, tell: Callable[[str], None]) -> pd.DataFrame:
    records = records_of(work, seed, LARGE, tell)
    truth = read_truth(records)
    assert truth is not None
    folder = Home(records.parent / "home").ingested()
    tell(f"seed {seed}: predicting {LAST_YEAR.label}")
    dataset = dataset_for(folder, target_years_with_outcomes(folder, POLICY), POLICY).labelled()
    predictions = backtest(dataset, Parameters(), POLICY, split="school-years", only_last=True)
    return predictions.dropna(subset=["was_chronic"]).merge(truth, on=["student_id", "school_year"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, a mean over seeds with its interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps the districts")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    told = parser.parse_args(arguments)
    tell = partial(print, flush=True)
    each = {seed: brought(rows_of(told.work, seed, tell)) for seed in told.seeds}
    for seed, table in each.items():
        print(seed, table.round(2).to_string())


if __name__ == "__main__":
    main()
