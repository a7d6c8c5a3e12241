"""The students of a round from the lines of risk lists: what a mentor is expected to bring each of them."""

import pandas as pd

from ews.gains import EffectPrior, expected_gains
from ews.risk_list import tie_keys
from ews.slots.rule import Rule

_KEPT = ("school_id", "grade_level", "lane", "risk", "days_absent_last_year")


def prior_of(rule: Rule) -> EffectPrior:
    """What the rule believes of a mentor's effect."""
    return EffectPrior(rule.effect_percent, rule.effect_sd)


def rows_with_gains(lines: pd.DataFrame, rule: Rule, *, chronic_percent: int) -> pd.DataFrame:
    """Rows for `Students.of`, with the gains expected under the rule's prior.

    Args:
        lines: one row a student: `student`, `school_id`, `grade_level`, `lane`, `risk`, `days_absent_last_year`,
            `tie_key`, and a `probability_NN` for each threshold; further columns are kept.
        rule: the prior, and the days a year is expected to have.
        chronic_percent: the line.

    Raises:
        InvalidPolicy: fewer than two thresholds, or none at the line.
    """
    gains = expected_gains(lines, prior_of(rule), chronic_percent=chronic_percent, days=float(rule.days_enrolled))
    return lines.assign(crossings_averted=gains["crossings_averted"], days_gained=gains["days_gained"])


def rows_of_list(risk_list: pd.DataFrame, rule: Rule, *, chronic_percent: int, secret: str) -> pd.DataFrame:
    """The same from a risk list as `ews.risk_list.risk_list` makes it; `student` is the district's id.

    Args:
        risk_list: each student once.
        rule: as above.
        chronic_percent: the line.
        secret: hash that breaks ties, as the list's own (`ews.risk_list.tie_keys`).
    """
    probabilities = [name for name in risk_list if str(name).startswith("probability_")]
    lines = risk_list[["student_id", *_KEPT, *probabilities]].rename(columns={"student_id": "student"})
    keyed = lines.assign(tie_key=tie_keys(lines["student"], secret))
    return rows_with_gains(keyed, rule, chronic_percent=chronic_percent)
