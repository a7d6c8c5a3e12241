"""How much absence there is, beside how much the model expects: from the year's first days, then from its outcomes."""

from pathlib import Path

import numpy as np
import pandas as pd

from ews.base_rate import FirstDays, first_days, last_complete, share_reaching
from ews.bundle import Bundle
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.engine import Engine
from ews.errors import NotEnoughData
from ews.monitoring.checks import Check, Level, graded, unknown
from ews.policy import Policy
from ews.reliability import EVERYBODY, calibration_table, probability_column
from ews.school_year import SchoolYear

MOVED = 0.03
"""Share of students by which the base rate, or a mean probability, must be off before it can be an alarm."""

TIMES_USUAL = 2.0
"""And so many times as much as in past years."""

BAND_MOVED = 0.05
"""The same for a grade band."""

FEWEST_DAYS = 10
"""Days of the open year below which nothing is expected of the rest."""

_ADVICE: dict[Level, str] = {
    "alarm": " Think of: ews recalibrate",
    "watch": " If the years before were unlike others, think of: ews recalibrate",
}
"""What a moved level asks for. Two years after a simulated shock a watch came in 15 of 16 districts, right in all;
in calm years in 4 of 56, and the model alone was nearer in 3 of them."""

SLOPE_WATCH, SLOPE_ALARM = 0.1, 0.25


def limit_of(usual: float) -> float:
    """The share beyond which a move is an alarm, given what is usual; NaN is not known.

    >>> limit_of(0.02), limit_of(float("nan"))
    (0.04, 0.03)
    """
    return MOVED if np.isnan(usual) else max(MOVED, TIMES_USUAL * usual)


def base_rate_checks(
    folder: Path, bundle: Bundle, target_year: SchoolYear, day: int, risk: np.ndarray, engine: Engine = "duckdb"
) -> list[Check]:
    """The open year's first days, and the last complete year beside the one before it.

    Args:
        folder: of the ingest.
        bundle: the champion's.
        target_year: the year predicted.
        day: instructional days of it that are known; 0 where none, or where it is complete.
        risk: the probabilities in force (recalibrated, where they are), shape (rows,).
        engine: where days are counted.
    """
    return [
        _open_year(folder, bundle, target_year, day, float(np.mean(risk)), engine),
        _last_year(folder, bundle, target_year, engine),
    ]


def calibration_checks(
    home_folder: Path, bundles: dict[int, Bundle], years: list[SchoolYear], engine: Engine = "duckdb"
) -> list[Check]:
    """What came of years the model had not learned from, beside what it said.

    Args:
        home_folder: of the ingest.
        bundles: the champion's bundle as it was in force for each of the years, by ending.
        years: complete years from the one it was trained for on.
        engine: where features are computed.
    """
    if not years:
        return [unknown("calibration", "risk", "No outcome is known yet of a year the model had not learned from.")]
    return [
        check for year in years for check in _of_year(_predicted(home_folder, bundles[year.ending], year, engine), year)
    ]


def labelled_since(folder: Path, bundle: Bundle, engine: Engine = "duckdb") -> list[SchoolYear]:
    """Complete years with outcomes from the one the model was trained for on."""
    made_for = bundle.manifest["provenance"]["target_year"]
    known = target_years_with_outcomes(folder, bundle.policy, engine)
    return [year for year in known if year >= SchoolYear.parse(made_for)]


def _open_year(
    folder: Path, bundle: Bundle, target_year: SchoolYear, day: int, expected: float, engine: Engine
) -> Check:  # fmt: skip
    if day < FEWEST_DAYS:
        return unknown("base rate", "open year", f"Fewer than {FEWEST_DAYS} days of the open year are known.")
    try:
        told = first_days(folder, target_year, day, bundle.policy, after_day=_as_of(bundle), engine=engine)
    except NotEnoughData as error:
        return unknown("base rate", "open year", str(error))
    return open_year_check(told, expected, bundle.policy)


def open_year_check(told: FirstDays, expected: float, policy: Policy) -> Check:
    """Whether the first days and the model expect another share of chronically absent students."""
    share, limit = told.shares[policy.chronic_percent], limit_of(told.usual_error)
    usual = "" if np.isnan(told.usual_error) else f" This estimate missed by {told.usual_error:.1%} in past years."
    text = (
        f"First {told.day} days: {told.in_words}. So {share:.1%} of students are expected to be chronically absent, "
        f"and the model's mean is {expected:.1%}.{told.excused_differ(share)}{usual}"
    )
    level = graded(abs(share - expected), limit / 2, limit)
    advice = _ADVICE.get(level, "")
    return Check("base rate", "open year", level, share, expected, limit, text + advice)


