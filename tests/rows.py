"""Rows as a model sees them, made without any records: for tests of what happens after the dataset."""

import numpy as np
import pandas as pd

from ews.dataset import Dataset
from ews.policy import Policy

FEATURES = (
    "absence_rate_last_year",
    "days_absent_last_year",
    "days_enrolled_last_year",
    "spells_last_year",
    "change_of_rate",
    "school_grade_rate",
    "grade_number",
)
"""Names of the catalogue, so that bundles and reasons take them too."""


def pretend_dataset(
    students: int = 600, target_years: tuple[int, ...] = (2025, 2026), schools: int = 8, seed: int = 1
) -> Dataset:
    """Students whose absences of two years share one propensity; about a fifth are chronically absent.

    Every tenth student has no known last year. Rows are `students` a target year.
    """
    rng = np.random.default_rng(seed)
    rows = students * len(target_years)
    school = np.arange(rows) % schools
    propensity = np.exp(rng.normal(-2.9, 0.6, rows) + rng.normal(0, 0.2, schools)[school])
    enrolled = rng.integers(120, 181, rows)
    before, absent, after = (
        rng.binomial(enrolled, np.clip(propensity * rng.gamma(8, 1 / 8, rows), 0, 1)) for _ in "123"
    )
    frame = pd.DataFrame(
        {
            "student_id": [f"{number:05d}" for number in range(rows)],
            "school_id": [f"S{number}" for number in school],
            "grade_level": np.array(["01", "02", "03"])[np.arange(rows) % 3],
            "school_year": np.repeat(target_years, students),
            "absence_rate_last_year": absent / enrolled,
            "days_absent_last_year": absent.astype(float),
            "days_enrolled_last_year": enrolled.astype(float),
            "spells_last_year": rng.binomial(absent, 0.6).astype(float),
            "change_of_rate": (absent - before) / enrolled,
            "school_grade_rate": 0.05 + 0.002 * school,
            "grade_number": np.arange(rows) % 3 + 1.0,
            "was_chronic": pd.array(absent * 10 >= enrolled, dtype="boolean"),
        }
    )
    history = [*FEATURES[:5], "was_chronic"]
    frame.loc[frame.index % 10 == 0, history] = pd.NA
    frame["last_school_year"] = pd.array(frame["school_year"] - 1, dtype="Int64")
    frame["outcome_rate"] = after / enrolled
    frame["outcome_is_chronic"] = pd.array(after * 10 >= enrolled, dtype="boolean")
    for percent in Policy().threshold_percents:
        frame[f"outcome_reaches_{percent:02d}"] = pd.array(after * 100 >= enrolled * percent, dtype="boolean")
    return Dataset(frame, FEATURES, 0)


def pretend_predictions(students: int = 2000, schools: int = 20, seed: int = 1) -> pd.DataFrame:
    """Outcomes with two methods' probabilities: the true ones, and true ones blurred."""
    rng = np.random.default_rng(seed)
    school = rng.integers(0, schools, students)
    log_odds = rng.normal(-2, 1, students) + rng.normal(0, 0.4, schools)[school]
    blurred = log_odds + rng.normal(0, 1, students)
    known = rng.random(students) < 0.9
    return pd.DataFrame(
        {
            "student_id": [f"{number:05d}" for number in range(students)],
            "school_id": [f"S{number:02d}" for number in school],
            "school_year": 2025 + rng.integers(0, 2, students),
            "was_chronic": pd.array(np.where(known, blurred > -1, None), dtype="boolean"),
            "outcome": (rng.random(students) < 1 / (1 + np.exp(-log_odds))).astype(int),
            "tie_key": rng.random(students),
            "LightGBM": 1 / (1 + np.exp(-log_odds)),
            "last year's rate": 1 / (1 + np.exp(-blurred)),
        }
    )
