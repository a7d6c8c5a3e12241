"""A simulated district whose moments match published figures and whose truth is known.

The report imports plotting, so it is a module of its own: ``from ews.simulator.report import report``.
"""

from ews.simulator.parameters import Parameters, load_parameters, presets
from ews.simulator.world import simulate

__all__ = ["Parameters", "load_parameters", "presets", "simulate"]
