"""Other people's models run beside ours on the same rows, and the page says plainly who is ahead."""

import importlib.util
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.peers.__main__ import compared, hindsight
from benchmarks.peers.fits import BESIDE
from benchmarks.peers.page import page, standing
from benchmarks.peers.recipes import EARLY_WARNING, PEERS, columns
from ews.dataset import Dataset
from ews.evaluation import MODEL
from ews.features import FEATURES
from tests import pretend

FEW = (*EARLY_WARNING, "days_absent_last_year", "days_enrolled_last_year", "school_grade_rate")
LEARN = pretend.dataset((2024, 2025), students=200)
ASKED = pretend.dataset((2026,), students=200)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_learns_from_some_students_and_gives_others_probabilities(name: str) -> None:
    need(PEERS[name].module)
    found = PEERS[name].fit(_first_features(LEARN), _first_features(ASKED))
    assert found.shape == (200,)
    assert ((found >= 0) & (found <= 1)).all()
    assert roc_auc_score(ASKED.y, found) > 0.65


@pytest.mark.parametrize("name", ["HistGradientBoosting", "random forest", "EWS-like logistic"])
def test_a_feature_that_was_never_known_stops_no_peer(name: str) -> None:
    never = [_unknown(_first_features(rows), "tardy_per_100_days_last_year") for rows in (LEARN, ASKED)]
    assert not np.isnan(PEERS[name].fit(*never)).any()


def test_peers_see_the_features_our_trees_may_use_and_no_other() -> None:
    """No denominators, which tell the year and not the student."""
    may = [name for name in LEARN.feature_names if FEATURES[name].learned]
    assert len(may) < len(LEARN.feature_names)
    np.testing.assert_array_equal(columns(ASKED, LEARN), ASKED.x[may].to_numpy())


def test_of_brier_scores_less_is_better_and_of_the_others_more() -> None:
    rows = [("first", -0.2, -0.1), ("second", -0.1, 0.1), ("third", 0.1, 0.2)]
    paired = pd.DataFrame(
        [
            {"group": "all", "metric": metric, "minus": minus, "low": low, "high": high}
            for metric in ("brier", "auc")
            for minus, low, high in rows
        ]
    )
    assert standing(paired, "all", "auc") == {"beaten": ["third"], "tied": ["second"], "ahead": ["first"]}
    assert standing(paired, "all", "brier") == {"beaten": ["first"], "tied": ["second"], "ahead": ["third"]}


def test_the_page_names_a_peer_that_is_ahead() -> None:
    told = page(compared(_predictions(best="EBM"), [1], 800, replicates=40))
    assert "not yet chronic, AP: **behind EBM**" in told
    assert "not yet chronic, Brier: **behind EBM**" in told
    assert f"{MODEL} is first" in page(compared(_predictions(best=MODEL), [1], 800, replicates=40))


def test_what_calibration_loses_is_told_apart_from_what_is_not_known() -> None:
    """Probabilities that are right but told 1.5 log-odds too high lose by calibration, noise loses by knowing less."""
    frame = _predictions(best=MODEL)
    odds = np.log(frame[MODEL] / (1 - frame[MODEL]))
    frame["EBM"] = 1 / (1 + np.exp(-odds - 1.5))
    found = hindsight(frame.assign(school_id="1-" + frame["school_id"])).set_index(["group", "method"]).loc["all"]
    lost = found["brier"] - found["recalibrated"]
    assert lost["EBM"] > 0.03
    assert abs(lost[MODEL]) < 0.005
    assert found.loc["EBM", "recalibrated"] == pytest.approx(found.loc[MODEL, "recalibrated"], abs=1e-6)
    assert found.loc["XGBoost", "recalibrated"] > found.loc[MODEL, "recalibrated"] + 0.01
    assert "## Where Brier is lost" in page(compared(frame, [1], 800, replicates=2))


def need(module: str) -> None:
    """Skip where a peer's library is absent; in CI fail."""
    if not module or importlib.util.find_spec(module):
        return
    reason = f"{module} is not installed: make peers"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: in CI a skip is a failure")
    pytest.skip(reason)


def _first_features(rows: Dataset) -> Dataset:
    return replace(rows, feature_names=FEW)


def _unknown(rows: Dataset, feature: str) -> Dataset:
    return replace(rows, frame=rows.frame.assign(**{feature: np.nan}))


def _predictions(best: str) -> pd.DataFrame:
    """Of 800 students in 20 schools, where one method knows more than all others."""
    rng = np.random.default_rng(3)
    students = 800
    risk = rng.beta(1, 3, students)
    frame = pd.DataFrame(
        {
            "student_id": [f"{number:04d}" for number in range(students)],
            "school_id": [f"school {number % 20}" for number in range(students)],
            "school_year": 2026,
            "was_chronic": pd.array(rng.random(students) < risk, dtype="boolean"),
            "outcome": (rng.random(students) < risk).astype(int),
            "tie_key": rng.permutation(students),
        }
    )
    noisy = {name: rng.random(students) for name in (MODEL, *BESIDE, *PEERS)}
    return frame.assign(**{**noisy, best: risk})
