"""From raw scores to probabilities: one logistic curve a threshold, checked on held-out years.

A booster's own probabilities are those of the rows it learned from, surer than it can be. How sure it may be (the
slope) is learned from years it had not seen. How many to expect (the intercept) is what came of the last known
year: base rates jump, and the latest is the best guess of the next. Each threshold of the policy (8, 10, 12, 15,
20 percent of days missed) gets its curve over the same raw score, so one explainable model gives the whole
distribution of next year's absence rate.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from ews.dataset import Dataset
from ews.errors import UntrustedBundle
from ews.home import to_json
from ews.policy import Policy

SCHOOL_FOLDS = 5
RECENT_YEARS = 3
"""Out-of-time years that calibrate, the last ones."""

_SLOPE_PRIOR = 0.05
"""A faint pull of the slope towards 1, felt only where a threshold has hardly any rows."""

_LEAST_SLOPE = 0.05
"""A higher raw score never gives a lower probability, even where the held-out rows tell nothing."""

_MOST_STEPS = 200


@dataclass(frozen=True)
class Calibrator:
    """Logistic curves over the raw score.

    Attributes:
        chronic_percent: the threshold whose probability is the risk.
        percents: the thresholds, ascending.
        intercepts: one a threshold, in log-odds.
        slopes: one a threshold, positive; 1 would leave the booster's spread as it is.
        held_out_rows: rows the slopes were fitted on, scored by boosters that had not learned from them.
    """

    chronic_percent: int
    percents: tuple[int, ...]
    intercepts: tuple[float, ...]
    slopes: tuple[float, ...]
    held_out_rows: int

    def probabilities(self, raw_scores: np.ndarray) -> np.ndarray:
        """Probabilities of reaching each threshold, shape (rows, thresholds), never rising from left to right.

        Where curves would cross, the others yield to the chronic threshold, so the risk is a function of the
        raw score alone.
        """
        log_odds = np.asarray(raw_scores, dtype=float)[:, None] * np.array(self.slopes) + np.array(self.intercepts)
        curves = _share(log_odds)
        middle = self.percents.index(self.chronic_percent)
        lower = np.maximum.accumulate(curves[:, middle::-1], axis=1)[:, ::-1]
        return np.hstack([lower, np.minimum.accumulate(curves[:, middle:], axis=1)[:, 1:]])

    def risk(self, raw_scores: np.ndarray) -> np.ndarray:
        """The probability of being chronically absent, shape (rows,)."""
        return self.probabilities(raw_scores)[:, self.percents.index(self.chronic_percent)]

    def to_json(self) -> str:
        """The curves as JSON: `Calibrator.from_json(calibrator.to_json()) == calibrator`."""
        return to_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Calibrator":
        """Read what `to_json` wrote.

        Raises:
            UntrustedBundle: keys are missing or unknown.
        """
        values = json.loads(text)
        if sorted(values) != sorted(field.name for field in fields(cls)):
            raise UntrustedBundle("calibrator.json does not hold a calibrator. Train the model again.")
        return cls(
            chronic_percent=int(values["chronic_percent"]),
            percents=tuple(values["percents"]),
            intercepts=tuple(values["intercepts"]),
            slopes=tuple(values["slopes"]),
            held_out_rows=int(values["held_out_rows"]),
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """Scored rows of known outcome.

    Attributes:
        raw_scores: shape (rows,).
        reached: 1 where that percent of days was missed, else 0; shape (rows, thresholds).
        school_year: the target year, shape (rows,).
    """

    raw_scores: np.ndarray
    reached: np.ndarray
    school_year: np.ndarray


def fit_calibrator(held_out: Scored, learned: Scored, policy: Policy) -> Calibrator:
    """Fit one curve a threshold.

    Args:
        held_out: rows scored by boosters that had not learned from them.
        learned: rows of the last target year, scored by the booster that is calibrated.
        policy: names the thresholds.
    """
    slopes = [_common_slope(held_out, column) for column in held_out.reached.T]
    levels = [
        _level(slope * learned.raw_scores, column) for slope, column in zip(slopes, learned.reached.T, strict=True)
    ]
    return Calibrator(
        chronic_percent=policy.chronic_percent,
        percents=policy.threshold_percents,
        intercepts=tuple(levels),
        slopes=tuple(slopes),
        held_out_rows=len(held_out.raw_scores),
    )


def recalibrated(calibrator: Calibrator, shifts: Mapping[int, float]) -> Calibrator:
    """The same curves with a log-odds shift for each threshold: another level, the same order of students.

    Args:
        calibrator: the curves as trained.
        shifts: percent of days missed to what is added to its intercept; each of the calibrator's thresholds.
    """
    moved = [level + shifts[percent] for percent, level in zip(calibrator.percents, calibrator.intercepts, strict=True)]
    return replace(calibrator, intercepts=tuple(moved))


def shifts_towards(calibrator: Calibrator, raw_scores: np.ndarray, shares: Mapping[int, float]) -> dict[int, float]:
    """The log-odds shifts with which the mean probability of these students is the expected share, by threshold.

    Args:
        calibrator: the curves as trained.
        raw_scores: of the cohort that the shares are expected of, shape (rows,).
        shares: percent of days missed to expected share, above 0 and below 1.
    """
    curves = zip(calibrator.percents, calibrator.slopes, calibrator.intercepts, strict=True)
    return {
        percent: _intercept(slope * raw_scores + level, np.full(len(raw_scores), shares[percent]))
        for percent, slope, level in curves
    }


def held_out_splits(dataset: Dataset, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Boolean masks (learn from, predict), shape (rows,): rolling origin over target years.

    Each of the last target years is predicted from those before it. With one target year only, schools are
    held out instead, and students where there is one school.
    """
    years = dataset.frame["school_year"].to_numpy()
    distinct = np.unique(years)
    for year in distinct[1:][-RECENT_YEARS:]:
        yield years < year, years == year
    if len(distinct) == 1:
        fold = _folds(dataset, seed)
        for number in range(fold.max() + 1):
            yield fold != number, fold == number


