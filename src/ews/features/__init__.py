"""What records tell about a student at an as-of point: the catalogue of features, and how it is built."""

from ews.features.build import CONTEXT_COLUMNS, KEYS, build_features, of_list
from ews.features.catalogue import GROUPS, Feature
from ews.features.closed_years import TOLD_BY_CLOSED_YEARS, of_closed_years, totals_of_past
from ews.features.families import FAMILIES, FEATURES, features_for
from ews.features.kept import kept_of_closed_years

__all__ = [
    "CONTEXT_COLUMNS",
    "FAMILIES",
    "FEATURES",
    "GROUPS",
    "KEYS",
    "TOLD_BY_CLOSED_YEARS",
    "Feature",
    "build_features",
    "features_for",
    "kept_of_closed_years",
    "of_closed_years",
    "of_list",
    "totals_of_past",
]
