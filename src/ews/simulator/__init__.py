"""A simulated district whose moments match published figures and whose truth is known."""

from ews.simulator.parameters import Parameters, load_parameters, presets
from ews.simulator.world import simulate

__all__ = ["Parameters", "load_parameters", "presets", "simulate"]
