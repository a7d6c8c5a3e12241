"""Monitoring: whether what the model is fed, and what came of what it said, is still what it was trained on.

It reads, compares and tells. It changes nothing: whether to recalibrate or to train is a person's decision.
"""

from ews.monitoring.checks import AREAS, Check, Level
from ews.monitoring.report import FILES, Report, hand_out, monitor, page

__all__ = ["AREAS", "FILES", "Check", "Level", "Report", "hand_out", "monitor", "page"]
