"""What slots would bring, for some more and some fewer than a school has; and what one more mentor would.

Every figure is an expectation with an interval that holds what is not known of the effect and what chance does to
single students. It does not hold that a whole year may turn out unlike those the estimates were learned from.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ews.gains.chances import Chances
from ews.gains.prior import EffectPrior

HONESTLY = (
    "Expected under a stated prior, never a promise. The prior is -8 % of days absent, nine chances in ten between "
    "+3 and -18 %. In grades 1 to 4 the largest randomised trial of school mentors detected no effect."
)
"""To be shown wherever a figure of this module is (Check & Connect in Chicago; in grades 5 to 7 it found -23 %)."""

OURS, RATE, FLAG, RANDOM = "crossings averted", "last year's rate", "chronic flag", "random"
RULES = (OURS, RATE, FLAG, RANDOM)

_AFTER_ALL = 2.0
"""More than any crossings averted, so that nobody of lane `recover` comes before one of lane `prevent`."""


def standard_rules(rows: pd.DataFrame, gains: pd.DataFrame) -> dict[str, pd.Series]:
    """The order of each rule that slots are compared by: the highest comes first, a null last, equals by lot.

    Args:
        rows: one row a student: `lane` (`prevent` or `recover`), `last_rate` (absence rate last year, null = unknown).
        gains: as `expected_gains` gives them, same index.

    Returns:
        By name, in the order of `RULES`: ours (lane `prevent` first, in each most crossings averted), last year's
        rate, the flag (chronically absent last year first, else by lot), and random.
    """
    recover = (rows["lane"] != "prevent").astype("float64")
    return {
        OURS: gains["crossings_averted"] - _AFTER_ALL * recover,
        RATE: rows["last_rate"].astype("float64"),
        FLAG: recover,
        RANDOM: pd.Series(0.0, index=rows.index),
    }


def reach(
    rows: pd.DataFrame,
    slots: Mapping[str, int],
    prior: EffectPrior,
    *,
    chronic_percent: int,
    around: int = 5,
    days: float = 180.0,
    response: pd.Series | None = None,
    rules: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """What each school's slots are expected to bring, for so many more and fewer than it has, by each rule.

    Args:
        rows: one row a student who may be offered a slot: `school_id`, `tie_key` (the stored random key that decides
            between equals), `probability_NN` a threshold; and, without `rules`, what `standard_rules` needs.
        slots: slots of each school; one that is not named has none.
        prior: what is believed of the effect.
        chronic_percent: the line.
        around: how many more and fewer slots are asked about.
        days: days enrolled that are expected.
        response: as `expected_gains` takes it.
        rules: by name, who comes first: the highest; a null comes last. By default `standard_rules`. A rule named
            `random` is told as what somebody of the school picked by lot brings.

    Returns:
        One row a rule, school and number of slots, in this order: rule, school_id, slots, more (slots less those the
        school has), students (who may be offered one), and of each of would_be_chronic (students among the slots who
        would be chronically absent without a mentor), crossings_averted and days_gained the expectation, and `_low`
        and `_high`, the 95 % interval. Never more slots than students, nor fewer than none. Low ends may be negative:
        the prior does not exclude harm.

    Raises:
        InvalidPolicy: fewer than two thresholds, or none at the line.
    """
    schools, has = _schools(rows, slots)
    wanted = has[:, None] + np.arange(-around, around + 1)
    chances = Chances.of(rows, prior, chronic_percent, days, response)
    named = rules if rules is not None else _standard(rows, chances)
    return _asked(rows, chances, named, schools, has * 0, wanted).assign(
        more=lambda found: found["slots"] - found["school_id"].map(dict(zip(schools, has, strict=True)))
    )[_COLUMNS]


def one_more_mentor(
    rows: pd.DataFrame,
    slots: Mapping[str, int],
    caseload: int,
    prior: EffectPrior,
    *,
    chronic_percent: int,
    days: float = 180.0,
    response: pd.Series | None = None,
    rules: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """What one more mentor with so many students would be expected to bring each school, by each rule.

    Args:
        rows: as for `reach`.
        slots: as for `reach`.
        caseload: students of the mentor.
        prior: as for `reach`.
        chronic_percent: as for `reach`.
        days: as for `reach`.
        response: as for `reach`.
        rules: as for `reach`.

    Returns:
        One row a rule and school, columns as of `reach`; `slots` and `more` are those the mentor would fill: the
        caseload, or as many as there are students left; the figures are of these students alone.

    Raises:
        InvalidPolicy: fewer than two thresholds, or none at the line.
    """
    schools, has = _schools(rows, slots)
    left = np.clip(rows.groupby("school_id").size().reindex(schools).to_numpy() - has, 0, caseload)
    chances = Chances.of(rows, prior, chronic_percent, days, response)
    named = rules if rules is not None else _standard(rows, chances)
    found = _asked(rows, chances, named, schools, has, left[:, None])
    return found.assign(more=found["slots"])[_COLUMNS]


_COLUMNS = ["rule", "school_id", "slots", "more", "students"] + [
    f"{name}{end}" for name in ("would_be_chronic", "crossings_averted", "days_gained") for end in ("", "_low", "_high")
]


def _standard(rows: pd.DataFrame, chances: Chances) -> dict[str, pd.Series]:
    return standard_rules(rows, pd.DataFrame({"crossings_averted": chances.crossings}, index=rows.index))


def _schools(rows: pd.DataFrame, slots: Mapping[str, int]) -> tuple[pd.Index, np.ndarray]:
    """Schools in order, and the slots of each, never more than its students."""
    students = rows.groupby("school_id").size()
    has = np.array([slots.get(str(school), 0) for school in students.index], dtype=np.int64)
    return students.index, np.clip(has, 0, students.to_numpy())


def _asked(
    rows: pd.DataFrame, chances: Chances, rules: Mapping[str, pd.Series], schools: pd.Index, skip: np.ndarray,
    wanted: np.ndarray,
) -> pd.DataFrame:  # fmt: skip
    """Figures of each rule, school and wanted number of slots, (schools, numbers), after the first `skip` of each."""
    students = rows.groupby("school_id").size().reindex(schools).to_numpy()
    is_asked = (wanted >= 0) & (wanted <= (students - skip)[:, None])
    school, _ = np.nonzero(is_asked)
    number = wanted[is_asked]
    about = {"school_id": schools[school], "slots": number, "students": students[school]}
    typical = chances.typical_of(rows["school_id"].to_numpy()) if RANDOM in rules else chances
    parts = []
    for name, order in rules.items():
        places = _places(rows, order, schools, skip, int(number.max(initial=0)))
        sums = (typical if name == RANDOM else chances).summed(places)
        parts.append(pd.DataFrame(about | {figure: values[school, number] for figure, values in sums.items()}))
    return pd.concat([part.assign(rule=name) for name, part in zip(rules, parts, strict=True)], ignore_index=True)


def _places(rows: pd.DataFrame, order: pd.Series, schools: pd.Index, skip: np.ndarray, width: int) -> np.ndarray:
    """Row of who comes in each place after the first `skip` of the school, (schools, width); -1 where nobody does."""
    keyed = pd.DataFrame(
        {
            "school": schools.get_indexer(rows["school_id"]),
            "later": -order.to_numpy(dtype="float64", na_value=np.nan),
            "tie_key": rows["tie_key"].to_numpy(),
        }
    ).sort_values(["school", "later", "tie_key"], na_position="last")
    school = keyed["school"].to_numpy()
    place = keyed.groupby("school").cumcount().to_numpy() - skip[school]
    taken = (place >= 0) & (place < width)
    places = np.full((len(schools), width), -1, dtype=np.int64)
    places[school[taken], place[taken]] = keyed.index.to_numpy()[taken]
    return places
