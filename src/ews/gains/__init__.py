"""What a mentor is expected to bring a student: crossings averted and days gained, under a stated effect.

Nobody knows what mentoring does to a student, so it is a prior: the share
by which absences change, with its spread. From the calibrated distribution of next year's absence rate follows who is
near the line: a mentor who takes 8 % off the absences of a student who is expected far past it, or far before it,
averts no crossing. So the highest risk is the wrong order where crossings are to be averted, and nearly the right one
where days are.
"""

from ews.gains.expected import expected_gains
from ews.gains.prior import CAUTIOUS, CHECK_AND_CONNECT, EffectPrior
from ews.gains.reach import HONESTLY, one_more_mentor, reach, standard_rules
from ews.gains.response import response_by_grade, responses

__all__ = [
    "CAUTIOUS",
    "CHECK_AND_CONNECT",
    "HONESTLY",
    "EffectPrior",
    "expected_gains",
    "one_more_mentor",
    "reach",
    "response_by_grade",
    "responses",
    "standard_rules",
]
