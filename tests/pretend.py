"""Datasets made of numbers, with real feature names: for tests of what comes after the features."""

from pathlib import Path

import numpy as np
import pandas as pd

from ews.bundle import write_bundle
from ews.dataset import Dataset
from ews.features import features_for
from ews.home import Home
from ews.model import Model, Parameters, fit
from ews.policy import Policy
from ews.registry import bundle_folder

FAST = Parameters(rounds=8, leaves=7, min_rows_in_leaf=5)
FEATURE_NAMES = tuple(entry.name for entry in features_for(0))


def dataset(years: tuple[int, ...] = (2025, 2026), students: int = 240, schools: int = 6, seed: int = 5) -> Dataset:
    """Students whose absence rate carries over from year to year, `students` a year."""
    return Dataset(
        pd.concat([_year(year, students, schools, seed + year) for year in years], ignore_index=True), FEATURE_NAMES, 0
    )


def model() -> Model:
    return fit(dataset(), FAST, Policy())


def keep_bundle(home: Home, made: Model, target_year: int = 2027, note: str = "") -> str:
    """Write a bundle into the home as training does, and give its hash."""
    written = home.path / "written"
    provenance: dict[str, object] = {"target_year": target_year, "after_day": 0, "note": note}
    sha256 = write_bundle(written, made, {}, Policy(), {}, provenance)
    Path(home.bundles).mkdir(exist_ok=True)
    written.rename(bundle_folder(home, sha256))
    return sha256


def _year(year: int, students: int, schools: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rate = rng.beta(2, 18, students)
    absent = rng.binomial(180, rate)
    chronic = absent * 10 >= 180
    later = rng.binomial(180, rate)
    number = np.arange(students)
    frame = pd.DataFrame(
        {
            "student_id": [f"{student:04d}" for student in number],
            "school_id": [f"school {school}" for school in number % schools],
            "grade_level": np.where(number % 2, "05", "06"),
            "school_year": year,
            "last_school_year": pd.array([year - 1] * students, dtype="Int64"),
            "was_chronic": pd.array(chronic, dtype="boolean"),
            "band_last_year": np.where(chronic, "moderate chronic", "satisfactory"),
            "lane": np.where(chronic, "recover", "prevent"),
        }
    )
    features = pd.DataFrame(rng.random((students, len(FEATURE_NAMES))), columns=list(FEATURE_NAMES))
    features = features.assign(
        absence_rate_last_year=absent / 180, days_absent_last_year=absent * 1.0, days_enrolled_last_year=180.0
    )
    outcomes = {"outcome_rate": later / 180, "outcome_is_chronic": pd.array(later * 10 >= 180, dtype="boolean")}
    for percent in Policy().threshold_percents:
        outcomes[f"outcome_reaches_{percent:02d}"] = pd.array(later * 100 >= 180 * percent, dtype="boolean")
    return pd.concat([frame, features, pd.DataFrame(outcomes)], axis=1)
