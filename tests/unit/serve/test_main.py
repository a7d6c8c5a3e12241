"""The start says what cannot be answered yet."""

import json

import pytest

from ews.home import Home
from ews_serve import Settings
from ews_serve.__main__ import main, readiness


def test_an_operator_learns_at_the_start_what_is_missing(home: Home):
    home.current_scoring_run.unlink()
    champion, run = readiness(Settings(home.path))
    assert "ews promote" in champion
    assert "ews score" in run


def test_nothing_is_said_where_everything_is_there(promoted: Home):
    assert readiness(Settings(promoted.path)) == []


def test_a_changed_bundle_is_told_at_the_start_G11(promoted: Home):
    pointer = json.loads(promoted.champion.read_text(encoding="utf-8"))
    (promoted.bundles / pointer["bundle_sha256"] / "booster.txt").write_text("tree", encoding="utf-8")
    (sentence,) = readiness(Settings(promoted.path))
    assert "changed or cut" in sentence


def test_without_a_home_the_start_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("EWS_HOME", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "EWS_HOME" in capsys.readouterr().err
