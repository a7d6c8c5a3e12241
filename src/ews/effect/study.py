"""What a round's registered measurement found: the strongest design it allowed, the others beside it, and subgroups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from ews.effect.before_after import BeforeAfter, regression_to_the_mean
from ews.effect.differences import difference_in_differences
from ews.effect.discontinuity import discontinuity
from ews.effect.estimate import Estimate
from ews.effect.frames import checked
from ews.effect.lottery import lottery
from ews.effect.registration import DIFFERENCES, DISCONTINUITY, LOTTERY, Registration
from ews.errors import EffectRefused, NotEnoughData
from ews.policy import Policy
from ews.privacy import UNKNOWN, cells

_Design = Callable[[pd.DataFrame, Registration], tuple[Estimate, ...]]

_BY: dict[str, _Design] = {
    LOTTERY: lambda rows, registered: lottery(rows, registered.covariates),
    DISCONTINUITY: lambda rows, registered: discontinuity(rows, registered.covariates),
    DIFFERENCES: lambda rows, registered: difference_in_differences(rows),
}


@dataclass(frozen=True, eq=False)
class Study:
    """What was found.

    Attributes:
        registration: as it was made before the round.
        estimates: of each registered design that the round allowed, the strongest first: the effect of the offer, then
            of the mentor.
        not_told: of each registered design that it did not allow, why.
        subgroups: one row a registered subgroup: dimension, group, students, days, low, high (NaN = hidden or too
            few), suppressed; by the strongest design.
        before_after: what before and after would have called an effect; None where nobody can stand for the mentored.
        students: of the round.
        with_mentor: of these.
    """

    registration: Registration
    estimates: tuple[Estimate, ...]
    not_told: dict[str, str]
    subgroups: pd.DataFrame
    before_after: BeforeAfter | None
    students: int
    with_mentor: int

    @property
    def answer(self) -> Estimate:
        """The registered answer: the effect of the offer by the strongest design that the round allowed."""
        return self.estimates[0]


def study(rows: pd.DataFrame, registration: Registration, policy: Policy) -> Study:
    """Estimate what was registered, and nothing else.

    Args:
        rows: the round, columns as in `ews.effect.COLUMNS`.
        registration: made before the round.
        policy: its `min_days_enrolled`, and `min_n` below which nothing is told of a group.

    Raises:
        EffectRefused: the rows are no round, or lack a registered subgroup.
        NotEnoughData: the round allows none of the registered designs, or is too small to tell of.
    """
    known = checked(rows, policy)
    _refuse_small_or_other(known, registration, policy)
    estimates: list[Estimate] = []
    not_told: dict[str, str] = {}
    for design in registration.designs:
        try:
            estimates += _BY[design](known, registration)
        except NotEnoughData as reason:
            not_told[design] = str(reason)
    if not estimates:
        raise NotEnoughData("The round allows none of the registered designs. " + " ".join(not_told.values()))
    return Study(
        registration=registration,
        estimates=tuple(estimates),
        not_told=not_told,
        subgroups=subgroups(known, registration, estimates[0].design, policy),
        before_after=_before_after(known),
        students=len(known),
        with_mentor=int(known["accepted"].sum()),
    )


def subgroups(rows: pd.DataFrame, registration: Registration, design: str, policy: Policy) -> pd.DataFrame:
    """The strongest design's first estimate within each registered group.

    Groups too small to tell of are hidden, and with them others from which they could be worked out. A difference
    between two groups is not an effect of what makes them groups.

    Returns:
        One row a group: dimension, group, students, days, low, high, suppressed; NaN where nothing is told.
    """
    names = list(registration.subgroups)
    found: list[dict[str, object]] = []
    if not names:
        return pd.DataFrame(found, columns=_SUBGROUP)
    of_design = rows[rows["in_band"]] if design == LOTTERY else rows
    offered = (of_design["drawn"] if design == LOTTERY else of_design["accepted"]).astype("boolean").fillna(False)
    told = cells(of_design[names], offered.astype("int64").to_numpy(), policy, [(name,) for name in names])
    for row in told.itertuples():
        about = {"dimension": row.dimension, "group": row.group, "suppressed": bool(row.suppressed)}
        of_group = of_design[of_design[row.dimension].astype("object").fillna(UNKNOWN).astype(str) == row.group]
        found.append(about | ({} if row.suppressed else _within(of_group, registration, design)))
    return pd.DataFrame(found).reindex(columns=_SUBGROUP)


_SUBGROUP = ["dimension", "group", "students", "days", "low", "high", "suppressed"]


def _within(rows: pd.DataFrame, registration: Registration, design: str) -> dict[str, object]:
    try:
        found = _BY[design](rows, registration)[0]
    except NotEnoughData:
        return {"students": len(rows)}
    return {"students": len(rows), "days": found.days, "low": found.low, "high": found.high}


def _before_after(rows: pd.DataFrame) -> BeforeAfter | None:
    try:
        return regression_to_the_mean(rows)
    except NotEnoughData:
        return None


def _refuse_small_or_other(rows: pd.DataFrame, registration: Registration, policy: Policy) -> None:
    missing: Sequence[str] = [name for name in registration.subgroups if name not in rows]
    if missing:
        raise EffectRefused(f"The round has no column of a registered subgroup: {', '.join(missing)}.")
    accepted = int(rows["accepted"].sum())
    if min(accepted, len(rows) - accepted) < policy.min_n:
        raise NotEnoughData(f"Fewer than {policy.min_n} students had a mentor, or had none: nothing is told of so few.")
