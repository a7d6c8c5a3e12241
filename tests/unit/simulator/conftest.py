"""Small worlds shared by the simulator's tests."""

import pytest

from ews.simulator import Parameters, load_parameters


@pytest.fixture(scope="session")
def quick() -> Parameters:
    """The demo world without truth, which takes a second more."""
    return load_parameters("demo").changed(truth={"students_per_cell": 0})
