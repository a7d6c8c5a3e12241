"""A world in which mentoring works for years: naive retraining forgets whom it helped, and ours does not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ews.dataset import Dataset
from ews.evaluation import is_listed
from ews.home import Home
from ews.model import Parameters, fit
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.simulator.parameters import load_parameters
from ews.sis import ingest
from ews.train import learnable

QUICK = Parameters(rounds=60, learning_rate=0.1, min_rows_in_leaf=40)
MENTORING = {
    "share": 0.1,
    "chronic_share": 0.9,
    "accepted": 1.0,
    "start_day": (1, 10),
    "effect": -1.5,
    "illness_part": 1.0,
}
"""Nearly half of those chronically absent last year have a mentor from the first weeks on, who helps a great deal."""


@pytest.fixture(scope="module")
def learned_and_asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset, np.ndarray]:
    """What is learned from, the last target year, and its true probabilities without mentors."""
    folder = tmp_path_factory.mktemp("treated")
    world = load_parameters("district+no_shock").changed(mentoring=MENTORING)
    simulate(folder / "records", parameters=world, students=2000, years=4, seed=1, file_format="parquet")
    home = Home(folder / "home")
    with home.locked():
        ingest(folder / "records", home)
    dataset = learnable(home, SchoolYear(2200), Policy())
    is_last = (dataset.frame["school_year"] == dataset.frame["school_year"].max()).to_numpy()
    asked = dataset.where(is_last)
    return dataset.where(~is_last), asked, _truth(folder / "records", asked.frame)


def test_naive_retraining_forgets_those_who_would_be_listed_and_ours_does_not_FAIR_21(learned_and_asked):
    learn, asked, truth = learned_and_asked
    assert 0.05 < learn.frame["was_mentored"].mean() < 0.2
    listed = _listed_by_last_year(asked) & ~np.isnan(truth)
    off = {}
    for rule in ("keep", "exclude", "weight"):
        policy = Policy(treated_students=rule)
        risk = fit(learn.to_learn_from(policy), QUICK, policy).risk(asked.x)
        off[rule] = float((risk - truth)[listed].mean())
    assert off["keep"] < -0.15, off
    assert abs(off["exclude"]) < abs(off["keep"]) / 2, off
    assert abs(off["weight"]) < abs(off["keep"]) / 2, off


def _truth(records: Path, rows: pd.DataFrame) -> np.ndarray:
    """Of each row the probability of a chronically absent year without a mentor, NaN for who came during the year."""
    known = pd.read_parquet(records / "truth" / "students.parquet")
    return (
        rows[["student_id", "school_year"]]
        .merge(known, on=["student_id", "school_year"], how="left")["probability"]
        .to_numpy()
    )


def _listed_by_last_year(asked: Dataset) -> np.ndarray:
    rate = np.nan_to_num(asked.x["absence_rate_last_year"].to_numpy(), nan=-1.0)
    school = asked.frame.groupby("school_id").ngroup().to_numpy()
    return is_listed(rate, np.arange(len(rate)), school, Policy())
