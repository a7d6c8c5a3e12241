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

from benchmarks.frames import LAST_YEAR, POLICY, Tell, fingerprint, once
from benchmarks.results import DECIDES, HERE, LARGE
from benchmarks.results import rows_of as features_of
from benchmarks.sections import PAGE, keep, show
from benchmarks.slots_page import BEST, NEXT, OURS, RANDOM
from benchmarks.worlds import truth_of
from ews.backtest import backtest
from ews.cli.common import code_version
from ews.gains import CAUTIOUS, CHECK_AND_CONNECT, expected_gains, response_by_grade
from ews.model import Parameters

SLOTS_PERCENT = 5
"""Slots in percent of the students with a known year before, as in the prototype this is compared with."""

PERCENTS = (-8, -23)
"""True effects on days missed; with none no rule brings anything."""

REPLICATES = 200

Rule = Callable[[pd.DataFrame], pd.Series]


def among_not_yet_chronic(column: str) -> Rule:
    """The same order, with those already chronically absent after all others."""
    return lambda rows: rows[column].where(~rows["was_chronic"], rows[column] - 1e6)


RULES: dict[str, Rule] = {
    "last year's rate": lambda rows: rows["last_rate"],
    "last year's rate, not yet chronic": among_not_yet_chronic("last_rate"),
    "highest estimate": lambda rows: rows["risk"],
    NEXT: among_not_yet_chronic("risk"),
    "days gained (ours)": lambda rows: rows["days_gained"],
    OURS[0]: among_not_yet_chronic("crossings_averted"),
    OURS[1]: lambda rows: rows["crossings_averted"],
    "crossings averted by a prior of -23 % (ours)": lambda rows: rows["crossings_by_23"],
    "crossings averted, every grade alike (ours)": lambda rows: rows["crossings_alike"],
    "truth's best for crossings, not yet chronic": among_not_yet_chronic("crossings_8"),
    BEST: lambda rows: rows["crossings_8"],
    "truth's best for days": lambda rows: rows["days_8"],
}
MEASURED = [f"{what}_{-percent}" for percent in PERCENTS for what in ("crossings", "days")]


def brought(rows: pd.DataFrame, slots_percent: int = SLOTS_PERCENT) -> pd.DataFrame:
    """Crossings averted per 100 slots and days gained per slot of each rule, from the truth; one row a rule.

    Random is told without chance: what the mean student brings.
    """
    slots = len(rows) * slots_percent // 100
    truth, tie_key = rows[MEASURED].to_numpy(), rows["tie_key"].to_numpy()
    found = {RANDOM: truth.mean(axis=0)}
    for name, rule in RULES.items():
        order = np.lexsort((tie_key, -rule(rows).fillna(-np.inf).to_numpy()))
        found[name] = truth[order[:slots]].mean(axis=0)
    table = pd.DataFrame(found, index=MEASURED).T.rename_axis("rule")
    return table.assign(**{name: 100 * table[name] for name in MEASURED if name.startswith("crossings")})


def resampled(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same of districts made of this one's schools by lot: one row a rule and replicate."""
    random = np.random.default_rng(seed)
    members = list(rows.groupby("school_id").indices.values())
    parts = []
    for replicate in range(REPLICATES):
        drawn = np.concatenate([members[school] for school in random.integers(0, len(members), len(members))])
        parts.append(brought(rows.iloc[drawn]).assign(replicate=replicate))
    return pd.concat(parts)


def rows_of(work: Path, seed: int, students: int, tell: Tell) -> pd.DataFrame:
    """Out-of-time estimates and the truth of one district's students with a known year before."""
    features = features_of(work, seed, students, 0, tell)

    def predict() -> pd.DataFrame:
        tell(f"seed {seed}: predicting {LAST_YEAR.label}")
        return backtest(features, Parameters(), POLICY, split="school-years", only_last=True)

    predicted = once(work / f"slots-{fingerprint(DECIDES)}" / f"{students}-seed-{seed}.parquet", predict)
    recorded = features.frame[["student_id", "school_year", "days_absent_last_year", "days_unexcused_last_year"]]
    rows = predicted.dropna(subset=["was_chronic"]).merge(recorded, on=["student_id", "school_year"], validate="1:1")
    for percent in PERCENTS:
        rows = rows.merge(_gains_of(truth_of(work, seed, students, percent), percent), on="student_id", validate="1:1")
    return with_orders(rows)


def with_orders(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that rules look at; none of them knows the truth."""
    gains = partial(expected_gains, rows, chronic_percent=POLICY.chronic_percent)
    response = response_by_grade(rows)
    ours = gains(CAUTIOUS, response=response)
    return rows.assign(
        was_chronic=rows["was_chronic"].astype(bool),
        last_rate=rows["last year's rate"],
        risk=rows["LightGBM"],
        crossings_averted=ours["crossings_averted"],
        days_gained=ours["days_gained"],
        crossings_by_23=gains(CHECK_AND_CONNECT, response=response)["crossings_averted"],
        crossings_alike=gains(CAUTIOUS)["crossings_averted"],
    )


def _gains_of(truth: pd.DataFrame, percent: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "student_id": truth["student_id"],
            f"crossings_{-percent}": truth["probability"] - truth["probability_with_mentor"],
            f"days_{-percent}": 180 * (truth["expected_rate"] - truth["expected_rate_with_mentor"]),
            f"rate_{-percent}": truth["expected_rate"],
        }
    )


def measure(told: argparse.Namespace, tell: Tell) -> dict[str, pd.DataFrame]:
    """Of each district what each rule brings, how far resampled schools move it, and how strong mentors truly were."""
    found, moved, effects = [], [], []
    for seed in told.seeds:
        rows = rows_of(told.work, seed, told.students, tell)
        found.append(brought(rows).assign(seed=seed))
        tell(f"seed {seed}: resampling schools")
        moved.append(resampled(rows, seed).assign(seed=seed))
        changed = {f"changed_{-p}": rows[f"days_{-p}"].sum() / (180 * rows[f"rate_{-p}"].sum()) for p in PERCENTS}
        effects.append({"seed": seed, "students": len(rows), **changed})
    spread = pd.concat(moved).groupby(["rule", "replicate"])[MEASURED].mean()
    return {
        "rules": pd.concat(found).reset_index(),
        "effects": pd.DataFrame(effects),
        "resampled": _differences(spread),
    }


def _differences(spread: pd.DataFrame) -> pd.DataFrame:
    """Of our objective less each other rule, the 95 % interval of crossings over resampled schools of all districts."""
    crossings = spread["crossings_8"].reset_index().pivot_table(index="replicate", columns="rule", values="crossings_8")
    gains = {(rule, other): crossings[rule] - crossings[other] for rule in OURS for other in crossings if other != rule}
    rows = [(rule, other, *np.quantile(gain, (0.025, 0.975))) for (rule, other), gain in gains.items()]
    return pd.DataFrame(rows, columns=["rule", "minus", "low", "high"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the figures, and write the section of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps the districts")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--students", type=int, default=LARGE)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    told = parser.parse_args(arguments)
    keep("slots", measure(told, partial(print, flush=True)), code_version())
    show(told.page)
    print(f"{told.page} has it.")


if __name__ == "__main__":
    main()
