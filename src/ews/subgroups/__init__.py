"""The audit: whom the lists of a later school year would have reached, group by group, and what may not go in force."""

from ews.subgroups.audit import QUANTITIES, audit, for_the_public, published, reliability
from ews.subgroups.gate import FEWEST_POSITIVES, Finding, findings_frame, gate
from ews.subgroups.groups import ATTRIBUTES, TWO_WAY, attributes_for, groups_for, groups_of

__all__ = [
    "ATTRIBUTES",
    "FEWEST_POSITIVES",
    "QUANTITIES",
    "TWO_WAY",
    "Finding",
    "attributes_for",
    "audit",
    "findings_frame",
    "for_the_public",
    "gate",
    "groups_for",
    "groups_of",
    "published",
    "reliability",
]
