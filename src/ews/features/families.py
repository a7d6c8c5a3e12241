"""The catalogue whole: its families, and the features that exist at an as-of point."""

from ews.features import (
    context,
    grade,
    household,
    kind,
    level,
    months,
    pattern,
    recency,
    so_far,
    spells,
    stability,
    timing,
    trend,
)
from ews.features.catalogue import Feature, features_in

_MODULES = (
    level, trend, recency, spells, months, pattern, kind, stability, timing, so_far, context, household, grade,
)  # fmt: skip

FAMILIES = {module.__name__.rpartition(".")[2]: features_in(module) for module in _MODULES}
"""The catalogue by family."""

FEATURES = {entry.name: entry for entry in features_in(*_MODULES)}
"""The whole catalogue: name to entry, in the order of the model's columns."""


def features_for(after_day: int) -> tuple[Feature, ...]:
    """The features that exist at an as-of point: those of the open year only after some of its days."""
    return tuple(entry for entry in FEATURES.values() if after_day > 0 or not entry.needs_open_year)
