from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ews.ceilings import (
    OBSERVER,
    TRUTH,
    World,
    district_of,
    kept_observer_limit,
    observer_limit,
    share_of_the_way,
    with_observer_limit,
    with_truth,
    world_of,
)
from ews.dataset import Dataset, dataset_for
from ews.errors import NotFound
from ews.evaluation import differences, evaluate
from ews.home import Home
from ews.model import Parameters, fit
from ews.policy import Policy
from ews.school_year import SchoolYear
from tests import homes

FAST = Parameters(rounds=15, leaves=7, min_rows_in_leaf=20)
WORLD = World("demo", students=300, years=3, last_year=SchoolYear(2026))


@cache
def others() -> list[Dataset]:
    """Smaller than the world's, and so made sooner."""
    small = replace(WORLD, students=120)
    return [district_of(small, Policy(), seed) for seed in range(1000, 1003)]


def predictions_for(home: Home) -> tuple[pd.DataFrame, Dataset]:
    dataset = dataset_for(home.ingested(), [SchoolYear(2026)], Policy()).labelled()
    frame = dataset.frame[["student_id", "school_id", "school_year", "was_chronic"]].assign(
        outcome=dataset.y.astype(int), tie_key=np.arange(len(dataset.frame))
    )
    frame["LightGBM"] = frame["last year's rate"] = dataset.frame["absence_rate_last_year"].fillna(0.0)
    return frame, dataset


def test_a_simulated_folder_tells_which_world_it_belongs_to() -> None:
    assert world_of(homes.records()) == WORLD


def test_a_folder_without_truth_has_no_ceilings(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="only a simulated district"):
        world_of(tmp_path)


def test_every_student_there_from_the_first_day_has_a_true_probability(tmp_path: Path) -> None:
    predictions, _ = predictions_for(homes.ingested_home(tmp_path / "home"))
    beside = with_truth(predictions, homes.records())
    assert len(beside) > 0.95 * len(predictions)
    assert beside[TRUTH].between(0, 1).all()
    assert beside[TRUTH].corr(beside["outcome"]) > 0.3


def test_the_observer_limit_is_learned_on_other_districts_kept_and_read_back(tmp_path: Path) -> None:
    home = homes.ingested_home(tmp_path / "home")
    made = observer_limit(home, WORLD, Policy(), most_districts=2, parameters=FAST, districts=iter(others()))
    assert made.curve["districts"].tolist()[0] == 1
    assert made.curve["student_years"].is_monotonic_increasing
    assert kept_observer_limit(home, WORLD).model.booster_text == made.model.booster_text

    predictions, dataset = predictions_for(home)
    beside = with_observer_limit(predictions, dataset, made)
    assert beside[OBSERVER].notna().all()
    assert len(beside) == len(predictions)


def test_the_observer_limit_learns_from_the_students_the_model_learns_from_T18(tmp_path: Path) -> None:
    """Whoever had a mentor is left out, as the policy says, and learned from where it says so."""
    mentored = others()[1].frame["was_mentored"].fillna(False)
    assert 0 < mentored.sum() < 0.2 * len(mentored)
    learned = {
        rule: observer_limit(
            Home(tmp_path / rule), WORLD, Policy(treated_students=rule), most_districts=1, parameters=FAST,
            districts=iter(others()),
        ).curve["student_years"].tolist()
        for rule in ("exclude", "keep")
    }  # fmt: skip
    assert learned == {"exclude": [(~mentored).sum()], "keep": [len(mentored)]}


def test_no_model_beats_the_truth_beyond_noise(tmp_path: Path) -> None:
    predictions, dataset = predictions_for(homes.ingested_home(tmp_path / "home"))
    learned = dataset_for(homes.ingested_home(tmp_path / "again").ingested(), [SchoolYear(2025)], Policy()).labelled()
    predictions["LightGBM"] = fit(learned, FAST, Policy()).risk(dataset.x)
    beside = with_truth(predictions, homes.records())
    paired = differences(beside, Policy(), of=TRUTH).query("minus == 'LightGBM' and group == 'all'")
    assert (paired.set_index("metric").loc[["auc", "average_precision"], "high"] > 0).all()
    assert paired.set_index("metric").loc["auc", "value"] > 0


def test_an_observer_limit_of_another_world_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="ews observer-limit"):
        kept_observer_limit(Home(tmp_path), World("state", None, None, SchoolYear(2026)))


def test_the_share_of_the_way_is_0_at_the_rate_1_at_the_limit_and_unknown_without_headroom() -> None:
    rng = np.random.default_rng(3)
    outcome = (rng.random(400) < 0.15).astype(int)
    weak, strong = rng.random(400) + 0.3 * outcome, rng.random(400) + 2.0 * outcome
    frame = pd.DataFrame(
        {
            "school_id": rng.integers(0, 8, 400), "school_year": 2026, "was_chronic": pd.array([False] * 400),
            "outcome": outcome, "tie_key": np.arange(400), "last year's rate": weak / 4,
        }
    )  # fmt: skip

    def shares(model: np.ndarray, limit: np.ndarray) -> list[float]:
        evaluation = evaluate(frame.assign(**{"LightGBM": model / 4, OBSERVER: limit / 4}), Policy(), replicates=1)
        return share_of_the_way(evaluation)["share"].tolist()

    assert set(shares(weak, strong)) == {0.0}
    assert set(shares(strong, strong)) == {1.0}
    assert all(np.isnan(shares(strong, weak)))
