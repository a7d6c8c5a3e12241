"""What each family of features brings: `python -m benchmarks.ablation --work FOLDER`.

Simulates districts of the `district` preset, learns on all target years but the last with all families and with
each one left out, and prints what the last year's lists lose without it, paired over resampled schools.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.evaluation import differences
from ews.features import FAMILIES
from ews.home import Home
from ews.model import Parameters, raw_scores_by
from ews.policy import Policy
from ews.risk_list import tie_keys
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.sis import ingest

ALL = "all families"
METRICS = {"auc": "AUC", "average_precision": "AP", "recall_at_k": "recall@k"}
TIE_SECRET = "0" * 16


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of one as-of point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the simulated districts")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="a district a seed")
    parser.add_argument("--after-day", type=int, default=0)
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--boosters", type=int, default=2, help="boosters whose scores are averaged, against chance")
    parser.add_argument(
        "--families", nargs="+", default=list(FAMILIES), help="left out one after the other; joined by + all at once"
    )
    told = parser.parse_args(arguments)
    parts = []
    for seed in told.seeds:
        home = district(told.work / f"seed-{seed}", seed, told.students)
        years = target_years_with_outcomes(home.ingested(), Policy())
        dataset = dataset_for(home.ingested(), years, Policy(), after_day=told.after_day)
        parts.append(predicted(dataset, f"{seed}-", told.boosters, told.families))
    print(tables(differences(pd.concat(parts, ignore_index=True), Policy(), of=ALL)))


def district(folder: Path, seed: int, students: int) -> Home:
    """A simulated district's home, made once."""
    home = Home(folder / "home")
    if not home.current_tables.exists():
        simulate(
            folder / "records", preset="district", students=students, years=6, last_year=SchoolYear(2026), seed=seed,
            file_format="parquet",
        )  # fmt: skip
        with home.locked():
            ingest(folder / "records", home)
    return home


def predicted(dataset: Dataset, prefix: str, boosters: int, families: Sequence[str]) -> pd.DataFrame:
    """Scores of the last target year by each choice of features, as `ews.evaluation` takes them."""
    rows = dataset.labelled()
    is_last = (rows.frame["school_year"] == rows.frame["school_year"].max()).to_numpy()
    learn, test = rows.where(~is_last), rows.where(is_last)
    told = test.frame[["student_id", "school_id", "school_year", "was_chronic"]].reset_index(drop=True)
    told["school_id"] = prefix + told["school_id"]
    scores = {name: _scores(learn, test, kept, boosters) for name, kept in choices(dataset.feature_names, families)}
    keys = tie_keys(test.frame["student_id"], TIE_SECRET)
    return told.assign(outcome=test.y.astype(int), tie_key=keys, **scores)


def choices(names: Sequence[str], families: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """All features, then all but those of one family, or of several joined by "+"; not of one that has none here."""
    yield ALL, tuple(names)
    for told in families:
        left_out = {entry.name for family in told.split("+") for entry in FAMILIES[family]}
        if left_out & set(names):
            yield told, tuple(name for name in names if name not in left_out)


def _scores(learn: Dataset, test: Dataset, names: tuple[str, ...], boosters: int) -> np.ndarray:
    """Mean raw score over boosters that differ by chance only; shape (rows,). No calibration: ranks do not need it."""
    known, asked = (replace(rows, feature_names=names) for rows in (learn, test))
    choices_of_seed = (replace(Parameters(), seed=Parameters().seed + number) for number in range(boosters))
    return np.mean([raw_scores_by(known, asked, parameters, Policy()) for parameters in choices_of_seed], axis=0)


def tables(paired: pd.DataFrame) -> str:
    """A Markdown table a group: what each family brings to each metric, in thousandths, with 95 % intervals."""
    shown = paired[paired["metric"].isin(METRICS)]
    text = shown.apply(lambda row: f"{1000 * row.value:+.1f} ({1000 * row.low:+.1f} to {1000 * row.high:+.1f})", axis=1)
    return "\n\n".join(_table(group, rows) for group, rows in shown.assign(text=text).groupby("group", sort=False))


def _table(group: str, rows: pd.DataFrame) -> str:
    cells = rows.pivot_table("text", "minus", "metric", aggfunc="first", sort=False)[list(METRICS)]
    lines = [[group, *METRICS.values()], ["---", *("---:" for _ in METRICS)]]
    lines += [[str(family), *told] for family, told in zip(cells.index, cells.to_numpy(), strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
