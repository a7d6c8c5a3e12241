"""The rule of a round as data."""

import pytest

from ews.errors import InvalidPolicy
from ews.slots import Rule, in_words


def test_a_rule_is_kept_and_read_back_and_its_hash_changes_with_it_MEN_2():
    rule = Rule(objective="days_gained", lanes=("recover",), grades_first=("KG", "06"), min_risk=0.2)
    assert Rule.from_json(rule.to_json()) == rule
    assert Rule.from_json(rule.to_json()).sha256 == rule.sha256
    assert rule.sha256 != Rule().sha256


def test_a_toml_may_say_only_what_differs(tmp_path):
    path = tmp_path / "slots.toml"
    path.write_text('objective = "risk"\ngrades_first = ["KG"]\n')
    assert Rule.read(path) == Rule(objective="risk", grades_first=("KG",))
    assert Rule.read(None) == Rule()


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"objective": "luck"}, "objective must be one of"),
        ({"lanes": ()}, "lanes must be of"),
        ({"lanes": ("prevent", "prevent")}, "each once"),
        ({"grades": ("13",)}, "grades must be of"),
        ({"excluded": ("race",)}, "excluded must be of"),
        ({"siblings": "some"}, "siblings must be one of"),
        ({"shared_by": "shout"}, "shared_by must be one of"),
        ({"lottery_percent": 51}, "lottery_percent must be 0 to 50"),
        ({"first_lane_percent": -1}, "first_lane_percent must be 0 to 100"),
        ({"least_slots": 3, "most_slots": 2}, "most_slots must be 0, or at least least_slots"),
        ({"min_days_absent": -1}, "min_days_absent must be 0 or more"),
        ({"effect_percent": 8.0}, "effect_percent must be"),
        ({"effect_sd": 1.0}, "effect_sd must be"),
        ({"days_enrolled": 0}, "days_enrolled must be"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(about, words):
    with pytest.raises(InvalidPolicy, match=words):
        Rule(**about)


def test_an_unknown_key_is_refused_in_toml_and_in_the_store(tmp_path):
    path = tmp_path / "slots.toml"
    path.write_text("colour = 3\n")
    with pytest.raises(InvalidPolicy, match="colour"):
        Rule.read(path)
    with pytest.raises(InvalidPolicy, match="not known"):
        Rule.from_json('{"colour": 3}')


def test_objective_and_constraints_are_said_in_words_MEN_3():
    said = " ".join(in_words(Rule(first_lane_percent=80, grades_first=("KG",))))
    for words in ("most crossings averted first", "Never more students than a mentor's slots", "who has a mentor keeps",
                  "-8 % on days absent", "80 % of a school's slots", "Grades KG come first", "One offer to a family",
                  "within 10 % of the slots, a lot decides"):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"grades": ("06", "07")}, "Only grades 06, 07."),
        ({"min_risk": 0.15}, "Only students with an estimate of 15 % or more."),
        ({"min_days_absent": 9}, "Only students who missed 9 days or more last year."),
        ({"excluded": ("tier_3",)}, "Not in the pool: who is in individual support (Tier 3)."),
        ({"least_slots": 2}, "Each school has 2 slots or more"),
        ({"most_slots": 5}, "No school has more than 5 slots."),
        ({"shared_by": "even"}, "shared evenly."),
        ({"agreement": "opt_out", "opt_out_days": 7}, "may say no for 7 days"),
        ({"siblings": "each"}, None),
        ({"excluded": ()}, None),
        ({"lottery_percent": 0}, None),
    ],
)
def test_whatever_of_the_rule_is_unlike_the_usual_is_said_MEN_2_MEN_3(about, words):
    usual, said = in_words(Rule()), in_words(Rule(**about))
    assert said != usual
    assert words is None or any(words in sentence for sentence in said)
    assert len(set(said)) == len(said)
