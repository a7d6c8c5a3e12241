"""The library's features set beside the twin's: counts exactly, ratios to 1e-12, null exactly where null."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from ews.features import features_for
from tests.twin_around import is_between
from tests.twin_features import TWINS
from tests.twin_known import Known, Member, Value, World, value_of


def differences(
    features: Mapping[str, Mapping[str, object]], members: Sequence[Member], world: World, after_day: int
) -> list[tuple[str, str, object, Value]]:
    """Student, feature, the library's value and the twin's, wherever the two are not the same."""
    assert sorted(features) == sorted(member.student_id for member in members)
    pairs = [
        (member.student_id, name, features[member.student_id][name], value_of(TWINS[name], Known(member, world)))
        for member in members
        for name in (entry.name for entry in features_for(after_day))
    ]
    return [pair for pair in pairs if not same(*pair[2:])]


def same(value: object, expected: Value) -> bool:
    """Null is the same as null only, and no number is anything like it."""
    if value is None or expected is None:
        return value is expected
    if isinstance(expected, int):
        return value == expected
    return isinstance(value, float) and math.isclose(value, expected, rel_tol=1e-12, abs_tol=1e-12)


def any_tie(world: World) -> bool:
    """Whether an expected count lies in the middle of two ten-thousandths: engines round such a one up or to even."""
    pairs = [(row, world.past[row["school_year"]].values()) for row in world.rows()]
    daily = [(row, [other for other in rows if other.is_daily]) for row, rows in pairs if row.is_daily]
    return any(
        is_between(row["days_enrolled"] * Fraction(sum(r[count] for r in rows), sum(r["days_enrolled"] for r in rows)))
        for count, of_rows in (("days_absent", pairs), ("spells", daily))
        for row, rows in of_rows
    )
