"""What each family of features brings, on a small district: every family is really left out, of every group."""

from functools import partial
from pathlib import Path

import pytest

from benchmarks import ablation
from benchmarks.ablation import ALL, METRICS, choices, main
from ews.evaluation import GROUPS
from ews.features import FAMILIES, features_for
from ews.model import Parameters
from tests.homes import ingested_home

LEFT_OUT = ("level", "trend+stability")
NOTHING = "+0.0 (+0.0 to +0.0)"


def test_the_table_tells_in_every_group_what_a_district_loses_without_each_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ablation, "Parameters", partial(Parameters, rounds=40, min_rows_in_leaf=5))
    (tmp_path / "seed-3").mkdir()
    ingested_home(tmp_path / "seed-3" / "home")  # a district that is there already is not simulated again
    main(["--work", str(tmp_path), "--seeds", "3", "--boosters", "1", "--families", *LEFT_OUT])
    tables = [[line.strip("| ").split(" | ") for line in text.splitlines()] for text in _printed(capsys)]
    assert [table[0] for table in tables] == [[group, *METRICS.values()] for group in GROUPS]
    assert {tuple(row[0] for row in table[2:]) for table in tables} == {LEFT_OUT}
    # The same booster twice would differ by nothing: one that lacks a family ranks all these students otherwise.
    assert [row for row in tables[0][2:] if row[1] == NOTHING] == []


def _printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [text for text in capsys.readouterr().out.strip().split("\n\n") if text.startswith("|")]


@pytest.mark.parametrize("after_day", [0, 20])
def test_a_choice_lacks_exactly_the_features_of_its_family(after_day: int) -> None:
    names = tuple(entry.name for entry in features_for(after_day))
    found = dict(choices(names, list(FAMILIES)))
    assert found.pop(ALL) == names
    assert set(found) == {family for family, entries in FAMILIES.items() if {one.name for one in entries} & set(names)}
    for family, kept in found.items():
        of_family = {entry.name for entry in FAMILIES[family]}
        assert kept == tuple(name for name in names if name not in of_family), family
        assert len(kept) < len(names), family


def test_families_joined_are_left_out_at_once() -> None:
    names = [entry.name for entry in features_for(0)]
    _, (told, kept) = choices(names, ["trend+timing"])
    assert told == "trend+timing"
    assert set(names) - set(kept) == {entry.name for family in ("trend", "timing") for entry in FAMILIES[family]}
