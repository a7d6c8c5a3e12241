"""What came in, and what to make of it: gaps, silence, codes, moves and overlaps, and a share to be reconciled."""

from ews.quality.findings import Remark, remarks
from ews.quality.page import PAGE, hand_out, page
from ews.quality.reconciliation import Definition, Reconciliation, reconcile
from ews.quality.seen import Seen, look

__all__ = [
    "PAGE",
    "Definition",
    "Reconciliation",
    "Remark",
    "Seen",
    "hand_out",
    "look",
    "page",
    "reconcile",
    "remarks",
]
