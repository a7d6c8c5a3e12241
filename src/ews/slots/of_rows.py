"""The students of a round from the lines of risk lists: what a mentor is expected to bring each of them."""

from collections.abc import Mapping

import pandas as pd

from ews.gains import EffectPrior, expected_gains
from ews.risk_list import tie_keys
from ews.slots.rule import Rule

_KEPT = ("school_id", "grade_level", "lane", "risk", "days_absent_last_year")


def prior_of(rule: Rule) -> EffectPrior:
    """What the rule believes of a mentor's effect."""
    return EffectPrior(rule.effect_percent, rule.effect_sd)


def rows_with_gains(
    lines: pd.DataFrame, rule: Rule, *, chronic_percent: int, response: Mapping[str, float]
) -> pd.DataFrame:
    """Rows for `Students.of`, with the gains expected under the rule's prior, and `response` by the student's grade.

    Args:
        lines: one row a student: `student`, `school_id`, `grade_level`, `lane`, `risk`, `days_absent_last_year`,
            `tie_key`, and a `probability_NN` for each threshold; further columns are kept.
        rule: the prior, and the days a year is expected to have.
        chronic_percent: the line.
        response: how strongly each grade answers a mentor, as the run's provenance has it; 1 for one not named.

    Raises:
        InvalidPolicy: fewer than two thresholds, or none at the line.
    """
    answers = lines["grade_level"].map(dict(response)).astype("float64").fillna(1.0)
    gains = expected_gains(
        lines, prior_of(rule), chronic_percent=chronic_percent, days=float(rule.days_enrolled), response=answers
    )
    return lines.assign(
        crossings_averted=gains["crossings_averted"], days_gained=gains["days_gained"], response=answers
    )


def rows_of_list(
    risk_list: pd.DataFrame, rule: Rule, *, chronic_percent: int, secret: str, response: Mapping[str, float]
) -> pd.DataFrame:
    """The same from a risk list as `ews.risk_list.risk_list` makes it; `student` is the district's id.

    Args:
        risk_list: each student once.
        rule: as above.
        chronic_percent: the line.
        secret: hash that breaks ties, as the list's own (`ews.risk_list.tie_keys`).
        response: as above.
    """
    probabilities = [name for name in risk_list if str(name).startswith("probability_")]
    lines = risk_list[["student_id", *_KEPT, *probabilities]].rename(columns={"student_id": "student"})
    keyed = lines.assign(tie_key=tie_keys(lines["student"], secret))
    return rows_with_gains(keyed, rule, chronic_percent=chronic_percent, response=response)
