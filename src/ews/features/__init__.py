"""What records tell about a student at an as-of point: the catalogue of features, and how it is built."""

from ews.features.build import CONTEXT_COLUMNS, FAMILIES, FEATURES, KEYS, build_features, features_for, wide_frame
from ews.features.catalogue import GROUPS, Feature

__all__ = [
    "CONTEXT_COLUMNS",
    "FAMILIES",
    "FEATURES",
    "GROUPS",
    "KEYS",
    "Feature",
    "build_features",
    "features_for",
    "wide_frame",
]
