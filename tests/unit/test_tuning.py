"""The search sees only years before the one that judges it, keeps its budget, and finds the same again."""

from dataclasses import asdict

import pytest

from ews.errors import NotEnoughData
from ews.model import Parameters
from ews.policy import Policy
from ews.tuning import Tuned, tune
from tests.rows import pretend_dataset

FEW = Parameters(rounds=20, leaves=31, min_rows_in_leaf=20)
YEARS = (2023, 2024, 2025, 2026)


@pytest.fixture(scope="module")
def found() -> Tuned:
    return tune(pretend_dataset(400, YEARS), Policy(), trials=10, start=FEW)


def test_the_whole_budget_and_no_more_is_spent_on_the_inner_years(found):
    assert len(found.trials) == 10
    assert sorted(found.inner_years) == [2024, 2025]
    assert found.outer_year == 2026
    assert set(found.trials["state"]) <= {"complete", "stopped"}


def test_the_first_trial_is_where_the_search_began_and_the_best_is_no_worse(found):
    first = found.trials.iloc[0]
    assert (first["rounds"], first["leaves"], first["min_rows_in_leaf"]) == (20, 31, 20)
    assert found.inner_gain >= 0
    assert found.inner_gain == pytest.approx(found.trials.query("state == 'complete'")["value"].max() - first["value"])


def test_what_is_not_searched_stays_as_it_was(found):
    assert (found.parameters.seed, found.parameters.threads) == (FEW.seed, FEW.threads)
    assert Parameters.from_toml(found.parameters.to_toml()) == found.parameters


def test_the_same_rows_budget_and_seed_find_the_same(found):
    again = tune(pretend_dataset(400, YEARS), Policy(), trials=10, start=FEW)
    assert asdict(again.parameters) == asdict(found.parameters)
    assert again.trials.equals(found.trials)


def test_outcomes_of_the_year_that_judges_change_no_trial_T01(found):
    dataset = pretend_dataset(400, YEARS)
    last = dataset.frame["school_year"] == 2026
    turned = dataset.frame["outcome_is_chronic"].where(~last, ~dataset.frame["outcome_is_chronic"])
    dataset.frame["outcome_is_chronic"] = turned
    dataset.frame.loc[last, "outcome_rate"] = 0.3 - dataset.frame["outcome_rate"].clip(upper=0.3)
    again = tune(dataset, Policy(), trials=10, start=FEW)
    assert again.trials.equals(found.trials)
    assert again.outer_gain != found.outer_gain


def test_trials_that_fall_behind_are_stopped_after_an_inner_year():
    found = tune(pretend_dataset(400, YEARS), Policy(), trials=20, start=FEW, seed=3)
    assert (found.trials["state"] == "stopped").any()


def test_each_trial_is_told():
    told: list[str] = []
    tune(pretend_dataset(300, YEARS[1:]), Policy(), trials=2, start=FEW, progress=told.append)
    assert [line.split(":")[0] for line in told[:2]] == ["trial 1 of 2", "trial 2 of 2"]


def test_two_target_years_are_too_few_and_the_message_says_what_is_needed():
    with pytest.raises(NotEnoughData, match="three target years"):
        tune(pretend_dataset(300, YEARS[2:]), Policy(), trials=2, start=FEW)


def test_a_year_in_which_nobody_can_be_told_apart_is_refused():
    dataset = pretend_dataset(300, YEARS)
    quiet = (dataset.frame["school_year"] == 2025) & (dataset.frame["was_chronic"] == False).fillna(False)  # noqa: E712  # unknown is neither
    dataset.frame.loc[quiet, "outcome_is_chronic"] = False
    with pytest.raises(NotEnoughData, match="told apart"):
        tune(dataset, Policy(), trials=2, start=FEW)
