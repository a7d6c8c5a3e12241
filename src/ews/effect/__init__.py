"""What mentoring did: estimated by the strongest design a round allows, as it was registered before the round began.

In order: the lottery band around the cut (who was drawn is chance alone), the discontinuity at the cut, and differences
in differences with matched students without a mentor. Never before and after: students with many days absent miss
fewer the year after with or without a mentor, and `regression_to_the_mean` shows by how much.
"""

from ews.effect.before_after import BeforeAfter, regression_to_the_mean
from ews.effect.differences import difference_in_differences
from ews.effect.discontinuity import discontinuity
from ews.effect.estimate import Estimate, in_words
from ews.effect.frames import COLUMNS, checked, distance_to_cut
from ews.effect.lottery import lottery
from ews.effect.minimum import Plan, minimum_detectable, plan, students_needed
from ews.effect.registration import DESIGNS, Registration, read_registration, register
from ews.effect.study import Study, study

__all__ = [
    "COLUMNS",
    "DESIGNS",
    "BeforeAfter",
    "Estimate",
    "Plan",
    "Registration",
    "Study",
    "checked",
    "difference_in_differences",
    "discontinuity",
    "distance_to_cut",
    "in_words",
    "lottery",
    "minimum_detectable",
    "plan",
    "read_registration",
    "register",
    "regression_to_the_mean",
    "students_needed",
    "study",
]
