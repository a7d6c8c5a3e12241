"""Inputs and scores beside what training saw: have features, or what is known of them, moved?"""

import numpy as np

from ews.dataset import Dataset
from ews.features import FEATURES
from ews.monitoring.checks import Check, graded, unknown
from ews.profile import Profile, independent_values, stability

SOME, MUCH = 0.1, 0.25
"""Population stability indexes that are customary: some change, and much."""

MISSING_WATCH, MISSING_ALARM = 0.05, 0.15
"""Change of the share of students of whom a feature is not known."""

NEW_GRADES_ALARM = 0.01
"""Share of students in grade levels that training hardly saw, from which their estimates are guesses (T07)."""


def input_checks(profile: Profile | None, cohort: Dataset, risk: np.ndarray) -> list[Check]:
    """The checks of features, grades and score.

    Args:
        profile: of the training; None for a model trained before profiles were kept.
        cohort: the students scored now.
        risk: the model's probabilities of them before any recalibration, shape (rows,).
    """
    if profile is None:
        return [unknown("inputs", "features", "This model keeps no profile of its training. Train it again.")]
    checks = [_feature(name, profile, cohort) for name in cohort.feature_names if FEATURES[name].learned]
    return [*checks, _grades(profile, cohort), _score(profile, risk)]


def _feature(name: str, profile: Profile, cohort: Dataset) -> Check:
    """The worse of the feature's change of values and its change of what is known."""
    before, values = profile["features"].get(name), cohort.x[name].to_numpy(dtype="float64")
    if before is None:
        return unknown("inputs", name, "Training knew it of too few students to tell.")
    index, chance = stability(before, values, independent_values(name, values))
    if np.isnan(index):
        return Check("inputs", name, "alarm", None, None, MUCH, "It is known of nobody now.")
    moved = graded(index, max(SOME, chance), max(MUCH, chance))
    missing, was_missing = float(np.isnan(values).mean()), before["missing"]
    change = abs(missing - was_missing) if was_missing is not None else 0.0
    lost = graded(change, MISSING_WATCH, MISSING_ALARM)
    told = "not told" if was_missing is None else f"{was_missing:.0%}"
    text = f"Stability index {index:.2f}. Not known of {missing:.0%} of the students, in training of {told}."
    level = max(moved, lost, key=("fine", "watch", "alarm").index)
    return Check("inputs", name, level, index, 0.0, max(MUCH, chance), text)


def _grades(profile: Profile, cohort: Dataset) -> Check:
    grades = cohort.frame["grade_level"]
    is_new = ~grades.isin(profile["grades"])
    share = float(is_new.mean())
    names = ", ".join(sorted({str(grade) for grade in grades[is_new]})) or "none"
    text = f"{share:.1%} of the students are in grade levels that training hardly saw: {names}."
    return Check("inputs", "grade levels", graded(share, 0.0, NEW_GRADES_ALARM), share, 0.0, NEW_GRADES_ALARM, text)


def _score(profile: Profile, risk: np.ndarray) -> Check:
    if profile["score"] is None:
        return unknown("scores", "risk", "Training scored too few students to tell.")
    index, chance = stability(profile["score"], risk)
    limit = max(MUCH, chance)
    text = f"Stability index {index:.2f} of the model's probabilities, mean {np.mean(risk):.1%}."
    return Check("scores", "risk", graded(index, max(SOME, chance), limit), index, 0.0, limit, text)
