"""Are the probabilities true? Calibration facts of each school year, threshold and grade band.

All of them compare what was said before a year with what came of it, so the rows must be out of time: predicted by a
model that had not learned from that year.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ews.calibration import logistic_curve
from ews.policy import Policy
from ews.tables import GRADES

EVERYBODY = "all"
BINS = 10
GRADE_BANDS = {"KG-05": GRADES[1:7], "06-08": GRADES[7:10], "09-12": GRADES[10:]}
"""Elementary, middle and high, as most schools are cut."""

FACTS = ("expected", "observed", "in_the_large", "slope", "ece")
"""Mean probability; observed share; the first less the second; the slope of the outcomes over the log-odds (below 1:
too sure, above 1: not sure enough); and the mean distance of expected and observed in tenths of the students."""

_NEARLY_SURE = 1e-6


def probability_column(percent: int) -> str:
    """The column of a threshold's probability.

    >>> probability_column(8)
    'probability_08'
    """
    return f"probability_{percent:02d}"


def reached_column(percent: int) -> str:
    """The column that tells whether a threshold was reached.

    >>> reached_column(8)
    'outcome_reaches_08'
    """
    return f"outcome_reaches_{percent:02d}"


def calibration_table(predictions: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The facts of each school year, for all students and for each grade band, at every threshold.

    Args:
        predictions: one row a student and target year, out of time: school_year, grade_level, and of each threshold
            `probability_08` … and `outcome_reaches_08` … (0 or 1).
        policy: names the thresholds, and `min_n`, below which a group is left out.

    Returns:
        One row a school_year, group (`all` or a grade band) and percent: students, reached, and `FACTS`, shares in
        [0, 1] and a slope; the slope is NaN where nobody or everybody reached the threshold.
    """
    return pd.DataFrame(
        [
            {"school_year": year, "group": group, "percent": percent, **_facts(rows, percent)}
            for year, group, rows in _parts(predictions, policy)
            for percent in policy.threshold_percents
        ]
    )


def reliability_bins(predictions: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Mean probability and observed share in tenths of the students, by school year, group and threshold.

    Returns:
        One row a school_year, group, percent and bin (0 holds the lowest probabilities): students, expected,
        observed. Groups too small for `min_n` students a bin have fewer bins.
    """
    return pd.concat(
        [
            _bins(rows, percent, policy).assign(school_year=year, group=group, percent=percent)
            for year, group, rows in _parts(predictions, policy)
            for percent in policy.threshold_percents
        ],
        ignore_index=True,
    )


def brief(table: pd.DataFrame) -> str:
    """The table as text for a terminal: a line a year and group, at each threshold in-the-large in points and slope."""
    points = table["in_the_large"].map(lambda share: f"{100 * share:+.1f}")
    told = points + " / " + table["slope"].map(lambda slope: f"{slope:.2f}")
    heads = table["percent"].map(lambda percent: f"{percent} %")
    cells = table.assign(told=told, percent=heads).pivot_table(
        "told", ["school_year", "group"], "percent", aggfunc="first", sort=False
    )
    return cells.rename_axis(columns=None).reset_index().to_string(index=False)


def bin_of(probability: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each row, shape (rows,): `bins` groups of (nearly) equal size, the lowest probabilities in 0."""
    order = np.argsort(probability, kind="stable")
    place = np.empty(len(probability), dtype=np.int64)
    place[order] = np.arange(len(probability))
    return place * bins // max(len(probability), 1)


def _parts(predictions: pd.DataFrame, policy: Policy) -> Iterator[tuple[int, str, pd.DataFrame]]:
    for year, of_year in predictions.groupby("school_year"):
        yield int(str(year)), EVERYBODY, of_year
        for band, grades in GRADE_BANDS.items():
            of_band = of_year[of_year["grade_level"].isin(grades)]
            if len(of_band) >= policy.min_n:
                yield int(str(year)), band, of_band


def _facts(rows: pd.DataFrame, percent: int) -> dict[str, float]:
    said, came = _columns(rows, percent)
    expected, observed = float(said.mean()), float(came.mean())
    place = bin_of(said)
    gaps = np.bincount(place, said - came, minlength=BINS)
    log_odds = np.log(said / (1 - said))
    return {
        "students": len(rows),
        "reached": int(came.sum()),
        "expected": expected,
        "observed": observed,
        "in_the_large": expected - observed,
        "slope": logistic_curve(log_odds, came)[1] if 0 < came.sum() < len(came) else np.nan,
        "ece": float(np.abs(gaps).sum() / len(rows)),
    }


def _bins(rows: pd.DataFrame, percent: int, policy: Policy) -> pd.DataFrame:
    said, came = _columns(rows, percent)
    place = bin_of(said, int(np.clip(len(rows) // policy.min_n, 1, BINS)))
    frame = pd.DataFrame({"bin": place, "expected": said, "observed": came}).groupby("bin")
    return frame.mean().assign(students=frame.size()).reset_index()


def _columns(rows: pd.DataFrame, percent: int) -> tuple[np.ndarray, np.ndarray]:
    said = rows[probability_column(percent)].to_numpy(dtype="float64")
    return np.clip(said, _NEARLY_SURE, 1 - _NEARLY_SURE), rows[reached_column(percent)].to_numpy(dtype="float64")
