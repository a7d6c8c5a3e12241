"""The service is told by the environment, and arguments overrule it."""

from dataclasses import replace
from pathlib import Path

import pytest

from ews_serve import Settings


def test_the_service_listens_on_this_machine_only_unless_told_otherwise():
    settings = Settings.read({"EWS_HOME": "h"})
    assert (settings.home, settings.host, settings.port) == (Path("h"), "127.0.0.1", 8000)
    assert settings.hosts == ("127.0.0.1", "localhost", "[::1]")


def test_arguments_overrule_the_environment():
    environment = {"EWS_HOME": "h", "EWS_HOST": "10.0.0.1", "EWS_PORT": "9000", "EWS_HOSTS": "ews.example"}
    assert Settings.read(environment, port=None).port == 9000
    settings = Settings.read(environment, home=Path("other"), host="127.0.0.1", port=0)
    assert (settings.home, settings.host, settings.port) == (Path("other"), "127.0.0.1", 0)


def test_a_home_must_be_named():
    with pytest.raises(ValueError, match="EWS_HOME"):
        Settings.read({})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1"])
def test_on_the_network_the_names_it_may_be_asked_by_must_be_told_W18(host: str):
    with pytest.raises(ValueError, match="EWS_HOSTS"):
        Settings.read({"EWS_HOME": "h"}, host=host)
    assert Settings.read({"EWS_HOME": "h", "EWS_HOSTS": "EWS.example, b"}, host=host).hosts == ("ews.example", "b")


@pytest.mark.parametrize("port", ["http", "-1", "65536", "80.5"])
def test_a_port_is_a_whole_number(port: str):
    with pytest.raises(ValueError, match="port"):
        Settings.read({"EWS_HOME": "h", "EWS_PORT": port})


def test_there_is_at_least_one_worker():
    with pytest.raises(ValueError, match="workers"):
        Settings.read({"EWS_HOME": "h"}, workers=0)


def test_worker_processes_are_told_the_same():
    plain = Settings(Path("h"))
    told = replace(
        plain, host="10.0.0.1", port=9000, workers=2, store="postgresql://db/ews", hosts=("a", "b"),
        proxies=("10.0.0.2",), body_timeout_seconds=1.5,
    )  # fmt: skip
    for settings in (plain, told):
        assert Settings.read(settings.to_environ()) == settings
