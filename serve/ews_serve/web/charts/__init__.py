"""Charts of pages as data: shapes that are measured out here, so that `templates/parts/charts.html` only places them.

Every chart has a `title`, a `summary` of one sentence that stands above it, and the same numbers as a table. A page's
policy allows no style within it, so whatever depends on a number is an attribute of a shape.

Each `*_chart` function takes plain numbers and makes one chart; the macro of the same name places it::

    it = months_chart("Days missed", "Most were …", [Month("Sep", 20, 1.0), …], [Service("Mentor", 2.5, None)])
    {{ charts.months(it) }}                                                         {# in the template #}
"""

from ews_serve.web.charts.bars import Bars, Share, Weekdays, bars_chart, weekdays_chart
from ews_serve.web.charts.calendar import KINDS, Calendar, calendar_chart
from ews_serve.web.charts.months import Month, Months, Service, months_chart
from ews_serve.web.charts.plots import Curve, Years, curve_chart, years_chart
from ews_serve.web.charts.reliability import Reliability, reliability_chart

__all__ = [
    "KINDS",
    "Bars",
    "Calendar",
    "Curve",
    "Month",
    "Months",
    "Reliability",
    "Service",
    "Share",
    "Weekdays",
    "Years",
    "bars_chart",
    "calendar_chart",
    "curve_chart",
    "months_chart",
    "reliability_chart",
    "weekdays_chart",
    "years_chart",
]
