"""Pictures a data scientist asks for, each with a sentence and a table that say the same; black on white.

Drawn on figures of their own: nothing here touches what a notebook has open.
"""

from ews.charts.curves import base_rate_chart, gain, gain_chart, reliability_chart
from ews.charts.groups import recall_chart
from ews.charts.picture import in_words

__all__ = ["base_rate_chart", "gain", "gain_chart", "in_words", "recall_chart", "reliability_chart"]
