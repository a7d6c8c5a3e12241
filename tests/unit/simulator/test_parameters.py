"""The parameters: one complete commented TOML, presets that hold only what they change."""

import dataclasses
import tomllib
from importlib.resources import files

import pytest

from ews.errors import InvalidPolicy
from ews.simulator import load_parameters, presets
from ews.simulator.parameters import parameters_from

FOLDER = files("ews.simulator") / "presets"


@pytest.mark.parametrize("name", presets())
def test_every_preset_and_profile_makes_a_world(name: str) -> None:
    world = load_parameters(name)
    assert world.size.students >= 2000
    assert sum(world.discretionary.length_shares) == pytest.approx(1)
    assert sum(world.illness.length_shares) == pytest.approx(1)
    assert len(world.discretionary.grade) == len(world.illness.grade) == len(world.other.suspensions) == 14


def test_a_profile_changes_only_what_it_names_and_can_be_joined_to_a_preset() -> None:
    plain, joined = load_parameters("district"), load_parameters("district+nyc_like")
    assert joined.size == plain.size
    assert joined.need.poverty_mean_logit > plain.need.poverty_mean_logit
    assert joined.recording == plain.recording


def test_parameters_cannot_be_changed_in_place_but_copied_with_changes() -> None:
    world = load_parameters("demo")
    with pytest.raises(dataclasses.FrozenInstanceError):
        world.mentoring.effect = 0.0  # type: ignore[misc]  # that it fails is the point
    assert world.changed(mentoring={"effect": 0.0}).mentoring.effect == 0.0
    assert world.mentoring.effect != 0.0


def test_an_unknown_or_missing_key_is_refused_with_its_name() -> None:
    values = tomllib.loads((FOLDER / "default.toml").read_text(encoding="utf-8"))
    values["illness"]["bse"] = values["illness"].pop("base")
    with pytest.raises(InvalidPolicy, match=r"\[illness\].*bse.*base"):
        parameters_from(values)


def test_the_last_given_school_year_goes_on() -> None:
    years = load_parameters("district").years
    given = years.discretionary
    assert years.at("discretionary", len(given) + 2) == (*given, given[-1], given[-1])


def test_every_section_of_the_default_says_where_its_values_come_from() -> None:
    text = (FOLDER / "default.toml").read_text(encoding="utf-8")
    for section in text.split("\n[")[1:]:
        assert "#" in section, section.split("]")[0]
