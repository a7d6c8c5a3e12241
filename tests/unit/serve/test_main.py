"""The start says what cannot be answered yet, and refuses what can never be answered."""

import pytest

from ews_serve.__main__ import main, readiness
from tests.services import Running


def test_an_operator_learns_at_the_start_what_is_missing(running: Running):
    (model,) = readiness(running.service.settings)
    assert "lists are answered" in model


def test_nothing_is_said_where_everything_is_there(promoted: Running):
    assert readiness(promoted.service.settings) == []


def test_without_a_home_the_start_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("EWS_HOME", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "EWS_HOME" in capsys.readouterr().err


def test_without_a_store_the_start_says_how_one_is_made_O04(tmp_path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="24"):
        main(["--home", str(tmp_path)])
    assert "ews store upgrade" in capsys.readouterr().err
