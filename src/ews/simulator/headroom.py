"""How far last year's rate is from the truth, and whether the truth is calibrated: only where truth was written."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from ews.simulator.moments import pairs, with_rates
from ews.simulator.observe import Observed

GROUPS = ("all", "not yet chronic", "already chronic")
BINS = 10
_RECALL_SHARE = 0.1


def read_truth(folder: Path) -> pd.DataFrame | None:
    """`truth/students` of a simulated folder; None where there is none."""
    for suffix, read in (
        (".parquet", "read_parquet('{}')"),
        (".csv", "read_csv('{}', types={{'student_id': 'VARCHAR'}})"),
    ):
        path = folder / "truth" / f"students{suffix}"
        if path.exists():
            with duckdb.connect() as connection:
                return connection.execute(f"from {read.format(str(path).replace(chr(39), chr(39) * 2))}").df()
    return None


def with_truth(seen: Observed, truth: pd.DataFrame) -> pd.DataFrame:
    """Student years with an outcome and a known year before, with `probability`, rates and the mean of up to three."""
    people = with_rates(seen.student_years)
    both = pairs(people, 1).merge(truth, on=["student_id", "school_year"])
    for lag in (2, 3):
        earlier = people[["student_id", "school_year", "rate"]].rename(columns={"rate": f"rate_{lag}"})
        both = both.merge(earlier.assign(school_year=earlier["school_year"] + lag), how="left")
    return both.assign(mean_rate=both[["rate_before", "rate_2", "rate_3"]].mean(axis=1))


def headroom(rows: pd.DataFrame) -> pd.DataFrame:
    """AUC, average precision and recall at a tenth of the list, per target year, group and predictor."""
    found = []
    predictors = {"last year's rate": "rate_before", "mean of up to 3 years": "mean_rate", "truth": "probability"}
    for year, of_year in rows.groupby("school_year"):
        before = of_year["is_chronic_before"]
        for group, mask in zip(GROUPS, (before | True, ~before, before), strict=True):
            chosen = of_year[mask]
            for name, column in predictors.items():
                found.append({"school_year": year, "group": group, "predictor": name, **_measures(chosen, column)})
    return pd.DataFrame(found)


def calibration(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean truth and observed share in ten bins of equal width, with students; bins without students are left out."""
    place = np.minimum((rows["probability"] * BINS).astype(int), BINS - 1)
    bins = rows.groupby(place).agg(
        truth=("probability", "mean"), observed=("is_chronic", "mean"), students=("is_chronic", "size")
    )
    return bins.rename_axis("bin").reset_index()


def _measures(rows: pd.DataFrame, column: str) -> dict[str, float]:
    outcome, score = rows["is_chronic"], rows[column]
    cut = score.nlargest(int(np.ceil(len(rows) * _RECALL_SHARE))).index
    return {
        "auc": float(roc_auc_score(outcome, score)),
        "average_precision": float(average_precision_score(outcome, score)),
        "recall_at_tenth": float(outcome[cut].sum() / outcome.sum()),
        "base": float(outcome.mean()),
        "students": float(len(rows)),
    }