def _last_year(folder: Path, bundle: Bundle, target_year: SchoolYear, engine: Engine) -> Check:
    """An alarm only where the model has not learned from that year; else a person should know, and the model does."""
    try:
        shares = _past_shares(folder, bundle, target_year, engine)
    except NotEnoughData as error:
        return unknown("base rate", "last complete year", str(error))
    if len(shares) < 2:
        return unknown("base rate", "last complete year", "One complete year is known: nothing to compare it with.")
    moves = shares.diff().dropna()
    usual = float(np.sqrt((moves.iloc[:-1] ** 2).mean())) if len(moves) > 1 else np.nan
    limit = limit_of(usual)
    learned = bundle.manifest["provenance"]["learned_from"]
    level: Level = graded(abs(moves.iloc[-1]), limit / 2, limit)
    if level == "alarm" and shares.index[-1] in learned:
        level = "watch"
    last, before = SchoolYear(int(shares.index[-1])), SchoolYear(int(shares.index[-2]))
    text = (
        f"{shares.iloc[-1]:.1%} of students were chronically absent in {last.label}, "
        f"{shares.iloc[-2]:.1%} in {before.label}."
    )
    return Check("base rate", "last complete year", level, shares.iloc[-1], shares.iloc[-2], limit, text)


def _past_shares(folder: Path, bundle: Bundle, target_year: SchoolYear, engine: Engine) -> pd.Series:
    """Chronic share of each complete year before one, by ending; of the latest five at most."""
    shares: dict[int, float] = {}
    before = target_year
    while len(shares) < 5:
        try:
            year = last_complete(folder, before, bundle.policy, after_day=_as_of(bundle), engine=engine)
        except NotEnoughData:
            break
        shares[year.school_year.ending] = share_reaching(year.students, bundle.policy.chronic_percent, bundle.policy)
        before = year.school_year
    return pd.Series(shares, dtype="float64").sort_index()


def _predicted(folder: Path, bundle: Bundle, year: SchoolYear, engine: Engine) -> tuple[pd.DataFrame, Policy]:
    rows: Dataset = dataset_for(folder, [year], bundle.policy, after_day=_as_of(bundle), engine=engine).labelled()
    probabilities = bundle.model.probabilities(rows.x)
    return pd.concat([rows.frame, probabilities], axis=1), bundle.policy


def _of_year(predicted: tuple[pd.DataFrame, Policy], year: SchoolYear) -> list[Check]:
    rows, policy = predicted
    facts = calibration_table(rows, policy)
    checks = [_in_the_large(fact, year, rows, policy) for _, fact in facts.iterrows() if _is_told(fact, policy)]
    slope = float(facts[(facts["group"] == EVERYBODY) & (facts["percent"] == policy.chronic_percent)]["slope"].iloc[0])
    limit = max(SLOPE_ALARM, 3 * _slope_error(rows[probability_column(policy.chronic_percent)].to_numpy()))
    text = f"Slope {slope:.2f} in {year.label}: below 1 the model was too sure, above 1 not sure enough."
    level = graded(abs(slope - 1), max(SLOPE_WATCH, limit / 2), limit)
    return [*checks, Check("calibration", f"{year} slope", level, slope, 1.0, limit, text)]


def _slope_error(probability: np.ndarray) -> float:
    """Standard error of a calibration slope where the true one is 1; infinite where all probabilities are equal."""
    log_odds = np.log(probability / (1 - probability))
    weight = probability * (1 - probability)
    spread = float((weight * (log_odds - np.average(log_odds, weights=weight)) ** 2).sum())
    return 1 / np.sqrt(spread) if spread > 0 else np.inf


def _is_told(fact: pd.Series, policy: Policy) -> bool:
    """Every threshold for everybody, the risk alone for grade bands."""
    return bool(fact["group"] == EVERYBODY or fact["percent"] == policy.chronic_percent)


def _in_the_large(fact: pd.Series, year: SchoolYear, rows: pd.DataFrame, policy: Policy) -> Check:
    """Chance is counted in: three standard errors of a share of so few students are never an alarm."""
    share, expected, percent = float(fact["observed"]), float(fact["expected"]), int(fact["percent"])
    least = MOVED if fact["group"] == EVERYBODY else BAND_MOVED
    limit = max(least, 3 * float(np.sqrt(max(expected * (1 - expected), 1e-4) / fact["students"])))
    text = (
        f"{share:.1%} of {fact['students']:,} students missed {percent} % or more in {year.label}, "
        f"and the mean of `{probability_column(percent)}` was {expected:.1%}."
    )
    name = f"{year} {fact['group']}, {percent} %"
    return Check("calibration", name, graded(abs(share - expected), limit / 2, limit), share, expected, limit, text)


def _as_of(bundle: Bundle) -> int:
    return int(bundle.manifest["provenance"]["after_day"])