def scored(dataset: Dataset, raw_scores: np.ndarray, policy: Policy) -> Scored:
    """Labelled rows with their raw scores and what they reached."""
    columns = [f"outcome_reaches_{percent:02d}" for percent in policy.threshold_percents]
    reached = dataset.frame[columns].astype("float64").to_numpy()
    return Scored(raw_scores, reached, dataset.frame["school_year"].to_numpy())


def _folds(dataset: Dataset, seed: int) -> np.ndarray:
    several_schools = dataset.frame["school_id"].nunique() > 1
    unit = dataset.frame["school_id" if several_schools else "student_id"].to_numpy()
    distinct, position = np.unique(unit, return_inverse=True)
    folds = min(SCHOOL_FOLDS, len(distinct))
    return np.random.default_rng(seed).permutation(len(distinct))[position] % folds


def logistic_curve(scores: np.ndarray, reached: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of a rising logistic curve.

    Args:
        scores: shape (rows,).
        reached: 0 or 1, shape (rows,).
    """
    slope = _common_slope(Scored(scores, reached[:, None], np.zeros(len(scores))), reached)
    return _level(slope * scores, reached), slope


def years_and_slope(scores: np.ndarray, targets: np.ndarray, school_year: np.ndarray) -> tuple[np.ndarray, float]:
    """The level of each row's year in log-odds, shape (rows,), and the slope common to all years.

    Args:
        scores: shape (rows,).
        targets: between 0 and 1, shape (rows,).
        school_year: the year of each row, shape (rows,).
    """
    distinct, position = np.unique(school_year, return_inverse=True)
    years = (position[:, None] == np.arange(len(distinct))).astype(float)
    prior = np.append(np.zeros(len(distinct)), _SLOPE_PRIOR)
    found = _newton(np.column_stack([years, scores]), targets, np.zeros(len(targets)), prior)
    return found[:-1][position], float(max(found[-1], _LEAST_SLOPE))


def _common_slope(rows: Scored, reached: np.ndarray) -> float:
    """The slope within years: each year has its own intercept, which is not used."""
    return years_and_slope(rows.raw_scores, _targets(reached), rows.school_year)[1]


def _level(log_odds: np.ndarray, reached: np.ndarray) -> float:
    """The intercept with which the mean probability is the observed share."""
    return _intercept(log_odds, _targets(reached))


def _intercept(log_odds: np.ndarray, targets: np.ndarray) -> float:
    return float(_newton(np.ones((len(targets), 1)), targets, log_odds, np.zeros(1))[0])


def _targets(reached: np.ndarray) -> np.ndarray:
    """Platt's targets, a little inside 0 and 1: finite curves where (nearly) nobody or everybody reached."""
    positives = reached.sum()
    return np.where(reached > 0, (positives + 1) / (positives + 2), 1 / (len(reached) - positives + 2))


def _newton(design: np.ndarray, targets: np.ndarray, offset: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Coefficients of a logistic regression, shape (columns,), each drawn towards 1 with the weight in `prior`."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(_MOST_STEPS):
        expected = _share(design @ coefficients + offset)
        gradient = design.T @ (targets - expected) - prior * (coefficients - 1)
        curvature = (design.T * (expected * (1 - expected))) @ design + np.diag(prior + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        coefficients += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    return coefficients


def _share(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
