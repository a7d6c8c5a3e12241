"""Proxies and the cost of leaving attributes out, on rows whose answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ews.dataset import Dataset
from ews.errors import InvalidFeatures
from ews.model import Parameters, fit
from ews.policy import Policy
from ews.proxies import Choices, cost_of_leaving_out, proxies
from ews.subgroups import groups_of
from ews.tables import PROTECTED
from tests.rows import pretend_dataset

FEW = Choices(folds=3, rounds=20)
ROWS = pretend_dataset(students=900, target_years=(2025, 2026))


def groups_with(rows: Dataset, **attributes: np.ndarray) -> pd.DataFrame:
    return groups_of(rows.frame, None).assign(**attributes)


def test_an_attribute_written_in_a_feature_is_told_from_it_and_the_feature_is_named_FAIR3():
    homeless = np.where(ROWS.frame["grade_number"] == 3, "yes", "no")
    coin = np.random.default_rng(1).choice(["female", "male"], len(homeless))
    found = proxies(ROWS, groups_with(ROWS, homeless=homeless, gender=coin), FEW).set_index("attribute")
    assert found.loc["homeless", "auc"] == 1
    assert found.loc["homeless", "carried_by"].startswith("grade_number ")
    assert found.loc["gender", "auc"] == pytest.approx(0.5, abs=0.08)
    assert found["students"].tolist() == [1800, 1800]


def test_each_of_several_groups_is_told_from_the_rest_and_small_ones_are_left_out_FAIR3():
    race = np.array(["Asian", "Black", "White"], dtype=object)[np.arange(len(ROWS.frame)) % 3]
    race[:20], race[20:50] = "Few", None
    found = proxies(ROWS, groups_with(ROWS, race_ethnicity=race), FEW)
    assert found["group"].tolist() == ["Asian", "Black", "White"]
    assert set(found["students"]) == {1770}


def test_schools_are_held_out_so_that_a_school_is_not_told_by_its_own_rate_FAIR3():
    """Whole schools have the attribute at random: their rates name them where they were seen, and only there."""
    has_it = np.random.default_rng(3).permutation([True, False] * 4)
    attribute = np.where(has_it[ROWS.frame["school_id"].str[1:].astype(int)], "yes", "no")
    assert proxies(ROWS, groups_with(ROWS, english_learner=attribute), FEW)["auc"].item() < 0.8
    one_school = replace(ROWS, frame=ROWS.frame.assign(school_id="A"))
    assert proxies(one_school, groups_with(one_school, english_learner=attribute), FEW)["auc"].item() > 0.95


def test_a_feature_that_nobody_knows_is_no_trouble():
    unknown = replace(ROWS, frame=ROWS.frame.assign(spells_last_year=np.nan))
    homeless = np.where(ROWS.frame["grade_number"] == 3, "yes", "no")
    assert proxies(unknown, groups_with(unknown, homeless=homeless), FEW)["auc"].item() == 1


def test_without_attributes_there_is_nothing_to_tell():
    assert proxies(ROWS, groups_with(ROWS), FEW).empty


def cost(attribute: np.ndarray, outcome: np.ndarray) -> pd.DataFrame:
    rate = np.where(outcome, 0.15, 0.05)
    frame = ROWS.frame.assign(outcome_rate=rate, outcome_is_chronic=pd.array(outcome, dtype="boolean"))
    rows = replace(ROWS, frame=frame)
    groups = groups_with(rows, disability=attribute)
    last = (frame["school_year"] == 2026).to_numpy()
    parts = [(rows.where(mask), groups[mask].reset_index(drop=True)) for mask in (~last, last)]
    found = cost_of_leaving_out(*parts[0], *parts[1], Policy(), FEW)
    return found.query("group == 'all'").set_index("metric")


def test_the_cost_of_leaving_out_is_what_the_attribute_alone_tells_FAIR2():
    rng = np.random.default_rng(1)
    attribute = rng.choice(["no", "yes"], len(ROWS.frame))
    outcome = rng.random(len(attribute)) < np.where(attribute == "yes", 0.4, 0.1)
    found = cost(attribute, outcome)
    assert found.loc["auc", "low"] > 0.1
    assert found.loc["recall_at_k", "low"] > 0


def test_an_attribute_that_tells_nothing_costs_nothing_to_leave_out_FAIR2():
    attribute = np.random.default_rng(2).choice(["no", "yes"], len(ROWS.frame))
    found = cost(attribute, ROWS.y == 1)
    assert abs(found.loc["auc", "value"]) < 0.03
    assert found.loc["auc", "low"] <= 0 <= found.loc["auc", "high"]


@pytest.mark.parametrize("attribute", PROTECTED)
def test_the_way_to_a_model_refuses_every_protected_attribute_FAIR2_T16(attribute):
    rows = replace(ROWS, frame=ROWS.frame.assign(**{attribute: 1.0}), feature_names=(*ROWS.feature_names, attribute))
    with pytest.raises(InvalidFeatures, match=attribute):
        fit(rows, Parameters(rounds=2), Policy())


def test_what_is_measured_leaves_nothing_that_could_be_registered_FAIR2():
    """Figures only: no booster, no text, no calibration, which a bundle is made from."""
    attribute = np.random.default_rng(2).choice(["no", "yes"], len(ROWS.frame))
    assert cost(attribute, ROWS.y == 1).reset_index().columns.tolist() == ["metric", "group", "value", "low", "high"]
