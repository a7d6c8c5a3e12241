"""The service is told by the environment, and arguments overrule it."""

from pathlib import Path

import pytest

from ews_serve import Settings


def test_the_service_listens_on_this_machine_only_unless_told_otherwise():
    settings = Settings.read({"EWS_HOME": "h"})
    assert (settings.home, settings.host, settings.port) == (Path("h"), "127.0.0.1", 8000)


def test_arguments_overrule_the_environment():
    environment = {"EWS_HOME": "h", "EWS_HOST": "10.0.0.1", "EWS_PORT": "9000"}
    assert Settings.read(environment).port == 9000
    settings = Settings.read(environment, home=Path("other"), host="127.0.0.1", port=0)
    assert (settings.home, settings.host, settings.port) == (Path("other"), "127.0.0.1", 0)


def test_a_home_must_be_named():
    with pytest.raises(ValueError, match="EWS_HOME"):
        Settings.read({})


@pytest.mark.parametrize("port", ["http", "-1", "65536", "80.5"])
def test_a_port_is_a_whole_number(port: str):
    with pytest.raises(ValueError, match="port"):
        Settings.read({"EWS_HOME": "h", "EWS_PORT": port})
